"""By hand: whose a payment is, and what it pays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from django.db import transaction

from billing_portal.errors import Refused, Stale
from billing_portal.money import Money
from billing_portal.tenancy.actors import Actor
from customers.queries import customers_by_external_id
from ledger.actions.payments import allocate, name_payer
from ledger.models import Allocation, Payment


class NoSuchPayer(Refused):
    """There is no such customer, or another currency is theirs."""

    code = "payments.no_such_payer"


@transaction.atomic
def name_payer_by_hand(payment: Payment, customer: str, *, by: Actor, on: date) -> Payment:
    """Say which customer a payment is from.

    :param customer: their id in the firm's own system, as a person types it.
    :raises NoSuchPayer: when no customer has it, or they pay in another currency.
    :raises PayerKnown, PeriodClosed: as the books do.
    """
    found = customers_by_external_id({customer.strip()}).get(customer.strip())
    if found is None:
        raise NoSuchPayer(f"There is no customer {customer.strip()[:60]}.")
    if found.currency != payment.currency:
        raise NoSuchPayer(f"{found} pays in {found.currency}, this payment is {payment.currency}.")
    return name_payer(payment, found.public_id, by=by, on=on)


@transaction.atomic
def allocate_by_hand(
    payment: Payment, parts: Sequence[tuple[UUID, Money]], *, seen: int | None, by: Actor, on: date
) -> list[Allocation]:
    """Pay invoices as a person chose them on the page of a payment; sent twice, it happens once.

    :param seen: how many allocations the page showed.
    :raises Stale: when there are more by now.
    :raises OverAllocated, PayerUnknown, PeriodClosed: as the books do.
    """
    now = Allocation.objects.filter(payment=payment).count()
    if now != seen:  # before the books say what no longer fits what was read
        raise Stale(seen, now)
    made = allocate(payment, parts, by=by, on=on)
    # Counted with the customer's credit account locked, so two hands see each other.
    before = Allocation.objects.filter(payment=payment).count() - len(made)
    if before != seen:
        raise Stale(seen, before)
    return made
