"""By hand: an allocation happens once, and is not taken back under a credit note."""

from datetime import date
from decimal import Decimal

import pytest

from billing_portal.money import Money
from dunning.actions.allocations import (
    Credited,
    PaymentChanged,
    allocate_by_hand,
    take_allocation_back,
)
from invoices.actions.credit import approve_credit_note, request_credit_note
from ledger.actions.payments import receive
from ledger.models import Allocation
from ledger.queries import open_amounts
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
    by_hand(payment, invoice, "10", "0")
    for seen in ("0", "", "x"):
        with pytest.raises(PaymentChanged):
            by_hand(payment, invoice, "10", seen)
    assert open_amounts([invoice.uid])[invoice.uid] == 69000
    assert Allocation.objects.count() == 1


def test_what_paid_a_credited_invoice_stays(invoice):
    payment = received(invoice, Decimal(700))
    (allocation,) = by_hand(payment, invoice, "700", "0")
    note = request_credit_note(invoice, reason="Wrong customer.", by=books.member("biller"))
    approve_credit_note(note, version_seen=note.version, by=books.member("owner"), on=ON)
    with pytest.raises(Credited):
        take_allocation_back(allocation, by=SYSTEM, on=ON, reason="Bounced.")
    assert open_amounts([invoice.uid]).get(invoice.uid, 0) == 0
    assert Allocation.objects.count() == 1


def test_without_a_note_it_is_taken_back(invoice):
    payment = received(invoice, Decimal(700))
    (allocation,) = by_hand(payment, invoice, "700", "0")
    take_allocation_back(allocation, by=SYSTEM, on=ON, reason="Bounced.")
    assert open_amounts([invoice.uid])[invoice.uid] == 70000
