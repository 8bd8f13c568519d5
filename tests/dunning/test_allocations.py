"""By hand: an allocation happens once, and is not taken back under a credit note."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from billing_portal.errors import Stale
from billing_portal.money import Money
from dunning.actions.allocations import (
    NoSuchPayer,
    allocate_by_hand,
    name_payer_by_hand,
)
from invoices.actions.credit import approve_credit_note, request_credit_note
from ledger.actions.invariants import payments_off_their_postings
from ledger.actions.payments import (
    OverAllocated,
    PayerKnown,
    TakenBackAlready,
    receive,
    take_back,
)
from ledger.models import Allocation, Payment
from ledger.queries import balance_of, open_amounts, unallocated
from tests.invoices import books
from tests.invoices.books import SYSTEM

ON = date(2026, 11, 5)


@pytest.fixture
def invoice(tenant):
    """A final invoice of 700 dollars."""
    return books.finalized(reviewer=books.member("reviewer"))


def received(invoice, amount):
    return receive(
        source="test", key="p1", customer=invoice.customer.public_id, amount=Money(amount, "USD"),
        received_on=ON, booked_on=ON, bank="main", by=SYSTEM,
    )  # fmt: skip


def by_hand(payment, invoice, amount, seen):
    parts = [(invoice.uid, Money(Decimal(amount), "USD"))]
    return allocate_by_hand(payment, parts, seen=seen, by=SYSTEM, on=ON)


def test_the_same_page_sent_again_allocates_nothing_more(invoice):
    payment = received(invoice, Decimal(700))
    by_hand(payment, invoice, "10", 0)
    for seen in (0, 2, None):
        with pytest.raises(Stale):
            by_hand(payment, invoice, "10", seen)
    assert open_amounts([invoice.uid])[invoice.uid] == 69000
    assert Allocation.objects.count() == 1


def test_what_paid_a_credited_invoice_may_pay_another(invoice):
    payment = received(invoice, Decimal(700))
    (allocation,) = by_hand(payment, invoice, "700", 0)
    note = request_credit_note(invoice, reason="Wrong customer.", by=books.member("biller"))
    approve_credit_note(note, version_seen=note.version, by=books.member("owner"), on=ON)
    assert open_amounts([invoice.uid]).get(invoice.uid, 0) == 0
    assert unallocated(payment) == 70000
    assert balance_of("credit", "USD").amount == -700
    with pytest.raises(TakenBackAlready):
        take_back(allocation, by=SYSTEM, on=ON, reason="Bounced.")
    with pytest.raises(OverAllocated):
        by_hand(payment, invoice, "1", 2)


def unknown(amount):
    return receive(
        source="test", key="p2", customer="", amount=Money(amount, "USD"), payer="Somebody",
        received_on=ON, booked_on=ON, bank="main", by=SYSTEM,
    )  # fmt: skip


def test_a_payment_of_nobody_is_given_its_payer_and_pays(invoice):
    payment = unknown(Decimal(700))
    customer = invoice.customer
    with pytest.raises(NoSuchPayer):
        name_payer_by_hand(payment, "nobody", by=SYSTEM, on=ON)
    named = name_payer_by_hand(payment, f" {customer.external_id} ", by=SYSTEM, on=ON)
    assert named.customer == customer.public_id
    assert balance_of("suspense", "USD").amount == 0
    by_hand(named, invoice, "700", 0)
    assert open_amounts([invoice.uid]).get(invoice.uid, 0) == 0
    assert list(payments_off_their_postings()) == []
    with pytest.raises(PayerKnown):
        name_payer_by_hand(payment, customer.external_id, by=SYSTEM, on=ON)


@pytest.mark.parametrize(
    "change", [{"customer": "cus_b"}, {"customer": ""}, {"amount": 1}, {"payer": "X"}]
)
def test_the_database_lets_a_payer_be_named_once(invoice, change):
    payment = received(invoice, Decimal(700))
    with pytest.raises(DatabaseError), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(**change)


def test_a_payer_without_an_entry_is_found(invoice):
    payment = unknown(Decimal(700))
    assert list(payments_off_their_postings()) == []
    Payment.objects.filter(pk=payment.pk).update(customer=invoice.customer.public_id)
    assert "Payer of payment" in next(iter(payments_off_their_postings()))
