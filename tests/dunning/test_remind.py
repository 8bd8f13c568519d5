"""Reminders: one step at a time, each once, and none for what is paid or credited."""

import threading
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from billing_portal.money import Money
from billing_portal.tenancy.actors import MissingPermission
from billing_portal.tenancy.scope import tenant_scope
from dunning.actions.remind import letter_context, remind_due, send_reminder_later
from dunning.models import Reminder, ReminderStep
from dunning.schedule import LADDER, Step, step_due
from invoices.actions.credit import request_credit_note
from ledger.actions.payments import allocate, receive
from tests.factories import TenantFactory, actor
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.jobs.running import drain
from tests.outside.mail.server import DemoMail

DUE = date(2026, 12, 2)  # thirty days after November 2


@pytest.fixture
def post(tmp_path, settings):
    settings.FILES_DIR = tmp_path / "files"
    with DemoMail(book=tmp_path / "mailbox") as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.smtp_port
        yield server


@pytest.fixture
def invoice(tenant):
    """A final invoice of 700 dollars, due on December 2, by a customer who gets no PDF mail."""
    made = books.finalized(reviewer=books.member("reviewer"))
    made.customer.sends_pdf = False
    made.customer.save()
    return made


def pay(invoice, amount):
    money = Money(Decimal(amount), "USD")
    payment = receive(
        source="test", key=f"p{amount}", customer=invoice.customer.public_id, amount=money,
        received_on=DUE, booked_on=DUE, bank="main", by=SYSTEM,
    )  # fmt: skip
    allocate(payment, [(invoice.uid, money)], by=SYSTEM, on=DUE)


@pytest.mark.parametrize(
    ("days_late", "done", "level"),
    [
        (2, {}, None),
        (3, {}, 1),
        (40, {}, 1),
        (13, {1: 3}, None),
        (14, {1: 3}, 2),
        (41, {1: 40}, None),
        (50, {1: 40}, None),
        (51, {1: 40}, 2),
        (99, {1: 3, 2: 14, 3: 30}, None),
    ],
)
def test_the_lowest_step_that_has_come_is_due(days_late, done, level):
    days = {step: DUE + timedelta(days=late) for step, late in done.items()}
    found = step_due(DUE, DUE + timedelta(days=days_late), days, LADDER)
    assert (found.level if found else None) == level


def test_an_overdue_invoice_is_reminded_of_once(post, invoice):
    on = date(2026, 12, 5)
    assert [each.level for each in remind_due(on=on, by=SYSTEM)] == [1]
    assert remind_due(on=on, by=SYSTEM) == []
    assert remind_due(on=date(2026, 12, 6), by=SYSTEM) == []
    drain()
    reminder = Reminder.objects.get()
    assert (reminder.state, reminder.open_amount) == ("SENT", 70000)
    subjects = [each["subject"] for each in post.messages()]
    assert any("First reminder: invoice 2026-00001, $700.00 open" in text for text in subjects)
    send_reminder_later(tenant_id=invoice.tenant_id, reminder_id=reminder.pk)
    assert len(post.messages()) == len(subjects)


def test_a_reminder_says_what_was_due_when_and_what_is_still_to_pay(tenant, invoice):
    tenant.remittance = "Avon Bank, account 40118220"
    pay(invoice, "300")
    (reminder,) = remind_due(on=date(2026, 12, 5), by=SYSTEM)

    letter = letter_context(tenant, reminder, Money(Decimal(400), "USD"))

    assert letter["paragraphs"] == [
        f"Our invoice 2026-00001 for {invoice.customer} was due on December 2, 2026.",
        "$400.00 is still to be paid.",
        "If you have paid it in the last few days, thank you: there is nothing more to do.",
        "Avon Bank, account 40118220",
        "Please name 2026-00001 with your payment.",
    ]
    assert letter["facts"] == [
        ("Invoice", "2026-00001"),
        ("Was due", "December 2, 2026"),
        ("Invoiced", "$700.00"),
        ("Still to pay", "$400.00"),
    ]


def test_before_its_day_nobody_is_reminded(invoice):
    assert remind_due(on=date(2026, 12, 4), by=SYSTEM) == []


def test_what_is_paid_is_not_reminded_of_and_a_part_is_with_the_rest(post, invoice):
    pay(invoice, "300")
    (reminder,) = remind_due(on=date(2026, 12, 5), by=SYSTEM)
    assert reminder.open_amount == 40000
    pay(invoice, "400")
    drain()
    assert Reminder.objects.get().state == "SKIPPED"
    assert not any("reminder" in each["subject"] for each in post.messages())
    assert remind_due(on=date(2026, 12, 20), by=SYSTEM) == []


def test_what_waits_for_a_credit_note_is_left_alone(invoice):
    request_credit_note(invoice, reason="Wrong customer.", by=books.member("biller"))
    assert remind_due(on=date(2026, 12, 5), by=SYSTEM) == []


def test_the_firms_own_ladder_goes_before_the_houses(invoice):
    ReminderStep.objects.create(level=1, days_after_due=10)
    assert remind_due(on=date(2026, 12, 5), by=SYSTEM) == []
    assert len(remind_due(on=date(2026, 12, 12), by=SYSTEM)) == 1
    assert Step(1, 10) < Step(2, 3)


def test_a_customer_without_an_address_is_told_as_failed(invoice):
    invoice.customer.invoice_email = ""
    invoice.customer.save()
    (reminder,) = remind_due(on=date(2026, 12, 5), by=SYSTEM)
    assert (reminder.state, reminder.error_code) == ("FAILED", "deliveries.no_address")


def test_who_may_not_reminds_nobody(invoice):
    with pytest.raises(MissingPermission):
        remind_due(on=date(2026, 12, 5), by=actor("reviewer"))
    assert Reminder.objects.count() == 0


def test_a_neighbors_invoices_are_not_reminded_of(invoice, neighbor):
    with neighbor:
        assert remind_due(on=date(2026, 12, 5), by=SYSTEM) == []
        assert Reminder.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_processes_at_once_make_one_reminder():
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        books.finalized(reviewer=books.member("reviewer"))
    barrier, errors = threading.Barrier(2), []

    def go():
        try:
            with tenant_scope(firm.pk):
                barrier.wait(10)
                remind_due(on=date(2026, 12, 5), by=SYSTEM)
        except Exception as error:  # noqa: BLE001 -- the test shows them all
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with tenant_scope(firm.pk):
        assert Reminder.objects.count() == 1
