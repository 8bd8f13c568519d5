"""Which reminder is due: a ladder of steps, one at a time, each once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
    due_on: date, on: date, done: Collection[int], steps: Sequence[Step] = LADDER
) -> Step | None:
    """Return the lowest step that has come and was not taken, or None.

    An invoice that is 40 days late and was never reminded of gets its first reminder, not its
    third: nobody is skipped up the ladder.
    """
    late = (on - due_on).days
    for step in sorted(steps):
        if step.level not in done:
            return step if late >= step.days_after_due else None
    return None
