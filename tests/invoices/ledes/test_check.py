from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoices.ledes.check import check
from invoices.ledes.fields import FORM_98BI, FORM_1998B
from invoices.ledes.findings import Severity
from invoices.ledes.profile import CodePolicy, Profile
from tests.invoices.snapshots import DATA

VALID = (DATA / "two_invoices_1998b.txt").read_bytes()
FAULTY = (DATA / "many_faults_1998b.txt").read_bytes()
TAX_WRONG = (DATA / "tax_wrong_98bi.txt").read_bytes()


def found(
    data: bytes, profile: Profile | None = None, **asked: date
) -> list[tuple[int | None, int | None, str]]:
    """Row, column and rule of every finding."""
    checked = check(data, profile or Profile(name="standard"), **asked)
    return [(each.row, each.column, each.rule) for each in checked.findings]


def changed(before: str, after: str) -> bytes:
    """The valid file with one text replaced, which must be there."""
    assert before.encode() in VALID
    return VALID.replace(before.encode(), after.encode(), 1)


def real_files() -> list[Path]:
    """Public files of other makers, where the folder beside the repository has them."""
    for parent in Path(__file__).parents:
        if (folder := parent / "shared" / "data" / "ledes").is_dir():
            return sorted(folder.glob("*.txt"))
    return []


