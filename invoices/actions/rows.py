"""Rows of charges to be: what they name, whether they make sense, and what they come to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from billing_portal.audit.canonical import canonical
from billing_portal.bounds import (
    DAYS_IN_WORDS,
    MOST_DAYS_AHEAD,
    MOST_HOURS,
    MOST_IN_A_LINE,
    is_a_day,
    is_more_than_a_day,
    is_too_far_ahead,
)
from billing_portal.money import Money
from billing_portal.texts import HiddenCharacter, hidden_in, hidden_in_words
from customers.actions.checks import has_card_number
from customers.models import Customer, Matter, Timekeeper, lookup_key
from customers.queries import (
    RateAnswer,
    RateAsk,
    customers_by_external_id,
    matters_by_external_id,
    rates_in_force,
    timekeepers_by_external_id,
)
from invoices import codes
from invoices.actions.refusals import TooManyHours
from invoices.models import Charge

_MOST_NUMBER = Decimal(10) ** 9


@dataclass(frozen=True)
class NewCharge:
    """A charge to be, in the words of the system it comes from.

    :ivar customer: that system's id of the customer; likewise ``matter`` and ``timekeeper``.
    :ivar unit_price: without it, time is priced by the rate in force on the day.
    :ivar adjustment: added to the rounded product; a discount is below zero.
    """

    key: str
    kind: str
    customer: str
    worked_on: date
    quantity: Decimal
    unit_price: Decimal | None = None
    adjustment: Decimal = Decimal(0)
    currency: str = ""
    matter: str = ""
    timekeeper: str = ""
    task_code: str = ""
    activity_code: str = ""
    expense_code: str = ""
    narrative: str = ""

    def fingerprint(self) -> str:
        """Return what tells this content from any other; 2.0 hours and 2.00 hours are the same."""
        price = None if self.unit_price is None else self.unit_price.normalize()
        return hashlib.sha256(
            canonical(
                [
                    *(self.kind, self.customer, self.worked_on, f"{self.quantity.normalize():f}"),
                    *(None if price is None else f"{price:f}", f"{self.adjustment.normalize():f}"),
                    *(self.currency, self.matter, self.timekeeper, self.task_code),
                    *(self.activity_code, self.expense_code, self.narrative),
                ]
            )
        ).hexdigest()


TEXTS = tuple(
    each.name for each in fields(NewCharge) if each.type == "str" and each.name not in codes.CODES
)
"""What a row says in texts: ids, but for the narrative; codes have letters of their own."""


@dataclass(frozen=True)
class CaptureAnswer:
    """What came of one row: accepted, duplicate, conflict, or refused with a code."""

    key: str
    status: str
    id: str = ""
    code: str = ""
    detail: str = ""
    column: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether the row was not taken."""
        return self.status in {"refused", "conflict"}


@dataclass
class Known:
    """What the rows of a batch name, looked up in one query each."""

    customers: dict[str, Customer] = field(default_factory=dict)
    matters: dict[str, Matter] = field(default_factory=dict)
    timekeepers: dict[str, Timekeeper] = field(default_factory=dict)


class RowRefused(Exception):
    """One row cannot be taken; the others go on."""

    def __init__(self, code: str, column: str, detail: str) -> None:
        self.code, self.column = code, column
        super().__init__(detail)


@dataclass(frozen=True)
class Priced:
    """A row with what it names, and the rate that prices it."""

    row: NewCharge
    customer: Customer
    matter: Matter | None
    timekeeper: Timekeeper | None
    answer: RateAnswer | None = None

    @property
    def unit_price(self) -> Decimal:
        """Its own price, or its rate's.

        :raises RowRefused: when it has neither.
        """
        if self.row.unit_price is not None:
            return self.row.unit_price
        if self.answer is None:
            raise RowRefused(
                "customers.no_rate", "timekeeper", "No approved rate holds on this day."
            )
        return self.answer.rate.amount

    @property
    def amount(self) -> Money:
        """Units times price, rounded once, half away from zero, plus the adjustment."""
        product = Money(self.row.quantity * self.unit_price, self.customer.currency)
        adjustment = Money(self.row.adjustment, self.customer.currency)
        total = product.rounded(ROUND_HALF_UP) + adjustment
        if abs(total) >= Money.of_minor(MOST_IN_A_LINE, self.customer.currency):
            raise RowRefused("charges.value", "quantity", "It comes to more than a charge can.")
        return total


def refusal_of(row: NewCharge, no: RowRefused) -> CaptureAnswer:
    """Return the answer that says why a row is not taken."""
    return CaptureAnswer(row.key, "refused", "", no.code, str(no), no.column)


def look_up(rows: Sequence[NewCharge]) -> Known:
    """Return all that the rows name. Three queries."""
    return Known(
        {lookup_key(k): c for k, c in customers_by_external_id({r.customer for r in rows}).items()},
        {
            lookup_key(k): m
            for k, m in matters_by_external_id({r.matter for r in rows if r.matter}).items()
        },
        {
            lookup_key(k): t
            for k, t in timekeepers_by_external_id(
                {r.timekeeper for r in rows if r.timekeeper}
            ).items()
        },
    )


