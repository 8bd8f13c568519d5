"""Which tax a line bears, and why: the built-in engine.

Sources of the rules: Directive 2006/112/EC articles 44 (services to businesses are taxed where the
customer is), 45 (to consumers, where the firm is), 59 (c) (lawyers' services to consumers outside
the Union are outside its scope) and 196 (the customer owes the tax); VAT Act 1994 section 7A and
schedule 4A for the United Kingdom. In the United States the customer's place decides. Every
answer names its rule and, where the law wants it, the wording for the invoice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from billing_portal.money import Money, minor_units
from invoices.tax.rounding import RoundingPolicy, rounded_shares
from invoices.tax.rules import Decision, Places, TaxStatus, decide
from invoices.tax.tables import TaxTable, Treatment

_NOTHING = Fraction(0)


class Confidence(StrEnum):
    """How far an answer may be trusted. Only CONFIRMED goes out without a flag."""

    CONFIRMED = "CONFIRMED"
    UNAPPROVED = "UNAPPROVED"
    STALE = "STALE"
    PROVISIONAL = "PROVISIONAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxableLine:
    """What a line contributes to the question.

    :ivar key: names the line to the caller; unique among the lines.
    :ivar number: its place on the invoice; ties in rounding go by it. Unique among the lines.
    :ivar amount: rounded to the currency; with the tax in it when prices are inclusive.
    :ivar category: the taxability code, such as "legal-services" or "standard".
    """

    key: str
    number: int
    amount: Money
    category: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTax:
    """What one line bears, and every input of *why*. ``rate`` is a fraction: 0.19 is 19 %.

    :ivar base: what the tax is on; with inclusive prices base + tax is the line's price.
    :ivar policy: the name of the rounding policy.
    """

    key: str
    number: int
    jurisdiction: str
    category: str
    treatment: Treatment
    rate: Decimal
    base: Money
    tax: Money
    rule: str
    wording: str
    source: str
    edition: str
    confidence: Confidence
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTax:
    """The tax of one jurisdiction, treatment and rate: the sums of its lines."""

    jurisdiction: str
    treatment: Treatment
    rate: Decimal
    base: Money
    tax: Money


def determine(
    lines: Iterable[TaxableLine],
    *,
    places: Places,
    customer_tax_status: TaxStatus,
    tax_point: date,
    currency: str,
    table: TaxTable,
    policy: RoundingPolicy,
    inclusive: bool = False,
) -> list[LineTax]:
    """Return what each line bears, in the order of line numbers, rounded as the policy says.

    Inclusive prices are taken apart once (tax = price x rate / (1 + rate)) and never put together
    again from the net: 10.00 at 21 % is 8.26 + 1.74, though 8.26 x 1.21 is 9.99.

    :param tax_point: the day that decides on the rate; a credit note passes its invoice's.
    :raises NoRate: when no row is in force for a line.
    :raises ValueError: for an amount of another currency or finer than it, or when a key or number
        is there twice.
    """
    ordered = sorted(lines, key=lambda line: line.number)
    _check(ordered, currency)
    by_category = {
        category: decide(category, places, customer_tax_status, tax_point, table)
        for category in dict.fromkeys(line.category for line in ordered)
    }
    decisions = [by_category[line.category] for line in ordered]
    exact = [
        _exact_tax(line.amount.minor, decision.rate, inclusive=inclusive)
        for line, decision in zip(ordered, decisions, strict=True)
    ]
    shares = rounded_shares(exact, [_group(each) for each in decisions], policy.scope)
    return [
        _line_tax(
            line,
            decision,
            tax=Money.of_minor(share, currency),
            inclusive=inclusive,
            policy=policy,
            confidence=_confidence(decision, table, tax_point),
        )
        for line, decision, share in zip(ordered, decisions, shares, strict=True)
    ]


def group_taxes(taxes: Sequence[LineTax]) -> list[GroupTax]:
    """Return the sums per jurisdiction, treatment and rate, in the order of their first lines."""
    sums: dict[tuple[str, Treatment, Decimal], GroupTax] = {}
    for each in taxes:
        key = each.jurisdiction, each.treatment, each.rate
        before = sums.get(key)
        sums[key] = GroupTax(
            jurisdiction=each.jurisdiction,
            treatment=each.treatment,
            rate=each.rate,
            base=before.base + each.base if before else each.base,
            tax=before.tax + each.tax if before else each.tax,
        )
    return list(sums.values())


def _check(lines: Sequence[TaxableLine], currency: str) -> None:
    minor_units(currency)
    for line in lines:
        if line.amount.currency != currency:
            raise ValueError(f"Line {line.number} is in {line.amount.currency}, not {currency}.")
    if len({line.key for line in lines}) < len(lines):
        raise ValueError("A line's key names one line only.")
    if len({line.number for line in lines}) < len(lines):
        raise ValueError("A line's number is its own.")


def _exact_tax(minor: int, rate: Decimal, *, inclusive: bool) -> Fraction:
    if not rate:
        return _NOTHING
    fraction = Fraction(rate)
    return minor * (fraction / (1 + fraction) if inclusive else fraction)


def _group(decision: Decision) -> tuple[str, Treatment, Decimal]:
    return decision.jurisdiction, decision.treatment, decision.rate


def _confidence(decision: Decision, table: TaxTable, tax_point: date) -> Confidence:
    """Return the gravest doubt first: evidence missing, table outdated, row not approved."""
    if decision.evidence_is_missing:
        return Confidence.PROVISIONAL
    if decision.row is not None and table.is_stale(tax_point):
        return Confidence.STALE
    if decision.row is not None and not decision.row.approved_by:
        return Confidence.UNAPPROVED
    return Confidence.CONFIRMED


def _line_tax(
    line: TaxableLine,
    decision: Decision,
    *,
    tax: Money,
    inclusive: bool,
    policy: RoundingPolicy,
    confidence: Confidence,
) -> LineTax:
    return LineTax(
        key=line.key,
        number=line.number,
        jurisdiction=decision.jurisdiction,
        category=line.category,
        treatment=decision.treatment,
        rate=decision.rate,
        base=line.amount - tax if inclusive else line.amount,
        tax=tax,
        rule=decision.rule,
        wording=decision.wording,
        source=decision.source,
        edition=decision.edition,
        confidence=confidence,
        policy=policy.name,
    )
