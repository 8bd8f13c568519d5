"""Money received pays invoices, in whole or in part, and can be taken back."""

import threading
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.money import Money
from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.payments import (
    OverAllocated,
    PayerUnknown,
    TakenBackAlready,
    allocate,
    receive,
    take_back,
)
from ledger.actions.posting import Line, NewEntry, NotReversible, post, reverse
from ledger.actions.receiving import PaymentChanged
from ledger.models import Allocation, Entry, Payment
from ledger.queries import balance_of, open_amounts, trial_balance, unallocated
from tests.factories import TenantFactory

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
        "amount": amount if isinstance(amount, Money) else usd(amount),
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


def test_money_of_one_currency_pays_no_invoice_in_another(tenant, owner):
    invoice, payment = bill(owner), paid_in(owner, amount=Money(Decimal(100), "EUR"))

    with pytest.raises(OverAllocated, match="owed"):
        allocate(payment, [(invoice, Money(Decimal(100), "EUR"))], by=owner, on=DAY)
    assert open_amounts([invoice]) == {invoice: 100_00}


def test_one_customers_money_pays_no_other_customers_invoice(tenant, owner):
    invoice, payment = bill(owner, customer="cus_b"), paid_in(owner)

    with pytest.raises(OverAllocated, match="owed"):
        allocate(payment, [(invoice, usd("100.00"))], by=owner, on=DAY)
    assert open_amounts([invoice]) == {invoice: 100_00}


def test_an_allocation_is_not_reversed_behind_its_back(tenant, owner):
    invoice, payment = bill(owner), paid_in(owner)
    (allocation,) = allocate(payment, [(invoice, usd("100.00"))], by=owner, on=DAY)

    for entry in (allocation.entry, payment.entry):
        with pytest.raises(NotReversible):
            reverse(entry, by=owner, on=DAY, reason="By the back door")
    assert open_amounts([invoice]) == {invoice: 0}


@pytest.mark.parametrize("count", [1, 30])
def test_allocating_costs_the_same_whatever_the_number(
    tenant, owner, count, django_assert_max_num_queries
):
    invoices = [bill(owner, "1.00") for _ in range(count)]
    payment = paid_in(owner, f"{count}.00")

    with django_assert_max_num_queries(30):
        allocate(payment, [(invoice, usd("1.00")) for invoice in invoices], by=owner, on=DAY)


@pytest.mark.django_db(transaction=True)
def test_a_payment_that_comes_in_by_two_doors_at_once_is_one(owner):
    firm, seen = TenantFactory.create(), []

    def second_door():
        try:
            with tenant_scope(firm.pk):
                seen.append(paid_in(owner).pk)
        finally:
            connection.close()

    door = threading.Thread(target=second_door)
    with tenant_scope(firm.pk):
        seen.append(paid_in(owner).pk)
        door.start()
        door.join(0.5)
        assert len(seen) == 1  # it waits for the key that the first holds
    door.join(10)

    assert len(seen) == 2
    assert len(set(seen)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_hands_cannot_spend_the_same_money(owner):
    firm, outcome = TenantFactory.create(), []
    with tenant_scope(firm.pk):
        first, second, payment = bill(owner), bill(owner), paid_in(owner)

    def other_hand():
        try:
            with tenant_scope(firm.pk):
                allocate(payment, [(second, usd("100.00"))], by=owner, on=DAY)
        except OverAllocated as refused:
            outcome.append(refused.code)
        finally:
            connection.close()

    hand = threading.Thread(target=other_hand)
    with tenant_scope(firm.pk):
        allocate(payment, [(first, usd("100.00"))], by=owner, on=DAY)
        hand.start()
        hand.join(0.5)
        assert hand.is_alive()
    hand.join(10)

    assert outcome == ["ledger.over_allocated"]
    with tenant_scope(firm.pk):
        assert open_amounts([first, second]) == {first: 0, second: 100_00}
