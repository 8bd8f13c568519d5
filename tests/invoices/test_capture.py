"""Capture: once, priced by the rate in force, booked as unbilled work, answered row by row."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from billing_portal.money import Money
from billing_portal.outbox.models import OutboxEvent
from billing_portal.tenancy.actors import MissingPermission, system
from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.capture import RowsRefused, TooMany, capture, capture_file
from invoices.actions.rows import NewCharge
from invoices.models import Charge
from invoices.queries.charges import charges_without_entry
from ledger.models import AccountingPeriod, Entry
from ledger.queries import balance_of, trial_balance
from tests.customers.factories import (
    CustomerFactory,
    MatterFactory,
    RateFactory,
    TimekeeperFactory,
)
from tests.factories import TenantFactory
from tests.invoices import books

TODAY = date(2026, 11, 2)
DAY = date(2026, 10, 15)


@pytest.fixture
def work(tenant):
    """A matter, somebody who works on it, and the firm's rate for an hour."""
    matter = MatterFactory.create()
    timekeeper = TimekeeperFactory.create()
    RateFactory.create(timekeeper=timekeeper, starts_on=date(2026, 1, 1))
    return NewCharge(
        key="t:1",
        kind="TIME",
        customer=matter.customer.external_id,
        matter=matter.external_id,
        timekeeper=timekeeper.external_id,
        worked_on=DAY,
        quantity=Decimal("1.5"),
        task_code="L330",
        activity_code="A109",
        narrative="Attend deposition of the treating physician.",
    )


def expense(work, key="e:1", **more):
    facts = {
        "kind": "EXPENSE",
        "timekeeper": "",
        "quantity": Decimal(1),
        "unit_price": Decimal("418.50"),
        "expense_code": "E115",
    }
    return replace(work, key=key, **(facts | more))


def statuses(answers):
    return [(answer.status, answer.code) for answer in answers]


def test_time_is_priced_by_the_rate_in_force_and_says_which(work, owner):
    (answer,) = capture("case-system", [work], by=owner, on=TODAY)

    charge = Charge.objects.select_related("rate").get()
    assert (answer.status, answer.id) == ("accepted", charge.public_id)
    assert charge.rate is not None
    assert charge.unit_price == charge.rate.price.amount
    assert charge.total == (charge.rate.price * Decimal("1.5")).rounded()
    assert "on the firm's card" in charge.priced_by


def test_a_charge_stands_in_the_books_as_unbilled_work(work, owner):
    capture("case-system", [work, expense(work)], by=owner, on=TODAY)

    total = sum(Charge.objects.values_list("amount", flat=True))
    time, cost = Charge.objects.order_by("pk")
    assert balance_of("wip", "USD", owner=time.customer.public_id) == Money.of_minor(total, "USD")
    assert balance_of("fees", "USD") == -time.total
    assert balance_of("recoveries", "USD") == -cost.total
    assert not any(trial_balance().differences.values())
    assert charges_without_entry() == []


def test_the_same_charge_sent_twice_is_one_and_says_so(work, owner):
    first = capture("case-system", [work], by=owner, on=TODAY)
    again = capture("case-system", [replace(work, quantity=Decimal("1.50"))], by=owner, on=TODAY)

    assert (again[0].status, again[0].id) == ("duplicate", first[0].id)
    assert (Charge.objects.count(), Entry.objects.count()) == (1, 1)


def test_the_same_key_with_other_content_is_a_conflict_and_changes_nothing(work, owner):
    capture("case-system", [work], by=owner, on=TODAY)

    answers = capture("case-system", [replace(work, quantity=Decimal(2))], by=owner, on=TODAY)

    assert statuses(answers) == [("conflict", "charges.conflict")]
    assert Charge.objects.get().quantity == Decimal("1.5")


def test_a_row_mended_below_the_refused_one_is_taken(work, owner):
    bad = replace(work, customer="nobody")
    again = replace(work, quantity=Decimal(3))
    answers = capture("case-system", [bad, bad, work, work, again], by=owner, on=TODAY)

    assert statuses(answers) == [
        ("refused", "charges.unknown_customer"),
        ("refused", "charges.unknown_customer"),
        ("accepted", ""),
        ("duplicate", ""),
        ("conflict", "charges.conflict"),
    ]
    assert answers[3].id == answers[2].id
    assert Charge.objects.get().quantity == work.quantity


