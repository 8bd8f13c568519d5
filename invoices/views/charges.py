"""Pages of charges: the list, and one charge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from billing_portal.ids import uid_of
from billing_portal.money import Money
from billing_portal.portal.lists import DayField, FilterForm, Filters, page_of
from billing_portal.portal.nouns import Noun, nouns_of, row_named
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from invoices.models import Charge, InvoiceLine
from invoices.queries import charges as queries

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


def charges_named(actor: Actor, ids: list[str]) -> dict[str, Noun]:
    """Return what charges are called, and their pages, by public id. One query."""
    if not actor.may("charges.read"):
        return {}
    rows = Charge.objects.filter(uid__in=[uid_of(Charge.ID_PREFIX, text) for text in ids])
    return {
        row.public_id: Noun(str(row), reverse("invoices:charge", args=[row.public_id]))
        for row in rows
    }
