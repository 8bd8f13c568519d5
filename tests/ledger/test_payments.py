"""Money received pays invoices, in whole or in part, and can be taken back."""

from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.money import Money
from ledger.actions.payments import (
    OverAllocated,
    PayerUnknown,
    PaymentChanged,
    TakenBackAlready,
    allocate,
    receive,
    take_back,
)
from ledger.actions.posting import Line, NewEntry, post
from ledger.models import Allocation, Entry, Payment
from ledger.queries import balance_of, open_amounts, trial_balance, unallocated

DAY = date(2026, 11, 2)


def usd(amount) -> Money:
    return Money(Decimal(amount), "USD")


def bill(by, amount="100.00", customer="cus_a"):
    invoice = uuid4()
    lines = (Line("ar", usd(amount), customer, invoice), Line("fees", -usd(amount)))
    post([NewEntry(kind="invoice", booked_on=DAY, key=f"invoice:{invoice}", lines=lines)], by=by)
    return invoice


def paid_in(by, amount="100.00", key="k1", customer="cus_a", **more):
    facts = {
        "source": "camt.053",
        "key": key,
        "customer": customer,
        "amount": usd(amount),
        "received_on": DAY,
        "booked_on": DAY,
        "bank": "main",
    }
    return receive(**(facts | more), by=by)


def test_money_received_is_the_customers_credit_until_it_is_allocated(tenant, owner):
    payment = paid_in(owner)

    assert balance_of("cash", "USD", owner="main") == usd("100.00")
    assert balance_of("credit", "USD", owner="cus_a") == usd("-100.00")
    assert unallocated(payment) == 100_00


def test_the_same_payment_named_twice_is_one(tenant, owner):
    assert paid_in(owner).pk == paid_in(owner).pk
    assert balance_of("cash", "USD") == usd("100.00")


def test_a_payment_named_again_with_other_facts_is_refused(tenant, owner):
    paid_in(owner)

    with pytest.raises(PaymentChanged):
        paid_in(owner, amount="100.01")
    assert Payment.objects.count() == 1


def test_an_invoice_is_paid_in_part_and_then_in_whole(tenant, owner):
    invoice = bill(owner)
    first, second = paid_in(owner, "40.00"), paid_in(owner, "60.00", key="k2")

    allocate(first, [(invoice, usd("40.00"))], by=owner, on=DAY)
    assert open_amounts([invoice]) == {invoice: 60_00}

    allocate(second, [(invoice, usd("60.00"))], by=owner, on=DAY)
    assert open_amounts([invoice]) == {invoice: 0}
    assert balance_of("credit", "USD", owner="cus_a") == usd(0)


@pytest.mark.parametrize("amount", ["100.01", "0.00", "-1.00"])
def test_no_more_is_allocated_than_is_left_or_owed(tenant, owner, amount):
    invoice, payment = bill(owner), paid_in(owner)

    with pytest.raises(OverAllocated):
        allocate(payment, [(invoice, usd(amount))], by=owner, on=DAY)
    assert open_amounts([invoice]) == {invoice: 100_00}
    assert not Allocation.objects.exists()


def test_an_invoice_named_twice_is_counted_twice(tenant, owner):
    invoice, payment = bill(owner), paid_in(owner, "200.00")

    with pytest.raises(OverAllocated, match="owed"):
        allocate(payment, [(invoice, usd("60.00"))] * 2, by=owner, on=DAY)


def test_another_currency_pays_nothing(tenant, owner):
    invoice, payment = bill(owner), paid_in(owner)

    with pytest.raises(OverAllocated):
        allocate(payment, [(invoice, Money(Decimal(1), "EUR"))], by=owner, on=DAY)


def test_money_of_nobody_stands_in_suspense_and_pays_nothing(tenant, owner):
    payment = paid_in(owner, customer="")

    assert balance_of("suspense", "USD") == usd("-100.00")
    with pytest.raises(PayerUnknown):
        allocate(payment, [(bill(owner), usd(1))], by=owner, on=DAY)


def test_taking_back_restores_what_was_before_and_happens_once(tenant, owner):
    invoice, payment = bill(owner), paid_in(owner)
    (allocation,) = allocate(payment, [(invoice, usd("70.00"))], by=owner, on=DAY)

    undone = take_back(allocation, by=owner, on=DAY, reason="Wrong invoice")

    assert open_amounts([invoice]) == {invoice: 100_00}
    assert unallocated(payment) == 100_00
    for again in (allocation, undone):
        with pytest.raises(TakenBackAlready):
            take_back(again, by=owner, on=DAY, reason="Again")
    allocate(payment, [(invoice, usd("70.00"))], by=owner, on=DAY)
    assert open_amounts([invoice]) == {invoice: 30_00}


@given(
    st.integers(1, 10**9),
    st.lists(st.integers(1, 10**9), min_size=1, max_size=5),
    st.lists(st.integers(1, 10**9), min_size=1, max_size=5),
)
def test_allocated_and_left_make_what_was_received(tenant, owner, received, owed, asked):
    with transaction.atomic():
        payment = paid_in(owner, str(Decimal(received) / 100), key=str(uuid4()))
        invoices = [bill(owner, str(Decimal(minor) / 100)) for minor in owed]
        for invoice, minor in zip(invoices, asked, strict=False):
            try:
                allocate(payment, [(invoice, Money.of_minor(minor, "USD"))], by=owner, on=DAY)
            except OverAllocated:
                continue

        used = sum(Allocation.objects.filter(payment=payment).values_list("amount", flat=True))
        assert used + unallocated(payment) == received
        assert unallocated(payment) >= 0
        assert all(minor >= 0 for minor in open_amounts(invoices).values())
        assert not any(trial_balance().differences.values())
        transaction.set_rollback(True)


def test_another_firms_payment_is_another_payment(tenant, neighbor, owner):
    ours = paid_in(owner)
    with neighbor:
        theirs = paid_in(owner)

    assert ours.pk != theirs.pk
    assert Payment.objects.get() == ours
    assert Entry.objects.count() == 1
