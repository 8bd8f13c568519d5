"""When is it due next?"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.jobs.rules import NotARule, parse

NEW_YORK = ZoneInfo("America/New_York")
moments = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 -- bounds are naive, moments are not
    max_value=datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("rule", "moment", "due"),
    [
        ("daily 06:00", "2026-11-20T10:59:59Z", "2026-11-20T11:00:00Z"),
        ("daily 06:00", "2026-11-20T11:00:00Z", "2026-11-21T11:00:00Z"),
        ("weekly mon 00:00", "2026-11-20T12:00:00Z", "2026-11-23T05:00:00Z"),
        ("monthly 1 00:00", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"),
        ("monthly 31 06:00", "2026-01-31T12:00:00Z", "2026-02-28T11:00:00Z"),
        ("monthly 31 06:00", "2026-02-28T12:00:00Z", "2026-03-31T10:00:00Z"),
        ("monthly last 06:00", "2028-02-01T00:00:00Z", "2028-02-29T11:00:00Z"),
        ("yearly 01-31 06:00", "2026-02-01T00:00:00Z", "2027-01-31T11:00:00Z"),
        ("yearly 02-29 06:00", "2026-01-01T00:00:00Z", "2026-02-28T11:00:00Z"),
        ("daily 02:30", "2026-03-08T06:00:00Z", "2026-03-08T07:30:00Z"),
        ("daily 01:30", "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z"),
        ("daily 01:30", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"),
    ],
)
def test_rules_are_read_in_the_firms_zone(rule, moment, due):
    found = parse(rule).next_after(datetime.fromisoformat(moment), NEW_YORK)

    assert found == datetime.fromisoformat(due)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hourly",
        "every 300",
        "daily",
        "daily 24:00",
        "daily 6:00",
        "daily 06:60",
        "daily 06:00 ",
        "weekly 1 06:00",
        "monthly 0 06:00",
        "monthly 32 06:00",
        "yearly 02-30 06:00",
        "yearly 13-01 06:00",
    ],
)
def test_other_texts_are_no_rules(text):
    with pytest.raises(NotARule, match="is no rule"):
        parse(text)


@given(
    moments,
    st.sampled_from(["daily 02:30", "weekly sun 02:30", "monthly 31 01:30", "yearly 02-29 00:00"]),
    st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC"]),
)
def test_the_next_moment_comes_after_and_within_a_round(moment, rule, zone):
    due = parse(rule).next_after(moment, ZoneInfo(zone))

    assert moment < due <= moment + timedelta(days=367)
    assert parse(rule).next_after(due - timedelta(seconds=1), ZoneInfo(zone)) == due
