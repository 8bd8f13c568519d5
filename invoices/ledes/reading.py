"""What a LEDES file says was worked, as plain values that can be taken in as charges.

A file is checked first; this turns it into work. Nothing is guessed: a row whose figures cannot be
read refuses the file. Periods come out half-open, as everywhere but in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from billing_portal.errors import Refused
from invoices.documents.snapshot import LineKind
from invoices.ledes import fields as at
from invoices.ledes.arithmetic import InvoiceRows, invoices_of
from invoices.ledes.fields import FORM_98BI

if TYPE_CHECKING:
    from invoices.ledes.rows import LedesFile, Row

_ZERO = Decimal(0)


class Unreadable(Refused):
    """A file holds no work that can be taken in, or a row without a figure that it needs."""

    code = "ledes.unreadable"


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedLine:
    """One line item. ``total`` is as the file states it: with tax in 98BI, net in 1998B.

    :ivar row: the line in the file, from 1.
    :ivar tax_rate: a fraction; zero in 1998B.
    """

    row: int
    number: str
    kind: LineKind
    worked_on: date
    units: Decimal
    unit_price: Decimal
    adjustment: Decimal
    total: Decimal
    firm_matter_id: str
    client_matter_id: str
    matter_name: str
    task_code: str
    activity_code: str
    expense_code: str
    timekeeper_id: str
    timekeeper_name: str
    timekeeper_classification: str
    narrative: str
    tax_category: str
    tax_rate: Decimal
    tax_amount: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedTimekeeper:
    """A timekeeper as the fee lines name them, with every rate they were billed at."""

    id: str
    name: str
    classification: str
    rates: tuple[Decimal, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedInvoice:
    """One invoice of a file.

    :ivar customer_id: CLIENT_ID, the id that firm and customer have agreed.
    :ivar firm_id: LAW_FIRM_ID.
    :ivar period_ends_on: the first day after the period.
    :ivar currency: ISO 4217; 1998B files do not say it and are in US dollars.
    :ivar timekeepers: in order of first appearance.
    """

    number: str
    issued_on: date
    customer_id: str
    firm_id: str
    total: Decimal
    period_starts_on: date
    period_ends_on: date
    description: str
    currency: str
    po_number: str
    lines: tuple[ParsedLine, ...]
    timekeepers: tuple[ParsedTimekeeper, ...]


def invoices_in(file: LedesFile) -> tuple[ParsedInvoice, ...]:
    """Return the invoices of a file in order of first appearance.

    :raises Unreadable: when the file has no rows, or a row lacks a date or figure it needs or
        could not be taken apart at all.
    """
    if file.broken:
        raise Unreadable(f"{file.broken} rows of the file could not be taken apart.")
    if not file.rows:
        raise Unreadable("The file has no line items.")
    international = file.form is FORM_98BI
    return tuple(_invoice(each, international=international) for each in invoices_of(file.rows))


def _invoice(invoice: InvoiceRows, *, international: bool) -> ParsedInvoice:
    first = invoice.first
    lines = tuple(_line(row, international=international) for row in invoice.rows)
    return ParsedInvoice(
        number=invoice.number,
        issued_on=_day(first, at.INVOICE_DATE),
        customer_id=first.texts[at.CLIENT_ID],
        firm_id=first.texts[at.LAW_FIRM_ID],
        total=_figure(first, at.INVOICE_TOTAL),
        period_starts_on=_day(first, at.BILLING_START_DATE),
        period_ends_on=_day(first, at.BILLING_END_DATE) + timedelta(days=1),
        description=first.texts[at.INVOICE_DESCRIPTION],
        currency=first.texts[at.INVOICE_CURRENCY] if international else "USD",
        po_number=first.texts[at.PO_NUMBER] if international else "",
        lines=lines,
        timekeepers=_timekeepers(lines),
    )


_KINDS = {
    at.FEE: LineKind.FEE,
    at.EXPENSE: LineKind.EXPENSE,
    at.FEE_ADJUSTMENT: LineKind.INVOICE_FEE_ADJUSTMENT,
    at.EXPENSE_ADJUSTMENT: LineKind.INVOICE_EXPENSE_ADJUSTMENT,
}


def _line(row: Row, *, international: bool) -> ParsedLine:
    if row.line_type not in _KINDS:
        raise Unreadable(f"Row {row.number} is of no line type that LEDES knows.")
    priced = row.line_type in at.PRICED
    total = _figure(row, at.LINE_TOTAL)
    tax = row.numbers.get(at.LINE_TAX_TOTAL, _ZERO)
    adjustment = row.numbers.get(at.ADJUSTMENT, _ZERO)
    if not priced and not adjustment:
        adjustment = total - tax  # met in real files: the value stands in the total alone
    texts = row.texts
    return ParsedLine(
        row=row.number,
        number=texts[at.LINE_ITEM_NUMBER],
        kind=_KINDS[row.line_type],
        worked_on=_day(row, at.LINE_DATE),
        units=_figure(row, at.UNITS) if priced else row.numbers.get(at.UNITS, _ZERO),
        unit_price=_figure(row, at.UNIT_COST) if priced else row.numbers.get(at.UNIT_COST, _ZERO),
        adjustment=adjustment,
        total=total,
        firm_matter_id=texts[at.LAW_FIRM_MATTER_ID],
        client_matter_id=texts[at.CLIENT_MATTER_ID],
        matter_name=texts[at.MATTER_NAME] if international else "",
        task_code=texts[at.TASK_CODE],
        activity_code=texts[at.ACTIVITY_CODE],
        expense_code=texts[at.EXPENSE_CODE],
        timekeeper_id=texts[at.TIMEKEEPER_ID],
        timekeeper_name=texts[at.TIMEKEEPER_NAME],
        timekeeper_classification=texts[at.CLASSIFICATION],
        narrative=texts[at.LINE_DESCRIPTION],
        tax_category=texts[at.TAX_TYPE] if international else "",
        tax_rate=row.numbers.get(at.TAX_RATE, _ZERO),
        tax_amount=tax,
    )


def _timekeepers(lines: tuple[ParsedLine, ...]) -> tuple[ParsedTimekeeper, ...]:
    """Return who worked; a name or classification that changes makes another entry."""
    rates: dict[tuple[str, str, str], dict[Decimal, None]] = {}
    for line in lines:
        if line.kind is LineKind.FEE and line.timekeeper_id:
            who = (line.timekeeper_id, line.timekeeper_name, line.timekeeper_classification)
            rates.setdefault(who, {})[line.unit_price] = None
    return tuple(
        ParsedTimekeeper(id=who[0], name=who[1], classification=who[2], rates=tuple(billed))
        for who, billed in rates.items()
    )


def _figure(row: Row, index: int) -> Decimal:
    if index not in row.numbers:
        raise Unreadable(f"Row {row.number} has no number in field {index + 1}.")
    return row.numbers[index]


def _day(row: Row, index: int) -> date:
    if index not in row.dates:
        raise Unreadable(f"Row {row.number} has no date in field {index + 1}.")
    return row.dates[index]
