from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from invoices.documents.snapshot import InvoiceSnapshot, SnapshotLine
from invoices.ledes.check import check
from invoices.ledes.comparing import Difference, difference
from invoices.ledes.fields import FORM_1998B
from invoices.ledes.fitting import fit_for
from invoices.ledes.ledes1998b import render
from invoices.ledes.profile import DEFAULT
from invoices.ledes.proof import prove
from invoices.ledes.reading import ParsedInvoice, ParsedLine, invoices_in
from invoices.ledes.rows import read
from tests.invoices.snapshots import CUSTOMER, DATA, FIRM, invoice

VALID = (DATA / "two_invoices_1998b.txt").read_bytes()


def test_a_file_equals_itself():
    assert difference(read(VALID), read(VALID)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"|630|", b"|630.0000|"),
        (b"|E110|||", b"|E110|||"),
        (b"|1||289.5|", b"|1|0.00|289.50|"),
        (b"|1250.|1250|", b"|1250|1250|"),
        (b"|1250.|1250|", b"||1250|"),
        (b"|IF|1|", b"|IF||"),
        (b"2026-00041", b"X-1"),
        (b"20260205", b"20260301"),
        (b"|5|E|", b"|77|E|"),
        (b"standard", "\u201cstandard\u201d".encode()),
    ],
)
def test_what_work_does_not_determine_makes_no_difference(before, after):
    left = VALID.replace(b"standard", b'"standard"') if before == b"standard" else VALID

    assert difference(read(left), read(VALID.replace(before, after))) == []


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        (b"|630|", b"|630.01|", "LINE_ITEM_TOTAL"),
        (b"|-70|", b"|-71|", "LINE_ITEM_ADJUSTMENT_AMOUNT"),
        (b"|20260115|L510||A102", b"|20260116|L510||A102", "LINE_ITEM_DATE"),
        (b"Research", b"Search", "LINE_ITEM_DESCRIPTION"),
        (b"|TK02|", b"|TK01|", "TIMEKEEPER_ID"),
        (b"|1250.|1250|", b"|1249|1250|", "LINE_ITEM_ADJUSTMENT_AMOUNT"),
    ],
)
def test_any_field_that_work_determines_makes_one(before, after, field):
    found = difference(read(VALID), read(VALID.replace(before, after, 1)))

    assert [each.field for each in found] == [field]


def test_a_difference_says_both_rows_and_texts():
    found = difference(read(VALID), read(VALID.replace(b"|630|", b"|631|", 1)))

    assert found == [Difference("LINE_ITEM_TOTAL", 3, 3, "630", "631")]


def test_rows_may_stand_in_another_order_and_in_several_files():
    first_line, header, *rows, _ = VALID.split(b"\n")
    files = [read(b"\n".join([first_line, header, *part, b""])) for part in (rows[4:], rows[3::-1])]

    assert difference(read(VALID), files) == []


def test_missing_and_added_rows_are_told():
    short = read(b"\n".join(VALID.split(b"\n")[:-2]) + b"\n")

    assert [(e.original_row, e.written_row) for e in difference(read(VALID), short)] == [(8, None)]
    assert [(e.original_row, e.written_row) for e in difference(short, read(VALID))] == [(None, 8)]


def test_ignored_fields_are_the_caller_s_to_name():
    other = read(VALID.replace(b"2026-00041", b"X-1"))

    assert {e.field for e in difference(read(VALID), other, ignoring=())} == {"INVOICE_NUMBER"}


def valid_files() -> list[Path]:
    """The repository's own file, and the public one where the folder beside it has it."""
    real = "shared/data/ledes/travisbashor_ledes-parser__history_f0ac5be_ledes_98B.txt"
    found = [parent / real for parent in Path(__file__).parents if (parent / real).is_file()]
    return [DATA / "two_invoices_1998b.txt", *found[:1]]


def billed_again(parsed: ParsedInvoice) -> InvoiceSnapshot:
    """The work of a parsed invoice on an invoice of another number, date and line numbers."""
    lines = (
        line_again(each, number) for number, each in enumerate(reversed(parsed.lines), start=100)
    )
    snapshot = invoice(
        *lines,
        number="NEW-1",
        description=parsed.description,
        period_starts_on=parsed.period_starts_on,
        period_ends_on=parsed.period_ends_on,
        firm=replace(FIRM, ledes_id=parsed.firm_id),
        customer=replace(CUSTOMER, external_id=parsed.customer_id),
    )
    return fit_for(snapshot, FORM_1998B, DEFAULT).snapshot


def line_again(line: ParsedLine, number: int) -> SnapshotLine:
    """The line under another number."""
    same = {each.name for each in fields(SnapshotLine)} & {each.name for each in fields(ParsedLine)}
    values: dict[str, Any] = {name: getattr(line, name) for name in same}
    return SnapshotLine(**{**values, "number": str(number)})


@pytest.mark.parametrize("file", valid_files(), ids=lambda path: path.name)
def test_work_read_from_a_file_and_billed_again_equals_the_original(file):
    original = read(file.read_bytes())
    snapshots = [billed_again(each) for each in invoices_in(original)]

    written = [render(each) for each in snapshots]

    assert difference(original, [read(each) for each in written]) == []
    assert all(check(each).ok for each in written)
    assert all(prove(data, each).ok for data, each in zip(written, snapshots, strict=True))
