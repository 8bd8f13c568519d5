"""A text made fit for a format that knows only ASCII and has no escape.

The approved text stays; what travels is the emitted text, and every difference between the two is
recorded, so that a reviewer sees it before the file leaves. What is done, in this order: letters
and signs outside ASCII become their nearest ASCII spelling (NFKD and a table; "?" where there is
none), field and line separators and the space of no width become a space, "[]" becomes "()", runs
of spaces become one, ends are trimmed, and what goes beyond the longest allowed length is cut. A
text of which nothing would be left becomes "?": what was approved never travels as an empty field.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """Why a text was changed."""

    LETTER = "letter outside ASCII"
    SEPARATOR = "field separator"
    LINE_BREAK = "line break"
    CONTROL = "control character"
    BRACKETS = "line terminator"
    SPACES = "run of spaces"
    CUT = "longer than allowed"
    NOTHING_LEFT = "nothing of it can travel"


@dataclass(frozen=True, slots=True)
class Substitution:
    """One difference between an approved and an emitted text.

    :ivar at: offset in the approved text, in characters from 0.
    :ivar was: what stood there.
    :ivar became: what is emitted in its place, possibly nothing.
    """

    at: int
    was: str
    became: str
    why: Why


@dataclass(frozen=True, slots=True)
class Fitted:
    """The emitted text and all that was changed to get it, in the order of the approved text."""

    text: str
    substitutions: tuple[Substitution, ...]


SPELLINGS = {
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u2032": "'", "\u00b4": "'",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u2033": '"',
    "\u00ab": '"', "\u00bb": '"', "\u2039": "'", "\u203a": "'",
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2015": "-",
    "\u2212": "-", "\u00ad": "", "\u2022": "*", "\u00b7": "*", "\u2044": "/", "\u00d7": "x",
    "\u00f7": "/", "\u00df": "ss", "\u1e9e": "SS", "\u00e6": "ae", "\u00c6": "AE",
    "\u0153": "oe", "\u0152": "OE", "\u00f8": "o", "\u00d8": "O", "\u0111": "d", "\u0110": "D",
    "\u00f0": "d", "\u00d0": "D", "\u00fe": "th", "\u00de": "Th", "\u0142": "l", "\u0141": "L",
    "\u0131": "i", "\u20ac": "EUR", "\u00a3": "GBP", "\u00a5": "JPY", "\u00a2": "c",
    "\u00a7": "Sec.", "\u00b6": "Para.", "\u00a9": "(c)", "\u00ae": "(R)", "\u00b0": "deg",
    "\u00b1": "+/-", "\u2248": "~", "\u2260": "!=", "\u2264": "<=", "\u2265": ">=",
    "\u200b": " ", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "", "\u00ac": "not ",
    "\u00a6": "/", "\u2192": "->", "\u2190": "<-", "\u20b9": "INR", "\u00bf": "?", "\u00a1": "!",
    "\u00b2": "^2", "\u00b3": "^3", "\u00b9": "^1",
}  # fmt: skip
"""Spellings that NFKD does not give, or gives wrongly: two squared must not become 22."""

_LINE_BREAKS = frozenset("\r\n\v\f\u0085\u2028\u2029")
_UNFIT = re.compile(r"[^\x20-\x7e]|\|")
_BRACKETS = re.compile(r"\[ *\]")
_SPACES = re.compile(r"  +")


def fit(text: str, *, longest: int) -> Fitted:
    """Return the text as it may travel, at most ``longest`` characters, with every change.

    Fitting a fitted text changes nothing.

    :raises ValueError: when ``longest`` is below 1.
    """
    if longest < 1:
        raise ValueError("A text needs room for one character at least.")
    if len(text) <= longest and not _needs_work(text):
        return Fitted(text, ())

    pieces, changes = _spelled(text)
    pieces = _without(_BRACKETS, pieces, "()", Why.BRACKETS, changes)
    pieces = _without(_SPACES, pieces, " ", Why.SPACES, changes)
    pieces = _trimmed(pieces, changes)
    pieces = _cut(text, pieces, longest, changes)
    emitted = "".join(piece for _, piece in pieces)
    if not emitted and text.strip():
        emitted = "?"
        changes.append(Substitution(0, text, emitted, Why.NOTHING_LEFT))
    return Fitted(emitted, tuple(sorted(changes, key=lambda each: each.at)))


def _needs_work(text: str) -> bool:
    return bool(
        _UNFIT.search(text)
        or _BRACKETS.search(text)
        or "  " in text
        or text.startswith(" ")
        or text.endswith(" ")
    )


_Pieces = list[tuple[int, str]]
"""Characters of the emitted text, each with the offset in the approved text it stems from."""


def _spelled(text: str) -> tuple[_Pieces, list[Substitution]]:
    pieces: _Pieces = []
    changes: list[Substitution] = []
    for at, sign in enumerate(text):
        became, why = _spelling(sign)
        if why is not None:
            changes.append(Substitution(at, sign, became, why))
        pieces.extend((at, each) for each in became)
    return pieces, changes


def _spelling(sign: str) -> tuple[str, Why | None]:
    if " " <= sign <= "~" and sign != "|":
        return sign, None
    if sign == "|":
        return " ", Why.SEPARATOR
    if sign in _LINE_BREAKS:
        return " ", Why.LINE_BREAK
    if unicodedata.category(sign) == "Cc":
        return " ", Why.CONTROL
    return _ascii(sign), Why.LETTER


def _ascii(sign: str) -> str:
    """Return the nearest spelling in ASCII; a mark that only combines vanishes."""
    if sign in SPELLINGS:
        return SPELLINGS[sign]
    if unicodedata.combining(sign):
        return ""
    if unicodedata.numeric(sign, 0) % 1:
        return " " + _nfkd(sign).strip()  # "3½" must not become 31/2
    return _nfkd(sign) or "?"


def _nfkd(sign: str) -> str:
    spelled = []
    for each in unicodedata.normalize("NFKD", sign):
        if " " <= each <= "~":
            spelled.append(" " if each == "|" else each)
        elif not unicodedata.combining(each):
            spelled.append(SPELLINGS.get(each, "?"))
    return "".join(spelled)


def _without(
    pattern: re.Pattern[str], pieces: _Pieces, became: str, why: Why, changes: list[Substitution]
) -> _Pieces:
    """Replace every match of the pattern, keeping where each character stems from."""
    text = "".join(piece for _, piece in pieces)
    kept: _Pieces = []
    end = 0
    for match in pattern.finditer(text):
        at = pieces[match.start()][0]
        changes.append(Substitution(at, match.group(), became, why))
        kept.extend(pieces[end : match.start()])
        kept.extend((at, each) for each in became)
        end = match.end()
    return kept + pieces[end:]


def _trimmed(pieces: _Pieces, changes: list[Substitution]) -> _Pieces:
    for end in (0, -1):
        if pieces and pieces[end][1] == " ":
            changes.append(Substitution(pieces[end][0], " ", "", Why.SPACES))
            del pieces[end]
    return pieces


def _cut(text: str, pieces: _Pieces, longest: int, changes: list[Substitution]) -> _Pieces:
    if len(pieces) <= longest:
        return pieces
    kept = longest
    while kept and pieces[kept - 1][1] == " ":
        kept -= 1
    at = pieces[kept][0]
    changes.append(Substitution(at, text[at:], "", Why.CUT))
    return pieces[:kept]
