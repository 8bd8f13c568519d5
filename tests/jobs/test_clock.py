"""The clock asks for what is due, and one broken line does not stop it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from billing_portal.jobs import clock
from billing_portal.jobs.models import ClockLine, Job
from billing_portal.jobs.rules import NotARule
from tests.factories import TenantFactory

pytestmark = pytest.mark.django_db
NOTE = "tests.jobs.sample_jobs.note"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def declared(monkeypatch):
    """Nothing declared but what the test declares."""
    monkeypatch.setattr(clock, "_DECLARED", {})


def _line(**fields):
    values = {"name": "line", "job": NOTE, "args": {"number": 1}, "next_due_at": NOW}
    return ClockLine.objects.create(**values | fields)


def test_a_civil_line_is_written_for_each_firm_in_its_zone(declared):
    new_york = TenantFactory.create(time_zone="America/New_York")
    berlin = TenantFactory.create(time_zone="Europe/Berlin")
    clock.clock_line("nightly", job=NOTE, rule="daily 02:00", args={"number": 1})

    clock.write_declared(NOW)
    clock.write_declared(NOW + timedelta(days=1))

    due = dict(ClockLine.objects.values_list("tenant_id", "next_due_at"))
    assert due == {
        new_york.pk: datetime(2026, 11, 21, 7, 0, tzinfo=UTC),
        berlin.pk: datetime(2026, 11, 21, 1, 0, tzinfo=UTC),
    }


def test_a_new_firm_gets_its_lines_later(declared):
    TenantFactory.create()
    clock.clock_line("nightly", job=NOTE, rule="daily 02:00")
    clock.write_declared(NOW)
    TenantFactory.create()

    clock.write_declared(NOW)

    assert ClockLine.objects.count() == 2


def test_an_edited_line_stays_as_it_is(declared, firm):
    clock.clock_line("often", job=NOTE, every_seconds=60)
    clock.write_declared(NOW)
    ClockLine.objects.update(every_seconds=90, is_active=False)

    clock.write_declared(NOW)

    line = ClockLine.objects.get()
    assert (line.every_seconds, line.is_active) == (90, False)


def test_a_civil_line_rings_for_its_firm_and_moves_on(firm, neighbor):
    _line(tenant=firm, rule="monthly last 06:00")

    clock.strike(NOW)
    clock.strike(NOW)

    assert list(Job.objects.values_list("tenant_id", "args")) == [(firm.pk, {"number": 1})]
    assert ClockLine.objects.get().next_due_at == datetime(2026, 11, 30, 11, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "broken",
    [
        {"job": "os.system"},
        {"job": "tests.jobs.sample_jobs.gone"},
        {"job": "nowhere"},
        {"args": {"unknown": 1}},
        {"args": {"number": "x" * 200}},
    ],
)
def test_a_broken_line_is_switched_off_and_the_others_ring(firm, broken):
    _line(every_seconds=60, **broken)
    _line(name="good", every_seconds=60)

    clock.strike(NOW)

    assert Job.objects.count() == 1
    assert list(ClockLine.objects.filter(is_active=True).values_list("name")) == [("good",)]


def test_a_rule_that_cannot_be_read_switches_its_line_off(firm):
    _line(tenant=firm, rule="sometimes")

    clock.strike(NOW)

    assert not ClockLine.objects.get().is_active
    assert not Job.objects.exists()


@pytest.mark.parametrize("rule", ["", "daily 06:00"])
def test_a_declaration_needs_seconds_or_a_rule_and_not_both(declared, rule):
    with pytest.raises(ValueError, match="either"):
        clock.clock_line("x", job=NOTE, rule=rule, every_seconds=60 if rule else None)


def test_a_declared_rule_is_read_at_once(declared):
    with pytest.raises(NotARule):
        clock.clock_line("x", job=NOTE, rule="sometimes")


@pytest.mark.parametrize(
    "fields", [{"every_seconds": 0}, {"rule": "daily 06:00"}, {"every_seconds": 5, "rule": "x"}]
)
def test_the_table_refuses_lines_without_sense(fields):
    with pytest.raises(IntegrityError, match="seconds_or_a_rule"), transaction.atomic():
        _line(**fields)


def test_the_table_refuses_a_second_line_of_one_name():
    _line(every_seconds=60)

    with pytest.raises(IntegrityError, match="one_a_firm"), transaction.atomic():
        _line(every_seconds=60)


def test_a_form_refuses_what_is_no_rule(firm):
    with pytest.raises(ValidationError, match="is no rule"):
        _line(tenant=firm, rule="sometimes").full_clean()
