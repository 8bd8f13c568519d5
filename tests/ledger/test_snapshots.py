"""A balance is the last snapshot and what came later; it is the same sum with and without."""

from datetime import date
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.audit import sealing
from billing_portal.money import Money
from ledger.actions.posting import Line, NewEntry, post
from ledger.actions.snapshots import take_snapshots
from ledger.models import BalanceSnapshot
from ledger.queries import balance_of

DAY = date(2026, 10, 31)


def book(by, *amounts, owner="cus_a"):
    entries = [
        NewEntry(
            kind="charge",
            booked_on=DAY,
            key=f"charge:{uuid4()}",
            lines=(Line("wip", money, owner), Line("fees", -money)),
        )
        for money in (Money.of_minor(minor, "USD") for minor in amounts)
    ]
    post(entries, by=by)


def test_long_accounts_get_a_snapshot_and_short_ones_do_not(tenant, owner):
    book(owner, 1, 2)
    book(owner, 4, owner="cus_b")
    sealing.seal("ledger")

    assert take_snapshots(at_least=3) == 1
    snapshot = BalanceSnapshot.objects.get()
    assert (snapshot.account.role, snapshot.balance, snapshot.up_to_seq) == ("fees", -7, 3)
    assert take_snapshots(at_least=3) == 0


def test_without_a_seal_there_is_no_snapshot(tenant, owner):
    book(owner, 1)

    assert take_snapshots(at_least=1) == 0


def test_what_waits_for_its_seal_counts_in_the_balance_but_not_in_the_snapshot(tenant, owner):
    book(owner, 100)
    sealing.seal("ledger")
    book(owner, 10)
    take_snapshots(at_least=1)

    assert set(BalanceSnapshot.objects.values_list("balance", flat=True)) == {100, -100}
    assert balance_of("wip", "USD") == Money.of_minor(110, "USD")
    sealing.seal("ledger")
    assert balance_of("wip", "USD") == Money.of_minor(110, "USD")


STEPS = st.one_of(
    st.tuples(st.just("book"), st.sampled_from(["cus_a", "cus_b"]), st.integers(1, 10**9)),
    st.tuples(st.just("seal"), st.just(""), st.integers(1, 3)),
    st.tuples(st.just("snapshot"), st.just(""), st.integers(1, 4)),
)


@given(st.lists(STEPS, min_size=1, max_size=12))
def test_whatever_is_sealed_and_stored_a_balance_is_the_sum_of_its_postings(tenant, owner, steps):
    sums = {"cus_a": 0, "cus_b": 0}
    with transaction.atomic():
        for what, customer, number in steps:
            if what == "book":
                book(owner, number, owner=customer)
                sums[customer] += number
            elif what == "seal":
                sealing.seal("ledger", limit=number)
            else:
                take_snapshots(at_least=number)

            for customer_id, total in sums.items():
                found = balance_of("wip", "USD", owner=customer_id)
                assert found == Money.of_minor(total, "USD")
            whole = Money.of_minor(sum(sums.values()), "USD")
            assert balance_of("wip", "USD") == whole
            assert balance_of("fees", "USD") == -whole
            assert balance_of("fees", "USD", on=DAY) == -whole
        transaction.set_rollback(True)


@pytest.mark.parametrize("count", [1, 30])
def test_a_balance_is_one_query(tenant, owner, count, django_assert_num_queries):
    book(owner, *[1] * count)
    sealing.seal("ledger")
    take_snapshots(at_least=1)

    with django_assert_num_queries(1):
        assert balance_of("fees", "USD") == Money.of_minor(-count, "USD")


def test_another_firms_snapshots_are_not_counted(tenant, neighbor, owner):
    with neighbor:
        book(owner, 5)
        sealing.seal("ledger")
        take_snapshots(at_least=1)

    assert balance_of("fees", "USD") == Money.zero("USD")
    assert not BalanceSnapshot.objects.exists()
