"""The back office's view of work: charges are read there and never written."""

from __future__ import annotations

from django.contrib import admin

from billing_portal.portal.office import OfficeAdmin, site
from invoices.models import Charge


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
