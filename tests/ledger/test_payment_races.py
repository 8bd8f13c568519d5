"""Two hands on one payment: whoever comes second waits, and neither waits for the other."""

import threading

import pytest
from django.db import transaction

from billing_portal.errors import Refused, Stale
from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.payments import (
    OverAllocated,
    PayerHasPaid,
    PayerUnknown,
    TakenBackAlready,
    allocate,
    name_payer,
    take_back,
    take_payer_back,
)
from ledger.actions.posting import lock_account
from ledger.models import Allocation, Payment
from ledger.queries import open_amounts, unallocated
from tests.at_once import Hand, at_once
from tests.factories import TenantFactory
from tests.ledger.test_payments import DAY, bill, paid_in, usd

pytestmark = pytest.mark.django_db(transaction=True)
REASON = "Wrong invoice"
REFUSALS = {TakenBackAlready, OverAllocated, PayerHasPaid, PayerUnknown, Stale}


def firm_with_a_payment(owner, amount="40.00"):
    """Return a firm, an invoice of 100 dollars, a payment of as much, and an allocation of some."""
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        invoice, payment = bill(owner), paid_in(owner)
        (allocation,) = allocate(payment, [(invoice, usd(amount))], by=owner, on=DAY)
    return firm, invoice, payment, allocation


def again(allocation):
    """Return the allocation as a door reads it."""
    return Allocation.objects.select_related("payment", "entry").get(pk=allocation.pk)


def test_taking_back_does_not_wait_for_who_waits_for_it(owner):
    firm, invoice, payment, allocation = firm_with_a_payment(owner)
    other = Hand(firm, lambda: allocate(payment, [(invoice, usd("60.00"))], by=owner, on=DAY))

    with tenant_scope(firm.pk):
        lock_account("credit", payment.customer, "USD")
        other.begins_and_waits()  # with the payment in its hand
        take_back(again(allocation), by=owner, on=DAY, reason=REASON)

    assert [each.amount for each in other.outcome()] == [6000]
    with tenant_scope(firm.pk):
        assert (open_amounts([invoice]), unallocated(payment)) == ({invoice: 4000}, 4000)


def test_taking_back_does_not_wait_for_who_takes_the_payer_back(owner):
    firm, invoice, payment, allocation = firm_with_a_payment(owner)
    other = Hand(firm, lambda: take_payer_back(payment, by=owner, on=DAY, reason=REASON))

    with tenant_scope(firm.pk):
        lock_account("credit", payment.customer, "USD")
        other.begins_and_waits()
        take_back(again(allocation), by=owner, on=DAY, reason=REASON)

    assert other.outcome().customer == ""
    with tenant_scope(firm.pk):
        assert open_amounts([invoice]) == {invoice: 10000}


@pytest.mark.parametrize("_round", range(3))
def test_many_hands_on_one_payment_end_each_with_an_answer(owner, _round):
    firm, invoice, payment, allocation = firm_with_a_payment(owner)
    sixty = [(invoice, usd("60.00"))]

    said = at_once(
        firm,
        lambda: take_back(again(allocation), by=owner, on=DAY, reason=REASON),
        lambda: take_back(again(allocation), by=owner, on=DAY, reason=REASON),
        lambda: allocate(payment, sixty, by=owner, on=DAY),
        lambda: allocate(payment, sixty, by=owner, on=DAY),
        lambda: take_payer_back(payment, by=owner, on=DAY, reason=REASON),
    )

    errors = [each for each in said if isinstance(each, Exception)]
    assert all(isinstance(each, Refused) for each in errors), errors
    assert {type(each) for each in errors} <= REFUSALS
    with tenant_scope(firm.pk):
        taken = Allocation.objects.filter(takes_back=allocation).count()
        used = sum(Allocation.objects.values_list("amount", flat=True))
        assert taken == 1
        assert (used, open_amounts([invoice])) in [(0, {invoice: 10000}), (6000, {invoice: 4000})]


def test_a_payer_is_named_while_another_pays_from_their_credit(owner):
    """Who names a payer holds the payment, and does not wait for the credit account."""
    firm, invoice, payment, _ = firm_with_a_payment(owner)
    with tenant_scope(firm.pk):
        unknown = paid_in(owner, key="k2", customer="")
    ended = threading.Event()

    def named():
        found = name_payer(Payment.objects.get(pk=unknown.pk), "cus_a", by=owner, on=DAY)
        ended.set()
        return found

    hand = Hand(firm, named)
    with tenant_scope(firm.pk), transaction.atomic():
        allocate(payment, [(invoice, usd("10.00"))], by=owner, on=DAY)
        hand.start()
        assert ended.wait(20)

    assert hand.outcome().customer == "cus_a"
