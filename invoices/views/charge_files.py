"""The page that takes in a file of charges, CSV or LEDES, all of it or nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from billing_portal.errors import Refused
from billing_portal.file_kinds import FileKind, kind_of
from billing_portal.portal.answers import today_of
from billing_portal.tenancy.actors import may
from billing_portal.tenancy.requests import FirmRequest
from invoices.actions import capture as capturing
from invoices.actions.take_in import NotTakenIn, TakenIn, take_in_ledes
from invoices.forms.charges import (
    MOST_BYTES,
    NEEDED,
    OPTIONAL,
    CsvFinding,
    NotCharges,
    findings_of,
    read_charges,
)
from invoices.ledes.findings import Finding, Severity

SOURCE = "csv"
SHOWN_FINDINGS = 1_000
_TOLD_REMARKS = 3


class ChargeFile(forms.Form):
    """A file of charges; what it is, is seen by its content."""

    file = forms.FileField(
        label=_("CSV or LEDES file"),
        help_text=_("CSV, LEDES 1998B or LEDES 98BI; which of them is seen by its content."),
    )
    opens_unknown = forms.BooleanField(
        label=_("Open what a LEDES file names and the firm does not have"),
        help_text=_("Customers, matters and timekeepers. Otherwise they are listed as findings."),
        required=False,
    )

    def __init__(self, *given: Any, may_open: bool) -> None:
        super().__init__(*given)
        if not may_open:
            del self.fields["opens_unknown"]


@dataclass(frozen=True)
class FileFinding:
    """What is said of a place in a file: row 1 is its first line, no row is the whole of it."""

    row: int | None
    column: str
    rule: str
    text: str
    is_remark: bool = False


class _NothingTaken(Exception):
    """The file was refused, with everything that stands against it."""

    def __init__(self, findings: list[FileFinding]) -> None:
        self.findings = findings
        super().__init__()


@require_http_methods(["GET", "HEAD", "POST"])
@may("charges.capture")
def import_charges(request: FirmRequest) -> HttpResponse:
    """Take in a file of charges, all of it, or show every finding and take nothing."""
    may_open = request.actor.may("customers.edit")
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = ChargeFile(*sent, may_open=may_open)
    findings: list[FileFinding] = []
    if form.is_valid():
        try:
            _take(request, form.cleaned_data)
        except _NothingTaken as no:
            findings = no.findings
        except Refused as no:
            form.add_error(None, str(no))
        else:
            return redirect("invoices:charges")
    shown = {
        "form": form,
        "findings": findings[:SHOWN_FINDINGS],
        "found": len(findings),
        "lacks": any(each.rule.startswith("charges.unknown_") for each in findings),
        "may_open": may_open,
        "crumbs": [(gettext("Charges"), reverse("invoices:charges"))],
        "needed": NEEDED,
        "optional": list(OPTIONAL),
    }
    status = 422 if form.errors or findings else 200
    return render(request, "invoices/import_charges.html", shown, status=status)


def _take(request: FirmRequest, asked: dict[str, Any]) -> None:
    """Take a file in and say what came of it.

    :raises _NothingTaken: with every finding.
    """
    data: bytes = asked["file"].read(MOST_BYTES + 1)
    if kind_of(data) is FileKind.LEDES and len(data) <= MOST_BYTES:
        taken = _take_ledes(data, request, opens_unknown=asked.get("opens_unknown", False))
        messages.success(request, " ".join([_said_of(taken.charges), *_opened_by(taken)]))
        if taken.findings:
            messages.warning(request, _remarks_on(taken.findings))
    else:
        messages.success(request, _said_of(_take_csv(data, request)))


def _take_ledes(data: bytes, request: FirmRequest, *, opens_unknown: bool) -> TakenIn:
    try:
        return take_in_ledes(
            data, by=request.actor, on=today_of(request), opens_unknown=opens_unknown
        )
    except NotTakenIn as no:
        raise _NothingTaken([_of_ledes(each) for each in no.findings]) from no


def _take_csv(data: bytes, request: FirmRequest) -> Counter[str]:
    try:
        read = read_charges(data)
    except NotCharges as no:
        raise _NothingTaken([_of_csv(each) for each in no.findings]) from no
    try:
        answers = capturing.capture_file(
            SOURCE, read.rows, by=request.actor, on=today_of(request), is_whole=not read.findings
        )
    except capturing.RowsRefused as no:
        raise _NothingTaken([_of_csv(each) for each in findings_of(no, read)]) from no
    return Counter(answer.status for answer in answers)


def _of_ledes(finding: Finding) -> FileFinding:
    is_remark = finding.severity is not Severity.ERROR
    return FileFinding(finding.row, finding.field, finding.rule, finding.text, is_remark)


def _of_csv(finding: CsvFinding) -> FileFinding:
    return FileFinding(finding.row, finding.column, finding.rule, finding.text)


def _said_of(counts: Counter[str]) -> str:
    taken, known = counts["accepted"], counts["duplicate"]
    said = ngettext("%(count)s charge was taken in.", "%(count)s charges were taken in.", taken) % {
        "count": taken
    }
    if known:
        also = ngettext("%(count)s was here before.", "%(count)s were here before.", known) % {
            "count": known
        }
        said = f"{said} {also}"
    return said


def _opened_by(taken: TakenIn) -> list[str]:
    """Return a sentence for each kind of thing that the file has opened."""
    opened = [
        (taken.customers, "%(count)s customer was opened.", "%(count)s customers were opened."),
        (taken.matters, "%(count)s matter was opened.", "%(count)s matters were opened."),
        (
            taken.timekeepers,
            "%(count)s timekeeper was added.",
            "%(count)s timekeepers were added.",
        ),
    ]
    return [ngettext(one, many, count) % {"count": count} for count, one, many in opened if count]


def _remarks_on(findings: tuple[Finding, ...]) -> str:
    """Return what a file that was taken in does otherwise than the standard says, in one text."""
    told = [
        gettext("Row %(row)s: %(text)s") % {"row": each.row, "text": each.text}
        if each.row
        else each.text
        for each in findings[:_TOLD_REMARKS]
    ]
    left = len(findings) - len(told)
    if left:
        more = ngettext("And %(count)s more remark.", "And %(count)s more remarks.", left)
        told.append(more % {"count": left})
    return " ".join([gettext("Its sender should know:"), *told])
