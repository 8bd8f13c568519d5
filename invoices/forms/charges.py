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
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing_portal.errors import Refused, counted, sized
from billing_portal.file_kinds import FileKind, kind_of
from billing_portal.texts import HiddenCharacter, hidden_in, hidden_in_words
from invoices.actions.capture import RowsRefused
from invoices.actions.rows import TEXTS, NewCharge
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
_SHEETS = {FileKind.WORKBOOK, FileKind.OPEN_WORKBOOK, FileKind.OLD_OFFICE}
_SAVE_AS = (
    "In the spreadsheet program save the sheet as “CSV UTF-8 (comma delimited)” and send that."
)
_WANTED = "Wanted is a CSV file in UTF-8, separated by commas, or a LEDES 1998B or 98BI file."
_SEND_TO = "LEDES files are taken in as text/plain at /charges/ledes-files."  # pages take both
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_NUMBER = re.compile(r"^-?[0-9]{1,9}(\.[0-9]{1,4})?$")
_DAY = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")


@dataclass(frozen=True)
class CsvFinding:
    """What is wrong in one cell: row 1 is the first line of the file."""

    row: int
    column: str
    rule: str
    text: str
    key: str = ""


class NotCharges(Refused):
    """The file cannot be read as charges; carries every finding."""

    code = "charges.file_unreadable"

    def __init__(self, findings: list[CsvFinding]) -> None:
        self.findings = findings
        super().__init__(f"The file has {counted(len(findings), 'finding')}; nothing was taken.")


@dataclass(frozen=True)
class ChargesRead:
    """What could be read of a file, and all that could not.

    :ivar numbered: each charge with its row in the file.
    :ivar columns: the columns that were read; what stands below a misspelled name is none of them.
    """

    numbered: list[tuple[int, NewCharge]]
    findings: list[CsvFinding]
    columns: frozenset[str]

    @property
    def rows(self) -> list[NewCharge]:
        """The charges alone, to be taken or checked."""
        return [charge for _number, charge in self.numbered]


def read_charges(data: bytes) -> ChargesRead:
    """Read a CSV file of charges: a fault in a row leaves out that row, and the others are read.

    With faults in the header, rows are read when every needed column stands there once.

    :raises NotCharges: when no row can be read; with all findings, each with row, column and rule.
    """
    _must_be_a_table(data)
    findings: list[CsvFinding] = []
    lines = _lines(_text(data), findings)
    if not lines or not any(lines[0]):
        raise NotCharges(findings or [CsvFinding(1, "", "empty", "The file is empty.")])
    header = [name.strip().lower() for name in lines[0]]
    if separator := _other_separator(header):
        text = f"The file separates by {separator}; separate by commas."
        raise NotCharges([CsvFinding(1, "", "separator", text)])
    findings += _in_header(header)
    if len(lines) > MOST_ROWS:
        raise NotCharges([*findings, CsvFinding(1, "", "size", f"At most {MOST_ROWS} rows.")])
    rows = [(n, row) for n, row in enumerate(lines[1:], 2) if any(cell.strip() for cell in row)]
    if not rows:
        findings.append(CsvFinding(2, "", "empty", "There is no row below the header."))
    columns = frozenset(name for name in (*NEEDED, *OPTIONAL) if header.count(name) == 1)
    charges = []
    if columns.issuperset(NEEDED):
        charges = [(n, _charge(n, header, row, columns, findings)) for n, row in rows]
    numbered = [(number, charge) for number, charge in charges if charge is not None]
    if not numbered:
        raise NotCharges(_in_order(findings))
    return ChargesRead(numbered, _in_order(findings), columns)


def findings_of(refused: RowsRefused, read: ChargesRead) -> list[CsvFinding]:
    """Return all that stands against a file: what could not be read, and what cannot be taken."""
    against = [
        CsvFinding(read.numbered[index][0], answer.column, answer.code, answer.detail, answer.key)
        for index, answer in refused.rows
    ]
    if any(finding.row == 1 for finding in read.findings):
        # A value that seems to be missing may stand below a name that the header misspells.
        against = [each for each in against if not each.column or each.column in read.columns]
    return _in_order([*read.findings, *against])


def _in_order(findings: list[CsvFinding]) -> list[CsvFinding]:
    return sorted(findings, key=lambda each: each.row)


def _must_be_a_table(data: bytes) -> None:
    """Pass tables of separated values, and what nobody can tell, up to the size that is read."""
    if len(data) > MOST_BYTES:
        raise NotCharges([CsvFinding(1, "", "size", f"At most {sized(MOST_BYTES)} at a time.")])
    kind = kind_of(data)
    if kind is None or kind is FileKind.TABLE:
        return
    advice = _SEND_TO if kind is FileKind.LEDES else _WANTED
    if kind in _SHEETS:
        advice = _SAVE_AS
    text = f"The file seems to be {kind.value}. {advice}"
    raise NotCharges([CsvFinding(1, "", "file.kind", text)])


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        finding = CsvFinding(row, "", "encoding", f"The file is not UTF-8. {_SAVE_AS}")
        raise NotCharges([finding]) from error
    if "\0" in text:
        row = text[: text.index("\0")].count("\n") + 1
        raise NotCharges([CsvFinding(row, "", "encoding", "The file holds a NUL.")])
    return text


def _lines(text: str, findings: list[CsvFinding]) -> list[list[str]]:
    lines: list[list[str]] = []
    try:
        lines.extend(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:  # what was read until then is kept, so the next row is the bad one
        says = f"From here on, this is no CSV file: {error}."
        findings.append(CsvFinding(len(lines) + 1, "", "csv", says))
    return lines


def _other_separator(header: list[str]) -> str:
    """Return what separates the columns of a header in the place of commas, in words, if so."""
    if len(header) > 1:
        return ""
    for sign, words in _SEPARATORS.items():
        if len({*NEEDED, *OPTIONAL}.intersection(map(str.strip, header[0].split(sign)))) > 1:
            return words
    return ""


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
    number: int,
    header: list[str],
    row: list[str],
    columns: frozenset[str],
    findings: list[CsvFinding],
) -> NewCharge | None:
    if len(row) != len(header):
        text = f"The row has {len(row)} cells, the header {len(header)}."
        findings.append(CsvFinding(number, "", "cells", text))
        return None
    named = zip(header, row, strict=True)
    cells = {name: cell.strip() for name, cell in named if name in columns}
    key = "" if hidden_in(cells["key"], is_id=True) else cells["key"][: LONGEST["key"]]
    bad = [CsvFinding(number, *found, key=key) for found in _in_cells(cells)]
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
    hidden = {
        name: hidden_in(cells[name], is_prose=name == "narrative", is_id=name != "narrative")
        for name in TEXTS
        if name in cells and name != "kind"
    }
    found += [
        (name, HiddenCharacter.code, hidden_in_words(character))
        for name, character in hidden.items()
        if character
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
