from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from invoices.documents.snapshot import LineKind
from invoices.ledes.reading import ParsedTimekeeper, Unreadable, invoices_in
from invoices.ledes.rows import read
from tests.invoices.snapshots import DATA

VALID = (DATA / "two_invoices_1998b.txt").read_bytes()


def test_a_file_gives_its_invoices_as_work():
    first, second = invoices_in(read(VALID))

    assert (first.number, first.customer_id, first.firm_id) == ("2026-00041", "CL-77", "98-7654321")
    assert first.total == Decimal("1684.45")
    assert (first.period_starts_on, first.period_ends_on) == (date(2026, 1, 1), date(2026, 2, 1))
    assert first.currency == "USD"
    assert [each.kind for each in first.lines] == [LineKind.FEE] * 3 + [LineKind.EXPENSE] * 2
    assert second.lines[0].kind is LineKind.INVOICE_FEE_ADJUSTMENT
    assert second.lines[0].adjustment == Decimal(1250)
    assert first.timekeepers == (
        ParsedTimekeeper(
            id="TK01", name="Quarry, Alma", classification="PARTNR", rates=(Decimal(350),)
        ),
        ParsedTimekeeper(
            id="TK02", name="Finch, Ivo", classification="ASSOC", rates=(Decimal(200),)
        ),
    )


def test_an_international_file_says_currency_and_tax():
    first, second = invoices_in(read((DATA / "tax_wrong_98bi.txt").read_bytes()))

    assert first.currency == "EUR"
    assert first.lines[0].tax_rate == Decimal("0.061245")
    assert first.lines[0].matter_name == "Kiesel v. Sand"
    assert second.lines[0].adjustment == Decimal(1250)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (b"|630|", b"|six|", "Row 3 has no number in field 13"),
        (b"20260205|", b"yesterday|", "Row 3 has no date in field 1"),
        (b"|F|", b"|X|", "Row 3 is of no line type"),
        (b"|2.00|", b"||", "Row 3 has no number in field 11"),
        (b"Research", b"Re|search", "1 rows of the file could not be taken apart"),
    ],
)
def test_nothing_is_guessed(before, after, says):
    with pytest.raises(Unreadable, match=says) as refused:
        invoices_in(read(VALID.replace(before, after, 1)))

    assert refused.value.code == "ledes.unreadable"


def test_a_file_without_lines_is_refused():
    with pytest.raises(Unreadable, match="no line items"):
        invoices_in(read(b""))
