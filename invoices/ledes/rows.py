"""From rows of texts to typed rows, with every finding about a single value.

Rules F02 (filled), F03 (dates), F04 (numbers), F05 (characters and lengths), F06 (line types) and
C01 (codes). Values that repeat from row to row, which most do, are understood once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from billing_portal.bounds import DAYS_IN_WORDS, is_a_day
from billing_portal.texts import hidden_in, hidden_in_words
from invoices.ledes import fields as at
from invoices.ledes.coding import check_codes
from invoices.ledes.envelope import Envelope, open_envelope
from invoices.ledes.fields import Column, Form, Kind
from invoices.ledes.findings import Finding, Severity
from invoices.ledes.profile import DEFAULT, Profile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NUMBER = re.compile(r"-?(\d*)(\.?)(\d*)", re.ASCII)
_DATE = re.compile(r"\d{8}", re.ASCII)
_UNUSUAL = re.compile(r"[^\x20-\x7e]| \||\| |\[\]|^ | $")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Row(NamedTuple):
    """One line item as it was read.

    :ivar number: its line in the file, from 1.
    :ivar texts: every field without blanks around it.
    :ivar numbers: the numeric fields that hold a number, by position (``fields.UNITS`` and so on).
    :ivar dates: the date fields that hold a date, by position.
    """

    number: int
    texts: Sequence[str]
    numbers: Mapping[int, Decimal]
    dates: Mapping[int, date]

    @property
    def line_type(self) -> str:
        """F, E, IF or IE; anything else is a finding."""
        return self.texts[at.LINE_TYPE]


@dataclass(frozen=True, slots=True)
class LedesFile:
    """A file as it was read, and all that its structure and single values gave to say.

    :ivar broken: how many rows could not be taken apart; they are not among ``rows``.
    """

    form: Form
    first_line: str
    encoding: str
    rows: tuple[Row, ...]
    broken: int
    findings: tuple[Finding, ...]


class _Problem(NamedTuple):
    rule: str
    severity: Severity
    text: str


class _Value(NamedTuple):
    value: Decimal | date | None
    problems: tuple[_Problem, ...]


def read(data: bytes, profile: Profile = DEFAULT) -> LedesFile:
    """Read a LEDES 1998B or 98BI file, told apart by its first line.

    Never raises and never stops early. Sums are not compared here; ``check`` does that.
    """
    envelope = open_envelope(data)
    reader = _Reader(envelope, profile)
    rows = tuple(reader.row(number, texts) for number, texts in envelope.rows)
    return LedesFile(
        form=envelope.form,
        first_line=envelope.first_line,
        encoding=envelope.encoding,
        rows=rows,
        broken=envelope.broken,
        findings=tuple(profile.weighed(envelope.findings + reader.findings)),
    )


class _Reader:
    """Understands rows of one file, remembering the values it has met."""

    def __init__(self, envelope: Envelope, profile: Profile) -> None:
        self.findings: list[Finding] = []
        self._profile = profile
        self._columns = profile.columns(envelope.form)
        self._typed = [i for i, each in enumerate(self._columns) if each.kind is not Kind.TEXT]
        self._texts = [
            (i, each.longest) for i, each in enumerate(self._columns) if each.kind is Kind.TEXT
        ]
        self._seen: list[dict[str, _Value]] = [{} for _ in self._columns]
        self._seen_codes: dict[tuple[str, ...], tuple[tuple[int, str, Severity, str], ...]] = {}
        self._required = {
            line_type: [i for i, each in enumerate(self._columns) if line_type in each.required]
            for line_type in at.LINE_TYPES
        }
        # What every type needs is missed on a line of unknown type, too; so is what prices it.
        self._required_otherwise = sorted({*self._required["F"]} & {*self._required["E"]})

    def row(self, number: int, texts: list[str]) -> Row:
        if _UNUSUAL.search("|".join(texts)):
            texts = self._tidied(number, texts)
        self._check_texts(number, texts)
        dates: dict[int, date] = {}
        numbers: dict[int, Decimal] = {}
        for index in self._typed:
            if text := texts[index]:
                found = self._value(number, index, text)
                if isinstance(found, Decimal):
                    numbers[index] = found
                elif found is not None:
                    dates[index] = found
        self._check_line(number, texts, numbers)
        return Row(number, texts, numbers, dates)

    def _check_texts(self, number: int, texts: list[str]) -> None:
        for index in self._required.get(texts[at.LINE_TYPE], self._required_otherwise):
            if not texts[index]:
                self._report(number, index, "F02.required", Severity.ERROR, "The field is empty.")
        for index, longest in self._texts:
            if len(texts[index]) > longest:
                text = f"{len(texts[index])} characters; at most {longest} are allowed."
                self._report(number, index, "F05.length", Severity.ERROR, text)

    def _value(self, number: int, index: int, text: str) -> Decimal | date | None:
        known = self._seen[index].get(text)
        if known is None:
            column = self._columns[index]
            known = _date(text) if column.kind is Kind.DATE else _number(text, column)
            self._seen[index][text] = known
        for problem in known.problems:
            self._report(number, index, *problem)
        return known.value

    def _check_line(self, number: int, texts: list[str], numbers: Mapping[int, Decimal]) -> None:
        line_type = texts[at.LINE_TYPE]
        if line_type and line_type not in at.LINE_TYPES:
            text = f"{line_type[:20]!r} is none of F, E, IF and IE."
            self._report(number, at.LINE_TYPE, "F06.line_type", Severity.ERROR, text)
        units = numbers.get(at.UNITS)
        if units is not None and units < 0 and not self._profile.negative_units:
            text = "This carrier takes no negative units."
            self._report(number, at.UNITS, "F04.negative_units", Severity.ERROR, text)
        coded = (
            line_type,
            texts[at.TASK_CODE],
            texts[at.EXPENSE_CODE],
            texts[at.ACTIVITY_CODE],
            texts[at.CLASSIFICATION],
        )
        said = self._seen_codes.get(coded)
        if said is None:
            said = self._seen_codes[coded] = check_codes(*coded, profile=self._profile)
        for index, rule, severity, text in said:
            self._report(number, index, rule, severity, text)

    def _tidied(self, number: int, padded: list[str]) -> list[str]:
        """Return the texts without blanks around them, and report what the format cannot carry."""
        texts = [each.strip(" \t") for each in padded]
        for index, text in enumerate(texts):
            if text != padded[index]:
                says = "Blanks stand around the value."
                self._report(number, index, "F05.padded", Severity.WARNING, says)
            if _CONTROL.search(text):
                says = "The value holds a control character or a line break."
                self._report(number, index, "F05.control", Severity.ERROR, says)
            elif not text.isascii() and (hidden := _hidden_in(index, text)):
                says = hidden_in_words(hidden)
                self._report(number, index, "F05.hidden", Severity.ERROR, says)
            elif not text.isascii():
                strange = "".join(sorted({each for each in text if not each.isascii()}))
                says = f"The value holds {strange[:20]!r}, which is not ASCII."
                self._report(number, index, "F05.non_ascii", Severity.WARNING, says)
            if "[]" in text:
                says = "The value holds [], which ends a line."
                self._report(number, index, "F05.terminator_inside", Severity.ERROR, says)
        return texts

    def _report(self, number: int, index: int, rule: str, severity: Severity, text: str) -> None:
        name = self._columns[index].name
        self.findings.append(Finding(rule, severity, text, number, index + 1, name))


def _hidden_in(index: int, text: str) -> str:
    is_id = index not in at.NAMES and index not in at.PROSE
    return hidden_in(text, is_prose=index in at.PROSE, is_id=is_id)


def _date(text: str) -> _Value:
    """Understand YYYYMMDD."""
    if not _DATE.fullmatch(text):
        says = f"{text[:20]!r} is no date; YYYYMMDD is wanted."
        return _Value(None, (_Problem("F03.date", Severity.ERROR, says),))
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        says = f"{text} is not in the calendar."
        return _Value(None, (_Problem("F03.date", Severity.ERROR, says),))
    if not is_a_day(day):
        says = f"{text} is not {DAYS_IN_WORDS}."
        return _Value(None, (_Problem("F03.date", Severity.ERROR, says),))
    return _Value(day, ())


def _number(text: str, column: Column) -> _Value:
    """Understand digits with at most one point and a leading minus."""
    match = _NUMBER.fullmatch(text)
    if match is None or not (match[1] or match[3]):
        says = f"{text[:20]!r} is no number; only digits, a point and a leading minus are."
        return _Value(None, (_Problem("F04.number", Severity.ERROR, says),))
    whole, point, part = match.groups()
    problems = []
    if (point and not part) or not whole:
        says = f"{text!r} has a point with digits on one side only."
        problems.append(_Problem("F04.bare_point", Severity.WARNING, says))
    if len(whole) > column.digits:
        says = f"{len(whole)} digits before the point; at most {column.digits} are allowed."
        problems.append(_Problem("F04.digits", Severity.ERROR, says))
    if len(part) > column.decimals:
        says = f"{len(part)} decimals; at most {column.decimals} are allowed."
        problems.append(_Problem("F04.decimals", Severity.ERROR, says))
    immense = max(len(whole), len(part)) > at.LONGEST_NUMBER
    return _Value(None if immense else Decimal(text), tuple(problems))
