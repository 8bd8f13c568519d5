"""Sets of open items that come to exactly one amount, within a bound.

Up to twelve items every set is tried, 4,095 at most. Beyond that only single items and each
customer's whole balance are, because a search that is cut short finds what happens to come first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Protocol, TypeVar

MOST_ITEMS = 12


class Owed(Protocol):
    """Whatever has an amount open and a customer who owes it."""

    @property
    def open_amount(self) -> Decimal: ...

    @property
    def customer(self) -> str: ...


Item = TypeVar("Item", bound=Owed)


def exact_sums(amount: Decimal, items: Sequence[Item]) -> list[list[Item]]:
    """Return every set of one customer's items that adds up to ``amount``, fewest items first.

    With more than ``MOST_ITEMS`` items: single items and whole balances only.
    """
    tried = _all_sets(items) if len(items) <= MOST_ITEMS else _plain_sets(items)
    return [found for found in tried if sum((each.open_amount for each in found), 0) == amount]


def _all_sets(items: Sequence[Item]) -> Iterator[list[Item]]:
    for size in range(1, len(items) + 1):
        for chosen in combinations(items, size):
            if len({each.customer for each in chosen}) == 1:
                yield list(chosen)


def _plain_sets(items: Sequence[Item]) -> Iterator[list[Item]]:
    whole: dict[str, list[Item]] = {}
    for each in items:
        yield [each]
        whole.setdefault(each.customer, []).append(each)
    yield from (owed for owed in whole.values() if len(owed) > 1)
