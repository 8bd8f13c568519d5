"""Pages of charges: the list, one charge, and the import of a file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from billing_portal.ids import uid_of
from billing_portal.money import Money
from billing_portal.periods import local_day
from billing_portal.portal.lists import DayField, FilterForm, Filters, page_of
from billing_portal.portal.nouns import Noun, nouns_of, row_named
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from invoices.actions import capture as capturing
from invoices.actions.rows import CaptureAnswer
from invoices.forms.charges import (
    MOST_BYTES,
    NEEDED,
    OPTIONAL,
    ChargesRead,
    CsvFinding,
    NotCharges,
    findings_of,
    read_charges,
)
from invoices.models import Charge, InvoiceLine
from invoices.queries import charges as queries

SOURCE = "csv"
SHOWN_FINDINGS = 1_000
_WITH_NAMES = ("customer", "matter", "timekeeper")


class ChargeFilter(FilterForm):
    """What narrows the list of charges."""

    search = "customer"

    customer = forms.CharField(label=_("Customer's id or name"), max_length=120, required=False)
    matter = forms.CharField(label=_("Matter's id or name"), max_length=200, required=False)
    kind = forms.ChoiceField(
        label=_("Kind"), choices=[("", _("All")), *Charge.Kind.choices], required=False
    )
    billed = forms.ChoiceField(
        label=_("Billed"),
        choices=[("", _("All")), ("no", _("Not yet")), ("yes", _("On an invoice"))],
        required=False,
    )
    since = DayField(label=_("Worked from"))
    until = DayField(label=_("Worked until"))

    def wanted(self) -> dict[str, Any]:
        """Return the values by the names of the query's parameters."""
        values = self.given()
        billed = values.pop("billed", "")
        return {**values, "is_billed": billed == "yes"} if billed else values


class ChargeFile(forms.Form):
    """A file of charges."""

    file = forms.FileField(
        label=_("CSV file"), widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"})
    )


@dataclass(frozen=True)
class ChargeRow:
    """One charge in the list, and the line that bills it, if one does."""

    charge: Charge
    line: InvoiceLine | None


@require_safe
@may("charges.read")
def charges(request: FirmRequest) -> HttpResponse:
    """Show charges, newest first, as far as they fit the filters. Two queries."""
    form = ChargeFilter(request.GET)
    shown: dict[str, object] = {
        "form": form,
        "filters": Filters(request, form, "charges"),
        "may_capture": request.actor.may("charges.capture"),
    }
    if form.is_valid():
        wanted = queries.charges(**form.wanted()).select_related(*_WITH_NAMES)
        page = page_of(wanted, request)
        lines = queries.lines_billing(page.rows)
        shown["rows"] = [ChargeRow(charge, lines.get(charge.pk)) for charge in page.rows]
        shown["pager"] = page.pager
    is_part = bool(request.headers.get("HX-Request"))
    name = "invoices/_charges.html" if is_part else "invoices/charges.html"
    return render(request, name, shown, status=422 if form.errors else 200)


@require_safe
@may("charges.read")
def charge(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show one charge: what it is, how it was priced, where it stands. At most six queries."""
    row = row_named(Charge.objects.select_related(*_WITH_NAMES, "entry"), public_id)
    line = queries.lines_billing([row]).get(row.pk)
    linked = [row.customer.public_id]
    linked += [row.matter.public_id] if row.matter else []
    linked += [row.entry.public_id] if row.entry else []
    linked += [line.invoice.public_id] if line else []
    shown = {
        "charge": row,
        "crumbs": [(gettext("Charges"), reverse("invoices:charges"))],
        "line": line,
        "unit_price": Money(row.unit_price, row.currency),
        "adjustment": Money.of_minor(row.adjustment, row.currency),
        "nouns": nouns_of(request.actor, linked),
    }
    return render(request, "invoices/charge.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
@may("charges.capture")
def import_charges(request: FirmRequest) -> HttpResponse:
    """Take in a CSV file of charges, all of it, or show every finding and take nothing."""
    form = ChargeFile(request.POST, request.FILES) if request.method == "POST" else ChargeFile()
    findings: list[CsvFinding] = []
    if form.is_valid():
        data: bytes = form.cleaned_data["file"].read(MOST_BYTES + 1)
        try:
            counts = _take(data, request)
        except NotCharges as refusal:
            findings = refusal.findings
        else:
            messages.success(request, _said_of(counts))
            return redirect("invoices:charges")
    shown = {
        "form": form,
        "findings": findings[:SHOWN_FINDINGS],
        "found": len(findings),
        "crumbs": [(gettext("Charges"), reverse("invoices:charges"))],
        "needed": NEEDED,
        "optional": list(OPTIONAL),
    }
    status = 422 if form.errors or findings else 200
    return render(request, "invoices/import_charges.html", shown, status=status)


def charges_named(actor: Actor, ids: list[str]) -> dict[str, Noun]:
    """Return what charges are called, and their pages, by public id. One query."""
    if not actor.may("charges.read"):
        return {}
    rows = Charge.objects.filter(uid__in=[uid_of(Charge.ID_PREFIX, text) for text in ids])
    return {
        row.public_id: Noun(str(row), reverse("invoices:charge", args=[row.public_id]))
        for row in rows
    }


def _take(data: bytes, request: FirmRequest) -> Counter[str]:
    """Capture the file; say how many rows were accepted, and how many were known before.

    :raises NotCharges: with a finding for each row that cannot be read or taken.
    """
    read = read_charges(data)
    today = local_day(datetime.now(UTC), request.tenant.time_zone)
    try:
        answers = _capture(read, by=request.actor, on=today)
    except capturing.RowsRefused as refusal:
        raise NotCharges(findings_of(refusal, read)) from refusal
    return Counter(answer.status for answer in answers)


def _capture(read: ChargesRead, *, by: Actor, on: date) -> list[CaptureAnswer]:
    is_whole = not read.findings
    return capturing.capture_file(SOURCE, read.rows, by=by, on=on, is_whole=is_whole)


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
