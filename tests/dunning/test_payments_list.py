"""Payments are listed by the day they came in, newest first, and paged without a gap."""

import re
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from random import Random

import pytest
from django.db import connection

from billing_portal.money import Money
from billing_portal.tenancy.scope import tenant_scope
from dunning.queries import payments as asked_of
from ledger.actions.payments import receive
from ledger.models import Payment
from tests.factories import TenantFactory
from tests.foundations.test_api import Caller
from tests.invoices.books import SYSTEM
from tests.visiting import Visitor, text_of

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 2)


def paid_in(key, day):
    return receive(
        source="test", key=str(key), customer="", amount=Money(Decimal(10), "USD"),
        received_on=day, booked_on=DAY, bank="house", payer=f"Payer {key}", by=SYSTEM,
    )  # fmt: skip


def listed(visitor, path):
    """Return the payments of each page from the first to the last, and of each one back again."""
    forward, back, here, last = [], [], path, ""
    while here:
        page = visitor.get(here).content.decode()
        forward.append(ids_in(page))
        last, here = here, beside(page, "after")
    while last:
        page = visitor.get(last).content.decode()
        back.append(ids_in(page))
        last = beside(page, "before")
    return forward, back


def ids_in(page):
    return list(dict.fromkeys(re.findall(r"pay_[0-9a-z]{26}", page)))


def beside(page, side):
    found = re.search(rf'href="(/[^"]*[?&;]{side}=[^"]*)"', page)
    return unescape(found[1]) if found else ""


def test_a_payment_imported_late_stands_at_its_own_day(client, firm):
    with tenant_scope(firm.pk):
        newest, oldest = paid_in(1, date(2026, 11, 20)), paid_in(2, date(2026, 8, 3))
        between = [paid_in(key, date(2026, 10, 9)) for key in (3, 4)]
    visitor = Visitor(client, firm, "biller")

    shown = ids_in(visitor.get("payments/").content.decode())

    expected = [newest, between[1], between[0], oldest]
    assert shown == [each.public_id for each in expected]


@pytest.mark.parametrize("days", [1, 4, 130])
def test_pages_lead_through_every_payment_once_also_within_one_day(client, firm, days):
    draw = Random(days)
    with tenant_scope(firm.pk):
        for key in range(130):
            paid_in(key, DAY - timedelta(days=draw.randrange(days)))
        rows = Payment.objects.order_by("-received_on", "-pk")
        expected = [each.public_id for each in rows]
    visitor = Visitor(client, firm, "biller")

    forward, back = listed(visitor, "payments/")

    assert [len(page) for page in forward] == [50, 50, 30]
    assert [each for page in forward for each in page] == expected
    assert back == forward[::-1]


def test_a_payment_that_comes_in_meanwhile_moves_no_later_page(client, firm):
    with tenant_scope(firm.pk):
        for key in range(60):
            paid_in(key, DAY)
        visitor = Visitor(client, firm, "biller")
        following = beside(visitor.get("payments/").content.decode(), "after")
        before = ids_in(visitor.get(following).content.decode())
        paid_in("new", DAY)
    after = ids_in(visitor.get(following).content.decode())

    assert before == after


def test_a_place_in_another_list_or_firm_counts_as_not_given(client, firm):
    with tenant_scope(firm.pk):
        for key in range(60):
            paid_in(key, DAY)
        visitor = Visitor(client, firm, "biller")
        place = beside(visitor.get("payments/").content.decode(), "after").partition("after=")[2]
        first = ids_in(visitor.get("payments/").content.decode())
    other = TenantFactory.create()
    with tenant_scope(other.pk):
        theirs = paid_in(1, DAY)
    stranger = Visitor(client, other, "biller")

    shown = ids_in(stranger.get(f"payments/?after={place}").content.decode())
    files = text_of(stranger.get(f"bank-files/?after={place}"))

    assert shown == [theirs.public_id]
    assert not set(first) & set(shown)
    assert "No file yet" in files


@pytest.mark.parametrize("place", ["", "lt"])
def test_the_list_is_answered_by_the_index(tenant, place):
    for key in range(3):
        paid_in(key, DAY)
    rows = asked_of.payments().order_by("-received_on", "-pk")
    if place:
        rows = rows.filter(received_on__lte=DAY)

    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off; set local enable_sort = off")
    plan = rows[:51].explain()

    assert "payment_by_day" in plan
    assert "Sort" not in plan


def test_over_rest_payments_stand_in_the_order_of_recording(client, firm):
    with tenant_scope(firm.pk):
        first, late = paid_in(1, date(2026, 11, 20)), paid_in(2, date(2026, 8, 3))

    told = Caller(client, firm).get("/api/v1/payments").json()["data"]

    assert [row["id"] for row in told] == [late.public_id, first.public_id]
