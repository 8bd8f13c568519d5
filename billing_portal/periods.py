"""Half-open periods, and the windows in which customers are billed.

A period is civil: two dates, the second being the first day after. Its edges are instants: the
first one whose local date is the day, in the customer's zone (some midnights do not exist). There
is one time-zone database, the pinned ``tzdata`` package: the system's, often older, is never read.
"""

from __future__ import annotations

import calendar
import enum
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

zoneinfo.reset_tzpath(())  # whatever PYTHONTZPATH says, before any zone is read

_DAY = timedelta(days=1)


class Cadence(enum.StrEnum):
    """How often a customer is billed."""

    PER_CHARGE = "PER_CHARGE"
    WEEKLY = "WEEKLY"
    BIWEEKLY = "BIWEEKLY"
    SEMIMONTHLY = "SEMIMONTHLY"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    YEARLY = "YEARLY"
    ON_DEMAND = "ON_DEMAND"


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Days from ``starts_on`` up to, not including, ``ends_on``."""

    starts_on: date
    ends_on: date

    def __post_init__(self) -> None:
        if self.starts_on >= self.ends_on:
            raise ValueError("A period has at least one day.")

    @classmethod
    def month(cls, year: int, number: int) -> Period:
        """Return a calendar month."""
        return cls(date(year, number, 1), _month_after(date(year, number, 1), 1))

    @property
    def last_day(self) -> date:
        """The last day inside; LEDES files and pages show it."""
        return self.ends_on - _DAY

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.ends_on - self.starts_on).days

    def __contains__(self, day: date) -> bool:
        return self.starts_on <= day < self.ends_on

    def overlaps(self, other: Period) -> bool:
        """Say whether the two share a day."""
        return self.starts_on < other.ends_on and other.starts_on < self.ends_on

    def __str__(self) -> str:
        first, last = self.starts_on, self.last_day
        if first == last:
            return f"{first:%B} {first.day}, {first.year}"
        if (first.year, first.month) == (last.year, last.month):
            if first.day == 1 and self.ends_on.day == 1:
                return f"{first:%B} {first.year}"
            return f"{first:%B} {first.day}\N{EN DASH}{last.day}, {first.year}"
        return f"{first:%B} {first.day}, {first.year} to {last:%B} {last.day}, {last.year}"


def zone(name: str) -> zoneinfo.ZoneInfo:
    """Return a time zone of the pinned database.

    :raises zoneinfo.ZoneInfoNotFoundError: for a name it does not know.
    """
    return zoneinfo.ZoneInfo(name)


def edge(day: date, zone_name: str) -> datetime:
    """Return the first instant, in UTC, whose local date is ``day`` or later.

    Where a midnight is skipped the day begins later; where a whole day is skipped (Apia, December
    30, 2011) the answer is the beginning of the next one.
    """
    local = zone(zone_name)
    midnight = datetime.combine(day, time(), local).astimezone(UTC)  # the first, if there are two
    if midnight.astimezone(local).replace(tzinfo=None) == datetime.combine(day, time()):
        return midnight
    low = datetime.combine(day, time(), UTC) - timedelta(hours=26)
    high = low + timedelta(hours=78)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle <= low:
            break
        if middle.astimezone(local).date() >= day:
            high = middle
        else:
            low = middle
    return high


def local_day(instant: datetime, zone_name: str) -> date:
    """Return the civil date of an instant in a zone.

    :raises ValueError: when the instant names no zone of its own.
    """
    if instant.tzinfo is None:
        raise ValueError("An instant has a zone.")
    return instant.astimezone(zone(zone_name)).date()


def period_containing(
    day: date, cadence: Cadence, *, anchor: int = 1, began_on: date | None = None
) -> Period:
    """Return the period of a cadence that a day falls in.

    :param anchor: the day of the month on which monthly, quarterly and yearly periods begin (29 to
        31 mean the last day where the month is shorter); for SEMIMONTHLY, 1 means the 1st and 16th,
        15 the 15th and the last day; for WEEKLY and BIWEEKLY the weekday, Monday being 1.
    :param began_on: for BIWEEKLY, QUARTERLY and YEARLY, a day in a period that counts as the first.
    :raises ValueError: for PER_CHARGE (a window is the service day, see ``day_period``), ON_DEMAND
        and anchors out of range.
    """
    starts = _first_edge_at_or_before(day, cadence, anchor, began_on)
    return Period(starts, _next_edge(starts, cadence, anchor, began_on))


def periods_between(
    starts_on: date, until: date, cadence: Cadence, *, anchor: int = 1, began_on: date | None = None
) -> Iterator[Period]:
    """Yield the periods that tile time from ``starts_on`` and have ended by ``until``.

    The first begins at ``starts_on`` even inside a period of the cadence, so that nothing is left
    out when the cadence changes; each next one begins where the one before ended.
    """
    while True:
        period = period_containing(starts_on, cadence, anchor=anchor, began_on=began_on)
        if period.ends_on > until:
            return
        yield Period(starts_on, period.ends_on)
        starts_on = period.ends_on


def day_period(day: date) -> Period:
    """Return the period of one day: the window of a charge that is billed by itself."""
    return Period(day, day + _DAY)


def _first_edge_at_or_before(
    day: date, cadence: Cadence, anchor: int, began_on: date | None
) -> date:
    match cadence:
        case Cadence.WEEKLY | Cadence.BIWEEKLY:
            return _week_edge(day, anchor, 14 if cadence is Cadence.BIWEEKLY else 7, began_on)
        case Cadence.SEMIMONTHLY:
            edges = _half_month_edges(day.year, day.month, anchor)
            before = _month_after(day.replace(day=1), -1)
            earlier = _half_month_edges(before.year, before.month, anchor)
            return max(found for found in (*earlier, *edges) if found <= day)
        case Cadence.MONTHLY | Cadence.QUARTERLY | Cadence.YEARLY:
            return _month_edge(day, anchor, _MONTHS[cadence], began_on)
    raise ValueError(f"{cadence} has no calendar.")


def _next_edge(starts_on: date, cadence: Cadence, anchor: int, began_on: date | None) -> date:
    day = starts_on + _DAY
    while _first_edge_at_or_before(day, cadence, anchor, began_on) <= starts_on:
        day += _STRIDE[cadence]
    return _first_edge_at_or_before(day, cadence, anchor, began_on)


_MONTHS = {Cadence.MONTHLY: 1, Cadence.QUARTERLY: 3, Cadence.YEARLY: 12}
# How far to look ahead at a time without jumping over a whole period.
_STRIDE = {
    Cadence.WEEKLY: timedelta(days=7),
    Cadence.BIWEEKLY: timedelta(days=14),
    Cadence.SEMIMONTHLY: timedelta(days=1),
    Cadence.MONTHLY: timedelta(days=1),
    Cadence.QUARTERLY: timedelta(days=28),
    Cadence.YEARLY: timedelta(days=28),
}


def _week_edge(day: date, anchor: int, length: int, began_on: date | None) -> date:
    if not 1 <= anchor <= 7:  # noqa: PLR2004 -- a week has seven days
        raise ValueError("A weekly anchor is 1 (Monday) to 7.")
    origin = began_on or date(2024, 1, 1)  # a Monday
    origin -= timedelta(days=(origin.isoweekday() - anchor) % 7)
    return day - timedelta(days=(day - origin).days % length)


def _half_month_edges(year: int, month: int, anchor: int) -> tuple[date, date]:
    if anchor == 1:
        return date(year, month, 1), date(year, month, 16)
    if anchor == 15:  # noqa: PLR2004 -- the other usual pair
        return date(year, month, 15), _clamped(year, month, 31)
    raise ValueError("A semi-monthly anchor is 1 (1st and 16th) or 15 (15th and last day).")


def _month_edge(day: date, anchor: int, months: int, began_on: date | None) -> date:
    if not 1 <= anchor <= 31:  # noqa: PLR2004 -- no month has more days
        raise ValueError("A monthly anchor is a day of the month.")
    origin = began_on or date(2024, 1, 1)
    first = origin.year * 12 + origin.month - 1
    if began_on and _clamped(origin.year, origin.month, anchor) > origin:
        first -= 1
    current = day.year * 12 + day.month - 1
    step = current - (current - first) % months
    found = _clamped(step // 12, step % 12 + 1, anchor)
    if found > day:
        step -= months
        found = _clamped(step // 12, step % 12 + 1, anchor)
    return found


def _clamped(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _month_after(first: date, months: int) -> date:
    number = first.year * 12 + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)
