"""The back office's view of bills: read, approved and returned here through the same actions."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from billing_portal.bounds import whole_number
from billing_portal.portal.office import OfficeAdmin, site
from billing_portal.portal.signatures import signed
from billing_portal.portal.templatetags.portal import money
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.requests import FirmRequest
from invoices.actions import review
from invoices.models import BillingRun, Charge, Invoice, Verdict


class ReturnForm(forms.Form):
    """What is wrong with the chosen invoices."""

    category = forms.ChoiceField(choices=[c for c in Verdict.Category.choices if c[0]])
    text = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))


@admin.register(Invoice, site=site)
class InvoiceAdmin(OfficeAdmin):
    """Invoices: money is read only; verdicts are given on the versions that were shown."""

    view_permission = "invoices.read"
    edit_permission = "invoices.approve"
    list_display = ("__str__", "customer", "matter", "state", "reviewer", "amount", "version")
    list_select_related = ("customer", "matter", "reviewer")
    list_filter = ("state", "kind")
    search_fields = ("number", "customer__name_key", "matter__external_key")
    ordering = ("-pk",)
    actions = ("approve", "send_back")
    fields: ClassVar = (
        *("number", "kind", "state", "version", "customer", "matter", "reviewer"),
        *("period_starts_on", "period_ends_on", "issued_on", "due_on"),
        *("net_amount", "tax_amount", "amount", signed("made_by"), signed("approved_by")),
        *("corrects", "reason"),
    )
    readonly_fields = fields

    @admin.display(description="Total", ordering="total")
    def amount(self, invoice: Invoice) -> str:
        """What it comes to, tax included; below zero for a credit note."""
        return money(invoice.claim)

    @admin.display(description="Net")
    def net_amount(self, invoice: Invoice) -> str:
        """The sum of its lines."""
        return money(invoice.net_money)

    @admin.display(description="Tax")
    def tax_amount(self, invoice: Invoice) -> str:
        """Its tax."""
        return money(invoice.tax_money)

    @admin.action(description="Approve …", permissions=["edit"])
    def approve(self, request: HttpRequest, rows: QuerySet[Invoice]) -> HttpResponse | None:
        """Show the versions that would be approved; the second step approves exactly those."""
        return self._verdict(request, rows, "approve")

    @admin.action(description="Return …", permissions=["edit"])
    def send_back(self, request: HttpRequest, rows: QuerySet[Invoice]) -> HttpResponse | None:
        """Ask what is wrong; the second step returns the versions that were shown."""
        return self._verdict(request, rows, "send_back")

    def _verdict(
        self, request: HttpRequest, rows: QuerySet[Invoice], deed: str
    ) -> HttpResponse | None:
        is_return = deed == "send_back"
        seen = _versions(request)
        form = ReturnForm(request.POST if seen and is_return else None)
        if seen and (not is_return or form.is_valid()):
            self._give(request, rows, seen, form if is_return else None)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Return invoices" if is_return else "Approve invoices",
            "opts": self.opts,
            "rows": list(rows.select_related("customer", "matter").order_by("pk")[:500]),
            "deed": deed,
            "form": form if is_return else None,
        }
        request.current_app = self.admin_site.name
        status = 422 if form.errors else 200
        return TemplateResponse(request, "invoices/office_verdict.html", context, status=status)

    def _give(
        self,
        request: HttpRequest,
        rows: QuerySet[Invoice],
        seen: dict[int, int],
        form: ReturnForm | None,
    ) -> None:
        strange = [str(row) for row in rows if row.pk not in seen]
        if strange:
            self.message_user(request, f"Not shown before: {', '.join(strange)}.", messages.ERROR)
            return

        def deed(row: Any, *, by: Actor) -> None:
            if form is None:
                review.approve(row, version_seen=seen[row.pk], by=by)
            else:
                review.return_invoice(row, version_seen=seen[row.pk], by=by, **form.cleaned_data)

        self.perform(request, deed, rows)


@admin.register(BillingRun, site=site)
class BillingRunAdmin(OfficeAdmin):
    """Month ends, to be read; the portal's own pages run them."""

    view_permission = "runs.read"
    list_display = ("__str__", "state", "bills_until", "planned_by_name", "planned_at")
    list_filter = ("state", "cadence")
    ordering = ("-pk",)
    fields = (
        *("key", "cadence", "execution", "on", "bills_until", "state", "planned_by_name"),
        *("planned_at", "started_at", "ended_at", "version"),
    )


@admin.register(Charge, site=site)
class ChargeAdmin(OfficeAdmin):
    """Charges, as they came in."""

    view_permission = "charges.read"
    list_display = ("__str__", "customer", "matter", "timekeeper", "quantity", "total", "source")
    list_select_related = ("customer", "matter", "timekeeper")
    list_filter = ("kind",)
    search_fields = ("customer__name_key", "customer__external_key")
    ordering = ("-pk",)
    fields = (
        *("source", "key", "kind", "customer", "matter", "timekeeper", "worked_on"),
        *("quantity", "unit_price", "total", "priced_by", "task_code", "activity_code"),
        *("expense_code", "narrative", "entry", "recorded_at"),
    )
    readonly_fields = ("total",)


def _versions(request: HttpRequest) -> dict[int, int]:
    """Return which version of which row the second step was shown."""
    posted = cast(FirmRequest, request).POST
    found = {}
    for text in posted.getlist("version_seen"):
        row, version = (whole_number(part) for part in text.partition(":")[::2])
        if row is not None and version is not None:
            found[row] = version
    return found
