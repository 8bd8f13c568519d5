"""Invoice numbers in what a payer wrote, with the spaces and dashes that payers and banks add.

A number counts as named when its letters and digits stand in the text in one piece, with any
separators between its groups: ``2026-00042`` is found in ``Inv. 2026 00042``, never in
``2026-000421`` or ``12026-00042``. Where a bank has broken a line inside a group
(``2026-000 42``), a number of six or more characters is still found, but only if nothing else
claims the same piece of text: then neither is sure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

_GROUPS = re.compile(r"[0-9]+|[^\W\d_]+")
_BETWEEN = r"[\s\-_./#:]{0,3}"
_BEFORE = r"(?<![^\W_])(?<![0-9][\-.])"
_AFTER = r"(?![^\W_])(?![\-.][0-9])"
_SHORTEST_BROKEN = 6
_SHORTEST = 3


class Numbered(Protocol):
    """Whatever has an invoice number."""

    @property
    def number(self) -> str: ...


Item = TypeVar("Item", bound=Numbered)


@dataclass(frozen=True)
class Named(Generic[Item]):
    """Items whose numbers are in the text beyond doubt, and those that are there perhaps."""

    sure: list[Item]
    unsure: list[Item]

    def all_of(self, pool: Sequence[Item]) -> list[Item]:
        """Return those of the pool that are named, surely or perhaps."""
        return [item for item in pool if item in self.sure or item in self.unsure]


@dataclass(frozen=True)
class _Place(Generic[Item]):
    item: Item
    starts: int
    ends: int

    def overlaps(self, other: _Place[Item]) -> bool:
        return self.starts < other.ends and other.starts < self.ends

    def is_inside(self, other: _Place[Item]) -> bool:
        size, others = self.ends - self.starts, other.ends - other.starts
        return self.overlaps(other) and size < others


def letters_and_digits(text: str) -> str:
    """Return a text in capitals without anything but letters and digits."""
    return "".join(character for character in text.upper() if character.isalnum())


def items_named(texts: Iterable[str], items: Sequence[Item]) -> Named[Item]:
    """Return the items whose numbers stand in the texts, in the order given."""
    text = "\n".join(texts).upper()
    bare = letters_and_digits(text)
    there = [item for item in items if letters_and_digits(item.number) in bare]
    plain = [place for item in there for place in _places(item, text, _plain_pattern(item.number))]
    plain = [each for each in plain if not any(each.is_inside(other) for other in plain)]
    broken = [
        place
        for item in there
        for place in _places(item, text, _broken_pattern(item.number))
        if not any(place.overlaps(other) for other in plain)
    ]
    sure, unsure = [], []
    for item in there:
        own = [each for each in (*plain, *broken) if each.item is item]
        rivals = [each for each in (*plain, *broken) if each.item is not item]
        if any(not any(place.overlaps(rival) for rival in rivals) for place in own):
            sure.append(item)
        elif own:
            unsure.append(item)
    return Named(sure, unsure)


def _places(item: Item, text: str, pattern: str) -> list[_Place[Item]]:
    if not pattern:
        return []
    return [_Place(item, found.start(), found.end()) for found in re.finditer(pattern, text)]


def _plain_pattern(number: str) -> str:
    groups = _GROUPS.findall(number.upper())
    if len("".join(groups)) < _SHORTEST:
        return ""
    return _BEFORE + _BETWEEN.join(re.escape(group) for group in groups) + _AFTER


def _broken_pattern(number: str) -> str:
    """Allow one space or line break anywhere inside the number."""
    groups = _GROUPS.findall(number.upper())
    if len("".join(groups)) < _SHORTEST_BROKEN:
        return ""
    inside = [r"\s?".join(re.escape(character) for character in group) for group in groups]
    return _BEFORE + _BETWEEN.join(inside) + _AFTER
