"""How the carriers read a LEDES 1998B file: by their own reader, from the format's facts.

The first line is ``LEDES1998B[]``, the second names 24 fields, every line ends in ``[]``, the
fields stand between ``|``; dates are YYYYMMDD; numbers have a point and nothing else. All amounts
are Decimal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

HEADER = (
    "INVOICE_DATE|INVOICE_NUMBER|CLIENT_ID|LAW_FIRM_MATTER_ID|INVOICE_TOTAL|BILLING_START_DATE|"
    "BILLING_END_DATE|INVOICE_DESCRIPTION|LINE_ITEM_NUMBER|EXP/FEE/INV_ADJ_TYPE|"
    "LINE_ITEM_NUMBER_OF_UNITS|LINE_ITEM_ADJUSTMENT_AMOUNT|LINE_ITEM_TOTAL|LINE_ITEM_DATE|"
    "LINE_ITEM_TASK_CODE|LINE_ITEM_EXPENSE_CODE|LINE_ITEM_ACTIVITY_CODE|TIMEKEEPER_ID|"
    "LINE_ITEM_DESCRIPTION|LAW_FIRM_ID|LINE_ITEM_UNIT_COST|TIMEKEEPER_NAME|"
    "TIMEKEEPER_CLASSIFICATION|CLIENT_MATTER_ID[]"
)
FIELDS = tuple(HEADER.removesuffix("[]").split("|"))
_NUMBER = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,4})?", re.ASCII)
_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})", re.ASCII)


@dataclass(frozen=True)
class Reason:
    """Why a line, or the file as a whole (row 0), is not accepted. Rows count from 1."""

    row: int
    field: str
    code: str
    text: str


@dataclass(frozen=True)
class Line:
    """One row that could be read: its place, and its 24 values by name."""

    row: int
    values: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def number(self, name: str) -> Decimal | None:
        """Return the amount or quantity in a field; nothing when it is blank or no number."""
        text = self.values[name]
        return Decimal(text) if _NUMBER.fullmatch(text) else None

    def day(self, name: str) -> date | None:
        """Return the day in a field; nothing when it is blank or no real day."""
        found = _DAY.fullmatch(self.values[name])
        if found is None:
            return None
        year, month, day = (int(part) for part in found.groups())
        try:
            return date(year, month, day)
        except ValueError:
            return None


def read(data: bytes) -> tuple[list[Line], list[Reason]]:
    """Return the rows that have 24 fields, and everything that is wrong with the file's form."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as trouble:
        where = data.count(b"\n", 0, trouble.start) + 1
        return [], [Reason(where, "", "ENCODING", f"Byte {trouble.start} is not ASCII.")]
    rows = [row.removesuffix("\r") for row in text.split("\n")]
    while rows and not rows[-1]:
        rows.pop()
    reasons = _head(rows)
    lines: list[Line] = []
    for number, text_row in enumerate(rows[2:], start=3):
        _row(number, text_row, lines, reasons)
    if not rows[2:]:
        reasons.append(Reason(0, "", "EMPTY", "The file holds no line items."))
    return lines, reasons


def _head(rows: list[str]) -> list[Reason]:
    reasons = []
    if not rows or rows[0] != "LEDES1998B[]":
        reasons.append(Reason(1, "", "FIRST_LINE", "The first line must be LEDES1998B[]."))
    if len(rows) < 2 or rows[1] != HEADER:
        reasons.append(
            Reason(2, "", "HEADER", "The second line must name the 24 LEDES 1998B fields in order.")
        )
    return reasons


def _row(number: int, row: str, lines: list[Line], reasons: list[Reason]) -> None:
    if not row.endswith("[]"):
        reasons.append(Reason(number, "", "TERMINATOR", "The line does not end in []."))
        return
    values = row[:-2].split("|")
    if len(values) != len(FIELDS):
        reasons.append(
            Reason(number, "", "FIELD_COUNT", f"{len(values)} fields found, {len(FIELDS)} wanted.")
        )
        return
    lines.append(Line(number, dict(zip(FIELDS, values, strict=True))))