SAID_OF_REAL_FILES = {
    "travisbashor_ledes-parser__history_f0ac5be_ledes_98B.txt": {"F04.bare_point": 1},
    "travisbashor_ledes-parser__tests_data_ledes_98BI.txt": {
        "M03.line_tax": 4,
        "M03.invoice_tax": 1,
        "M03.net_total": 1,
        "F06.adjustment_blank": 1,
    },
    "lexitree_LEDES__ledes1998b_greedy_bad.txt": {
        "F01.first_line": 1,
        "F01.header": 1,
        "F01.last_newline": 1,
        "F02.required": 4,
        "F03.date": 8,
        "F04.decimals": 6,
        "F05.length": 20,
        "F06.line_type": 2,
        "F07.line_number": 1,
        "M02.invoice_total": 1,
        "C01.classification": 2,
        "C01.unknown_code": 6,
    },
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "real_file" in metafunc.fixturenames:
        files = [each for each in real_files() if each.name in SAID_OF_REAL_FILES]
        own = [DATA / name for name in OWN_TWINS]
        metafunc.parametrize("real_file", [*own, *files], ids=lambda path: path.name)


OWN_TWINS = {
    "two_invoices_1998b.txt": "travisbashor_ledes-parser__history_f0ac5be_ledes_98B.txt",
    "tax_wrong_98bi.txt": "travisbashor_ledes-parser__tests_data_ledes_98BI.txt",
    "many_faults_1998b.txt": "lexitree_LEDES__ledes1998b_greedy_bad.txt",
}


def test_files_of_other_makers_and_their_twins_get_every_finding(real_file):
    twin = OWN_TWINS.get(real_file.name, real_file.name)

    rules = Counter(each.rule for each in check(real_file.read_bytes()).findings)

    assert rules == SAID_OF_REAL_FILES[twin]


def test_a_valid_file_has_warnings_at_most():
    checked = check(VALID)

    assert checked.ok
    assert [each.severity for each in checked.findings] == [Severity.WARNING]
    assert checked.file.form is FORM_1998B
    assert len(checked.file.rows) == 6


def test_a_wrong_tax_is_reported_on_its_rows_and_for_the_invoice():
    checked = check(TAX_WRONG)

    assert checked.file.form is FORM_98BI
    assert not checked.ok
    assert [(e.row, e.column, e.rule) for e in checked.findings if e.severity == "error"] == [
        (3, 28, "M03.invoice_tax"),
        (3, 29, "M03.net_total"),
        (3, 49, "M03.line_tax"),
        (4, 49, "M03.line_tax"),
        (5, 49, "M03.line_tax"),
        (8, 49, "M03.line_tax"),
    ]
    assert "630 x 0.061245 is 38.58" in checked.findings[2].text


def test_both_rows_of_a_bad_file_get_all_their_findings():
    per_row = Counter(row for row, column, rule in found(FAULTY) if column and rule != "F01.header")

    assert per_row == {3: 25, 4: 25}


def test_a_finding_knows_its_field_and_is_plain_json():
    finding = check(changed("|630|", "|631|")).findings[1]

    assert finding.as_json() == {
        "rule": "M01.line_total",
        "severity": "error",
        "text": "The total says 631; units x cost + adjustment is 630.00.",
        "row": 3,
        "column": 13,
        "field": "LINE_ITEM_TOTAL",
    }


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        ("LEDES1998B[]", "LEDES 1998B[]", (1, None, "F01.first_line")),
        ("LEDES1998B[]", "Dear Sir", (1, None, "F01.first_line")),
        ("INVOICE_DATE|", "invoice_date|", (2, 1, "F01.header")),
        ("|CLIENT_MATTER_ID[]", "[]", (2, None, "F01.header")),
        ("CLIENT_MATTER_ID[]", "CLIENT_MATTER_ID", (2, None, "F01.terminator")),
        ("|CM-1[]", "|CM-1", (3, None, "F01.terminator")),
        ("|CM-1[]", "|CM-1[]  ", (3, None, "F01.after_terminator")),
        ("|CM-1[]", "|CM-1|more[]", (3, None, "F01.field_count")),
        ("|CM-1[]\n", "|CM-1[]\n\n", (4, None, "F01.blank_line")),
        ("20260205|", "|", (3, 1, "F02.required")),
        ("|CL-77|", "||", (3, 3, "F02.required")),
        ("|TK01|", "||", (3, 18, "F02.required")),
        ("|2.00|", "||", (3, 11, "F02.required")),
        ("20260205|", "20260230|", (3, 1, "F03.date")),
        ("20260205|", "05.02.2026|", (3, 1, "F03.date")),
        ("20260205|", "02052026|", (3, 1, "F03.date")),
        ("|20260101|20260131|", "|20260201|20260131|", (3, 7, "F03.period_order")),
        ("|20260115|", "|20260201|", (3, 14, "F03.outside_period")),
        ("|630|", "|$630|", (3, 13, "F04.number")),
        ("|1684.45|", "|1,684.45|", (3, 5, "F04.number")),
        ("|630|", "|+630|", (3, 13, "F04.number")),
        ("|630|", "|6e2|", (3, 13, "F04.number")),
        ("|630|", "|-|", (3, 13, "F04.number")),
        ("|630|", "|\u0666\u0663|", (3, 13, "F04.number")),
        ("|-70|", "|-70.00001|", (3, 12, "F04.decimals")),
        ("|-70|", "|-12345678901|", (3, 12, "F04.digits")),
        ("|-70|", "|-70.|", (3, 12, "F04.bare_point")),
        ("|TK01|", "| TK01 |", (3, 18, "F05.padded")),
        ("Research", "Re\tsearch", (3, 19, "F05.control")),
        ("Research", "Re\x00search", (3, 19, "F05.control")),
        ("Research", "Re\rsearch", (3, 19, "F05.control")),
        ("Research", "Re\u2019search", (3, 19, "F05.non_ascii")),
        ("Research", "Re[]search", (3, 19, "F05.terminator_inside")),
        ("|M-0815|", "|" + "M" * 21 + "|", (3, 4, "F05.length")),
        ("|F|", "|X|", (3, 10, "F06.line_type")),
        ("|F|", "|f|", (3, 10, "F06.line_type")),
        ("|2|F|", "|1|F|", (4, 9, "F07.line_number")),
        ("|630|", "|630.01|", (3, 13, "M01.line_total")),
        ("|630|", "|630.01|", (3, 5, "M02.invoice_total")),
        ("|1684.45|", "|1684.44|", (4, 5, "M02.same_total")),
        ("|1250.|1250|", "|1249|1250|", (8, 13, "M01.line_total")),
        ("|L510|", "|L500|", (3, 15, "C01.phase_code")),
        ("|L510|", "|Z999|", (3, 15, "C01.unknown_code")),
        ("|L510|", "|E101|", (3, 15, "C01.code_in_wrong_field")),
        ("|L510||", "|L510|E101|", (3, 16, "C01.code_on_wrong_line")),
        ("|E111||", "|E111|A101|", (6, 17, "C01.code_on_wrong_line")),
        ("|PARTNR|", "|PT|", (3, 23, "C01.classification")),
        ("|PARTNR|", "|BOSS|", (3, 23, "C01.classification")),
    ],
)  # fmt: skip
def test_each_fault_is_found_where_it_is(before, after, finding):
    assert finding in found(changed(before, after))


