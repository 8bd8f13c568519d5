"""The frozen facts of an invoice: all that a file or a page may know, and nothing else.

Money is Decimal at the scale of its currency (630.00), quantities, prices and rates are Decimal
without trailing zeros; both are brought to that scale when the snapshot is made, so that two equal
snapshots are equal to the byte. Surrogate ids stay out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from enum import StrEnum
from typing import Any

from billing_portal.errors import Refused

EXACT = Context(prec=76)
"""Enough digits for any product of two fields of a file; nothing is rounded unasked."""


class DoesNotAddUp(Refused):
    """A snapshot's figures contradict each other."""

    code = "documents.does_not_add_up"


class InvoiceKind(StrEnum):
    """What the document is to the one who gets it."""

    INVOICE = "INVOICE"
    CREDIT_NOTE = "CREDIT_NOTE"


class LineKind(StrEnum):
    """What a line bills. OTHER is booked, metered or fixed: no legal format has a name for it."""

    FEE = "FEE"
    EXPENSE = "EXPENSE"
    INVOICE_FEE_ADJUSTMENT = "INVOICE_FEE_ADJUSTMENT"
    INVOICE_EXPENSE_ADJUSTMENT = "INVOICE_EXPENSE_ADJUSTMENT"
    OTHER = "OTHER"


