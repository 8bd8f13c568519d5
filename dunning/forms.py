"""Bank files, taken in whole or not at all, as the API answers them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from billing_portal.imports.takers import Json, NotTaken, Taker
from billing_portal.money import Money, written
from billing_portal.tenancy.actors import Actor
from dunning.actions.bank_files import import_bank_file
from dunning.bank.findings import Finding, NotAStatement
from dunning.bank.safe_xml import MOST_BYTES
from dunning.queries.bank_files import came_of

LARGE_BYTES = 1_000_000
LARGE_PAYMENTS = 1_000  # some 1 s on two cores, by bench_bank


def is_large(data: bytes) -> bool:
    """Say whether taking a bank file in may last more than two seconds.

    What is too big to be read at all is told so at once.
    """
    if len(data) > MOST_BYTES:
        return False
    tags = max(data.count(b"Ntry>"), data.count(b"TxDtls>"))  # each begins and ends
    return len(data) > LARGE_BYTES or tags > 2 * LARGE_PAYMENTS


def take_bank_file(
    data: bytes, *, name: str, options: Mapping[str, Any], by: Actor, on: date
) -> Json:
    """Import a camt.053 file, all of it or nothing.

    :raises NotTaken: with every finding, by place, row and rule.
    """
    try:
        file = import_bank_file(data, name=name or "statement.xml", by=by, on=on)
    except NotAStatement as no:
        raise NotTaken(no, [_json(each) for each in no.findings]) from no
    found = came_of(file)
    return {
        "object": "bank_file",
        "id": file.public_id,
        "payments": found.payments,
        "received": [_money(each) for each in found.received],
        "allocated": [_money(each) for each in found.allocated],
        "waiting": found.waiting,
        "went_out": found.went_out,
    }


def _money(amount: Money) -> Json:
    return {"amount": str(amount.amount), "currency": amount.currency}


def _json(finding: Finding) -> Json:
    return {
        "rule": finding.rule,
        "place": finding.place,
        "row": finding.row,
        "severity": str(finding.severity),
        "text": finding.text,
    }


def said(answer: Json) -> str:
    """Say what came of a bank file: what came in, what of it was paid, and what waits.

    Files of old were answered without numbers; of them it says that they were imported.
    """
    words = [gettext("The bank file was imported.")]
    if "payments" in answer:
        words += [_came_in(answer), _was_paid(answer), _waits(answer), _went_out(answer)]
    return " ".join(filter(None, words))


def _came_in(answer: Json) -> str:
    count = answer["payments"]
    if not count:
        return gettext("No payment came in.")
    text = ngettext(
        "%(count)s payment came in: %(sum)s.", "%(count)s payments came in: %(sum)s.", count
    )
    return text % {"count": f"{count:,}", "sum": _sum(answer["received"])}


def _was_paid(answer: Json) -> str:
    paid = _sum(answer["allocated"])
    if not answer["payments"]:
        return ""
    if not paid:
        return gettext("No invoice was paid: none is named beyond doubt.")
    if answer["allocated"] == answer["received"]:
        return gettext("All of it was paid to invoices.")
    return gettext("%(sum)s of it was paid to invoices.") % {"sum": paid}


def _waits(answer: Json) -> str:
    count = answer["waiting"]
    text = ngettext(
        "%(count)s payment waits for a person.", "%(count)s payments wait for a person.", count
    )
    return text % {"count": f"{count:,}"} if count else ""


def _went_out(answer: Json) -> str:
    count = answer["went_out"]
    text = ngettext(
        "%(count)s movement went out or was reversed; it is kept, and not booked.",
        "%(count)s movements went out or were reversed; they are kept, and not booked.",
        count,
    )
    return text % {"count": f"{count:,}"} if count else ""


def _sum(amounts: list[Json]) -> str:
    """Return amounts of several currencies as text; nothing where there is none."""
    found = [Money(Decimal(each["amount"]), each["currency"]) for each in amounts]
    return " + ".join(written(each) for each in found if each)


BANK = Taker(
    kind="bank",
    title=_("Bank file"),
    take=take_bank_file,
    is_large=is_large,
    permission="payments.import",
    reads="payments.read",
    said=said,
    url_name="dunning:import_file",
    sends=_("Bank file"),
    list_url_name="dunning:bank_files",
    one_url_name="dunning:bank_file",
)
