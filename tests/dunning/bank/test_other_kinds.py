"""Whoever gives another file for a bank statement is told what it is, and what is wanted."""

import pytest

from dunning.bank.camt import read_camt053
from dunning.bank.findings import NotAStatement
from tests.foundations.test_file_kinds import BAI2, MT940, WORKBOOK


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (MT940, "a SWIFT statement, such as MT940"),
        (BAI2, "a BAI2 statement"),
        (b"%PDF-1.7\n", "a PDF document"),
        (WORKBOOK, "a spreadsheet (.xlsx)"),
        (b"Date;Payer;Amount\n2026-11-02;Meridian;25.00\n", "a table of separated values"),
        (b"OFXHEADER:100\r\n", "an OFX or Quicken statement"),
        (b"<!DOCTYPE html><html><title>Sign in</title>", "a web page"),
        (b"LEDES1998B[]\n", "a LEDES file"),
    ],
)
def test_another_kind_is_named_with_what_is_wanted(data, said):
    with pytest.raises(NotAStatement) as no:
        read_camt053(data)

    (finding,) = no.value.findings
    assert (finding.rule, finding.row) == ("bank.other_kind", 0)
    assert finding.text.startswith(f"The file seems to be {said}")
    assert "Wanted is camt.053" in finding.text
    assert "C53" in str(no.value)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b'<?xml version="1.0"?><Invoice/>', "bank.not_camt"),
        (b"<Document", "bank.not_xml"),
        (b"hello", "bank.not_xml"),
        (b"", "bank.empty"),
    ],
)
def test_what_may_be_xml_is_for_the_reader_of_xml(data, rule):
    with pytest.raises(NotAStatement) as no:
        read_camt053(data)

    assert [finding.rule for finding in no.value.findings] == [rule]
