"""Posting: balanced, once, in an open period, and never changed afterwards."""

from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.audit import sealing
from billing_portal.audit.verification import verify_chain
from billing_portal.money import Money
from ledger.actions.months import PeriodClosed
from ledger.actions.posting import (
    AlreadyReversed,
    KeyReused,
    Line,
    NewEntry,
    Unbalanced,
    post,
    reverse,
)
from ledger.models import AccountingPeriod, Entry, Posting
from ledger.queries import balance_of, open_amounts, open_items, trial_balance

DAY = date(2026, 10, 31)


def usd(amount) -> Money:
    return Money(Decimal(amount), "USD")


def charge(key="charge:1", amount="100.00", **more) -> NewEntry:
    lines = (Line("wip", usd(amount), "cus_a"), Line("fees", -usd(amount)))
    return NewEntry(**{"kind": "charge", "booked_on": DAY, "key": key, "lines": lines} | more)


def test_an_entry_is_posted_with_its_accounts_and_period(tenant, owner):
    (entry,) = post([charge()], by=owner)

    assert (entry.kind, entry.booked_on, entry.effective_on) == ("charge", DAY, DAY)
    assert entry.actor == owner.ref
    assert str(entry.period) == "October 2026"
    assert balance_of("wip", "USD", owner="cus_a") == usd("100.00")
    assert balance_of("fees", "USD") == usd("-100.00")


def test_posting_the_same_twice_is_posting_once(tenant, owner):
    first = post([charge()], by=owner)
    second = post([charge()], by=owner)

    assert [e.pk for e in first] == [e.pk for e in second]
    assert Entry.objects.count() == 1


def test_a_key_with_other_content_is_refused_and_nothing_is_posted(tenant, owner):
    post([charge()], by=owner)

    with pytest.raises(KeyReused):
        post([charge("charge:2"), charge(amount="100.01")], by=owner)
    assert Entry.objects.count() == 1


def test_a_key_twice_in_one_posting_is_refused(tenant, owner):
    with pytest.raises(KeyReused):
        post([charge(), charge()], by=owner)
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (Line("wip", usd(1)),),
        (Line("wip", usd(1)), Line("fees", usd("-0.99"))),
        (Line("wip", usd(1)), Line("fees", -Money(Decimal(1), "EUR"))),
    ],
)
def test_what_does_not_balance_is_refused_whole(tenant, owner, lines):
    with pytest.raises(Unbalanced):
        post([charge("charge:2"), charge(lines=lines)], by=owner)
    assert not Entry.objects.exists()
    assert not Posting.objects.exists()


def test_a_closed_period_takes_nothing(tenant, owner):
    AccountingPeriod.objects.create(
        starts_on=date(2026, 10, 1), ends_on=date(2026, 11, 1), state="soft_closed"
    )

    with pytest.raises(PeriodClosed, match="October 2026"):
        post([charge()], by=owner)
    assert not Entry.objects.exists()
    (adjustment,) = post([charge(kind="adjustment")], by=owner)
    assert adjustment.pk


def test_a_late_entry_is_booked_in_the_open_period_with_its_real_day(tenant, owner):
    (entry,) = post([charge(booked_on=date(2026, 11, 2), effective_on=DAY)], by=owner)

    assert (str(entry.period), entry.effective_on) == ("November 2026", DAY)


def test_a_reversal_is_the_exact_mirror_and_happens_once(tenant, owner):
    (entry,) = post([charge()], by=owner)

    reversal = reverse(entry, by=owner, on=date(2026, 11, 2), reason="Entered twice")

    assert reversal.reverses_id == entry.pk
    assert balance_of("wip", "USD") == usd(0)
    with pytest.raises(AlreadyReversed):
        reverse(entry, by=owner, on=date(2026, 11, 3), reason="Again")
    assert Entry.objects.count() == 2


def test_a_reversal_of_a_reversal_is_possible(tenant, owner):
    (entry,) = post([charge()], by=owner)
    reversal = reverse(entry, by=owner, on=DAY, reason="Wrong")

    reverse(reversal, by=owner, on=DAY, reason="It was right")

    assert balance_of("wip", "USD") == usd("100.00")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ar", "fees", "wip", "tax", "credit"]),
            st.integers(-(10**12), 10**12).filter(bool),
            st.sampled_from(["USD", "EUR", "JPY"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_is_posted_the_trial_balance_is_zero(tenant, owner, drawn):
    with transaction.atomic():
        lines = []
        for role, minor, currency in drawn:
            money = Money.of_minor(minor, currency)
            lines += [Line(role, money), Line("suspense", -money)]
        post([charge(f"law:{uuid4()}", lines=tuple(lines))], by=owner)

        assert not any(trial_balance().differences.values())
        transaction.set_rollback(True)


@pytest.mark.parametrize("count", [1, 40])
def test_posting_costs_the_same_whatever_the_number(
    tenant, owner, count, django_assert_max_num_queries
):
    entries = [charge(f"charge:{n}") for n in range(count)]

    with django_assert_max_num_queries(16):
        post(entries, by=owner)


def test_what_is_owed_is_asked_of_the_books(tenant, owner):
    paid, part = uuid4(), uuid4()
    post(
        [
            charge(f"i:{uid}", lines=(Line("ar", usd(9), "cus_a", uid), Line("wip", usd(-9))))
            for uid in (paid, part)
        ]
        + [
            charge(f"p:{uid}", lines=(Line("ar", usd(-n), "cus_a", uid), Line("cash", usd(n))))
            for uid, n in ((paid, 9), (part, 4))
        ],
        by=owner,
    )

    assert open_amounts([paid, part, uuid4()]) == {paid: 0, part: 500}
    assert [(item.invoice, item.amount) for item in open_items("cus_a")] == [(part, usd(5))]


def test_the_trial_balance_goes_up_to_a_day(tenant, owner):
    post([charge(), charge("charge:2", booked_on=date(2026, 11, 2))], by=owner)

    lines = {line.role: (line.debit, line.credit) for line in trial_balance(DAY).lines}
    assert lines == {"wip": (usd("100.00"), usd(0)), "fees": (usd(0), usd("100.00"))}


def test_entries_are_sealed_into_a_chain(tenant, owner):
    post([charge(f"charge:{n}") for n in range(3)], by=owner)

    assert sealing.seal("ledger") == 3
    assert verify_chain(tenant, "ledger").ok


def test_another_firms_books_are_not_seen(tenant, neighbor, owner):
    invoice = uuid4()
    with neighbor:
        lines = (Line("ar", usd(9), "cus_a", invoice), Line("fees", usd(-9)))
        post([charge(lines=lines)], by=owner)

    assert trial_balance().lines == []
    assert open_amounts([invoice]) == {}
    assert open_items("cus_a") == []
    (ours,) = post([charge(amount="1.00")], by=owner)
    assert Entry.objects.get() == ours