def resolved(row: NewCharge, known: Known, *, on: date) -> Priced:
    """Return the row with what it names, or say what it names wrongly.

    :param on: today; work of a day too far ahead is a slip.
    """
    _must_be_readable(row)
    customer = known.customers.get(lookup_key(row.customer))
    matter = known.matters.get(lookup_key(row.matter)) if row.matter else None
    timekeeper = known.timekeepers.get(lookup_key(row.timekeeper)) if row.timekeeper else None
    if customer is None:
        raise RowRefused("charges.unknown_customer", "customer", "There is no such customer.")
    if customer.state != "ACTIVE":
        raise RowRefused("customers.closed", "customer", "The customer is closed.")
    if row.matter and matter is None:
        raise RowRefused("charges.unknown_matter", "matter", "There is no such matter.")
    if matter is not None and matter.customer_id != customer.pk:
        raise RowRefused("charges.unknown_matter", "matter", "It is another customer's matter.")
    if matter is not None and matter.state != "OPEN":
        raise RowRefused("customers.closed", "matter", "The matter is closed.")
    if row.timekeeper and timekeeper is None:
        raise RowRefused("charges.unknown_timekeeper", "timekeeper", "There is no such timekeeper.")
    _must_be_in_bounds(row, on)
    _must_make_sense(row, customer)
    return Priced(row, customer, matter, timekeeper)


def _must_be_in_bounds(row: NewCharge, on: date) -> None:
    if not is_a_day(row.worked_on):
        raise RowRefused("charges.value", "worked_on", f"Write {DAYS_IN_WORDS}.")
    if is_too_far_ahead(row.worked_on, on):
        raise RowRefused(
            "charges.too_far_ahead",
            "worked_on",
            f"The day is more than {MOST_DAYS_AHEAD} days ahead.",
        )
    for name in ("quantity", "unit_price", "adjustment"):
        if abs(getattr(row, name) or 0) >= _MOST_NUMBER:
            raise RowRefused("charges.value", name, "It has at most nine digits before the point.")


def _must_make_sense(row: NewCharge, customer: Customer) -> None:
    if row.currency and row.currency != customer.currency:
        raise RowRefused(
            "charges.currency", "currency", f"The customer is billed in {customer.currency}."
        )
    if row.kind == Charge.Kind.TIME and not row.timekeeper:
        raise RowRefused("charges.value", "timekeeper", "Time needs a timekeeper.")
    if row.kind == Charge.Kind.TIME and row.quantity < 0:
        raise RowRefused("charges.value", "quantity", "Hours are not below zero.")
    if row.kind == Charge.Kind.TIME and is_more_than_a_day(row.quantity):
        many = f"One charge has at most {MOST_HOURS} hours."
        raise RowRefused(TooManyHours.code, "quantity", many)
    if row.unit_price is None and (row.kind != Charge.Kind.TIME or not row.matter):
        raise RowRefused(
            "charges.value", "unit_price", "Only time on a matter is priced by a rate."
        )
    for name in codes.CODES:
        if not codes.is_code(getattr(row, name)):
            raise RowRefused("charges.value", name, f"A code has {codes.IN_WORDS}.")


def _must_be_readable(row: NewCharge) -> None:
    for name in TEXTS:
        is_prose = name == "narrative"
        found = hidden_in(getattr(row, name), is_prose=is_prose, is_id=not is_prose)
        if found:
            raise RowRefused(HiddenCharacter.code, name, hidden_in_words(found, name))
    if has_card_number(row.narrative):
        raise RowRefused(
            "customers.card_number_refused", "narrative", "It holds what looks like a card number."
        )


def price_all(fresh: dict[int, Priced], answers: dict[int, CaptureAnswer]) -> None:
    """Find the rates of all rows that need one in one query; rows without one are refused."""
    wanting = {
        index: RateAsk(priced.timekeeper, priced.matter, priced.row.worked_on)
        for index, priced in fresh.items()
        if priced.row.unit_price is None and priced.timekeeper and priced.matter
    }
    found = rates_in_force(list(wanting.values()))
    for index, answer in zip(wanting, found, strict=True):
        old = fresh[index]
        fresh[index] = Priced(old.row, old.customer, old.matter, old.timekeeper, answer)
    for index, priced in list(fresh.items()):
        try:
            _ = priced.amount.minor
        except RowRefused as no:
            answers[index] = refusal_of(priced.row, no)
            del fresh[index]
        except ValueError:
            fraction = "It has a fraction of a minor unit."
            no_cent = RowRefused("charges.value", "adjustment", fraction)
            answers[index] = refusal_of(priced.row, no_cent)
            del fresh[index]
