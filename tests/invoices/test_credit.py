"""Credit notes: asked for by one, approved by another, exact in the books, once."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from billing_portal.money import Money
from billing_portal.tenancy.actors import MissingPermission
from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.credit import (
    CreditedAlready,
    OwnRequest,
    approve_credit_note,
    reject_credit_note,
    request_credit_note,
)
from invoices.actions.refusals import BadDay, BadLine, WrongState
from invoices.documents.canonical import snapshot_from
from invoices.models import FrozenInvoice, Invoice
from invoices.queries.frozen import facts_are_frozen
from invoices.queries.verifying import numbers_have_no_gap, totals_are_booked
from ledger.actions.payments import OverAllocated, allocate, receive
from ledger.actions.posting import lock_account
from ledger.queries import balance_of, open_amounts, trial_balance
from tests.at_once import Hand
from tests.factories import TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM

ON = date(2026, 11, 5)


@pytest.fixture
def invoice(tenant):
    """A final invoice of 700 dollars."""
    return books.finalized(reviewer=books.member("reviewer"))


@pytest.fixture
def maker(tenant):
    return books.member("biller")


@pytest.fixture
def checker(tenant):
    return books.member("owner")


def dollars(role):
    return balance_of(role, "USD").amount


def paid(invoice, amount):
    payment = receive(
        source="test", key="p1", customer=invoice.customer.public_id, amount=Money(amount, "USD"),
        received_on=ON, booked_on=ON, bank="main", by=SYSTEM,
    )  # fmt: skip
    allocate(payment, [(invoice.uid, Money(amount, "USD"))], by=SYSTEM, on=ON)
    return payment


def test_a_note_takes_back_the_whole_claim(invoice, maker, checker):
    note = request_credit_note(invoice, reason="Wrong customer.", by=maker)
    assert (note.state, dollars("ar")) == ("IN_REVIEW", 700)
    note = approve_credit_note(note, version_seen=1, by=checker, on=ON)
    assert (note.number, note.state, note.total) == ("CN-2026-00001", "FINALIZED", 70000)
    assert open_amounts([invoice.uid]) == {invoice.uid: 0}
    assert (dollars("ar"), dollars("credit_notes"), dollars("credit")) == (0, 700, 0)
    assert not any(trial_balance().differences.values())
    snapshot = snapshot_from(bytes(FrozenInvoice.objects.get(invoice=note).content))
    assert (snapshot.kind, snapshot.corrects_number) == ("CREDIT_NOTE", "2026-00001")
    assert snapshot.corrects_issued_on == invoice.issued_on
    assert snapshot.reason == "Wrong customer."


def test_what_was_paid_becomes_the_customers_credit(invoice, maker, checker):
    paid(invoice, Decimal(500))
    note = request_credit_note(invoice, reason="Wrong rate.", by=maker)
    approve_credit_note(note, version_seen=1, by=checker, on=ON)
    assert open_amounts([invoice.uid]) == {invoice.uid: 0}
    assert (dollars("ar"), dollars("credit")) == (0, -500)


def test_the_maker_is_not_the_checker(invoice, checker):
    note = request_credit_note(invoice, reason="Wrong rate.", by=checker)
    with pytest.raises(OwnRequest):
        approve_credit_note(note, version_seen=1, by=checker, on=ON)
    law = "credit_note_approver_is_not_its_maker"
    with pytest.raises(IntegrityError, match=law), transaction.atomic():
        Invoice.objects.filter(pk=note.pk).update(approved_by=checker.ref)
    assert dollars("ar") == 700


def test_an_invoice_is_credited_once_unless_the_first_note_was_rejected(invoice, maker, checker):
    note = request_credit_note(invoice, reason="Wrong rate.", by=maker)
    with pytest.raises(CreditedAlready):
        request_credit_note(invoice, reason="Again.", by=maker)
    reject_credit_note(note, version_seen=1, by=checker)
    assert request_credit_note(invoice, reason="Again.", by=maker).state == "IN_REVIEW"


def test_drafts_and_notes_are_not_credited_and_a_reason_is_needed(tenant, invoice, maker, checker):
    note = request_credit_note(invoice, reason="Wrong rate.", by=maker)
    approve_credit_note(note, version_seen=1, by=checker, on=ON)
    for wrong in (books.a_draft(), note):
        with pytest.raises(WrongState):
            request_credit_note(wrong, reason="Wrong.", by=maker)
    with pytest.raises(BadLine):
        request_credit_note(invoice, reason=" ", by=maker)
    with pytest.raises(WrongState):
        approve_credit_note(note, version_seen=1, by=checker, on=ON)


def test_who_may_not_is_refused(invoice, maker):
    with pytest.raises(MissingPermission):
        request_credit_note(invoice, reason="x", by=books.member("reviewer"))
    note = request_credit_note(invoice, reason="x", by=maker)
    with pytest.raises(MissingPermission):
        approve_credit_note(note, version_seen=1, by=maker, on=ON)


def test_the_checks_hold_with_notes(invoice, maker, checker):
    note = request_credit_note(invoice, reason="Wrong rate.", by=maker)
    approve_credit_note(note, version_seen=1, by=checker, on=ON)
    assert (totals_are_booked(), facts_are_frozen(), numbers_have_no_gap()) == ([], [], [])


def test_a_neighbor_cannot_credit_it(invoice, neighbor):
    with neighbor, pytest.raises(Invoice.DoesNotExist):
        request_credit_note(invoice, reason="x", by=SYSTEM)


def test_a_credit_note_is_not_issued_out_of_bounds(invoice, maker):
    note = request_credit_note(invoice, reason="Wrong. " * 70, by=maker)
    for on, today in ((date(9999, 12, 31), None), (date(2026, 12, 24), ON)):
        with pytest.raises(BadDay), transaction.atomic():
            approve_credit_note(note, version_seen=1, by=SYSTEM, on=on, today=today)
    note.refresh_from_db()
    assert note.state == "IN_REVIEW"
    approve_credit_note(note, version_seen=1, by=SYSTEM, on=ON, today=ON)


@pytest.mark.django_db(transaction=True)
def test_an_approval_does_not_wait_for_who_waits_for_it():
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        invoice = books.finalized(reviewer=books.member("reviewer"))
        payment = paid(invoice, Decimal(500))
        note = request_credit_note(invoice, reason="Wrong rate.", by=books.member("biller"))
        checker = books.member("owner")
    more = [(invoice.uid, Money(Decimal(1), "USD"))]
    other = Hand(firm, lambda: allocate(payment, more, by=SYSTEM, on=ON))

    with tenant_scope(firm.pk):
        lock_account("credit", payment.customer, "USD")
        other.begins_and_waits()  # with the payment in its hand
        approve_credit_note(note, version_seen=1, by=checker, on=ON)

    assert isinstance(other.outcome(), OverAllocated)
    with tenant_scope(firm.pk):
        assert (dollars("ar"), dollars("credit")) == (0, -500)
