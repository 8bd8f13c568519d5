"""Invoice numbers in what a payer wrote, with the spaces and dashes that payers and banks add.

A number counts as named when its letters and digits stand in the text in one piece, with any
separators between its groups: ``2026-00042`` is found in ``Inv. 2026 00042``, never in
``2026-000421`` or ``12026-00042``. Where a bank has broken a line inside a group
(``2026-000 42``), a number of six or more characters is still found, but only if nothing else
claims the same piece of text: then neither is sure.

What else stands in the text decides whether it is a plain order to pay: another number that is
none of the invoices', or words that say more, are for a person to read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Generic, Protocol, TypeVar

_GROUPS = re.compile(r"[0-9]+|[^\W\d_]+")
_BETWEEN = re.compile(r"[\s\-_./#:]{0,3}")
_INSIDE = re.compile(r"\s?")
_BEFORE = re.compile(r"(?<![^\W_])(?<![0-9][\-.])")
_AFTER = re.compile(r"(?![^\W_])(?![\-.][0-9])")
_SHORTEST_BROKEN = 6
_SHORTEST = 3

# Numbers that are no invoice's: a day, a year, a creditor reference of ISO 11649.
_NO_INVOICE = re.compile(
    r"\b(?:20[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[./][0-9]{1,2}[./](?:20)?[0-9]{2}|20[0-9]{2}"
    r"|RF[0-9]{2}[0-9A-Z]{1,21})(?![\w]|[./:#-][0-9])"
)
_TOKEN = re.compile(r"\w[\w\-./:#]*")
_WORD = re.compile(r"[^\W\d_]+")
_FEW_DIGITS = 2
_HARMLESS_WORDS = """
A ACCOUNT AMOUNT AND BANK BILL BILLS CHECK CHEQUE CUSTOMER DATED FOR FROM IN INSTALLMENT INV
INVOICE INVOICES INVS MANY NO NOS NR NUMBER NUMBERS OF ON ONE OUR PAID PART PARTIAL PAY
PAYING PAYMENT PAYMENTS PLEASE PMT RE REF REFERENCE REMITTANCE SETTLEMENT THANK THANKS THE
TO TRANSFER WIRE WITH YOU YOUR DANKE IHRE KUNDE NUMMER RECHNUNG RECHNUNGEN RG RGNR RNR UND
VIELEN VOM ZAHLUNG JAN JANUARY FEB FEBRUARY MAR MARCH APR APRIL MAY JUN JUNE JUL JULY AUG
AUGUST SEP SEPT SEPTEMBER OCT OCTOBER NOV NOVEMBER DEC DECEMBER USD EUR GBP CHF FIRST SECOND
THIRD LAST HALF REST BALANCE
"""
_HARMLESS = frozenset(_HARMLESS_WORDS.split())
_HARMLESS_SIGNS = frozenset("-_.,;:/#+&()'\"$\u20ac*")


class Numbered(Protocol):
    """Whatever has an invoice number."""

    @property
    def number(self) -> str: ...


Item = TypeVar("Item", bound=Numbered)


@dataclass(frozen=True)
class Named(Generic[Item]):
    """Items whose numbers are in the text beyond doubt, those that are perhaps, and all else in it.

    :ivar rest: the text in capitals without the numbers of the items beyond doubt.
    """

    sure: list[Item]
    unsure: list[Item]
    rest: str


@dataclass(frozen=True)
class _Place(Generic[Item]):
    item: Item
    starts: int
    ends: int
    is_broken: bool

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
    places = [place for item in items for place in _places(item, text)]
    plain = [each for each in places if not each.is_broken]
    plain = [each for each in plain if not any(each.is_inside(other) for other in plain)]
    broken = [
        each
        for each in places
        if each.is_broken and not any(each.overlaps(other) for other in plain)
    ]
    sure, unsure = [], []
    taken: list[_Place[Item]] = []
    for item in items:
        own = [each for each in (*plain, *broken) if each.item is item]
        rivals = [each for each in (*plain, *broken) if each.item is not item]
        if any(not any(place.overlaps(rival) for rival in rivals) for place in own):
            sure.append(item)
            taken += own
        elif own:
            unsure.append(item)
    return Named(sure, unsure, _without(text, taken))


def other_numbers(rest: str, amounts: Iterable[Decimal]) -> list[str]:
    """Return what looks like a number in the rest of a text and is none of the amounts, nor a day.

    A number has three digits or more: ``part 1 of 2`` names nothing.
    """
    rest = _NO_INVOICE.sub(" ", _without_amounts(rest, amounts))
    tokens = _TOKEN.findall(rest)
    return [each for each in tokens if sum(map(str.isdigit, each)) > _FEW_DIGITS]


def says_more(rest: str, amounts: Iterable[Decimal]) -> bool:
    """Say whether the rest of a text has any but harmless words."""
    rest = _NO_INVOICE.sub(" ", _without_amounts(rest, amounts))
    rest = _WORD.sub(lambda word: " " if word[0] in _HARMLESS else word[0], rest)
    return any(not (each.isspace() or each in _HARMLESS_SIGNS) for each in rest)


def _without(text: str, places: Iterable[_Place[Item]]) -> str:
    for place in places:
        text = text[: place.starts] + " " * (place.ends - place.starts) + text[place.ends :]
    return text


def _without_amounts(text: str, amounts: Iterable[Decimal]) -> str:
    """Take out amounts in the spellings of English and German, with and without thousands."""
    if not any(map(str.isdigit, text)):
        return text
    spellings = set()
    for amount in amounts:
        english = f"{amount:,}"
        german = english.translate(str.maketrans(",.", ".,"))
        spellings |= {english, german, english.replace(",", ""), german.replace(".", "")}
        if amount == amount.to_integral_value():
            spellings |= {f"{amount:.0f}", f"{amount:,.0f}"}
    one_of = "|".join(re.escape(each) for each in sorted(spellings, key=len, reverse=True))
    return re.sub(rf"(?<![0-9])(?<![0-9][.,/-])(?:{one_of})(?![0-9]|[.,/-][0-9])", " ", text)


def _places(item: Item, text: str) -> Iterator[_Place[Item]]:
    """Yield where an item's number stands in a text in capitals, whole or broken by the bank."""
    groups = _GROUPS.findall(item.number.upper())
    number = "".join(groups)
    if len(number) < _SHORTEST:
        return
    edges = set(accumulate(map(len, groups)))
    where = [place for place, character in enumerate(text) if character.isalnum()]
    bare = "".join(text[place] for place in where)
    start = bare.find(number)
    while start >= 0:
        at = where[start : start + len(number)]
        if _BEFORE.match(text, at[0]) and _AFTER.match(text, at[-1] + 1):
            gaps = [text[left + 1 : right] for left, right in pairwise(at)]
            inside = [gap for size, gap in enumerate(gaps, 1) if size not in edges]
            between = [gap for size, gap in enumerate(gaps, 1) if size in edges]
            is_broken = any(inside)
            fits = all(map(_BETWEEN.fullmatch, between)) and all(map(_INSIDE.fullmatch, inside))
            if fits and (not is_broken or len(number) >= _SHORTEST_BROKEN):
                yield _Place(item, at[0], at[-1] + 1, is_broken)
        start = bare.find(number, start + 1)
