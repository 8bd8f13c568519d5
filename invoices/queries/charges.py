"""What is asked of work as it came in."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import date

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from billing_portal.ids import NotAnId, uid_of
from customers.models import Customer, Matter, lookup_key
from invoices.models import Charge, InvoiceLine
from ledger.models import Posting


def charges(
    *,
    customer: str = "",
    matter: str = "",
    kind: str = "",
    is_billed: bool | None = None,
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[Charge]:
    """Return the charges that fit, in no order: page by key.

    :param customer: an outside id, a public id or a whole name; likewise ``matter``.
    :param is_billed: whether a line of an invoice holds the charge.
    :param since: the first day of work; ``until`` is the last one.
    """
    named = {"kind": kind, "worked_on__gte": since, "worked_on__lte": until}
    rows = Charge.objects.filter(**{column: value for column, value in named.items() if value})
    if customer:
        rows = rows.filter(customer__in=Customer.objects.filter(_called(Customer, customer)))
    if matter:
        rows = rows.filter(matter__in=Matter.objects.filter(_called(Matter, matter)))
    if is_billed is not None:
        billed = Exists(InvoiceLine.objects.filter(charge=OuterRef("pk"), is_released=False))
        rows = rows.filter(billed if is_billed else ~billed)
    return rows


def lines_billing(charges: Iterable[Charge]) -> dict[int, InvoiceLine]:
    """Return the lines that bill charges, with their invoices, by the charges' keys. One query."""
    lines = InvoiceLine.objects.filter(charge__in=list(charges), is_released=False)
    return {
        line.charge_id: line
        for line in lines.select_related("invoice")
        if line.charge_id is not None
    }


def _called(noun: type[Customer | Matter], text: str) -> Q:
    key = lookup_key(text)
    called = Q(external_key=key) | Q(name_key=key)
    with suppress(NotAnId):
        called |= Q(uid=uid_of(noun.ID_PREFIX, text))
    return called


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
