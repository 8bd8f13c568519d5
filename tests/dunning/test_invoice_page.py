"""The page of a final invoice says how it stands: open, paid, overdue, reminded of, credited."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import count

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing_portal.money import Money
from billing_portal.tenancy.scope import tenant_scope
from dunning.models import Reminder
from invoices.actions.credit import approve_credit_note, request_credit_note
from invoices.views import page as page_of_invoice
from invoices.views.owing import owing
from ledger.actions.payments import allocate, receive, take_back
from tests.factories import TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.visiting import Visitor, links_of, text_of

pytestmark = pytest.mark.django_db
DUE = date(2026, 12, 2)  # thirty days after November 2
_KEYS = count(1)


@pytest.fixture
def invoice(firm):
    """A final invoice of 700 dollars."""
    with tenant_scope(firm.pk):
        return books.finalized(reviewer=books.member("reviewer"))


@pytest.fixture
def today(monkeypatch):
    """Say which day it is for the pages."""

    def is_now(day):
        monkeypatch.setattr(page_of_invoice, "today_of", lambda request: day)

    is_now(DUE)
    return is_now


def paid(firm, invoice, amount, *, payer="Harborline Mutual"):
    with tenant_scope(firm.pk):
        money = Money(Decimal(amount), "USD")
        payment = receive(
            source="test", key=f"p{next(_KEYS)}", customer=invoice.customer.public_id, by=SYSTEM,
            amount=money, received_on=date(2026, 11, 20), booked_on=DUE, bank="main", payer=payer,
        )  # fmt: skip
        return allocate(payment, [(invoice.uid, money)], by=SYSTEM, on=DUE)[0]


def reminded(firm, invoice, level):
    with tenant_scope(firm.pk):
        return Reminder.objects.create(
            invoice=invoice, customer=invoice.customer, level=level, open_amount=70000,
            currency="USD", due_on=DUE, decided_on=DUE + timedelta(days=3 + level),
            recipient="claims@insurer.test", message_id=f"<{level}@portal.test>", state="FAILED",
        )  # fmt: skip


def page(client, firm, invoice, role="owner"):
    return Visitor(client, firm, role).get(f"invoices/{invoice.public_id}/")


def head_of(answer):
    """Return what stands before the figures: the name of the invoice and its states."""
    return text_of(answer).partition("Draft In review Approved")[0]


def test_what_was_never_paid_is_open_and_says_when_it_is_due(client, firm, invoice, today):
    answer = page(client, firm, invoice)

    said = text_of(answer)
    assert "Balance $700.00 Due Dec 2, 2026" in said
    assert "Open $700.00 of $700.00 Due Dec 2, 2026" in said
    assert "Nothing was paid on it." in said
    assert "No reminder was written." in said
    assert not any(word in head_of(answer) for word in ("Paid", "Overdue", "Partly"))
    assert "overdue" not in said


def test_what_is_paid_in_part_and_late_says_both(client, firm, invoice, today):
    paid(firm, invoice, "300")
    reminded(firm, invoice, 1)
    today(DUE + timedelta(days=12))

    answer = page(client, firm, invoice)

    said, links = text_of(answer), links_of(answer)
    assert "Final Overdue Partly paid" in head_of(answer)
    assert "Open $400.00 of $700.00 Due Dec 2, 2026 12 days overdue" in said
    assert "Nov 20, 2026 Payment from Harborline Mutual $300.00" in said
    assert "Dec 6, 2026 Reminder 1 claims@insurer.test Failed" in said
    assert any("/payments/pay_" in link for link in links)
    assert any("/reminders/" in link for link in links)
    assert any("/ledger/entries/ent_" in link for link in links)


def test_what_is_paid_is_paid_however_late(client, firm, invoice, today):
    paid(firm, invoice, "700")
    today(DUE + timedelta(days=12))

    answer = page(client, firm, invoice)

    assert "Final Paid" in head_of(answer)
    assert "Overdue" not in head_of(answer)
    assert "Open $0.00 of $700.00 Due Dec 2, 2026 Booked Ledger entry of Nov 2, 2026" in text_of(
        answer
    )


def test_what_was_taken_back_stands_there_struck(client, firm, invoice, today):
    allocation = paid(firm, invoice, "700")
    with tenant_scope(firm.pk):
        take_back(allocation, by=SYSTEM, on=DUE, reason="Another invoice was meant.")

    answer = page(client, firm, invoice)

    assert "Paid" not in head_of(answer)
    assert "$700.00 taken back Dec 2, 2026" in text_of(answer)
    assert (
        '<s><data class="money even" value="700.00">$700.00</data></s>' in answer.content.decode()
    )


def test_a_credit_note_is_named_and_says_where_it_is_booked(client, firm, invoice, today):
    with tenant_scope(firm.pk):
        asking = books.member("biller")
        note = request_credit_note(invoice, reason="Wrong customer.", by=asking)
        waiting = page(client, firm, invoice)
        approve_credit_note(note, version_seen=1, by=books.member("owner"), on=DUE)

    credited, own = page(client, firm, invoice), page(client, firm, note)

    assert "Credited" not in head_of(waiting)
    assert "($700.00) In review" in text_of(waiting)
    assert "Final Credited" in head_of(credited)
    assert "Credit note CN-2026-00001 ($700.00) Final" in text_of(credited)
    assert "In the books Booked Ledger entry of Dec 2, 2026" in text_of(own)
    assert "No reminder" not in text_of(own)


def test_a_reviewer_reads_what_is_open_and_no_more(client, firm, invoice, today):
    paid(firm, invoice, "300")
    reminded(firm, invoice, 1)

    answer = page(client, firm, invoice, role="reviewer")

    assert "Open $400.00 of $700.00" in text_of(answer)
    assert "Partly paid" in head_of(answer)
    for hidden in ("Payment from", "Reminder 1", "Ledger entry", "Payments", "Reminders"):
        assert hidden not in text_of(answer)
    assert not any("/payments/pay_" in link or "/ent_" in link for link in links_of(answer))


def test_a_draft_says_nothing_of_payments(client, firm, today):
    with tenant_scope(firm.pk):
        draft = books.a_draft(reviewer=books.member("reviewer"))

    assert "What is owed" not in text_of(page(client, firm, draft))


def test_it_takes_as_many_queries_for_many_payments(client, firm, invoice, today):
    paid(firm, invoice, "10")
    reminded(firm, invoice, 1)
    visitor = Visitor(client, firm)

    def asked():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            visitor.get(f"invoices/{invoice.public_id}/")
        return len(queries)

    asked()
    few = asked()
    for level in (2, 3):
        paid(firm, invoice, "10")
        reminded(firm, invoice, level)

    assert (asked(), few <= 23) == (few, True)


def test_beyond_the_first_fifty_payments_it_says_so(client, firm, invoice, today):
    for _ in range(51):
        paid(firm, invoice, "1")

    answer = page(client, firm, invoice)

    assert text_of(answer).count("Payment from Harborline Mutual") == 50
    assert "The first 50 are shown; the ledger has the others." in text_of(answer)


def test_another_firms_payments_and_reminders_are_not_seen(client, firm, invoice, today):
    paid(firm, invoice, "300")
    reminded(firm, invoice, 1)
    stranger = TenantFactory.create()
    with tenant_scope(stranger.pk):
        seen = owing(invoice, books.member("owner"), note=None, on=DUE)

    assert page(client, stranger, invoice).status_code == 404
    assert seen is not None
    assert (seen.payments, seen.reminders) == ([], [])