@pytest.mark.parametrize("code", ["L|10", "L110\n", "L\t1", "[]", "x" * 21, "é1"])
def test_a_code_that_no_format_carries_is_refused(work, owner, code):
    (answer,) = capture("case-system", [replace(work, task_code=code)], by=owner, on=TODAY)

    assert (answer.status, answer.code, answer.column) == ("refused", "charges.value", "task_code")
    assert not Charge.objects.exists()


@pytest.mark.parametrize(
    ("values", "code", "column"),
    [
        ({"quantity": Decimal("24.0001")}, "charges.too_many_hours", "quantity"),
        ({"worked_on": TODAY + timedelta(days=32)}, "charges.too_far_ahead", "worked_on"),
    ],
)
def test_what_nobody_can_have_worked_is_refused(work, owner, values, code, column):
    priced = replace(work, unit_price=Decimal(200))
    most = replace(priced, key="t:2", quantity=Decimal(24), worked_on=TODAY + timedelta(days=31))
    many = expense(work, key="e:2", quantity=Decimal(25))

    answers = capture("test", [replace(priced, **values), most, many], by=owner, on=TODAY)

    assert (answers[0].status, answers[0].code, answers[0].column) == ("refused", code, column)
    assert statuses(answers[1:]) == [("accepted", ""), ("accepted", "")]


def test_another_source_has_keys_of_its_own(work, owner):
    capture("case-system", [work], by=owner, on=TODAY)

    assert statuses(capture("phone", [work], by=owner, on=TODAY)) == [("accepted", "")]


def test_a_batch_answers_each_row_in_its_place(work, owner):
    rows = [
        work,
        work,
        replace(work, quantity=Decimal(9)),
        replace(work, key="t:2", customer="nobody"),
        replace(work, key="t:3", matter="no matter"),
        replace(work, key="t:4", timekeeper="nobody"),
        replace(work, key="t:5", worked_on=date(2020, 1, 1)),
        replace(work, key="t:6", quantity=Decimal(-1)),
        replace(work, key="t:7", timekeeper=""),
        replace(work, key="t:8", currency="EUR"),
        replace(work, key="t:9", narrative="card 4111 1111 1111 1111"),
        replace(work, key="t:10", adjustment=Decimal("0.005")),
        expense(work, unit_price=None),
        expense(work, key="e:2"),
    ]

    answers = capture("case-system", rows, by=owner, on=TODAY)

    assert statuses(answers) == [
        ("accepted", ""),
        ("duplicate", ""),
        ("conflict", "charges.conflict"),
        ("refused", "charges.unknown_customer"),
        ("refused", "charges.unknown_matter"),
        ("refused", "charges.unknown_timekeeper"),
        ("refused", "customers.no_rate"),
        ("refused", "charges.value"),
        ("refused", "charges.value"),
        ("refused", "charges.currency"),
        ("refused", "customers.card_number_refused"),
        ("refused", "charges.value"),
        ("refused", "charges.value"),
        ("accepted", ""),
    ]
    assert [answer.key for answer in answers] == [row.key for row in rows]
    assert Charge.objects.count() == 2


def test_a_matter_of_another_customer_is_refused(work, owner):
    other = CustomerFactory.create()

    answers = capture(
        "case-system", [replace(work, customer=other.external_id)], by=owner, on=TODAY
    )

    assert statuses(answers) == [("refused", "charges.unknown_matter")]


def test_a_closed_matter_takes_no_work(work, owner):
    MatterFactory._meta.model.objects.update(state="CLOSED", closed_on=DAY)

    answers = capture("case-system", [work], by=owner, on=TODAY)

    assert statuses(answers) == [("refused", "customers.closed")]
    assert not Charge.objects.exists()


def test_a_price_that_comes_along_wins_and_the_adjustment_is_added_after_rounding(work, owner):
    row = replace(
        work,
        quantity=Decimal("0.333"),
        unit_price=Decimal("100.00"),
        adjustment=Decimal("-0.30"),
    )
    capture("case-system", [row], by=owner, on=TODAY)

    charge = Charge.objects.get()
    assert charge.total == Money(Decimal("33.00"), "USD")
    assert charge.priced_by == "The price came with the charge."


def test_work_that_comes_to_nothing_is_kept_without_an_entry(work, owner):
    capture("case-system", [expense(work, unit_price=Decimal(0))], by=owner, on=TODAY)

    assert (Charge.objects.get().entry, Entry.objects.count()) == (None, 0)


