from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings

from invoices.documents.snapshot import DoesNotAddUp, InvoiceKind, InvoiceSnapshot, LineKind
from invoices.ledes import fields as at
from invoices.ledes.check import check
from invoices.ledes.fields import FORM_1998B
from invoices.ledes.fitting import fit_for
from invoices.ledes.ledes1998b import render, render_all
from invoices.ledes.profile import DEFAULT, LineEnding, Profile, TaxIn1998B
from invoices.ledes.reading import invoices_in
from invoices.ledes.writing import NotLedes, NotRepresentable
from tests.invoices.snapshots import (
    CUSTOMER,
    FIRM,
    HOSTILE,
    discount,
    expense,
    fee,
    invoice,
    invoices,
    taxed,
)


def fitted(snapshot: InvoiceSnapshot) -> InvoiceSnapshot:
    return fit_for(snapshot, FORM_1998B, DEFAULT).snapshot


def test_an_invoice_is_written_to_the_byte():
    rows = render(invoice(fee(), expense(), discount())).decode("ascii").split("\r\n")

    assert rows[0] == "LEDES1998B[]"
    assert rows[1] == FORM_1998B.header
    shared = "20260205|2026-00041|CL-77|M-0815|624.95|20260101|20260131|Services in January|"
    assert rows[2:] == [
        shared
        + "1|F|2.00|-70.00|630.00|20260115|L510||A102|TK01|Research standard of review|"
        + "98-7654321|350.00|Quarry, Alma|PARTNR|CM-1[]",
        shared + "2|E|1.00|0.00|24.95|20260117||E112|||Filing fee|98-7654321|24.95|||CM-1[]",
        shared + "3|IF||-30.00|-30.00|20260117|||||Agreed discount|98-7654321||||CM-1[]",
        "",
    ]


def test_lines_end_as_the_profile_says():
    data = render(invoice(), Profile(name="unix", line_ending=LineEnding.LF))

    assert b"\r" not in data
    assert data.endswith(b"[]\n")


def test_what_is_written_passes_every_check():
    assert check(render(invoice())).findings == ()


def test_several_invoices_fit_in_a_file():
    both = [invoice(fee()), invoice(expense("1"), number="2026-00042")]

    checked = check(render_all(both))

    assert checked.findings == ()
    assert [each.number for each in invoices_in(checked.file)] == ["2026-00041", "2026-00042"]


@settings(deadline=None, max_examples=100)
@given(invoices())
def test_what_is_written_reads_back_as_it_was(snapshot):
    ready = fitted(snapshot)

    (parsed,) = invoices_in(check(render(ready)).file)

    assert parsed.number == ready.number
    assert parsed.total == ready.net_total
    assert parsed.issued_on == ready.issued_on
    assert (parsed.period_starts_on, parsed.period_ends_on) == (date(2026, 1, 1), date(2026, 2, 1))
    assert parsed.description == ready.description
    assert [
        (e.number, e.kind, e.units, e.unit_price, e.adjustment, e.total, e.worked_on, e.narrative)
        for e in parsed.lines
    ] == [
        (e.number, e.kind, e.units, e.unit_price, e.adjustment, e.total, e.worked_on,
         e.emitted_narrative)
        for e in ready.lines
    ]  # fmt: skip
    assert [(e.timekeeper_id, e.timekeeper_name, e.client_matter_id) for e in parsed.lines] == [
        (e.timekeeper_id, e.timekeeper_name, e.client_matter_id) for e in ready.lines
    ]


@settings(deadline=None, max_examples=60)
@given(invoices())
def test_writing_again_what_was_read_gives_the_same_bytes(snapshot):
    ready = fitted(snapshot)
    data = render(ready)

    (parsed,) = invoices_in(check(data).file)
    read_back = replace(
        ready,
        description=parsed.description,
        lines=tuple(
            replace(line, units=each.units, unit_price=each.unit_price, total=each.total,
                    adjustment=each.adjustment, narrative=each.narrative,
                    emitted_narrative=each.narrative)
            for line, each in zip(ready.lines, parsed.lines, strict=True)
        ),
    )  # fmt: skip

    assert render(read_back) == data


