"""What a line of the schedule asks for: how often its customers are billed, and until which day.

The line is ``{"billing_aggregation": "monthly", "period_of_execution": "beginning-of-the-month"}``.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from billing_portal.errors import Refused
from billing_portal.periods import Cadence

_MIDDLE = 16


class NotASchedule(Refused):
    """The line names an aggregation or execution that does not exist."""

    code = "runs.not_a_schedule"


class Execution(StrEnum):
    """When a run is executed, and so which windows have ended by then."""

    BEGINNING_OF_THE_MONTH = "beginning-of-the-month"
    MIDDLE_OF_THE_MONTH = "middle-of-the-month"
    EVERY_DAY = "every-day"


AGGREGATIONS = {
    "per-charge": Cadence.PER_CHARGE,
    "weekly": Cadence.WEEKLY,
    "biweekly": Cadence.BIWEEKLY,
    "semi-monthly": Cadence.SEMIMONTHLY,
    "monthly": Cadence.MONTHLY,
    "quarterly": Cadence.QUARTERLY,
    "yearly": Cadence.YEARLY,
    "on-demand": Cadence.ON_DEMAND,
}


def cadence_of(billing_aggregation: str) -> Cadence:
    """Return the cadence that a line names.

    :raises NotASchedule: when there is none of that name.
    """
    if billing_aggregation not in AGGREGATIONS:
        raise NotASchedule(
            f"“{billing_aggregation}” is no billing aggregation: {', '.join(AGGREGATIONS)}."
        )
    return AGGREGATIONS[billing_aggregation]


def aggregation_of(cadence: str) -> str:
    """Return how a line names a cadence."""
    return next(name for name, each in AGGREGATIONS.items() if each == cadence)


def bills_until(period_of_execution: str, on: date) -> date:
    """Return the day by which windows must have ended, for an execution that stands for ``on``.

    The beginning of the month is the first of that month; its middle is the last 16th up to
    ``on``, so that on November 20 windows count that ended by November 16.

    :raises NotASchedule: when there is no execution of that name.
    """
    match period_of_execution:
        case Execution.BEGINNING_OF_THE_MONTH:
            return on.replace(day=1)
        case Execution.MIDDLE_OF_THE_MONTH if on.day >= _MIDDLE:
            return on.replace(day=_MIDDLE)
        case Execution.MIDDLE_OF_THE_MONTH if on.month == 1:
            return date(on.year - 1, 12, _MIDDLE)
        case Execution.MIDDLE_OF_THE_MONTH:
            return date(on.year, on.month - 1, _MIDDLE)
        case Execution.EVERY_DAY:
            return on
    raise NotASchedule(
        f"“{period_of_execution}” is no period of execution: {', '.join(Execution)}."
    )
