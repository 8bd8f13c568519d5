"""From bytes to rows of texts: encoding, first line, header, terminators, field counts.

The written rule is ASCII, one row a line, "[]" at its end. Met in real files and read with a
warning: UTF-8 with and without a byte order mark, Windows-1252, CRLF and LF, a missing last
newline, blank lines, blanks around values, other first lines. Nothing stops the reading.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from invoices.ledes.fields import FORM_98BI, FORM_1998B, FORMS, Form
from invoices.ledes.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

TERMINATOR = "[]"
SEPARATOR = "|"
_DATE_LIKE = re.compile(r"\s*\d{8}\s*\|")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A file taken apart, before any value is understood.

    :ivar rows: line number in the file and the row's texts, each row with as many as the form has.
    :ivar broken: how many rows could not be taken apart; they are in no sum.
    """

    form: Form
    first_line: str
    encoding: str
    rows: Sequence[tuple[int, list[str]]]
    broken: int
    findings: list[Finding]


def open_envelope(data: bytes) -> Envelope:
    """Take a file apart. Never raises: what is wrong is among the findings."""
    findings: list[Finding] = []
    text, encoding = _decoded(data, findings)
    lines = _lines(text, findings)
    first_line = lines[0] if lines else ""
    form = _form(lines, findings)
    _check_header(lines, form, findings)
    start = 1 if len(lines) > 1 and _DATE_LIKE.match(lines[1]) else 2
    rows, broken = _rows(lines, start, form, findings)
    if not rows and not broken:
        findings.append(Finding("F01.no_rows", Severity.ERROR, "The file has no line items."))
    return Envelope(form, first_line, encoding, rows, broken, findings)


def _decoded(data: bytes, findings: list[Finding]) -> tuple[str, str]:
    if data.startswith(_UTF16_MARKS):
        text = "The file is UTF-16; carriers read ASCII."
        findings.append(Finding("F05.encoding", Severity.ERROR, text))
        return data.decode("utf-16", errors="replace"), "utf-16"
    if data.startswith(codecs.BOM_UTF8):
        text = "The file begins with a byte order mark."
        findings.append(Finding("F05.byte_order_mark", Severity.WARNING, text))
        data = data.removeprefix(codecs.BOM_UTF8)
    if data.isascii():
        return data.decode("ascii"), "ascii"
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text = "The file is neither ASCII nor UTF-8 and is read as Windows-1252."
        findings.append(Finding("F05.encoding", Severity.WARNING, text))
        return data.decode("cp1252", errors="replace"), "windows-1252"


def _lines(text: str, findings: list[Finding]) -> list[str]:
    """Return the lines without their line ends; a carriage return inside a line stays."""
    if not text.strip():
        findings.append(Finding("F01.empty", Severity.ERROR, "The file is empty."))
        return []
    if "\n" not in text and "\r" in text:
        says = "The lines end in a carriage return alone."
        findings.append(Finding("F01.line_ending", Severity.WARNING, says))
        text = text.replace("\r", "\n")
    lines = [each.removesuffix("\r") for each in text.split("\n")]
    if lines[-1]:
        says = "The last line has no line end."
        findings.append(Finding("F01.last_newline", Severity.WARNING, says, row=len(lines)))
    else:
        lines.pop()
    return lines


def _form(lines: list[str], findings: list[Finding]) -> Form:
    if not lines:
        return FORM_1998B
    first = lines[0].strip()
    for form in FORMS:
        if first == form.first_line == lines[0]:
            return form
        if first == form.first_line or first in form.variants:
            text = f"The first line is {lines[0]!r}; the standard's is {form.first_line}."
            findings.append(Finding("F01.first_line", Severity.WARNING, text, row=1))
            return form
    text = f"The first line is {lines[0][:60]!r}, which names no LEDES format that is read here."
    findings.append(Finding("F01.first_line", Severity.ERROR, text, row=1))
    widest = max(each.count(SEPARATOR) for each in lines)
    return FORM_98BI if widest >= len(FORM_1998B.columns) else FORM_1998B


def _check_header(lines: list[str], form: Form, findings: list[Finding]) -> None:
    if len(lines) < 2 or _DATE_LIKE.match(lines[1]):  # noqa: PLR2004
        text = "The second line must name the fields; it is missing."
        findings.append(Finding("F01.header", Severity.ERROR, text, row=2))
        return
    if lines[1] == form.header:
        return
    if not lines[1].rstrip().endswith(TERMINATOR):
        text = "The header does not end in []."
        findings.append(Finding("F01.terminator", Severity.ERROR, text, row=2))
    names = lines[1].rstrip().removesuffix(TERMINATOR).split(SEPARATOR)
    if len(names) != len(form.columns):
        text = f"The header has {len(names)} names; {form.name} has {len(form.columns)}."
        findings.append(Finding("F01.header", Severity.ERROR, text, row=2))
    for column, (name, expected) in enumerate(zip(names, form.columns, strict=False), start=1):
        if name != expected.name:
            same = name.strip().upper() == expected.name.upper()
            severity = Severity.WARNING if same else Severity.ERROR
            text = f"The header says {name[:60]!r} for {expected.name}."
            findings.append(Finding("F01.header", severity, text, 2, column, expected.name))


def _rows(
    lines: list[str], start: int, form: Form, findings: list[Finding]
) -> tuple[list[tuple[int, list[str]]], int]:
    rows = []
    broken = 0
    wanted = len(form.columns)
    for number, line in enumerate(lines[start:], start=start + 1):
        if line.endswith(TERMINATOR):
            body = line[:-2]
        elif not line.strip():
            text = "The line is blank."
            findings.append(Finding("F01.blank_line", Severity.WARNING, text, number))
            continue
        else:
            body = _unterminated(line, number, findings)
        texts = body.split(SEPARATOR)
        if len(texts) == wanted:
            rows.append((number, texts))
        else:
            broken += 1
            text = f"The line has {len(texts)} fields; {form.name} has {wanted}."
            findings.append(Finding("F01.field_count", Severity.ERROR, text, number))
    return rows, broken


def _unterminated(line: str, number: int, findings: list[Finding]) -> str:
    """Return the line's body where it does not end in the terminator at once."""
    stripped = line.rstrip(" \t")
    if stripped.endswith(TERMINATOR):
        text = "Blanks follow the [] at the end of the line."
        findings.append(Finding("F01.after_terminator", Severity.WARNING, text, number))
        return stripped[:-2]
    text = "The line does not end in []."
    findings.append(Finding("F01.terminator", Severity.ERROR, text, number))
    return line
