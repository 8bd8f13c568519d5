"""What is asked of work as it came in."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet, Sum

from customers.models import Customer
from invoices.models import Charge, InvoiceLine
from ledger.models import Posting


def charges_page(*, after: int | None = None, limit: int = 50) -> QuerySet[Charge]:
    """Return charges, newest first, below a row id; with what they name. One query."""
    rows = Charge.objects.select_related("customer", "matter", "timekeeper").order_by("-pk")
    return (rows if after is None else rows.filter(pk__lt=after))[:limit]


def unbilled_charges() -> QuerySet[Charge]:
    """Return the charges that no invoice bills, not even a draft."""
    billing = InvoiceLine.objects.filter(charge=OuterRef("pk"), is_released=False)
    found: QuerySet[Charge] = Charge.objects.filter(~Exists(billing))
    return found


def captured_of(customer: Customer) -> int:
    """Return what a customer's charges come to, in minor units. One query."""
    found = Charge.objects.filter(customer=customer).aggregate(total=Sum("amount", default=0))
    return int(found["total"])


def charges_without_entry() -> list[str]:
    """Charges stand in the books with their amount.

    Returns what does not, for ``ledger_verify``; the sum of postings about each charge on unbilled
    work must be its amount. Two queries.
    """
    booked = dict(
        Posting.objects.filter(account__role="wip", entry__kind="charge")
        .values("charge")
        .annotate(total=Sum("amount"))
        .values_list("charge", "total")
    )
    return [
        f"Charge {charge.public_id} comes to {charge.amount}, booked {booked.get(charge.uid, 0)}."
        for charge in Charge.objects.order_by("pk").iterator()
        if booked.get(charge.uid, 0) != charge.amount
    ][:5]
