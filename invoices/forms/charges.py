"""Typed text turned into values: a file of charges as CSV, read with every finding.

The first line names the columns, in any order: key, kind, customer, worked_on and quantity are
needed; unit_price, adjustment, currency, matter, timekeeper, task_code, activity_code, expense_code
and narrative may follow. UTF-8, a byte order mark allowed; dates as YYYY-MM-DD; a point before
decimals and nothing between thousands.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing_portal.errors import Refused, counted
from invoices.actions.capture import RowsRefused
from invoices.actions.rows import NewCharge
from invoices.models import Charge

NEEDED = ("key", "kind", "customer", "worked_on", "quantity")
OPTIONAL = {
    "unit_price": 0,
    "adjustment": 0,
    "currency": 3,
    "matter": 40,
    "timekeeper": 40,
    "task_code": 20,
    "activity_code": 20,
    "expense_code": 20,
    "narrative": 15_000,
}
LONGEST = {"key": 120, "customer": 40, **OPTIONAL}
MOST_BYTES = 20_000_000
MOST_ROWS = 100_000
_NUMBER = re.compile(r"^-?[0-9]{1,9}(\.[0-9]{1,4})?$")
_DAY = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")


@dataclass(frozen=True)
class CsvFinding:
    """What is wrong in one cell: row 1 is the first line of the file."""

    row: int
    column: str
    rule: str
    text: str


class NotCharges(Refused):
    """The file cannot be read as charges; carries every finding."""

    code = "charges.file_unreadable"

    def __init__(self, findings: list[CsvFinding]) -> None:
        self.findings = findings
        super().__init__(f"The file has {counted(len(findings), 'finding')}; nothing was taken.")


def numbered_charges_in(data: bytes) -> list[tuple[int, NewCharge]]:
    """Read a CSV file of charges, each with its row in the file.

    :raises NotCharges: with all findings, each with row, column and rule.
    """
    lines = _lines(_text(data))
    if not lines or not any(lines[0]):
        raise NotCharges([CsvFinding(1, "", "empty", "The file is empty.")])
    header = [name.strip().lower() for name in lines[0]]
    findings = _in_header(header)
    if len(lines) > MOST_ROWS:
        findings.append(CsvFinding(1, "", "size", f"At most {MOST_ROWS} rows at a time."))
    if findings:
        raise NotCharges(findings)
    rows = [(n, row) for n, row in enumerate(lines[1:], 2) if any(cell.strip() for cell in row)]
    charges = [(number, _charge(number, header, row, findings)) for number, row in rows]
    if not rows:
        findings.append(CsvFinding(2, "", "empty", "There is no row below the header."))
    if findings:
        raise NotCharges(findings)
    return [(number, charge) for number, charge in charges if charge is not None]


def findings_of(
    refused: RowsRefused, numbered: Sequence[tuple[int, NewCharge]]
) -> list[CsvFinding]:
    """Return what stands against rows that were read and cannot be taken, in the file's terms."""
    return [
        CsvFinding(numbered[index][0], answer.column, answer.code, answer.detail)
        for index, answer in refused.rows
    ]


def _text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise NotCharges([CsvFinding(1, "", "size", f"At most {MOST_BYTES} bytes at a time.")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        finding = CsvFinding(row, "", "encoding", "The file is not UTF-8.")
        raise NotCharges([finding]) from error
    if "\0" in text:
        row = text[: text.index("\0")].count("\n") + 1
        raise NotCharges([CsvFinding(row, "", "encoding", "The file holds a NUL.")])
    return text


def _lines(text: str) -> list[list[str]]:
    lines: list[list[str]] = []
    try:
        lines.extend(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:  # what was read until then is kept, so the next row is the bad one
        finding = CsvFinding(len(lines) + 1, "", "csv", f"This is no CSV file: {error}.")
        raise NotCharges([finding]) from error
    return lines


def _in_header(header: list[str]) -> list[CsvFinding]:
    known = {*NEEDED, *OPTIONAL}
    return [
        *(
            CsvFinding(1, name, "column.unknown", "There is no such column.")
            for name in header
            if name not in known
        ),
        *(
            CsvFinding(1, name, "column.twice", "The column stands twice.")
            for name in sorted(set(header))
            if header.count(name) > 1
        ),
        *(
            CsvFinding(1, name, "column.missing", "The column is missing.")
            for name in NEEDED
            if name not in header
        ),
    ]


def _charge(
    number: int, header: list[str], row: list[str], findings: list[CsvFinding]
) -> NewCharge | None:
    if len(row) != len(header):
        text = f"The row has {len(row)} cells, the header {len(header)}."
        findings.append(CsvFinding(number, "", "cells", text))
        return None
    cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
    bad = [CsvFinding(number, *found) for found in _in_cells(cells)]
    findings += bad
    if bad:
        return None
    typed = {
        "worked_on": date.fromisoformat(cells.pop("worked_on")),
        "quantity": Decimal(cells.pop("quantity")),
        "adjustment": Decimal(cells.pop("adjustment", "") or 0),
    }
    price = cells.pop("unit_price", "")
    return NewCharge(**cells, **typed, unit_price=Decimal(price) if price else None)  # type: ignore[arg-type]


def _in_cells(cells: dict[str, str]) -> list[tuple[str, str, str]]:
    found = [(name, "needed", "The cell is empty.") for name in NEEDED if not cells[name]]
    found += [
        (name, "number", "Write digits, a point and up to four decimals.")
        for name in ("quantity", "unit_price", "adjustment")
        if cells.get(name) and not _NUMBER.match(cells[name])
    ]
    if cells["worked_on"] and not _is_day(cells["worked_on"]):
        found.append(("worked_on", "date", "Write a real day as YYYY-MM-DD."))
    if cells["kind"] and cells["kind"] not in Charge.Kind.values:
        found.append(("kind", "kind", f"Write one of {', '.join(Charge.Kind.values)}."))
    found += [
        (name, "length", f"At most {LONGEST[name]} characters.")
        for name, cell in cells.items()
        if LONGEST.get(name) and len(cell) > LONGEST[name]
    ]
    return found


def _is_day(text: str) -> bool:
    if not _DAY.match(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
