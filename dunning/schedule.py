"""Which reminder is due: a ladder of steps, one at a time, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One rung: its level, and how many days after the due day it comes."""

    level: int
    days_after_due: int


LADDER = (Step(1, 3), Step(2, 14), Step(3, 30))
"""What holds where a firm has set nothing."""


def step_due(
    due_on: date, on: date, done: Mapping[int, date], steps: Sequence[Step] = LADDER
) -> Step | None:
    """Return the lowest step that has come and was not taken, or None.

    An invoice that is 40 days late and was never reminded of gets its first reminder, not its
    third, and the second no sooner than the ladder lets pass between the two: with steps at 3 and
    14 days, eleven days after the first was decided.

    :param done: the day on which each step was decided, by its level.
    """
    before: Step | None = None
    for step in sorted(steps):
        if step.level in done:
            before = step
            continue
        has_come = (on - due_on).days >= step.days_after_due
        if before is not None:
            gap = step.days_after_due - before.days_after_due
            has_come = has_come and (on - done[before.level]).days >= gap
        return step if has_come else None
    return None
