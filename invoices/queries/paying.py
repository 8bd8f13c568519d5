"""What pays an invoice, taken back or not."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from invoices.models import Invoice
from ledger.models import Allocation


def allocations_to(invoice: Invoice, *, limit: int) -> list[Any]:
    """Return what was applied to an invoice, oldest first, each with its payment and entry.

    ``back_on`` is the day on which it was taken back, or None. One query.
    """
    back = Allocation.objects.filter(takes_back=OuterRef("pk")).values("entry__booked_on")
    rows: QuerySet[Any] = Allocation.objects.filter(invoice=invoice.uid, takes_back=None)
    rows = rows.annotate(back_on=Subquery(back[:1])).select_related("payment", "entry")
    return list(rows.order_by("pk")[:limit])
