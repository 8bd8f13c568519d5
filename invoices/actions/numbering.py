"""Numbers of invoices and notes: gapless, and never against the days."""

from __future__ import annotations

from datetime import date

from django.db.models import F

from invoices.actions.refusals import BeforeLastNumber
from invoices.models import NumberSeries

BILLS = ""
NOTES = "CN-"


def take_numbers(count: int, kind: str, *, on: date) -> list[str]:
    """Return the next numbers of a year's series. Without gaps: a rollback gives them back.

    The series' row stays locked until the transaction ends. Three queries.

    :param kind: what the numbers are of: ``BILLS`` or ``NOTES``.
    :raises BeforeLastNumber: when the last number was issued on a later day.
    """
    series = _series(kind, on)
    NumberSeries.objects.bulk_create([NumberSeries(series=series)], ignore_conflicts=True)
    row = NumberSeries.objects.select_for_update().get(series=series)
    _must_follow(row, on)
    taken = {"last": F("last") + count, "last_issued_on": on}
    NumberSeries.objects.filter(pk=row.pk).update(**taken)
    return [_number(series, row.last + place) for place in range(1, count + 1)]


def must_follow_last_number(kind: str, *, on: date) -> None:
    """Pass when a number may be issued on a day now. One query.

    :raises BeforeLastNumber: otherwise.
    """
    row: NumberSeries | None = NumberSeries.objects.filter(series=_series(kind, on)).first()
    if row is not None:
        _must_follow(row, on)


def _must_follow(row: NumberSeries, on: date) -> None:
    """Hold a day against that of the last number: those before it were held against each other."""
    if row.last_issued_on is not None and on < row.last_issued_on:
        raise BeforeLastNumber(
            f"{_number(row.series, row.last)} was issued on {row.last_issued_on}: the next number"
            f" of its series is not issued before that day, on {on}."
        )


def _series(kind: str, on: date) -> str:
    return f"{kind}{on.year}"


def _number(series: str, place: int) -> str:
    return f"{series}-{place:05}"