@pytest.mark.parametrize(
    ("column", "rule"),
    [
        (1, "F07.invoice_date"),
        (3, "F07.client_id"),
        (8, "F07.description"),
        (20, "F07.law_firm_id"),
    ],
)
def test_what_belongs_to_the_invoice_must_not_change_from_row_to_row(column, rule):
    lines = VALID.decode().split("\n")
    texts = lines[3].split("|")
    texts[column - 1] = "20260206"
    lines[3] = "|".join(texts)

    assert (4, column, rule) in found("\n".join(lines).encode())


def test_a_missing_header_does_not_swallow_a_row():
    lines = VALID.split(b"\n")
    checked = check(b"\n".join([lines[0], *lines[2:]]))

    assert (2, None, "F01.header") in [(e.row, e.column, e.rule) for e in checked.findings]
    assert len(checked.file.rows) == 6


@pytest.mark.parametrize("data", [b"", b"\n", b"  \r\n ", b"LEDES1998B[]\n", b"\xff\xfe", b"\x00"])
def test_a_file_without_lines_is_not_ok(data):
    assert not check(data).ok


@pytest.mark.parametrize(
    ("data", "encoding", "rules"),
    [
        (VALID.replace(b"\n", b"\r\n"), "ascii", []),
        (VALID.removesuffix(b"\n"), "ascii", ["F01.last_newline"]),
        (VALID.replace(b"\n", b"\r"), "ascii", ["F01.line_ending"]),
        (VALID + b"   \n", "ascii", ["F01.blank_line"]),
        (b"\xef\xbb\xbf" + VALID, "ascii", ["F05.byte_order_mark"]),
        (VALID.replace(b"Meals", "Caf\u00e9".encode()), "utf-8", ["F05.non_ascii"]),
        (VALID.replace(b"Meals", b"Caf\xe9"), "windows-1252", ["F05.encoding", "F05.non_ascii"]),
        (VALID.decode().encode("utf-16"), "utf-16", ["F05.encoding"]),
    ],
)
def test_encodings_and_line_ends_of_the_wild_are_read(data, encoding, rules):
    checked = check(data)

    assert checked.file.encoding == encoding
    assert len(checked.file.rows) == 6
    assert sorted(e.rule for e in checked.findings) == sorted(["F04.bare_point", *rules])


@pytest.mark.parametrize("first", sorted(FORM_98BI.variants))
def test_first_lines_of_the_wild_are_read_with_a_warning(first):
    checked = check(TAX_WRONG.replace(b"LEDES98BI V2[]", first.encode(), 1))

    assert checked.file.form is FORM_98BI
    assert [e.severity for e in checked.findings if e.rule == "F01.first_line"] == ["warning"]


def test_a_broken_row_is_in_no_sum_and_says_so():
    findings = found(changed("Research", "Re|search"))

    assert (3, None, "F01.field_count") in findings
    assert (4, 5, "M02.incomplete") in findings


def test_a_sum_with_an_unreadable_figure_is_not_compared():
    findings = found(changed("|630|", "|six|"))

    assert (3, 5, "M02.not_compared") in findings
    assert (3, 5, "M02.invoice_total") not in findings


def test_days_to_come_are_found_when_the_day_is_known():
    assert found(VALID, today=date(2026, 2, 5)) == found(VALID)
    assert (3, 1, "F03.future") in found(VALID, today=date(2026, 2, 4))


