"""The months that entries are booked in: opened as they are needed, and never behind a closed one.

The last closed month's end is the edge of the books: no day before it takes an entry, whether its
own month was closed, was never opened, or was left open by mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from billing_portal.errors import Refused
from billing_portal.periods import Period
from ledger.models import AccountingPeriod

_State = AccountingPeriod.State


class PeriodClosed(Refused):
    """The accounting period of the day is closed, or a later one is."""

    code = "ledger.period_closed"


@dataclass(frozen=True)
class ClosedDays:
    """Which days take no ordinary entry.

    :ivar months: the first days of the months that are closed, or that somebody asked to close.
    :ivar edge: the first day after the last closed month: nothing is booked before it.
    """

    months: frozenset[date]
    edge: date = date.min

    def is_behind(self, day: date) -> bool:
        """Say whether a day lies before the edge."""
        return day < self.edge

    def holds(self, day: date) -> bool:
        """Say whether what happened on a day is late: it is booked on another."""
        return self.is_behind(day) or day.replace(day=1) in self.months


def closed_days() -> ClosedDays:
    """Return which days take no ordinary entry any more. One query."""
    rows = AccountingPeriod.objects.exclude(state=_State.OPEN)
    found = list(rows.values_list("starts_on", "ends_on", "state"))
    ends = [ends_on for _, ends_on, state in found if state == _State.CLOSED]
    return ClosedDays(frozenset(row[0] for row in found), max(ends, default=date.min))


def must_be_after_closing(days: Iterable[date]) -> None:
    """Pass when no month that ends after one of the days is closed. One query.

    :raises PeriodClosed: otherwise.
    """
    closed = closed_days()
    for day in sorted(days):
        if closed.is_behind(day):
            raise PeriodClosed(
                f"The books are closed up to {closed.edge - timedelta(days=1)}; {day} is before."
            )


def periods_of(days: set[date]) -> dict[date, AccountingPeriod]:
    """Return the accounting periods of days, opening the months that are missing. Four queries.

    :raises PeriodClosed: for a day behind the last closed month's end.
    """
    must_be_after_closing(days)
    months = {day: Period.month(day.year, day.month) for day in days}
    starts = {month.starts_on for month in months.values()}
    found = {p.starts_on: p for p in AccountingPeriod.objects.filter(starts_on__in=starts)}
    missing = {m.starts_on: m for m in months.values() if m.starts_on not in found}
    if missing:
        AccountingPeriod.objects.bulk_create(
            [
                AccountingPeriod(starts_on=m.starts_on, ends_on=m.ends_on)
                for _, m in sorted(missing.items())
            ],
            ignore_conflicts=True,
        )
        again = AccountingPeriod.objects.filter(starts_on__in=list(missing))
        found |= {period.starts_on: period for period in again}
    return {day: found[month.starts_on] for day, month in months.items()}


def must_be_open(period: AccountingPeriod, *, is_adjustment: bool) -> None:
    """Pass when a period takes an entry; one that somebody asked to close takes adjustments.

    :raises PeriodClosed: otherwise.
    """
    is_adjusted = is_adjustment and period.state == _State.SOFT_CLOSED
    if period.state != _State.OPEN and not is_adjusted:
        raise PeriodClosed(f"The books of {period} are closed.")
