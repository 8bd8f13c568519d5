"""Two LEDES files field by field: does what was written equal the original in what work determines?

Numbers are compared as numbers (630 is 630.00, a blank adjustment is 0), dates as dates, texts as
they would travel (a curly quote is a straight one). Units and cost of IF and IE lines mean nothing
and are not compared. Rows may stand in another order and in several files.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from typing import TYPE_CHECKING

from invoices.documents.narrative import fit
from invoices.ledes import fields as at
from invoices.ledes.fields import FORM_98BI

if TYPE_CHECKING:
    from invoices.ledes.fields import Column
    from invoices.ledes.rows import LedesFile, Row

NOT_DETERMINED_BY_WORK = frozenset({"INVOICE_NUMBER", "INVOICE_DATE", "LINE_ITEM_NUMBER"})
"""Fields that whoever writes the invoice chooses anew."""

_FREE_TEXTS = frozenset(
    {at.INVOICE_DESCRIPTION, at.LINE_DESCRIPTION, at.TIMEKEEPER_NAME, at.MATTER_NAME}
)
_LONGEST = 1_000_000
_Value = str | Decimal | date


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which two files disagree, or a row that only one of them has.

    :ivar field: the field's name; empty when a whole row is missing on one side.
    :ivar original_row: the line in the original, None when the row is only in the other.
    :ivar written_row: the line in the written file, None when the row is only in the original.
    """

    field: str
    original_row: int | None
    written_row: int | None
    original: str
    written: str


def difference(
    original: LedesFile,
    written: LedesFile | Sequence[LedesFile],
    *,
    ignoring: Iterable[str] = NOT_DETERMINED_BY_WORK,
) -> list[Difference]:
    """Return every field in which what was written differs from the original.

    :param written: one file or several that together hold the original's rows.
    :param ignoring: names of fields that are not compared.
    :returns: empty when both say the same. Rows that agree in everything are paired first, the
        rest in their order.
    """
    several = list(written) if isinstance(written, Sequence) else [written]
    columns = _compared([original, *several], frozenset(ignoring))
    left, right = _unpaired(
        list(original.rows), [row for each in several for row in each.rows], columns
    )
    found: list[Difference] = []
    for before, after in zip_longest(left, right):
        found.extend(_row_difference(before, after, columns))
    return found


_Columns = Sequence[tuple[int, "Column"]]


def _compared(files: Sequence[LedesFile], ignoring: frozenset[str]) -> _Columns:
    """Return the columns that all files have and nobody ignores."""
    international = all(each.form is FORM_98BI for each in files)
    columns = files[0].form.columns if international else files[0].form.columns[:24]
    return [(i, each) for i, each in enumerate(columns) if each.name not in ignoring]


def _unpaired(left: list[Row], right: list[Row], columns: _Columns) -> tuple[list[Row], list[Row]]:
    """Return the rows of both sides that have no equal on the other."""
    waiting: defaultdict[tuple[_Value, ...], deque[Row]] = defaultdict(deque)
    for row in right:
        waiting[_values(row, columns)].append(row)
    alone = []
    for row in left:
        equals = waiting.get(_values(row, columns))
        if equals:
            equals.popleft()
        else:
            alone.append(row)
    rest = {id(row) for rows in waiting.values() for row in rows}
    return alone, [row for row in right if id(row) in rest]


def _row_difference(before: Row | None, after: Row | None, columns: _Columns) -> list[Difference]:
    if before is None or after is None:
        row = before or after
        text = "|".join(row.texts) if row else ""
        if before is None:
            return [Difference("", None, after.number if after else None, "", text)]
        return [Difference("", before.number, None, text, "")]
    return [
        Difference(
            column.name, before.number, after.number, before.texts[index], after.texts[index]
        )
        for index, column in columns
        if _value(before, index) != _value(after, index)
    ]


def _values(row: Row, columns: _Columns) -> tuple[_Value, ...]:
    return tuple(_value(row, index) for index, _ in columns)


def _value(row: Row, index: int) -> _Value:
    if row.line_type in at.ADJUSTMENT_TYPES and index in {at.UNITS, at.UNIT_COST}:
        return ""
    if index == at.ADJUSTMENT and not row.texts[index].strip("-0."):
        return _unstated_adjustment(row)
    if index in row.dates:
        return row.dates[index]
    if index in row.numbers:
        return row.numbers[index]
    text = row.texts[index]
    return fit(text, longest=_LONGEST).text if index in _FREE_TEXTS else text


def _unstated_adjustment(row: Row) -> Decimal:
    """Return nothing, or on an IF or IE line the total, in which alone the value then stands."""
    if row.line_type not in at.ADJUSTMENT_TYPES:
        return Decimal(0)
    tax = row.numbers.get(at.LINE_TAX_TOTAL, Decimal(0))
    return row.numbers.get(at.LINE_TOTAL, Decimal(0)) - tax
