"""Periods tile time: no hole, no overlap, in every zone and cadence."""

import json
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.periods import (
    Cadence,
    Period,
    day_period,
    edge,
    local_day,
    period_containing,
    periods_between,
)

VECTORS = json.loads((Path(__file__).parent.parent / "data/time/windows.json").read_text())
days = st.dates(min_value=date(2000, 1, 1), max_value=date(2060, 12, 31))
CALENDARS = [
    *((Cadence.WEEKLY, anchor) for anchor in (1, 4, 7)),
    *((Cadence.BIWEEKLY, anchor) for anchor in (1, 5)),
    *((Cadence.SEMIMONTHLY, anchor) for anchor in (1, 15)),
    *((Cadence.MONTHLY, anchor) for anchor in (1, 15, 29, 30, 31)),
    *((Cadence.QUARTERLY, anchor) for anchor in (1, 31)),
    *((Cadence.YEARLY, anchor) for anchor in (1, 29)),
]


@pytest.mark.parametrize(("cadence", "anchor"), CALENDARS)
@given(day=days)
def test_a_day_falls_into_one_period_whose_neighbors_touch_it(cadence, anchor, day):
    period = period_containing(day, cadence, anchor=anchor)

    assert day in period
    assert period_containing(period.last_day, cadence, anchor=anchor) == period
    assert period_containing(period.ends_on, cadence, anchor=anchor).starts_on == period.ends_on


@given(days, st.sampled_from(CALENDARS), st.sampled_from(CALENDARS), st.integers(30, 900))
def test_windows_tile_time_also_when_the_cadence_changes(start, before, after, length):
    change = start + timedelta(days=length)
    first = list(periods_between(start, change, before[0], anchor=before[1]))
    resumed = first[-1].ends_on if first else start
    second = list(periods_between(resumed, change + timedelta(days=400), after[0], anchor=after[1]))

    windows = first + second
    assert all(one.ends_on == next_one.starts_on for one, next_one in pairwise(windows))
    assert not windows or windows[0].starts_on == start


def test_the_thirty_first_gives_way_in_short_months_and_comes_back():
    periods = list(periods_between(date(2027, 1, 31), date(2027, 6, 1), Cadence.MONTHLY, anchor=31))

    assert [p.starts_on for p in periods] == [
        date(2027, 1, 31),
        date(2027, 2, 28),
        date(2027, 3, 31),
        date(2027, 4, 30),
    ]


@pytest.mark.parametrize(
    ("anchor", "day", "expected"),
    [
        (1, date(2026, 10, 15), Period(date(2026, 10, 1), date(2026, 10, 16))),
        (1, date(2026, 10, 16), Period(date(2026, 10, 16), date(2026, 11, 1))),
        (15, date(2026, 10, 15), Period(date(2026, 10, 15), date(2026, 10, 31))),
        (15, date(2026, 10, 31), Period(date(2026, 10, 31), date(2026, 11, 15))),
        (15, date(2026, 2, 28), Period(date(2026, 2, 28), date(2026, 3, 15))),
    ],
)
def test_semimonthly_is_twice_a_month_not_every_fourteen_days(anchor, day, expected):
    assert period_containing(day, Cadence.SEMIMONTHLY, anchor=anchor) == expected


@pytest.mark.parametrize(("zone", "month", "start", "end"), VECTORS["month_windows"])
def test_edges_of_months_are_the_first_instants_of_their_days(zone, month, start, end):
    year, number = map(int, month.split("-"))
    period = Period.month(year, number)

    assert edge(period.starts_on, zone) == datetime.fromisoformat(start)
    assert edge(period.ends_on, zone) == datetime.fromisoformat(end)


@pytest.mark.parametrize(("zone", "day", "start", "end"), VECTORS["days"])
def test_edges_of_odd_days_are_exact(zone, day, start, end):
    first = date.fromisoformat(day)

    assert edge(first, zone) == datetime.fromisoformat(start)
    assert edge(first + timedelta(days=1), zone) == datetime.fromisoformat(end)


@given(days, st.sampled_from(["America/New_York", "Asia/Tokyo", "Africa/Cairo", "Pacific/Apia"]))
def test_an_edge_is_of_its_day_and_the_second_before_is_not(day, zone):
    instant = edge(day, zone)

    assert local_day(instant, zone) >= day
    assert local_day(instant - timedelta(seconds=1), zone) < day


def test_an_edge_is_the_first_of_two_midnights():
    # Clocks in St. John's went from 00:01 back to 23:01, so this Sunday began twice.
    assert edge(date(2009, 11, 1), "America/St_Johns") == datetime(2009, 11, 1, 2, 30, tzinfo=UTC)


def test_only_the_pinned_time_zone_database_is_read():
    assert zoneinfo.TZPATH == ()
    assert edge(date(2026, 12, 1), "America/Vancouver") == datetime(2026, 12, 1, 7, tzinfo=UTC)


def test_local_day_refuses_an_instant_without_a_zone():
    with pytest.raises(ValueError, match="zone"):
        local_day(datetime(2026, 1, 1), "UTC")  # noqa: DTZ001 -- this is the mistake


@pytest.mark.parametrize(
    ("cadence", "anchor"),
    [
        (Cadence.WEEKLY, 8),
        (Cadence.SEMIMONTHLY, 2),
        (Cadence.MONTHLY, 0),
        (Cadence.MONTHLY, 32),
        (Cadence.PER_CHARGE, 1),
        (Cadence.ON_DEMAND, 1),
    ],
)
def test_what_is_no_calendar_is_refused(cadence, anchor):
    with pytest.raises(ValueError, match=r"anchor|calendar"):
        period_containing(date(2026, 1, 1), cadence, anchor=anchor)


def test_a_period_has_at_least_one_day():
    with pytest.raises(ValueError, match="one day"):
        Period(date(2026, 1, 1), date(2026, 1, 1))


@pytest.mark.parametrize(
    ("period", "text"),
    [
        (Period.month(2026, 10), "October 2026"),
        (day_period(date(2026, 10, 3)), "October 3, 2026"),
        (Period(date(2026, 10, 1), date(2026, 10, 16)), "October 1\N{EN DASH}15, 2026"),
        (Period(date(2026, 10, 16), date(2026, 11, 3)), "October 16, 2026 to November 2, 2026"),
    ],
)
def test_a_period_reads_as_people_say_it(period, text):
    assert str(period) == text
