"""camt.053 is read when it adds up, and refused with every finding when it does not."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunning.bank.camt import read_camt053
from dunning.bank.findings import NotAStatement, Severity
from dunning.bank.safe_xml import MOST_BYTES
from dunning.bank.statements import BankCode

OWN = Path(__file__).parents[2] / "data" / "bank"
DAY = (OWN / "camt053.v2.day.xml").read_bytes()
BATCH = (OWN / "camt053.v8.batch.xml").read_bytes()


def rules(data):
    with pytest.raises(NotAStatement) as refused:
        read_camt053(data)
    return [each.rule for each in refused.value.findings if each.severity is Severity.ERROR]


def changed(data, old, new, times=1):
    assert old.encode() in data
    return data.replace(old.encode(), new.encode(), times)


def test_read_gives_what_the_statement_says():
    (statement,) = read_camt053(DAY)

    assert (statement.id, statement.account) == ("S-2026-11-02", "DE12500105170648489890")
    assert (statement.currency, statement.sequence) == ("USD", 211)
    assert (statement.opening, statement.opened_on) == (Decimal("1000.00"), date(2026, 10, 30))
    assert (statement.closing, statement.closed_on) == (Decimal("1842.40"), date(2026, 11, 2))
    assert [entry.amount for entry in statement.entries] == [Decimal("850.00"), Decimal("-7.60")]


def test_read_keeps_everything_that_tells_what_a_payment_is_for():
    (statement,) = read_camt053(DAY)
    entry = statement.entries[0]
    (payment,) = entry.payments

    assert (entry.booked_on, entry.value_on) == (date(2026, 11, 2), date(2026, 11, 3))
    assert entry.codes == (BankCode("PMNT/RCDT/DMCT", "ISO"), BankCode("NTRF+166", "CTB"))
    assert (payment.amount, payment.reference) == (Decimal("850.00"), "CTB-1")
    assert payment.end_to_end_ids == ("E2E-77",)
    assert payment.structured == ("RF18539007547034", "HS-2026-0417")
    assert payment.unstructured == ("Invoice HS-2026-0417", "October services")
    assert (payment.debtor_name, payment.debtor_account) == ("Northfield Mutual", "000123456")


def test_read_does_not_count_what_is_not_booked_but_says_so():
    (statement,) = read_camt053(DAY)

    assert [(each.rule, each.severity) for each in statement.findings] == [
        ("bank.not_booked", Severity.WARNING)
    ]


def test_read_itemizes_a_bundle_that_adds_up():
    (statement,) = read_camt053(BATCH)
    bundle, returned = statement.entries

    assert (statement.opening, statement.sequence) == (Decimal("-50.00"), 212)
    assert [(each.amount, each.reference) for each in bundle.payments] == [
        (Decimal("300.00"), "LBX-1-A"),
        (Decimal("200.00"), "LBX-1"),
    ]
    assert [each.debtor_name for each in bundle.payments] == [
        "Halvorsen Casualty",
        "Brightwater Indemnity",
    ]
    assert [each.end_to_end_ids for each in bundle.payments] == [(), ("E-2",)]
    assert (returned.amount, returned.is_reversal) == (Decimal("-200.00"), True)
    assert returned.payments[0].return_code == "AC04"


def test_read_leaves_a_bundle_whole_that_the_bank_did_not_itemize():
    (statement,) = read_camt053(changed(BATCH, '"USD">300.00', '"EUR">300.00'))
    (payment,) = statement.entries[0].payments

    assert payment.amount == Decimal("500.00")
    assert payment.unstructured == ("HS-2026-0420", "HS-2026-0421")
    assert [each.rule for each in statement.findings] == ["bank.not_itemized"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("1842.40", "1842.41", ["bank.does_not_add_up"]),
        ("<Cd>CLBD</Cd>", "<Cd>CLAV</Cd>", ["bank.no_balance"]),
        ("<Cd>PRCD</Cd>", "<Cd>ITBD</Cd>", ["bank.no_balance"]),
        ("<Cd>PRCD</Cd>", "<Cd>CLBD</Cd>", ["bank.no_balance", "bank.balance_repeated"]),
        ("<IBAN>DE12500105170648489890</IBAN>", "", ["bank.no_account"]),
        ("<Id>S-2026-11-02</Id>", "", ["bank.missing"]),
        (">211<", ">2 11<", ["bank.sequence"]),
        (">850.00<", ">8,50<", ["bank.amount"]),
        (">850.00<", ">-850.00<", ["bank.amount"]),
        (">850.00<", ">1e3<", ["bank.amount"]),
        (">850.00<", ">NaN<", ["bank.amount"]),
        (">850.00<", ">8<!-- -->50<b/>.00<", ["bank.amount"]),
        (">850.00<", ">\u0668\u0665\u0660<", ["bank.amount"]),
        ('Ccy="USD">850.00', 'Ccy="EUR">850.00', ["bank.currency_differs"]),
        ('Ccy="USD">850.00', 'Ccy="usd">850.00', ["bank.currency"]),
        ('Ccy="USD">1842.40', 'Ccy="EUR">1842.40', ["bank.currency_differs"]),
        ("<CdtDbtInd>DBIT</CdtDbtInd>", "<CdtDbtInd>OUT</CdtDbtInd>", ["bank.side"]),
        ("<Sts>BOOK</Sts>", "", ["bank.missing"]),
        ("<BookgDt><Dt>2026-11-02</Dt>", "<BookgDt><Dt>2026-02-30</Dt>", ["bank.date"]),
        ("<ValDt><Dt>2026-11-03</Dt>", "<ValDt><Dt>soon</Dt>", ["bank.date"]),
        ("camt.053.001.02", "camt.053.001.99", ["bank.version"]),
        ("camt.053.001.02", "camt.052.001.02", ["bank.not_end_of_day"]),
        ("camt.053.001.02", "camt.054.001.02", ["bank.not_end_of_day"]),
        ("camt.053.001.02", "pain.001.001.03", ["bank.not_camt"]),
        ("</Document>", "", ["bank.not_xml"]),
        ('"UTF-8"', '"UTF-7"', ["bank.encoding"]),
    ],
)
def test_read_refuses_a_statement_that_is_not_sound(old, new, expected):
    assert rules(changed(DAY, old, new)) == expected


def test_read_reports_every_finding_with_place_and_line():
    broken = changed(changed(DAY, ">850.00<", ">x<"), ">7.60<", ">y<")

    with pytest.raises(NotAStatement) as refused:
        read_camt053(changed(broken, ">211<", ">z<"))

    found = [each for each in refused.value.findings if each.severity is Severity.ERROR]
    assert [(each.rule, each.place, each.row) for each in found] == [
        ("bank.amount", "BkToCstmrStmt[1]/Stmt[1]/Ntry[1]/Amt[1]", 19),
        ("bank.amount", "BkToCstmrStmt[1]/Stmt[1]/Ntry[2]/Amt[1]", 41),
        ("bank.sequence", "BkToCstmrStmt[1]/Stmt[1]", 5),
    ]
    assert refused.value.code == "bank.not_a_statement"


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
        b'<?xml version="1.0"?>\n<!DOCTYPE Document SYSTEM "http://bank.test/x.dtd"><Document/>',
        DAY.replace(b"<Document ", b"<!DOCTYPE Document><Document ", 1),
    ],
)
def test_read_refuses_any_doctype(data):
    assert rules(data) == ["bank.doctype"]


@pytest.mark.parametrize("data", [b"", b"  \n", b"\xef\xbb\xbf"])
def test_read_refuses_an_empty_file(data):
    assert rules(data) == ["bank.empty"]


def test_read_refuses_a_file_that_is_too_large():
    assert rules(b" " * (MOST_BYTES + 1)) == ["bank.too_large"]


def test_read_refuses_an_encoding_that_could_hide_something():
    assert rules(DAY.decode().replace("UTF-8", "UTF-16").encode("utf-16")) == ["bank.encoding"]


def test_read_takes_a_byte_order_mark():
    assert read_camt053(b"\xef\xbb\xbf" + DAY) == read_camt053(DAY)


def test_read_does_not_let_a_comment_cut_an_amount():
    assert read_camt053(changed(DAY, ">850.00<", ">8<!-- -->50.00<")) == read_camt053(DAY)


def test_read_refuses_two_statements_that_do_not_join():
    start, end = DAY.index(b"<Stmt>"), DAY.index(b"</Stmt>") + len(b"</Stmt>")
    twice = DAY[:end] + DAY[start:end] + DAY[end:]

    assert rules(twice) == ["bank.does_not_join"]


def test_read_warns_of_a_reference_that_comes_twice():
    start, end = DAY.index(b"<Ntry>"), DAY.index(b"</Ntry>") + len(b"</Ntry>")
    twice = changed(DAY[:end] + DAY[start:end] + DAY[end:], "1842.40", "2692.40")

    (statement,) = read_camt053(twice)

    assert "bank.reference_repeated" in [each.rule for each in statement.findings]


REAL = {
    "camt052.v2.xml": ["bank.not_end_of_day"],
    "camt053.v2.all-balance-types.xml": ["bank.does_not_add_up"],
    "camt053.v2.multi.statement.xml": [
        ("253EURNL26VAYB8060476890", Decimal("18.15"), Decimal("27.00"), 12312),
        ("254EURNL26VAYB8060476890", Decimal("27.00"), Decimal("20.00"), None),
    ],
    "camt053.v2.wrong.xml": ["bank.no_statement"],
    "camt053.v4.xml": ["bank.currency_differs"],
    "camt053.v8.xml": ["bank.currency_differs"],
    "camt054.v4.xml": ["bank.not_end_of_day"],
}


def real_files():
    for folder in Path(__file__).resolve().parents:
        found = sorted((folder / "shared/data/vectors/bank/camt053").glob("*.xml"))
        if found:
            return found
    return []


@pytest.mark.parametrize("path", [OWN / "camt053.v2.day.xml", *real_files()], ids=lambda p: p.name)
def test_read_of_a_real_file_adds_up_or_says_why_not(path):
    expected = {
        **REAL,
        "camt053.v2.day.xml": [("S-2026-11-02", Decimal("1000.00"), Decimal("1842.40"), 211)],
    }

    try:
        statements = read_camt053(path.read_bytes())
    except NotAStatement as refusal:
        assert [each.rule for each in refusal.findings] == expected[path.name]  # noqa: PT017 -- the table says which
    else:
        told = [(each.id, each.opening, each.closing, each.sequence) for each in statements]
        assert told == expected[path.name]


@st.composite
def mutilated(draw):
    data = bytearray(draw(st.sampled_from([DAY, BATCH])))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 60)))
        data[start:end] = draw(
            st.one_of(
                st.binary(max_size=12),
                st.sampled_from([b"<", b"&lol;", b"<!DOCTYPE x>", b"]]>", b"</Ntry>", b"9" * 40]),
                st.just(bytes(data[end : end + 40])),
            )
        )
    return bytes(data)


@settings(max_examples=200, deadline=None)
@given(mutilated())
def test_read_of_a_mutilated_file_adds_up_or_refuses(data):
    try:
        statements = read_camt053(data)
    except NotAStatement as refusal:
        assert refusal.findings  # noqa: PT017 -- either outcome is right
        return

    for statement in statements:
        moved = sum((each.amount for each in statement.entries), Decimal(0))
        assert statement.opening + moved == statement.closing
        for entry in statement.entries:
            assert sum((each.amount for each in entry.payments), Decimal(0)) == entry.amount


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_read_of_noise_refuses(data):
    with pytest.raises(NotAStatement):
        read_camt053(data)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("USD", "XXX", "bank.currency"),
        ("USD", "ZZZ", "bank.currency"),
        ("USD", "usd", "bank.currency"),
        (">7.60<", ">7.605<", "bank.amount"),
        ("USD", "JPY", "bank.amount"),
        (">7.60<", ">999999999999999999<", "bank.amount"),
        (">1000.00<", ">10000000000000.00<", "bank.amount"),
        (">2026-11-02<", ">9999-12-31<", "bank.date"),
        (">2026-11-03<", ">0001-01-01<", "bank.date"),
        ("DE12500105170648489890", "DE" + "1" * 200, "bank.account"),
    ],
)
def test_what_the_books_cannot_hold_is_a_finding(old, new, rule):
    assert rule in rules(changed(DAY, old, new, times=99))


def test_a_part_with_a_fraction_of_a_cent_is_a_finding():
    halves = changed(BATCH, ">300.00<", ">300.005<", times=99)

    assert "bank.amount" in rules(changed(halves, ">200.00<", ">199.995<", times=99))


def test_a_refusal_reads_as_sentences_whether_place_and_line_are_known_or_not():
    def said(data):
        with pytest.raises(NotAStatement) as refused:
            read_camt053(data)
        return str(refused.value)

    broken = said(DAY[: DAY.index(b"</Stmt>")])
    empty = said(b"")
    twisted = said(changed(DAY, "1842.40", "1842.41"))

    start = "This is not a bank statement that can be imported. "
    assert empty == f"{start}The file is empty."
    assert re.fullmatch(rf"{start}Line [0-9]+: The file is not well-formed XML: [^.]*\.", broken)
    assert "column" not in broken
    assert re.fullmatch(
        rf"{start}BkToCstmrStmt\[1\]/Stmt\[1\], line [0-9]+: 1,000\.00 plus .*\.", twisted
    )


BOOKED = "<BookgDt><Dt>2026-11-02</Dt></BookgDt>"


@pytest.mark.parametrize("day", ["2031-01-01", "2026-11-03", "1995-06-01", "2025-09-27"])
def test_an_entry_of_a_day_that_is_not_the_statements_is_a_finding(day):
    with pytest.raises(NotAStatement) as refused:
        read_camt053(changed(DAY, BOOKED, f"<BookgDt><Dt>{day}</Dt></BookgDt>"))

    (found,) = (each for each in refused.value.findings if each.severity is Severity.ERROR)
    assert found.rule == "bank.booked_outside"
    assert found.place.endswith("Stmt[1]/Ntry[1]")
    assert found.row > 0
    assert f"booked on {day}, not from 2025-09-28 to 2026-11-02" in found.text


def test_an_entry_booked_late_by_the_bank_is_read():
    (statement,) = read_camt053(changed(DAY, BOOKED, BOOKED.replace("2026-11-02", "2025-09-28")))

    assert statement.entries[0].booked_on == date(2025, 9, 28)


@pytest.mark.parametrize(
    ("since", "until", "is_read"),
    [
        ("2026-11-01", "2026-11-02", False),
        ("2026-10-30", "2026-11-02", True),
        ("2007-10-18", "2007-10-18", True),  # a period that does not hold the closing day
    ],
)
def test_a_period_that_is_given_bounds_its_entries(since, until, is_read):
    period = f"<FrDtTm>{since}T00:00:00</FrDtTm><ToDtTm>{until}T23:59:59</ToDtTm>"
    dated = changed(DAY, "<Acct><Id><IBAN>", f"<FrToDt>{period}</FrToDt><Acct><Id><IBAN>")
    early = changed(dated, BOOKED, BOOKED.replace("2026-11-02", "2026-10-31"))

    if is_read:
        assert read_camt053(early)[0].entries[0].booked_on == date(2026, 10, 31)
    else:
        assert rules(early) == ["bank.booked_outside"]
