"""Sending what is due from the page: first whom and how much, then exactly that, and a count."""

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client

from billing_portal.money import Money
from billing_portal.tenancy.scope import tenant_scope
from dunning.actions.remind import remind_due
from dunning.models import Reminder
from dunning.queries.reminders import due_reminders
from dunning.views import sending
from ledger.actions.payments import allocate, receive
from tests.factories import TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.visiting import Visitor, links_of, text_of

pytestmark = pytest.mark.django_db
ON = date(2026, 12, 5)  # three days after both were due
SEND = "reminders/send/"


@pytest.fixture
def invoices(firm):
    """Two final invoices of 700 dollars, of two customers, both late."""
    with tenant_scope(firm.pk):
        reviewer = books.member("reviewer")
        return [books.finalized(reviewer=reviewer) for _ in range(2)]


@pytest.fixture
def late(client, firm, monkeypatch):
    """A biller on the day on which the first reminders are due."""
    for module in ("sending", "reminders"):
        monkeypatch.setattr(f"dunning.views.{module}.today_of", lambda request: ON)
    return Visitor(client, firm, "biller")


def picks(*invoices, level=1):
    return {"pick": [f"{each.public_id}:{level}" for each in invoices]}


def pay(firm, invoice, amount="700"):
    money = Money(Decimal(amount), "USD")
    with tenant_scope(firm.pk):
        payment = receive(
            source="test", key=invoice.public_id[:20], customer=invoice.customer.public_id,
            amount=money, received_on=ON, booked_on=ON, bank="main", by=SYSTEM,
        )  # fmt: skip
        allocate(payment, [(invoice.uid, money)], by=SYSTEM, on=ON)


def reminded(firm):
    with tenant_scope(firm.pk):
        return sorted(Reminder.objects.values_list("invoice__number", "level"))


def test_the_first_step_lists_whom_it_would_remind_and_sends_nothing(late, firm, invoices):
    before = late.get("reminders/")

    page = late.get(SEND)

    shown = text_of(page)
    assert f"/t/{firm.slug}/{SEND}" in links_of(before)
    assert "Send what is due (2)" in text_of(before)
    assert "2 customers would be written to, about $1,400.00." in shown
    for each in invoices:
        assert f"{each.number} {each.customer} 1 Dec 2, 2026 $700.00" in shown
    assert "Send 2 reminders" in shown
    assert reminded(firm) == []


def test_the_second_step_sends_what_was_seen_and_says_how_many(late, firm, invoices):
    answer = late.post(SEND, picks(*invoices), follow=True)

    assert "2 reminders are on their way." in text_of(answer)
    assert reminded(firm) == [("2026-00001", 1), ("2026-00002", 1)]
    again = late.post(SEND, picks(*invoices), follow=True)
    assert "Reminded of already or held back, and left out: 2026-00001, 2026-00002." in text_of(
        again
    )
    assert "on their way" not in text_of(again)
    assert len(reminded(firm)) == 2


def test_what_became_due_meanwhile_is_not_sent(late, firm, invoices):
    answer = late.post(SEND, picks(invoices[0]), follow=True)

    assert "1 reminder is on its way." in text_of(answer)
    assert reminded(firm) == [("2026-00001", 1)]


def test_what_was_paid_meanwhile_is_left_out_and_said(late, firm, invoices):
    pay(firm, invoices[1])

    answer = late.post(SEND, picks(*invoices), follow=True)

    assert "1 reminder is on its way." in text_of(answer)
    assert "Paid or credited meanwhile, and left out: 2026-00002." in text_of(answer)
    assert reminded(firm) == [("2026-00001", 1)]


def test_a_step_that_another_took_meanwhile_does_not_lead_to_the_next(late, firm, invoices):
    with tenant_scope(firm.pk):
        remind_due(on=ON, by=SYSTEM, only=[(invoices[0].uid, 1)])

    late.post(SEND, picks(*invoices, level=2), follow=True)

    assert reminded(firm) == [("2026-00001", 1)]


def test_who_has_no_address_is_said_as_not_mailed(late, firm, invoices):
    with tenant_scope(firm.pk):
        invoices[0].customer.invoice_email = ""
        invoices[0].customer.save()

    answer = late.post(SEND, picks(*invoices), follow=True)

    assert "1 reminder is on its way." in text_of(answer)
    assert "1 could not be mailed, for want of an address" in text_of(answer)


@pytest.mark.parametrize("sent", [{}, {"pick": ["", "x:1", "inv_x:1", "inv_:"]}])
def test_nothing_chosen_sends_nothing_and_says_so(late, firm, invoices, sent):
    answer = late.post(SEND, sent, follow=True)

    assert "No reminder was chosen; nothing was sent." in text_of(answer)
    assert reminded(firm) == []


def test_more_than_fit_wait_for_the_next_time(late, firm, invoices, monkeypatch):
    monkeypatch.setattr(sending, "MOST_AT_ONCE", 1)

    shown = text_of(late.get(SEND))

    assert "The 1 that are due longest are listed; 1 more wait for the next time." in shown
    assert "Send 1 reminder" in shown
    assert "2026-00002" not in shown


def test_what_the_reminders_page_does_not_list_is_counted(late, firm, invoices, monkeypatch):
    assert "more." not in text_of(late.get("reminders/"))
    monkeypatch.setattr("dunning.views.reminders._MOST", 1)

    shown = text_of(late.get("reminders/"))

    assert "And 1 more." in shown
    assert "Send what is due (2)" in shown


def test_when_nobody_is_late_it_says_so(client, firm, invoices):
    assert "Nobody is to be reminded today" in text_of(Visitor(client, firm, "biller").get(SEND))


def test_many_named_are_cut_short(late, firm):
    with tenant_scope(firm.pk):
        reviewer = books.member("reviewer")
        made = [books.finalized(reviewer=reviewer) for _ in range(5)]
        remind_due(on=ON, by=SYSTEM)

    answer = late.post(SEND, picks(*made), follow=True)

    assert "left out: 2026-00001, 2026-00002, 2026-00003 and 2 more." in text_of(answer)


def test_who_only_reads_and_a_neighbor_send_nothing(client, late, firm, invoices):
    other = TenantFactory.create()
    auditor, stranger = Visitor(Client(), firm, "auditor"), Visitor(Client(), other, "biller")

    assert "Send what is due" not in text_of(auditor.get("reminders/"))
    assert (auditor.get(SEND).status_code, auditor.post(SEND, picks(*invoices)).status_code) == (
        403,
        403,
    )
    answer = stranger.post(SEND, picks(*invoices), follow=True)
    assert "2026-0000" not in text_of(answer)
    assert "on their way" not in text_of(answer)
    assert reminded(firm) == reminded(other) == []
    with tenant_scope(firm.pk):
        assert len(due_reminders(ON)) == 2
