"""The sums of a file: M01 lines, M02 invoices, M03 tax; and F03, F06, F07 across its rows.

Line:    total = units x unit cost + adjustment (+ the line's tax in 98BI).
Invoice: total = sum of its lines' totals, repeated on every row.
98BI:    line tax = (units x unit cost + adjustment) x rate; invoice tax = sum of the lines' taxes;
         net total = total - tax total.

The product is compared exactly and rounded half up to the decimals that the profile says the
carrier recomputes with: whoever rounds to cents accepts 33.00 for 0.33 x 100.005. On an IF or IE
line units and cost mean nothing: its value is the adjustment, or the total where that is blank.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING

from invoices.documents.snapshot import EXACT
from invoices.ledes import fields as at
from invoices.ledes.fields import FORM_98BI
from invoices.ledes.findings import Finding, Severity

if TYPE_CHECKING:
    from datetime import date

    from invoices.ledes.profile import Profile
    from invoices.ledes.rows import LedesFile, Row

_ZERO = Decimal(0)
_Say = Callable[[int, int, str, Severity, str], None]


@dataclass(slots=True)
class InvoiceRows:
    """The rows of one invoice number, in file order."""

    number: str
    rows: list[Row] = field(default_factory=list)

    @property
    def first(self) -> Row:
        """The row whose date and total count for the whole invoice."""
        return self.rows[0]


def invoices_of(rows: Iterable[Row]) -> tuple[InvoiceRows, ...]:
    """Return the rows by invoice number, in order of first appearance."""
    invoices: dict[str, InvoiceRows] = {}
    for row in rows:
        number = row.texts[at.INVOICE_NUMBER]
        invoice = invoices.get(number)
        if invoice is None:
            invoice = invoices[number] = InvoiceRows(number)
        invoice.rows.append(row)
    return tuple(invoices.values())


def check_sums(file: LedesFile, profile: Profile, *, today: date | None = None) -> list[Finding]:
    """Return every finding that needs more than one value.

    :param today: dates after it are reported; None asks nothing of the kind.
    """
    findings: list[Finding] = []

    def say(row: int, index: int, rule: str, severity: Severity, text: str) -> None:
        name = file.form.columns[index].name
        findings.append(Finding(rule, severity, text, row, index + 1, name))

    taxed = file.form is FORM_98BI
    with localcontext(EXACT):
        for row in file.rows:
            _check_dates(row, today, say)
            _check_line(row, profile, say, taxed=taxed)
        for invoice in invoices_of(file.rows):
            _check_numbers(invoice, profile, say)
            _check_same_on_all_rows(invoice, say)
            _check_invoice_total(invoice, file, profile, say)
            if taxed:
                _check_invoice_tax(invoice, profile, say)
    return findings


def net_of(row: Row, profile: Profile, *, taxed: bool = False) -> Decimal | None:
    """Return what a line comes to without tax, or None when a figure it needs cannot be read.

    Rounded half up to the profile's decimals, unless the stated total says it exactly.
    """
    adjustment = row.numbers.get(at.ADJUSTMENT, _ZERO)
    total = row.numbers.get(at.LINE_TOTAL)
    tax = row.numbers.get(at.LINE_TAX_TOTAL, _ZERO) if taxed else _ZERO
    if row.line_type in at.ADJUSTMENT_TYPES:
        return adjustment if adjustment or total is None else total - tax
    units, cost = row.numbers.get(at.UNITS), row.numbers.get(at.UNIT_COST)
    if units is None or cost is None:
        return None
    product = units * cost
    if total is not None and abs(product + adjustment + tax - total) <= profile.tolerance:
        return product + adjustment
    return _rounded(product, profile) + adjustment


def _rounded(amount: Decimal, profile: Profile) -> Decimal:
    step = Decimal(1).scaleb(-profile.money_decimals)
    return amount.quantize(step, rounding=ROUND_HALF_UP)


def _check_line(row: Row, profile: Profile, say: _Say, *, taxed: bool) -> None:
    total = row.numbers.get(at.LINE_TOTAL)
    net = net_of(row, profile, taxed=taxed)
    if total is None or net is None:
        return
    tax = row.numbers.get(at.LINE_TAX_TOTAL, _ZERO) if taxed else _ZERO
    if row.line_type in at.ADJUSTMENT_TYPES and not row.numbers.get(at.ADJUSTMENT, _ZERO) and total:
        text = "The value of an IF or IE line belongs here; it stands in the total alone."
        say(row.number, at.ADJUSTMENT, "F06.adjustment_blank", Severity.WARNING, text)
    if abs(net + tax - total) > profile.tolerance:
        text = f"The total says {total:f}; {_formula(row, taxed=taxed)} is {net + tax:f}."
        say(row.number, at.LINE_TOTAL, "M01.line_total", Severity.ERROR, text)
    if taxed:
        _check_line_tax(row, net, tax, profile, say)


def _formula(row: Row, *, taxed: bool) -> str:
    if row.line_type in at.ADJUSTMENT_TYPES:
        return "the adjustment and the tax" if taxed else "the adjustment"
    return "units x cost + adjustment + tax" if taxed else "units x cost + adjustment"


def _check_line_tax(row: Row, net: Decimal, tax: Decimal, profile: Profile, say: _Say) -> None:
    rate = row.numbers.get(at.TAX_RATE, _ZERO)
    exact = net * rate
    if min(abs(exact - tax), abs(_rounded(exact, profile) - tax)) > profile.tolerance:
        due = _rounded(exact, profile)
        text = f"The tax says {tax:f}; {net:f} x {rate:f} is {due:f}."
        say(row.number, at.LINE_TAX_TOTAL, "M03.line_tax", Severity.ERROR, text)
    if rate < 0 or rate > 1:
        text = f"The rate says {rate:f}; it is a fraction from 0 to 1."
        say(row.number, at.TAX_RATE, "M03.rate", Severity.ERROR, text)


def _check_dates(row: Row, today: date | None, say: _Say) -> None:
    start, end = row.dates.get(at.BILLING_START_DATE), row.dates.get(at.BILLING_END_DATE)
    worked_on = row.dates.get(at.LINE_DATE)
    if start and end and start > end:
        text = f"The period ends on {end} and starts on {start}."
        say(row.number, at.BILLING_END_DATE, "F03.period_order", Severity.ERROR, text)
    elif start and end and worked_on and not start <= worked_on <= end:
        text = f"{worked_on} lies outside the period from {start} to {end}."
        say(row.number, at.LINE_DATE, "F03.outside_period", Severity.ERROR, text)
    if today is not None:
        for index in (at.INVOICE_DATE, at.LINE_DATE):
            if (day := row.dates.get(index)) and day > today:
                say(row.number, index, "F03.future", Severity.ERROR, f"{day} is in the future.")


def _check_numbers(invoice: InvoiceRows, profile: Profile, say: _Say) -> None:
    """Line numbers are unique; IF and IE lines are no more than the carrier takes."""
    seen: dict[str, int] = {}
    counts = dict.fromkeys(at.ADJUSTMENT_TYPES, 0)
    for row in invoice.rows:
        number = row.texts[at.LINE_ITEM_NUMBER]
        if number and number in seen:
            text = f"Line {number[:30]} of invoice {invoice.number[:30]} is on row {seen[number]}."
            say(row.number, at.LINE_ITEM_NUMBER, "F07.line_number", Severity.ERROR, text)
        seen.setdefault(number, row.number)
        if row.line_type in counts:
            counts[row.line_type] += 1
            if counts[row.line_type] > profile.adjustment_lines:
                most = profile.adjustment_lines
                text = f"Of {row.line_type} lines an invoice has {most} at most; this is one more."
                say(row.number, at.LINE_TYPE, "F06.adjustment_lines", Severity.ERROR, text)


_REPEATED = (
    (at.INVOICE_DATE, "F07.invoice_date", Severity.WARNING),
    (at.CLIENT_ID, "F07.client_id", Severity.WARNING),
    (at.INVOICE_DESCRIPTION, "F07.description", Severity.INFO),
    (at.LAW_FIRM_ID, "F07.law_firm_id", Severity.WARNING),
)


def _check_same_on_all_rows(invoice: InvoiceRows, say: _Say) -> None:
    """What the invoice says once must not change from row to row."""
    first = invoice.first
    for index, rule, severity in _REPEATED:
        for row in invoice.rows:
            if row.texts[index] != first.texts[index]:
                text = f"The value differs from row {first.number}'s of the same invoice."
                say(row.number, index, rule, severity, text)


def _check_invoice_total(
    invoice: InvoiceRows, file: LedesFile, profile: Profile, say: _Say
) -> None:
    first = invoice.first
    stated = first.numbers.get(at.INVOICE_TOTAL)
    for row in invoice.rows:
        if row.numbers.get(at.INVOICE_TOTAL) != stated:
            text = f"The invoice total differs from row {first.number}'s of the same invoice."
            say(row.number, at.INVOICE_TOTAL, "M02.same_total", Severity.ERROR, text)
    pair = (at.INVOICE_TOTAL, at.LINE_TOTAL)
    _compare_sum(invoice.rows, pair, "M02.invoice_total", profile, say)
    if file.broken:
        text = f"{file.broken} rows could not be taken apart and are in no sum."
        say(first.number, at.INVOICE_TOTAL, "M02.incomplete", Severity.INFO, text)


def _check_invoice_tax(invoice: InvoiceRows, profile: Profile, say: _Say) -> None:
    first = invoice.first
    tax = first.numbers.get(at.INVOICE_TAX_TOTAL)
    for index in (at.INVOICE_TAX_TOTAL, at.INVOICE_NET_TOTAL):
        for row in invoice.rows:
            if row.numbers.get(index) != first.numbers.get(index):
                text = f"The value differs from row {first.number}'s of the same invoice."
                say(row.number, index, "M03.same_total", Severity.ERROR, text)
    if tax is not None:
        pair = (at.INVOICE_TAX_TOTAL, at.LINE_TAX_TOTAL)
        _compare_sum(invoice.rows, pair, "M03.invoice_tax", profile, say)
    net, total = first.numbers.get(at.INVOICE_NET_TOTAL), first.numbers.get(at.INVOICE_TOTAL)
    if net is None or total is None:
        return
    if abs(total - (tax or _ZERO) - net) > profile.tolerance:
        due = total - (tax or _ZERO)
        text = f"The net total says {net:f}; total less tax is {due:f}."
        say(first.number, at.INVOICE_NET_TOTAL, "M03.net_total", Severity.ERROR, text)


def _compare_sum(
    rows: Sequence[Row], pair: tuple[int, int], rule: str, profile: Profile, say: _Say
) -> None:
    """Compare the first row's stated sum with the rows' figures; ``pair`` says which columns."""
    index, summed = pair
    amount = rows[0].numbers.get(index)
    found = [row.numbers.get(summed) for row in rows]
    amounts = [each for each in found if each is not None]
    if amount is None or len(amounts) < len(found):
        text = "The sum cannot be compared: a figure in it cannot be read."
        say(rows[0].number, index, f"{rule[:3]}.not_compared", Severity.INFO, text)
        return
    total = sum(amounts, _ZERO)
    if abs(total - amount) > profile.tolerance:
        text = f"The invoice says {amount:f}; its {len(rows)} lines come to {total:f}."
        say(rows[0].number, index, rule, Severity.ERROR, text)