@settings(deadline=None, max_examples=100)
@given(invoices())
def test_no_narrative_moves_a_field(snapshot):
    rows = render(fitted(snapshot)).split(b"\r\n")

    assert rows.pop() == b""
    assert len(rows) == 2 + len(snapshot.lines)
    assert {row.count(b"|") for row in rows[1:]} == {23}
    assert {row.count(b"[]") for row in rows} == {1}
    assert all(row.endswith(b"[]") and row.isascii() for row in rows)


@pytest.mark.parametrize("narrative", HOSTILE)
def test_a_hostile_narrative_moves_no_amount(narrative):
    plain = check(render(invoice(fee()))).file.rows[0]

    row = check(render(fitted(invoice(fee(narrative=narrative))))).file.rows[0]

    assert row.numbers == plain.numbers
    assert row.dates == plain.dates
    assert [t for i, t in enumerate(row.texts) if i != at.LINE_DESCRIPTION] == [
        t for i, t in enumerate(plain.texts) if i != at.LINE_DESCRIPTION
    ]


@pytest.mark.parametrize(
    "emitted", ["a|b", "a[]b", "a\nb", "a\tb", "caf\u00e9", " a", "a ", "\x00"]
)
def test_the_writer_refuses_instead_of_repairing(emitted):
    with pytest.raises(NotLedes, match="LINE_ITEM_DESCRIPTION cannot carry") as refused:
        render(invoice(fee(emitted_narrative=emitted)))

    assert refused.value.code == "ledes.not_ledes"


@pytest.mark.parametrize(
    ("snapshot", "says"),
    [
        (invoice(currency="EUR"), "is in EUR"),
        (invoice(taxed(fee())), "is taxed"),
        (invoice(kind=InvoiceKind.CREDIT_NOTE), "is a credit note"),
        (invoice(fee(kind=LineKind.OTHER)), "neither fee nor expense"),
        (replace(invoice(), lines=(), net_total=Decimal(0), total=Decimal(0)), "has no lines"),
    ],
)
def test_what_the_format_cannot_say_is_refused(snapshot, says):
    with pytest.raises(NotRepresentable, match=says) as refused:
        render(snapshot)

    assert refused.value.code == "ledes.not_representable"


def test_a_profile_may_allow_what_the_format_cannot_say():
    profile = Profile(
        name="lenient",
        currencies=("USD", "EUR"),
        tax_in_1998b=TaxIn1998B.NET,
        credit_notes=True,
        other_lines_as="E",
    )
    snapshot = invoice(
        taxed(fee(kind=LineKind.OTHER)), currency="EUR", kind=InvoiceKind.CREDIT_NOTE
    )

    row = check(render(snapshot, profile), profile).file.rows[0]

    assert row.line_type == "E"
    assert row.numbers[at.INVOICE_TOTAL] == row.numbers[at.LINE_TOTAL] == Decimal(630)


@pytest.mark.parametrize(
    ("snapshot", "says"),
    [
        (invoice(number="N" * 21), "INVOICE_NUMBER takes 20 characters"),
        (invoice(number=""), "INVOICE_NUMBER is empty"),
        (invoice(customer=replace(CUSTOMER, external_id="")), "CLIENT_ID is empty"),
        (invoice(firm=replace(FIRM, ledes_id="")), "LAW_FIRM_ID is empty"),
        (invoice(fee(timekeeper_id="")), "TIMEKEEPER_ID is empty"),
        (invoice(fee(timekeeper_id="TK|1")), "TIMEKEEPER_ID cannot carry"),
        (invoice(fee(worked_on=None)), "has no date"),
        (invoice(fee(emitted_narrative="")), "has not been made fit"),
        (invoice(fee(units=Decimal("0.00001"), adjustment=Decimal(0), total=Decimal(0))),
         "4 decimals; 0.00001 has more"),
        (invoice(expense(unit_price=Decimal(10**10), total=Decimal(10**10))), "10 digits"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused(snapshot, says):
    with pytest.raises(NotLedes, match=says):
        render(snapshot)


def test_figures_that_disagree_are_never_written():
    with pytest.raises(DoesNotAddUp):
        render(invoice(total=Decimal(1)))
