"""A CSV file of charges is read with every finding, or refused with all of them."""

import contextlib
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.actions.rows import NewCharge
from invoices.forms.charges import NEEDED, CsvFinding, NotCharges, read_charges

HEADER = "key,kind,customer,worked_on,quantity,unit_price,narrative"
GOOD = "e:1,EXPENSE,INS-1,2026-10-03,1,418.50,Transcript of Dr. Haas"


def file(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows]).encode()


def charges_in(data: bytes) -> list[NewCharge]:
    read = read_charges(data)
    assert not read.findings
    return read.rows


def findings(data: bytes) -> list[tuple[int, str, str]]:
    return [(f.row, f.column, f.rule) for f in all_findings(data)]


def all_findings(data: bytes) -> list[CsvFinding]:
    try:
        return read_charges(data).findings
    except NotCharges as refused:
        return refused.findings


def test_a_file_is_read_into_charges():
    assert charges_in(file(GOOD)) == [
        NewCharge(
            key="e:1",
            kind="EXPENSE",
            customer="INS-1",
            worked_on=date(2026, 10, 3),
            quantity=Decimal(1),
            unit_price=Decimal("418.50"),
            narrative="Transcript of Dr. Haas",
        )
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + file(GOOD),
        file(GOOD).replace(b"\n", b"\r\n"),
        file(GOOD) + b"\n\n",
        file(GOOD, header=HEADER.upper()),
    ],
    ids=["byte order mark", "CRLF", "blank last lines", "capital header"],
)
def test_usual_differences_do_no_harm(data):
    assert len(charges_in(data)) == 1


def test_a_narrative_may_hold_commas_quotes_and_lines():
    row = 'e:1,EXPENSE,INS-1,2026-10-03,1,418.50,"Dr. Haas, ""expert"",\nHalden"'

    assert charges_in(file(row))[0].narrative == 'Dr. Haas, "expert",\nHalden'


def test_every_finding_is_told_with_row_column_and_rule():
    data = file(
        ",TIMES,INS-1,2026-02-30,1.5h,418.50,x",
        GOOD,
        "e:3,EXPENSE,,20261003,1e3,4.12345,x",
        "e:4,EXPENSE,INS-1",
        f"{'k' * 121},EXPENSE,INS-1,2026-10-03,1,1,x",
    )

    assert findings(data) == [
        (2, "key", "needed"),
        (2, "quantity", "number"),
        (2, "worked_on", "date"),
        (2, "kind", "kind"),
        (4, "customer", "needed"),
        (4, "quantity", "number"),
        (4, "unit_price", "number"),
        (4, "worked_on", "date"),
        (5, "", "cells"),
        (6, "key", "length"),
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", (1, "", "empty")),
        (file(), (2, "", "empty")),
        (b"\xff\xfe", (1, "", "encoding")),
        (file(GOOD) + b"\n\xe9", (3, "", "encoding")),
        (file(GOOD) + b"\n\0", (3, "", "encoding")),
        (file(GOOD, header=HEADER.replace("key", "id")), (1, "id", "column.unknown")),
        (file(GOOD, header=HEADER + ",key"), (1, "key", "column.twice")),
        (
            file(GOOD, header=HEADER.replace("quantity", "currency")),
            (1, "quantity", "column.missing"),
        ),
        (file(GOOD, '"unclosed'), (3, "", "csv")),
    ],
)
def test_what_is_no_file_of_charges_is_refused_with_a_reason(data, expected):
    assert expected in findings(data)


def test_a_bad_row_leaves_out_itself_alone():
    read = read_charges(file(GOOD, GOOD.replace("2026-10-03", "2026-13-03"), GOOD, '"unclosed'))

    assert [number for number, _charge in read.numbered] == [2, 4]
    assert [(f.row, f.rule, f.key) for f in read.findings] == [(3, "date", "e:1"), (5, "csv", "")]


def test_a_wrong_header_tells_all_its_faults_and_the_rows_are_read():
    header = f"{HEADER},hours,task_code,task_code"
    read = read_charges(
        file(f"{GOOD},1,a,b", ",EXPENSE,INS-1,2026-10-03,1,1,x,1,a,b", header=header)
    )

    assert [(f.row, f.column, f.rule) for f in read.findings] == [
        (1, "hours", "column.unknown"),
        (1, "task_code", "column.twice"),
        (3, "key", "needed"),
    ]
    assert [charge.task_code for charge in read.rows] == [""]


@pytest.mark.parametrize("character", ["\u200b", "\ufeff", "\U000e0041", "\u00ad"])
def test_what_nobody_sees_is_a_finding_of_its_cell(character):
    rows = [GOOD.replace(each, f"{each}{character}x") for each in ("e:1", "INS-1")]

    assert findings(file(*rows)) == [
        (2, "key", "text.hidden_character"),
        (3, "customer", "text.hidden_character"),
    ]


@pytest.mark.parametrize(
    "text", ["1,5", "1.", ".5", "1e2", "NaN", "Infinity", "\u0661", "0x1", "--1"]
)
def test_a_number_is_digits_a_point_and_decimals(text):
    row = GOOD.replace(",1,418.50", f',"{text}",418.50')

    assert (2, "quantity", "number") in findings(file(row))


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(data):
    with contextlib.suppress(NotCharges):
        read_charges(HEADER.encode() + b"\n" + data)


@pytest.mark.parametrize(("sign", "words"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_another_separator_is_one_finding(sign, words):
    data = sign.join(NEEDED).encode() + b"\n" + sign.join("abcde").encode()

    with pytest.raises(NotCharges) as refused:
        read_charges(data)

    (finding,) = refused.value.findings
    assert (finding.row, finding.rule) == (1, "separator")
    assert finding.text == f"The file separates by {words}; separate by commas."


def test_a_single_misspelled_column_is_no_question_of_separators():
    with pytest.raises(NotCharges) as refused:
        read_charges(b"key;x\nabc")

    assert "separator" not in {each.rule for each in refused.value.findings}