ADJUSTMENT_KINDS = frozenset({LineKind.INVOICE_FEE_ADJUSTMENT, LineKind.INVOICE_EXPENSE_ADJUSTMENT})


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A postal address. ``country`` is an ISO 3166 code."""

    lines: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FirmParty:
    """The firm that bills. ``ledes_id`` is its LAW_FIRM_ID; in the US the federal tax id."""

    name: str
    ledes_id: str = ""
    tax_id: str = ""
    address: Address = field(default_factory=Address)
    email: str = ""
    remittance: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerParty:
    """Who is billed. ``external_id`` is the client id that firm and customer have agreed."""

    name: str
    external_id: str = ""
    tax_id: str = ""
    address: Address = field(default_factory=Address)
    email: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotLine:
    """One line. ``total`` is net: rounded units x unit price, plus the adjustment.

    :ivar number: the line's number, unique in the invoice.
    :ivar units: hours of a fee, count of anything else, as rounded for the bill.
    :ivar adjustment: a premium above zero, a discount below; the whole value of an adjustment line.
    :ivar timekeeper_name: "Surname, First".
    :ivar narrative: as approved by the reviewer.
    :ivar emitted_narrative: as it goes into files that cannot carry every character.
    :ivar tax_rate: a fraction: 0.19 is 19 %.
    """

    number: str
    kind: LineKind
    units: Decimal
    unit_price: Decimal
    adjustment: Decimal
    total: Decimal
    worked_on: date | None = None
    firm_matter_id: str = ""
    client_matter_id: str = ""
    matter_name: str = ""
    task_code: str = ""
    activity_code: str = ""
    expense_code: str = ""
    timekeeper_id: str = ""
    timekeeper_name: str = ""
    timekeeper_classification: str = ""
    narrative: str = ""
    emitted_narrative: str = ""
    tax_category: str = ""
    tax_rate: Decimal = Decimal(0)
    tax_amount: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxTotal:
    """The tax of one jurisdiction, category and rate. ``rate`` is a fraction."""

    jurisdiction: str
    category: str
    rate: Decimal
    base: Decimal
    tax: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceSnapshot:
    """An invoice as it was when it became final.

    :ivar minor_units: decimals of the currency (ISO 4217): 2 for USD, 0 for JPY.
    :ivar period_ends_on: the first day after the period.
    :ivar version: which edition of the invoice was approved.
    :ivar corrects_number: the number of the invoice that a credit note corrects.
    :ivar corrects_issued_on: that invoice's day; None in notes frozen before it was kept.
    :ivar reason: why a credit note corrects; empty in notes frozen before it was kept.
    :raises ValueError: when an amount is finer than the currency, or is no finite number.
    """

    firm: FirmParty
    customer: CustomerParty
    kind: InvoiceKind
    number: str
    issued_on: date
    due_on: date | None
    period_starts_on: date
    period_ends_on: date
    currency: str
    minor_units: int
    description: str
    version: int
    lines: tuple[SnapshotLine, ...]
    net_total: Decimal
    tax_total: Decimal
    total: Decimal
    tax_totals: tuple[TaxTotal, ...] = ()
    corrects_number: str = ""
    corrects_issued_on: date | None = None
    reason: str = ""
    po_number: str = ""
    terms: str = ""
    notes: str = ""

    def __post_init__(self) -> None:
        with localcontext(EXACT):
            lines = tuple(_scaled_line(each, self.minor_units) for each in self.lines)
            taxes = tuple(_scaled_tax(each, self.minor_units) for each in self.tax_totals)
            object.__setattr__(self, "lines", lines)
            object.__setattr__(self, "tax_totals", taxes)
            for name in ("net_total", "tax_total", "total"):
                object.__setattr__(self, name, money(getattr(self, name), self.minor_units))

    @property
    def period_last_day(self) -> date:
        """The last day of the period, as formats with closed periods want it."""
        return self.period_ends_on - timedelta(days=1)


def money(amount: Decimal, minor_units: int) -> Decimal:
    """Return the amount at the scale of its currency: 630 is 630.00 in dollars.

    :raises ValueError: when the amount is finer than the currency, or is no finite number.
    """
    if not amount.is_finite():
        raise ValueError(f"{amount!r} is not an amount.")
    scaled = amount.quantize(Decimal(1).scaleb(-minor_units), context=EXACT)
    if scaled != amount:
        raise ValueError(f"{amount} is finer than {minor_units} decimals.")
    return scaled or abs(scaled)  # no minus zero


def quantity(number: Decimal) -> Decimal:
    """Return the number without trailing zeros and without an exponent: 2.50 is 2.5.

    :raises ValueError: when it is no finite number.
    """
    if not number.is_finite():
        raise ValueError(f"{number!r} is not a quantity.")
    trimmed = number.normalize(EXACT)
    exponent = trimmed.as_tuple().exponent
    if isinstance(exponent, int) and exponent > 0:
        trimmed = trimmed.quantize(Decimal(1), context=EXACT)
    return trimmed or Decimal(0)


def priced(units: Decimal, unit_price: Decimal, minor_units: int) -> Decimal:
    """Return units x price, rounded half up, once, to the currency's minor units.

    0.33 hours at 100.05 are 33.0165, so 33.02.
    """
    exact = EXACT.multiply(units, unit_price)
    return exact.quantize(Decimal(1).scaleb(-minor_units), rounding=ROUND_HALF_UP, context=EXACT)


def line_total(line: SnapshotLine, minor_units: int) -> Decimal:
    """Return what the line must come to, net. An adjustment line is worth its adjustment."""
    if line.kind in ADJUSTMENT_KINDS:
        return line.adjustment
    return EXACT.add(priced(line.units, line.unit_price, minor_units), line.adjustment)


def require_sums(snapshot: InvoiceSnapshot) -> None:
    """Check that the snapshot's own figures agree to the last minor unit.

    Each line's total, the net total over the lines, the tax total over the lines and over the
    jurisdictions, the total of net and tax.

    :raises DoesNotAddUp: naming every figure that disagrees.
    """
    with localcontext(EXACT):
        wrong = [*_wrong_lines(snapshot), *_wrong_totals(snapshot)]
    if wrong:
        raise DoesNotAddUp(f"Invoice {snapshot.number} does not add up: " + "; ".join(wrong) + ".")


def _wrong_lines(snapshot: InvoiceSnapshot) -> list[str]:
    wrong = []
    for line in snapshot.lines:
        expected = line_total(line, snapshot.minor_units)
        if line.total != expected:
            wrong.append(f"line {line.number} says {line.total} and comes to {expected}")
    return wrong


def _wrong_totals(snapshot: InvoiceSnapshot) -> list[str]:
    nothing = Decimal(0)
    sums = (
        ("net total", snapshot.net_total, sum((each.total for each in snapshot.lines), nothing)),
        (
            "tax total",
            snapshot.tax_total,
            sum((each.tax_amount for each in snapshot.lines), nothing),
        ),
        (
            "tax by jurisdiction",
            sum((each.tax for each in snapshot.tax_totals), nothing),
            snapshot.tax_total,
        ),
        ("total", snapshot.total, snapshot.net_total + snapshot.tax_total),
    )
    return [
        f"the {name} says {stated} and comes to {expected}"
        for name, stated, expected in sums
        if stated != expected
    ]


def _scaled_line(line: SnapshotLine, minor_units: int) -> SnapshotLine:
    scaled = {
        "units": quantity(line.units),
        "unit_price": quantity(line.unit_price),
        "adjustment": money(line.adjustment, minor_units),
        "total": money(line.total, minor_units),
        "tax_rate": quantity(line.tax_rate),
        "tax_amount": money(line.tax_amount, minor_units),
    }
    moved: dict[str, Any] = {
        name: new for name, new in scaled.items() if not _is_same(getattr(line, name), new)
    }
    return replace(line, **moved) if moved else line


def _is_same(one: Decimal, other: Decimal) -> bool:
    """Say whether two numbers are the same to the last zero that is written."""
    return one.compare_total(other) == 0


def _scaled_tax(total: TaxTotal, minor_units: int) -> TaxTotal:
    return replace(
        total,
        rate=quantity(total.rate),
        base=money(total.base, minor_units),
        tax=money(total.tax, minor_units),
    )