def test_rounding_to_cents_is_forgiven_and_so_is_exactness():
    rounded = VALID.replace(b"|24.95|20260117||E111|||Meals|98-7654321|24.95|",
                            b"|24.95|20260117||E111|||Meals|98-7654321|24.9512|")  # fmt: skip
    exact = VALID.replace(b"|0|24.95|20260117||E111|||Meals|98-7654321|24.95|",
                          b"|0|24.9512|20260117||E111|||Meals|98-7654321|24.9512|")  # fmt: skip

    assert check(rounded).ok
    assert "M01.line_total" not in [rule for _, _, rule in found(exact)]


def test_a_profile_changes_what_is_wrong():
    profile = Profile(
        name="strict",
        required={"TIMEKEEPER_CLASSIFICATION": ("E",), "LAW_FIRM_MATTER_ID": ()},
        longest={"INVOICE_DESCRIPTION": 5},
        decimals={"INVOICE_TOTAL": 1},
        digits={"LINE_ITEM_TOTAL": 2},
        codes=CodePolicy.KNOWN_ONLY,
        negative_units=False,
        adjustment_lines=0,
    )
    data = changed("|2.00|-70|630|", "|-2.00|-70|-770|").replace(b"|M-0815|", b"||")

    findings = found(data, profile)

    assert (6, 23, "F02.required") in findings
    assert (3, 4, "F02.required") not in findings
    assert (3, 8, "F05.length") in findings
    assert (3, 5, "F04.decimals") in findings
    assert (4, 13, "F04.digits") in findings
    assert (3, 11, "F04.negative_units") in findings
    assert (8, 10, "F06.adjustment_lines") in findings


@pytest.mark.parametrize(
    ("policy", "severities"),
    [
        (CodePolicy.ANY, []),
        (CodePolicy.WARN, ["warning"]),
        (CodePolicy.KNOWN_ONLY, ["error"]),
    ],
)
def test_an_unknown_code_weighs_what_the_policy_says(policy, severities):
    findings = check(changed("|L510|", "|Z999|"), Profile(name="p", codes=policy)).findings

    assert [e.severity for e in findings if e.rule == "C01.unknown_code"] == severities


def test_a_code_of_the_carrier_is_known():
    profile = Profile(name="p", extra_codes=("Z999",))

    assert check(changed("|L510|", "|Z999|"), profile).ok
    assert "C01.unknown_code" not in [
        rule for _, _, rule in found(changed("|L510|", "|Z999|"), profile)
    ]


def test_severities_are_the_profile_s_to_set():
    data = changed("|20260115|", "|20260201|")
    off = Profile(name="late", severities={"F03": "warning", "F04.bare_point": "off"})

    assert not check(data).ok
    assert check(data, off).ok
    assert [e.rule for e in check(data, off).findings] == ["F03.outside_period"]


def test_a_tolerance_forgives_so_much_and_no_more():
    cent = Profile(name="cent", tolerance=Decimal("0.01"))

    assert check(changed("|630|", "|630.01|"), cent).ok
    assert not check(changed("|630|", "|630.02|"), cent).ok


@pytest.mark.parametrize("digits", [19, 100, 5_000])
@pytest.mark.parametrize("before", ["|2.00|", "|-70|", "|630|", "|350|", "|1684.45|"])
def test_a_number_beyond_all_measure_is_found_and_stops_nothing(before, digits):
    findings = found(VALID.replace(before.encode(), b"|" + b"9" * digits + b"|"))

    assert "F04.digits" in [rule for _, _, rule in findings]
    assert "F04.decimals" in [
        rule for _, _, rule in found(changed("|630|", "|630." + "1" * digits + "|"))
    ]


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=300))
def test_no_bytes_stop_the_reader(data):
    assert not check(data).ok


@settings(deadline=None, max_examples=150)
@given(st.integers(0, len(VALID) - 1), st.integers(0, 255))
def test_no_damaged_byte_stops_the_reader(at, byte):
    damaged = VALID[:at] + bytes([byte]) + VALID[at + 1 :]

    assert check(damaged).file.form in {FORM_1998B, FORM_98BI}
