"""Rules of the clock: when is it due next?

Civil rules are read in the firm's time zone and computed from the rule, never from the last due
moment, so that a monthly 31 does not drift to 28. A day beyond the month's end is its last day. A
time that a change of clocks skips is taken with the offset before it, which is just after the gap;
one that comes twice is the first.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LAST = 31
_LEAP_YEAR = 2024
_DECEMBER = 12
_LOOK_AHEAD = 366 * 2
_TIME = r"(?P<time>[0-2]\d:[0-5]\d)"
_FORMS = {
    "daily": re.compile(rf"daily {_TIME}"),
    "weekly": re.compile(rf"weekly (?P<weekday>{'|'.join(_DAYS)}) {_TIME}"),
    "monthly": re.compile(rf"monthly (?P<day>last|\d{{1,2}}) {_TIME}"),
    "yearly": re.compile(rf"yearly (?P<month>\d\d)-(?P<day>\d\d) {_TIME}"),
}


class NotARule(ValueError):
    """The text is no rule of the clock; the message says which forms there are."""


@dataclass(frozen=True)
class Rule:
    """When a clock line is due: at a civil time on some days."""

    at: time
    weekday: int | None = None
    month: int | None = None
    day: int | None = None

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """Return the first due moment after ``moment``, in UTC; missed ones are not caught up."""
        for day in _days_from(moment.astimezone(zone).date()):
            due = datetime.combine(day, self.at, zone).astimezone(UTC)
            if due > moment and self._falls_on(day):
                return due
        raise AssertionError("A civil rule falls on a day of every year.")

    def _falls_on(self, day: date) -> bool:
        if self.weekday is not None:
            return day.weekday() == self.weekday
        if self.month is not None and day.month != self.month:
            return False
        last = calendar.monthrange(day.year, day.month)[1]
        return self.day is None or day.day == min(self.day, last)


def parse(text: str) -> Rule:
    """Read a rule such as ``daily 06:00`` or ``monthly last 06:00``.

    :raises NotARule: when the text has none of the forms, or names a day or time there is not.
    """
    kind = text.partition(" ")[0]
    match = _FORMS[kind].fullmatch(text) if kind in _FORMS else None
    if match is None:
        raise NotARule(f"“{text}” is no rule: {', '.join(_FORMS)} begin one, and times are 06:00.")
    found = match.groupdict()
    try:
        at = time.fromisoformat(found["time"])
        month = int(found["month"]) if "month" in found else None
        day = _LAST if found.get("day") == "last" else int(found["day"]) if "day" in found else None
        if day is not None:
            date(_LEAP_YEAR, month or _DECEMBER, day)
    except ValueError as error:
        raise NotARule(f"“{text}” is no rule: {error}.") from error
    weekday = _DAYS.index(found["weekday"]) if "weekday" in found else None
    return Rule(at=at, weekday=weekday, month=month, day=day)


def _days_from(first: date) -> Iterator[date]:
    for number in range(_LOOK_AHEAD):
        yield first + timedelta(days=number)
