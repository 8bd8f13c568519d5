"""What a room says of itself when monitoring asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Figure:
    """One number of one firm, without saying whose; those of all firms become one.

    :ivar name: one of the names that billing_portal.operation.figures lists.
    :ivar labels: states and kinds, in the order of the list; never a firm, a person or an amount.
    """

    name: str
    value: float
    labels: tuple[str, ...] = ()


def by_state(name: str, states: Iterable[str], counts: dict[str, int]) -> list[Figure]:
    """Return one figure for each state, those with nothing in them too: absent is not zero."""
    return [Figure(name, counts.get(state, 0), (state,)) for state in states]


def age(name: str, since: datetime | None, now: datetime, *labels: str) -> Figure:
    """Return how many seconds ago a moment was; zero where there is none."""
    return Figure(name, max(0.0, (now - since).total_seconds()) if since else 0.0, labels)
