"""Snapshots of invented firms, and strategies that invent more of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from invoices.documents.snapshot import (
    Address,
    CustomerParty,
    FirmParty,
    InvoiceKind,
    InvoiceSnapshot,
    LineKind,
    SnapshotLine,
    TaxTotal,
    line_total,
    priced,
)

DATA = Path(__file__).parents[1] / "data" / "ledes"
HOSTILE = [*json.loads((DATA / "hostile_narratives.json").read_text("utf-8")), "A" * 16_000]

FIRM = FirmParty(
    name="Quarry & Finch LLP",
    ledes_id="98-7654321",
    tax_id="98-7654321",
    address=Address(
        lines=("1 Quay Street", "Second floor", "Suite 4"),
        city="Galway",
        postcode="H91 X000",
        country="IRL",
    ),
    email="billing@quarry-finch.test",
    remittance="Account 12345678",
)
CUSTOMER = CustomerParty(
    name="Kiesel Versicherung",
    external_id="CL-77",
    tax_id="ATU12345678",
    address=Address(lines=("Hauptplatz 2",), city="Linz", postcode="4020", country="AUT"),
    email="claims@kiesel.test",
)


def fee(number: str = "1", **changes: Any) -> SnapshotLine:
    """Two hours at 350.00, less 70.00."""
    line = SnapshotLine(
        number=number,
        kind=LineKind.FEE,
        units=Decimal(2),
        unit_price=Decimal(350),
        adjustment=Decimal(-70),
        total=Decimal(630),
        worked_on=date(2026, 1, 15),
        firm_matter_id="M-0815",
        client_matter_id="CM-1",
        matter_name="Kiesel v. Sand",
        task_code="L510",
        activity_code="A102",
        timekeeper_id="TK01",
        timekeeper_name="Quarry, Alma",
        timekeeper_classification="PARTNR",
        narrative="Research standard of review",
        emitted_narrative="Research standard of review",
        tax_category="VAT",
    )
    return replace(line, **changes)


def expense(number: str = "2", **changes: Any) -> SnapshotLine:
    """A court fee of 24.95."""
    line = SnapshotLine(
        number=number,
        kind=LineKind.EXPENSE,
        units=Decimal(1),
        unit_price=Decimal("24.95"),
        adjustment=Decimal(0),
        total=Decimal("24.95"),
        worked_on=date(2026, 1, 17),
        firm_matter_id="M-0815",
        client_matter_id="CM-1",
        matter_name="Kiesel v. Sand",
        expense_code="E112",
        narrative="Filing fee",
        emitted_narrative="Filing fee",
    )
    return replace(line, **changes)


def discount(number: str = "3", **changes: Any) -> SnapshotLine:
    """A discount of 30.00 on the fees of the invoice."""
    line = replace(
        expense(number),
        kind=LineKind.INVOICE_FEE_ADJUSTMENT,
        units=Decimal(0),
        unit_price=Decimal(0),
        adjustment=Decimal(-30),
        total=Decimal(-30),
        expense_code="",
        narrative="Agreed discount",
        emitted_narrative="Agreed discount",
    )
    return replace(line, **changes)


def invoice(*lines: SnapshotLine, **changes: Any) -> InvoiceSnapshot:
    """An invoice over the lines, whose sums agree."""
    lines = lines or (fee(), expense(), discount())
    net = sum((each.total for each in lines), Decimal(0))
    tax = sum((each.tax_amount for each in lines), Decimal(0))
    totals: tuple[TaxTotal, ...] = ()
    if tax:
        totals = (
            TaxTotal(jurisdiction="AT", category="S", rate=Decimal("0.2"), base=net, tax=tax),
        )
    plain: dict[str, Any] = {
        "firm": FIRM,
        "customer": CUSTOMER,
        "kind": InvoiceKind.INVOICE,
        "number": "2026-00041",
        "issued_on": date(2026, 2, 5),
        "due_on": date(2026, 3, 7),
        "period_starts_on": date(2026, 1, 1),
        "period_ends_on": date(2026, 2, 1),
        "currency": "USD",
        "minor_units": 2,
        "description": "Services in January",
        "version": 1,
        "lines": lines,
        "tax_totals": totals,
        "net_total": net,
        "tax_total": tax,
        "total": net + tax,
    }
    return InvoiceSnapshot(**{**plain, **changes})


def taxed(line: SnapshotLine, rate: str = "0.2") -> SnapshotLine:
    """The line with its tax at the rate, rounded half up."""
    tax = priced(line.total, Decimal(rate), 2)
    return replace(line, tax_rate=Decimal(rate), tax_amount=tax, tax_category="VAT")


def scaled(low: int, high: int, places: int) -> st.SearchStrategy[Decimal]:
    """Decimals with at most so many places."""
    return st.integers(low, high).map(lambda whole: Decimal(whole).scaleb(-places))


narratives = st.one_of(
    st.text(max_size=60),
    st.sampled_from(HOSTILE),
    st.text(alphabet="ab |[]\r\n\t.0123456789\u2028\u0085\u00e9\u00df", max_size=40),
)
ids = st.from_regex(r"[A-Z0-9][A-Z0-9\-]{0,19}", fullmatch=True)
names = st.text(max_size=50).map(lambda text: "Quarry, A" + text)


@st.composite
def lines(draw: st.DrawFn, number: str) -> SnapshotLine:
    """A line of any kind that LEDES knows, whose total is right."""
    kinds = [LineKind.FEE, LineKind.EXPENSE]
    if number == "1":  # a carrier takes one adjustment line of a kind
        kinds = [LineKind.INVOICE_FEE_ADJUSTMENT, LineKind.INVOICE_EXPENSE_ADJUSTMENT, *kinds]
    kind = draw(st.sampled_from(kinds))
    line = SnapshotLine(
        number=number,
        kind=kind,
        units=draw(scaled(-100_000, 10_000_000, 4)),
        unit_price=draw(scaled(0, 100_000_000, 4)),
        adjustment=draw(scaled(-100_000, 100_000, 2)),
        total=Decimal(0),
        worked_on=date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 30))),
        firm_matter_id=draw(ids),
        client_matter_id=draw(ids),
        task_code=draw(st.sampled_from(["", "L510", "L110"])),
        activity_code=draw(st.sampled_from(["", "A102"])) if kind is LineKind.FEE else "",
        expense_code="E112" if kind is LineKind.EXPENSE else "",
        timekeeper_id=draw(ids),
        timekeeper_name=draw(names),
        timekeeper_classification=draw(st.sampled_from(["", "PARTNR", "ASSOC"])),
        matter_name="Kiesel v. Sand",
        narrative=draw(narratives),
    )
    return replace(line, total=line_total(line, 2))


@st.composite
def invoices(draw: st.DrawFn) -> InvoiceSnapshot:
    """An invoice of up to five lines with any narrative, whose sums agree."""
    count = draw(st.integers(1, 5))
    drawn = tuple(draw(lines(str(number))) for number in range(1, count + 1))
    return invoice(*drawn, number=draw(ids), description=draw(narratives))
