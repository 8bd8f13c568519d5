"""What is owed, for how long, and what stands where nothing should."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db.models import F

from billing_portal.money import Money
from ledger.actions.posting import Line, NewEntry, post
from ledger.models import Posting
from ledger.queries import AgedLine, Standing, ageing, open_amount_of, standing_amounts

TODAY = date(2026, 11, 2)
ZERO = Money.zero("USD")


def usd(amount):
    return Money(Decimal(amount), "USD")


def bill(by, amount, *, days_ago=0, customer="cus_a"):
    invoice = uuid4()
    lines = (Line("ar", usd(amount), customer, invoice), Line("fees", -usd(amount)))
    day = TODAY - timedelta(days=days_ago)
    post([NewEntry(kind="invoice", booked_on=day, key=f"i:{invoice}", lines=lines)], by=by)
    return invoice


@pytest.mark.parametrize(
    ("days", "bucket"),
    [(0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (91, 4), (400, 4)],
)
def test_what_is_owed_ages_by_days_since_it_was_booked(tenant, owner, days, bucket):
    bill(owner, 7, days_ago=days)

    expected = tuple(usd(7) if number == bucket else ZERO for number in range(5))
    assert ageing(TODAY) == [AgedLine("cus_a", "USD", expected)]


def test_a_due_date_counts_where_it_is_known(tenant, owner):
    early, late = bill(owner, 7, days_ago=50), bill(owner, 5, days_ago=50)

    (line,) = ageing(TODAY, due={early: TODAY, late: TODAY - timedelta(days=20)})
    assert line.buckets == (usd(7), usd(5), ZERO, ZERO, ZERO)


def test_what_was_paid_does_not_age(tenant, owner):
    invoice = bill(owner, 7, days_ago=50)
    lines = (Line("ar", usd(-7), "cus_a", invoice), Line("cash", usd(7)))
    post([NewEntry(kind="paid", booked_on=TODAY, key="p", lines=lines)], by=owner)

    assert ageing(TODAY) == []
    assert len(ageing(TODAY - timedelta(days=1))) == 1


@pytest.mark.parametrize("count", [1, 12])
def test_ageing_is_one_query(tenant, owner, count, django_assert_num_queries):
    for number in range(count):
        bill(owner, 7, customer=f"cus_{number:02}")

    with django_assert_num_queries(1):
        assert len(ageing(TODAY)) == count
    assert [line.customer for line in ageing(TODAY, customer="cus_00")] == ["cus_00"]


def test_what_should_return_to_zero_is_shown_with_its_age(tenant, owner):
    lines = (Line("clearing", usd(7), "stripe"), Line("suspense", usd(-7)))
    post([NewEntry(kind="capture", booked_on=TODAY, key="c", lines=lines)], by=owner)

    assert standing_amounts() == [
        Standing("1050:stripe", usd(7), TODAY),
        Standing("3900", usd(-7), TODAY),
    ]


def test_open_amounts_annotate_any_row_that_names_an_invoice(tenant, owner):
    invoice = bill(owner, 7)

    rows = Posting.objects.annotate(named=F("invoice"), owed=open_amount_of("invoice"))
    assert dict(rows.values_list("named", "owed")) == {invoice: 700, None: 0}


def test_another_firms_debts_do_not_age_here(tenant, neighbor, owner):
    with neighbor:
        bill(owner, 7)

    assert ageing(TODAY) == []
    assert standing_amounts() == []
