"""Files of charges, taken in whole or not at all: CSV and LEDES, as the API answers them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from billing_portal.imports.takers import Json, NotTaken, Taker
from billing_portal.tenancy.actors import Actor
from invoices.actions.capture import RowsRefused, capture_file
from invoices.actions.take_in import NotTakenIn, take_in_ledes
from invoices.forms.charges import MOST_BYTES, NotCharges, findings_of, read_charges

SOURCE = "csv"
LARGE_ROWS = 1_000  # some 0.7 s on two cores, by bench_imports
LARGE_BYTES = 5_000_000


def is_large(data: bytes) -> bool:
    """Say whether taking a file of charges in may last more than two seconds.

    What is too big to be read at all is told so at once.
    """
    if len(data) > MOST_BYTES:
        return False
    lines = max(data.count(b"\n"), data.count(b"\r"))  # as some systems end theirs
    return len(data) > LARGE_BYTES or lines > LARGE_ROWS


def take_csv(data: bytes, *, name: str, options: Mapping[str, Any], by: Actor, on: date) -> Json:
    """Capture the rows of a CSV file, all of them or none.

    :raises NotTaken: with every finding, by row, column and rule.
    """
    try:
        read = read_charges(data)
    except NotCharges as no:
        raise NotTaken(no, [asdict(each) for each in no.findings]) from no
    is_whole = not read.findings
    try:
        answers = capture_file(SOURCE, read.rows, by=by, on=on, is_whole=is_whole)
    except RowsRefused as no:
        findings = findings_of(no, read)
        refusal = no if is_whole else NotCharges(findings)
        raise NotTaken(refusal, [asdict(each) for each in findings]) from no
    return {"counts": dict(Counter(answer.status for answer in answers))}


def take_ledes(data: bytes, *, name: str, options: Mapping[str, Any], by: Actor, on: date) -> Json:
    """Capture the lines of a LEDES file, all of them or none.

    :param options: ``opens_unknown``: False to open nothing that the firm does not have.
    :raises NotTaken: with every finding, by row, field and rule.
    """
    try:
        taken = take_in_ledes(data, by=by, on=on, opens_unknown=options.get("opens_unknown", True))
    except NotTakenIn as no:
        raise NotTaken(no, [each.as_json() for each in no.findings]) from no
    return {
        "counts": dict(taken.charges),
        "customers": taken.customers,
        "matters": taken.matters,
        "timekeepers": taken.timekeepers,
        "findings": [each.as_json() for each in taken.findings],
    }


def said(answer: Json) -> str:
    """Say what a file brought: charges, what was here before, and what was opened for it."""
    taken, known = (answer["counts"].get(each, 0) for each in ("accepted", "duplicate"))
    words = [
        ngettext("%(count)s charge was taken in.", "%(count)s charges were taken in.", taken)
        % {"count": f"{taken:,}"}
    ]
    if known:
        also = ngettext("%(count)s was here before.", "%(count)s were here before.", known)
        words.append(also % {"count": f"{known:,}"})
    return " ".join([*words, *_opened_by(answer)])


def _opened_by(answer: Json) -> list[str]:
    """Return a sentence for each kind of thing that the file has opened."""
    customers, matters, keepers = (
        answer.get(each, 0) for each in ("customers", "matters", "timekeepers")
    )
    opened = [
        (customers, "%(count)s customer was opened.", "%(count)s customers were opened."),
        (matters, "%(count)s matter was opened.", "%(count)s matters were opened."),
        (keepers, "%(count)s timekeeper was added.", "%(count)s timekeepers were added."),
    ]
    return [
        ngettext(one, many, count) % {"count": f"{count:,}"} for count, one, many in opened if count
    ]


_SENT_AT: dict[str, Any] = {
    "url_name": "invoices:import_charges",
    "sends": _("Charges"),
    "list_url_name": "invoices:charges",
}
CSV = Taker(
    kind="csv",
    title=_("Charges, CSV"),
    take=take_csv,
    is_large=is_large,
    permission="charges.capture",
    reads="charges.read",
    said=said,
    **_SENT_AT,
)
LEDES = Taker(
    kind="ledes",
    title=_("Charges, LEDES"),
    take=take_ledes,
    is_large=is_large,
    permission="charges.capture",
    reads="charges.read",
    said=said,
    **_SENT_AT,
)
