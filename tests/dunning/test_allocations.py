"""By hand: an allocation happens once, and is not taken back under a credit note."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from billing_portal.audit.models import AuditEvent
from billing_portal.audit.rows import told
from billing_portal.errors import Stale
from billing_portal.money import Money
from billing_portal.outbox.models import OutboxEvent
from billing_portal.tenancy.actors import MissingPermission
from dunning.actions.allocations import (
    NoSuchPayer,
    allocate_by_hand,
    name_payer_by_hand,
)
from invoices.actions.credit import approve_credit_note, request_credit_note
from ledger.actions.invariants import payments_off_their_postings
from ledger.actions.payments import (
    OverAllocated,
    PayerHasPaid,
    PayerKnown,
    PayerUnknown,
    TakenBackAlready,
    receive,
    take_back,
    take_payer_back,
)
from ledger.models import Allocation, Entry, Payment
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
def test_the_database_changes_no_payer_while_the_payment_pays_and_nothing_else_ever(
    invoice, change
):
    payment = received(invoice, Decimal(700))
    by_hand(payment, invoice, "1", 0)
    with pytest.raises(DatabaseError), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(**change)


@pytest.mark.parametrize("change", [{"customer": "cus_b"}, {"amount": 1}, {"payer": "X"}])
def test_the_database_lets_no_payer_become_another_directly(invoice, change):
    payment = received(invoice, Decimal(700))
    with pytest.raises(DatabaseError), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(**change)


@pytest.mark.parametrize("said_by", ["matching", "hand"])
def test_a_payer_is_taken_back_and_named_anew_and_the_books_agree_throughout(invoice, said_by):
    wrong = books.customer()
    if said_by == "hand":
        payment = name_payer_by_hand(unknown(Decimal(700)), wrong.external_id, by=SYSTEM, on=ON)
    else:
        payment = receive(
            source="test", key="p3", customer=wrong.public_id, amount=Money(Decimal(700), "USD"),
            received_on=ON, booked_on=ON, bank="main", by=SYSTEM,
        )  # fmt: skip
    person = books.member("biller")

    back = take_payer_back(payment, by=person, on=ON, reason="It was Granite's.")

    assert back.customer == ""
    assert balance_of("suspense", "USD").amount == -700
    assert balance_of("credit", "USD").amount == 0
    assert list(payments_off_their_postings()) == []
    event = AuditEvent.objects.get(action="payment.payer_taken_back")
    assert event.actor == person.ref
    why = {"customer": wrong.public_id, "reason": "It was Granite's."}
    assert event.details == {**why, **told(back)}
    assert OutboxEvent.objects.filter(kind="payment.payer_taken_back").count() == 1
    with pytest.raises(PayerUnknown):
        take_payer_back(back, by=SYSTEM, on=ON, reason="Again")
    named = name_payer_by_hand(back, invoice.customer.external_id, by=SYSTEM, on=ON)
    by_hand(named, invoice, "700", 0)
    assert open_amounts([invoice.uid]).get(invoice.uid, 0) == 0
    assert list(payments_off_their_postings()) == []


def test_a_payer_may_be_named_wrongly_as_often_as_people_err(invoice):
    payment = unknown(Decimal(700))
    names = [books.customer().external_id, invoice.customer.external_id] * 3
    for name in names:
        payment = name_payer_by_hand(payment, name, by=SYSTEM, on=ON)
        payment = take_payer_back(payment, by=SYSTEM, on=ON, reason="No.")
    assert balance_of("suspense", "USD").amount == -700
    assert balance_of("credit", "USD").amount == 0
    assert Entry.objects.filter(kind="payer_taken_back").count() == len(names)
    assert list(payments_off_their_postings()) == []


def test_a_payer_that_has_paid_is_taken_back_once_what_it_paid_is(invoice):
    payment = received(invoice, Decimal(700))
    (allocation,) = by_hand(payment, invoice, "10", 0)
    with pytest.raises(PayerHasPaid):
        take_payer_back(payment, by=SYSTEM, on=ON, reason="Wrong.")
    assert Payment.objects.get().customer == invoice.customer.public_id
    assert balance_of("suspense", "USD").amount == 0

    take_back(allocation, by=SYSTEM, on=ON, reason="Wrong payer.")
    back = take_payer_back(payment, by=SYSTEM, on=ON, reason="Wrong.")

    other = books.customer()
    name_payer_by_hand(back, other.external_id, by=SYSTEM, on=ON)
    assert open_amounts([invoice.uid])[invoice.uid] == 70000
    assert list(payments_off_their_postings()) == []


def test_who_may_not_name_a_payer_takes_none_back(invoice):
    payment = received(invoice, Decimal(700))
    with pytest.raises(MissingPermission):
        take_payer_back(payment, by=books.member("auditor"), on=ON, reason="Wrong.")
    assert Payment.objects.get().customer


def test_a_page_read_before_the_payer_changed_allocates_nothing(invoice):
    seen = received(invoice, Decimal(700))
    back = take_payer_back(seen, by=SYSTEM, on=ON, reason="Wrong.")
    with pytest.raises(PayerUnknown):
        by_hand(seen, invoice, "700", 0)
    name_payer_by_hand(back, books.customer().external_id, by=SYSTEM, on=ON)
    with pytest.raises(Stale):
        by_hand(seen, invoice, "700", 0)
    assert not Allocation.objects.exists()


def test_a_payer_without_an_entry_is_found(invoice):
    payment = unknown(Decimal(700))
    assert list(payments_off_their_postings()) == []
    Payment.objects.filter(pk=payment.pk).update(customer=invoice.customer.public_id)
    assert "Payer of payment" in next(iter(payments_off_their_postings()))