def test_late_work_of_a_closed_month_is_booked_today_with_its_real_day(work, owner):
    AccountingPeriod.objects.create(
        starts_on=date(2026, 10, 1), ends_on=date(2026, 11, 1), state="soft_closed"
    )

    capture("case-system", [work], by=owner, on=TODAY)

    entry = Entry.objects.get()
    assert (entry.booked_on, entry.effective_on) == (TODAY, DAY)


def test_late_work_of_a_month_before_a_closed_one_is_booked_today(work, owner):
    AccountingPeriod.objects.create(
        starts_on=date(2026, 10, 1), ends_on=date(2026, 11, 1), state="closed",
        close_requested_by="user:1", closed_by="user:2", head_seq=0,
        closed_at=datetime(2026, 11, 2, tzinfo=UTC),
    )  # fmt: skip
    early = date(2026, 8, 10)

    (answer,) = capture("case-system", [replace(work, worked_on=early)], by=owner, on=TODAY)

    assert answer.status == "accepted", answer
    entry = Entry.objects.get()
    assert (entry.booked_on, entry.effective_on) == (TODAY, early)


def test_a_file_is_taken_whole_or_not_at_all(work, owner):
    rows = [work, replace(work, key="t:2", customer="nobody")]

    with pytest.raises(RowsRefused) as refused:
        capture_file("csv", rows, by=owner, on=TODAY)

    assert [answer.key for answer in refused.value.answers] == ["t:2"]
    assert not Charge.objects.exists()
    assert not Entry.objects.exists()
    assert not OutboxEvent.objects.filter(kind="charges.captured").exists()


def test_a_file_sent_twice_is_taken_once(work, owner):
    capture_file("csv", [work], by=owner, on=TODAY)

    assert statuses(capture_file("csv", [work], by=owner, on=TODAY)) == [("duplicate", "")]


def test_a_batch_has_a_size(work, owner):
    with pytest.raises(TooMany):
        capture("case-system", [work] * 1001, by=owner, on=TODAY)


def test_an_auditor_captures_nothing(work):
    from tests.factories import actor

    with pytest.raises(MissingPermission):
        capture("case-system", [work], by=actor("auditor"), on=TODAY)
    assert not Charge.objects.exists()


@pytest.mark.parametrize("count", [1, 60])
def test_a_batch_costs_the_same_whatever_its_size(work, count, django_assert_max_num_queries):
    rows = [replace(work, key=f"t:{number}") for number in range(count)]

    with django_assert_max_num_queries(36):
        capture("case-system", rows, by=system("test"), on=TODAY)


def test_another_firms_customers_are_unknown_here(work, neighbor, owner):
    with neighbor:
        answers = capture("case-system", [work], by=owner, on=TODAY)
        assert not Charge.objects.exists()

    assert statuses(answers) == [("refused", "charges.unknown_customer")]


def test_another_firms_charges_are_not_seen(work, neighbor, owner):
    capture("case-system", [work], by=owner, on=TODAY)

    with neighbor:
        assert not Charge.objects.exists()


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"worked_on": date(1, 1, 1)}, "worked_on"),
        ({"worked_on": date(9999, 12, 31)}, "worked_on"),
        ({"quantity": Decimal(999_999_999), "unit_price": Decimal(99_999_999)}, "quantity"),
        ({"quantity": Decimal(10**9)}, "quantity"),
        ({"unit_price": Decimal(10**9)}, "unit_price"),
        ({"adjustment": Decimal(-(10**9))}, "adjustment"),
    ],
)
def test_a_row_beyond_all_bounds_is_refused_by_itself(work, owner, change, column):
    rows = [work, expense(work, key="t:2", **change)]

    answers = capture("case-system", rows, by=owner, on=TODAY)

    assert statuses(answers) == [("accepted", ""), ("refused", "charges.value")]
    assert (answers[1].column, Charge.objects.count()) == (column, 1)


@pytest.mark.django_db(transaction=True)
def test_the_same_batch_six_times_at_once_is_taken_once():
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        matter = books.matter_of(books.customer())
        rows = [books.time_worked(matter, hours=f"{n}.0") for n in range(1, 6)]
    counted: Counter[str] = Counter()
    errors: list[Exception] = []

    def send():
        try:
            with tenant_scope(firm.pk):
                answers = capture("case-system", rows, by=books.SYSTEM, on=TODAY)
            counted.update(answer.status for answer in answers)
        except Exception as error:  # noqa: BLE001 -- the test shows them all
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert counted == {"accepted": 5, "duplicate": 25}
