from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings

from invoices.documents.snapshot import Address, DoesNotAddUp, InvoiceKind
from invoices.ledes import fields as at
from invoices.ledes.check import check
from invoices.ledes.fields import FORM_98BI
from invoices.ledes.fitting import fit_for
from invoices.ledes.ledes98bi import address_lines, name_parts, render, render_all
from invoices.ledes.profile import DEFAULT, Profile
from invoices.ledes.reading import invoices_in
from invoices.ledes.writing import NotLedes, NotRepresentable
from tests.invoices.snapshots import discount, expense, fee, invoice, invoices, taxed

EUROS = {"currency": "EUR", "po_number": "PO-7"}


def test_a_taxed_invoice_passes_every_check():
    snapshot = invoice(taxed(fee()), expense(), taxed(discount()), **EUROS)

    checked = check(render(snapshot))

    assert checked.findings == ()
    assert checked.file.form is FORM_98BI


def test_totals_carry_tax_and_the_net_stands_beside_them():
    row = check(render(invoice(taxed(fee()), **EUROS))).file.rows[0]

    assert row.numbers[at.LINE_TOTAL] == Decimal(756)
    assert row.numbers[at.INVOICE_TOTAL] == Decimal(756)
    assert row.numbers[at.INVOICE_NET_TOTAL] == Decimal(630)
    assert row.numbers[at.LINE_TAX_TOTAL] == Decimal(126)
    assert row.numbers[at.TAX_RATE] == Decimal("0.2")
    assert row.texts[at.INVOICE_CURRENCY] == row.texts[at.TAX_CURRENCY] == "EUR"
    assert row.texts[at.PO_NUMBER] == "PO-7"
    assert row.texts[at.TIMEKEEPER_LAST_NAME] == "Quarry"
    assert row.texts[at.TIMEKEEPER_FIRST_NAME] == "Alma"
    assert row.texts[at.LAW_FIRM_ADDRESS_2] == "Second floor, Suite 4"
    assert row.texts[at.CLIENT_POSTCODE] == "4020"


@settings(deadline=None, max_examples=60)
@given(invoices())
def test_a_fitted_invoice_always_has_52_fields_and_reads_back(snapshot):
    ready = fit_for(snapshot, FORM_98BI, DEFAULT).snapshot

    data = render(ready)

    assert {row.count(b"|") for row in data.split(b"\r\n")[1:-1]} == {51}
    (parsed,) = invoices_in(check(data).file)
    assert parsed.total == ready.total
    assert [e.total for e in parsed.lines] == [e.total + e.tax_amount for e in ready.lines]
    assert [e.narrative for e in parsed.lines] == [e.emitted_narrative for e in ready.lines]


def test_amounts_keep_the_scale_of_their_currency_in_one_file():
    yen = invoice(expense("1", unit_price=Decimal(630), total=Decimal(630)), currency="JPY",
                  minor_units=0, number="Y-1")  # fmt: skip

    data = render_all([invoice(fee()), yen])

    assert b"|Y-1|CL-77|M-0815|630|" in data
    assert data.split(b"\r\n")[3] == render(yen).split(b"\r\n")[2]


def test_the_first_line_is_the_profile_s():
    data = render(invoice(), Profile(name="v5", first_line_98bi="LEDES98BI V5[]"))

    assert data.startswith(b"LEDES98BI V5[]\r\n")


@pytest.mark.parametrize(
    ("name", "parts"),
    [("Quarry, Alma", ("Quarry", "Alma")), ("Quarry", ("Quarry", "")), ("", ("", ""))],
)
def test_a_name_has_two_parts(name, parts):
    assert name_parts(name) == parts


@pytest.mark.parametrize(
    ("lines", "two"),
    [
        ((), ("", "")),
        (("a",), ("a", "")),
        (("a", "b"), ("a", "b")),
        (("a", "b", "c"), ("a", "b, c")),
    ],
)
def test_an_address_has_two_lines(lines, two):
    assert address_lines(Address(lines=lines)) == two


def test_what_the_format_cannot_say_is_refused():
    with pytest.raises(NotRepresentable, match="credit note"):
        render(invoice(kind=InvoiceKind.CREDIT_NOTE))
    with pytest.raises(NotRepresentable, match=r"tax rate 1\.5"):
        render(invoice(taxed(fee(), "1.5")))
    with pytest.raises(NotLedes, match="TIMEKEEPER_FIRST_NAME is empty"):
        render(invoice(fee(timekeeper_name="Quarry")))
    with pytest.raises(NotLedes, match="MATTER_NAME is empty"):
        render(invoice(fee(matter_name="")))
    with pytest.raises(DoesNotAddUp):
        render(replace(invoice(), total=Decimal(1)))


def test_a_line_outside_the_period_is_written_and_found():
    late = fee(worked_on=invoice().period_ends_on + timedelta(days=1))

    assert [e.rule for e in check(render(invoice(late))).findings] == ["F03.outside_period"]
