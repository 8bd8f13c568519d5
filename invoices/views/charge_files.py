"""The page that takes in a file of charges, CSV or LEDES, all of it or nothing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from billing_portal.errors import Refused
from billing_portal.file_kinds import FileKind, kind_of
from billing_portal.imports.takers import FileFinding, NotTaken, findings_of
from billing_portal.imports.views import take_or_leave
from billing_portal.tenancy.actors import may
from billing_portal.tenancy.requests import FirmRequest
from invoices.forms.charge_files import CSV, LEDES
from invoices.forms.charges import MOST_BYTES, NEEDED, OPTIONAL

SHOWN_FINDINGS = 1_000


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
            return _take(request, form.cleaned_data)
        except NotTaken as no:
            findings = findings_of(no.errors)
        except Refused as no:
            form.add_error(None, str(no))
    shown = {
        "form": form,
        "findings": findings[:SHOWN_FINDINGS],
        "found": len(findings),
        "may_see_imports": request.actor.may("imports.read"),
        "lacks": any(each.rule.startswith("charges.unknown_") for each in findings),
        "may_open": may_open,
        "crumbs": [(gettext("Charges"), reverse("invoices:charges"))],
        "needed": NEEDED,
        "optional": list(OPTIONAL),
    }
    status = 422 if form.errors or findings else 200
    return render(request, "invoices/import_charges.html", shown, status=status)


def _take(request: FirmRequest, asked: dict[str, Any]) -> HttpResponse:
    """Take a file in, now or by a job, as its content says.

    :raises NotTaken: with every finding.
    """
    data: bytes = asked["file"].read(MOST_BYTES + 1)
    options: dict[str, Any] = {}
    taker = CSV
    if kind_of(data) is FileKind.LEDES and len(data) <= MOST_BYTES:
        taker, options = LEDES, {"opens_unknown": asked.get("opens_unknown", False)}
    return take_or_leave(request, taker, data, name=asked["file"].name, **options)
