"""Closing a month on its page: one asks, another closes, and nothing is booked there again."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing_portal.money import Money
from billing_portal.periods import local_day
from ledger.actions.months import PeriodClosed
from ledger.actions.posting import Line, NewEntry, post
from ledger.models import AccountingPeriod
from tests.factories import TenantFactory
from tests.visiting import Visitor, text_of

MONTH = "2026-05"
ASK, CLOSE = f"ledger/periods/{MONTH}/close-request/", f"ledger/periods/{MONTH}/close/"


def book(by, key="k", on=date(2026, 5, 4)):
    money = Money(Decimal(5), "USD")
    lines = (Line("wip", money), Line("fees", -money))
    return post([NewEntry("charge", on, key, lines, source="chg_1")], by=by)


@pytest.fixture
def ada(client, tenant):
    return Visitor(client, tenant)


@pytest.fixture
def luis(tenant):
    from django.test import Client

    return Visitor(Client(), tenant)


def test_one_asks_and_another_closes(ada, luis, owner):
    book(owner)
    assert "Ask to close" in text_of(ada.get("ledger/periods/"))
    ada.post(ASK)
    page = text_of(ada.get("ledger/periods/"))
    assert "Waits for another person." in page
    assert "Close for ever" not in page
    assert "Close the books of May 2026" not in text_of(ada.get("inbox/"))
    ada.post(CLOSE)  # by hand, past the page
    assert AccountingPeriod.objects.get().state == "soft_closed"

    luis.post(f"ledger/periods/{MONTH}/reopening/")
    assert AccountingPeriod.objects.get().state == "open"
    book(owner, "again")
    ada.post(ASK)
    assert "Close the books of May 2026" in text_of(luis.get("inbox/"))
    assert "Close for ever" in text_of(luis.get("ledger/periods/"))
    luis.post(CLOSE)
    period = AccountingPeriod.objects.get()
    assert (period.state, period.closed_by) == ("closed", f"user:{luis.user.pk}")
    assert "Closed" in text_of(ada.get("ledger/periods/"))
    with pytest.raises(PeriodClosed):
        book(owner, "late")


def test_the_running_month_is_not_closed(ada, owner):
    book(owner, on=local_day(datetime.now(UTC), "UTC"))
    assert "It has not ended." in text_of(ada.get("ledger/periods/"))
    month = f"{local_day(datetime.now(UTC), 'UTC'):%Y-%m}"
    ada.post(f"ledger/periods/{month}/close-request/")
    assert AccountingPeriod.objects.get().state == "open"


def test_an_empty_book_says_so_and_a_strange_month_is_not_there(ada):
    assert "Nothing is booked yet" in text_of(ada.get("ledger/periods/"))
    for month in ("2026-13", "x", "2026-5", "1999-01"):
        assert ada.post(f"ledger/periods/{month}/close/").status_code == 404


@pytest.mark.parametrize("role", ["biller", "auditor"])
def test_who_may_only_read_closes_nothing(client, tenant, owner, role):
    book(owner)
    reader = Visitor(client, tenant, role)
    page = reader.get("ledger/periods/")
    if page.status_code == 200:
        assert "Ask to close" not in text_of(page)
    assert reader.post(ASK).status_code == 403
    assert AccountingPeriod.objects.get().state == "open"


def test_a_neighbors_month_is_not_there(client, tenant, owner):
    book(owner)
    stranger = Visitor(client, TenantFactory.create())
    assert "May 2026" not in text_of(stranger.get("ledger/periods/"))
    assert stranger.post(ASK).status_code == 404
