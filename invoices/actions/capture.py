"""Capture: work comes in, is priced, and stands in the books as unbilled work.

Idempotent by (source, key): the same charge sent twice is one charge and says so; the same key with
other content is a conflict. A batch answers row by row; a file is taken whole or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.db import transaction

from billing_portal.audit.canonical import canonical
from billing_portal.audit.trail import record_many
from billing_portal.bounds import DAYS_IN_WORDS, MOST_IN_A_LINE, is_a_day
from billing_portal.errors import Refused
from billing_portal.money import Money
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
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
from invoices.models import Charge
from ledger.actions.posting import Line, NewEntry, post
from ledger.models import AccountingPeriod

MOST = 1000
_MOST_NUMBER = Decimal(10) ** 9
_REVENUE = {Charge.Kind.EXPENSE: "recoveries"}


class RowsRefused(Refused):
    """A file holds rows that cannot be taken; nothing of it was.

    :ivar rows: the place of each such row among all, from 0, and its answer.
    """

    code = "charges.rows_refused"

    def __init__(self, answers: list[CaptureAnswer]) -> None:
        self.rows = [(index, answer) for index, answer in enumerate(answers) if answer.is_refused]
        self.answers = [answer for _, answer in self.rows]
        super().__init__(f"{len(self.answers)} of {len(answers)} rows cannot be taken.")


class TooMany(Refused):
    """A batch has at most 1,000 rows."""

    code = "charges.too_many"


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
class _Known:
    """What the rows of a batch name, looked up in one query each."""

    customers: dict[str, Customer] = field(default_factory=dict)
    matters: dict[str, Matter] = field(default_factory=dict)
    timekeepers: dict[str, Timekeeper] = field(default_factory=dict)


class _RowRefused(Exception):
    def __init__(self, code: str, column: str, detail: str) -> None:
        self.code, self.column = code, column
        super().__init__(detail)


@dataclass(frozen=True)
class _Priced:
    row: NewCharge
    customer: Customer
    matter: Matter | None
    timekeeper: Timekeeper | None
    answer: RateAnswer | None = None

    @property
    def unit_price(self) -> Decimal:
        if self.row.unit_price is not None:
            return self.row.unit_price
        if self.answer is None:
            raise _RowRefused(
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
            raise _RowRefused("charges.value", "quantity", "It comes to more than a charge can.")
        return total


@transaction.atomic
def capture(source: str, rows: Sequence[NewCharge], *, by: Actor, on: date) -> list[CaptureAnswer]:
    """Take in a batch; answer each row in its place. About twenty-five queries, whatever the size.

    :param on: the day of capturing: work of a month whose books are closed is booked on it.
    :raises TooMany: for more than 1,000 rows.
    """
    by.must("charges.capture")
    if len(rows) > MOST:
        raise TooMany(f"A batch has at most {MOST} rows.")
    return _capture(source, rows, by=by, on=on)


@transaction.atomic
def capture_file(
    source: str, rows: Sequence[NewCharge], *, by: Actor, on: date
) -> list[CaptureAnswer]:
    """Take in a file, all of it or nothing.

    :raises RowsRefused: with every row that cannot be taken; nothing is written then.
    """
    by.must("charges.capture")
    answers: list[CaptureAnswer] = []
    for start in range(0, len(rows), MOST):
        answers += _capture(source, rows[start : start + MOST], by=by, on=on)
    if any(answer.is_refused for answer in answers):
        raise RowsRefused(answers)
    return answers


def _capture(source: str, rows: Sequence[NewCharge], *, by: Actor, on: date) -> list[CaptureAnswer]:
    prints = [row.fingerprint() for row in rows]
    before = _found(source, rows)
    known = _look_up(rows)
    answers: dict[int, CaptureAnswer] = {}
    fresh: dict[int, _Priced] = {}
    first_of: dict[str, int] = {}
    for index, row in enumerate(rows):
        if row.key in before:
            answers[index] = _repeat(row, before[row.key], prints[index])
        elif row.key in first_of:
            same = prints[first_of[row.key]] == prints[index]
            answers[index] = CaptureAnswer(row.key, "duplicate") if same else _conflict(row)
        else:
            first_of[row.key] = index
            try:
                fresh[index] = _resolved(row, known)
            except _RowRefused as no:
                answers[index] = _refusal(row, no)
    _price(fresh, answers)
    for index, charge in _write(source, fresh, prints, by=by, on=on).items():
        answers[index] = CaptureAnswer(charge.key, "accepted", charge.public_id)
    return [answers[index] for index in range(len(rows))]


def _found(source: str, rows: Sequence[NewCharge]) -> dict[str, Charge]:
    keys = [row.key for row in rows]
    return {c.key: c for c in Charge.objects.filter(source=source, key__in=keys)}


def _repeat(row: NewCharge, charge: Charge, fingerprint: str) -> CaptureAnswer:
    if charge.fingerprint == fingerprint:
        return CaptureAnswer(row.key, "duplicate", charge.public_id)
    return _conflict(row, charge.public_id)


def _conflict(row: NewCharge, known: str = "") -> CaptureAnswer:
    where = "was captured before" if known else "stands above"
    detail = f"This key {where} with other content."
    return CaptureAnswer(row.key, "conflict", known, "charges.conflict", detail, "key")


def _refusal(row: NewCharge, no: _RowRefused) -> CaptureAnswer:
    return CaptureAnswer(row.key, "refused", "", no.code, str(no), no.column)


def _look_up(rows: Sequence[NewCharge]) -> _Known:
    return _Known(
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


def _resolved(row: NewCharge, known: _Known) -> _Priced:
    """Return the row with what it names, or say what it names wrongly."""
    customer = known.customers.get(lookup_key(row.customer))
    matter = known.matters.get(lookup_key(row.matter)) if row.matter else None
    timekeeper = known.timekeepers.get(lookup_key(row.timekeeper)) if row.timekeeper else None
    if customer is None:
        raise _RowRefused("charges.unknown_customer", "customer", "There is no such customer.")
    if customer.state != "ACTIVE":
        raise _RowRefused("customers.closed", "customer", "The customer is closed.")
    if row.matter and matter is None:
        raise _RowRefused("charges.unknown_matter", "matter", "There is no such matter.")
    if matter is not None and matter.customer_id != customer.pk:
        raise _RowRefused("charges.unknown_matter", "matter", "It is another customer's matter.")
    if matter is not None and matter.state != "OPEN":
        raise _RowRefused("customers.closed", "matter", "The matter is closed.")
    if row.timekeeper and timekeeper is None:
        raise _RowRefused(
            "charges.unknown_timekeeper", "timekeeper", "There is no such timekeeper."
        )
    _must_be_in_bounds(row)
    _must_make_sense(row, customer)
    return _Priced(row, customer, matter, timekeeper)


def _must_be_in_bounds(row: NewCharge) -> None:
    if not is_a_day(row.worked_on):
        raise _RowRefused("charges.value", "worked_on", f"Write {DAYS_IN_WORDS}.")
    for name in ("quantity", "unit_price", "adjustment"):
        if abs(getattr(row, name) or 0) >= _MOST_NUMBER:
            raise _RowRefused("charges.value", name, "It has at most nine digits before the point.")


def _must_make_sense(row: NewCharge, customer: Customer) -> None:
    if row.currency and row.currency != customer.currency:
        raise _RowRefused(
            "charges.currency", "currency", f"The customer is billed in {customer.currency}."
        )
    if row.kind == Charge.Kind.TIME and not row.timekeeper:
        raise _RowRefused("charges.value", "timekeeper", "Time needs a timekeeper.")
    if row.kind == Charge.Kind.TIME and row.quantity < 0:
        raise _RowRefused("charges.value", "quantity", "Hours are not below zero.")
    if row.unit_price is None and (row.kind != Charge.Kind.TIME or not row.matter):
        raise _RowRefused(
            "charges.value", "unit_price", "Only time on a matter is priced by a rate."
        )
    if has_card_number(row.narrative):
        raise _RowRefused(
            "customers.card_number_refused", "narrative", "It holds what looks like a card number."
        )


def _price(fresh: dict[int, _Priced], answers: dict[int, CaptureAnswer]) -> None:
    """Find the rates of all rows that need one in one query; rows without one are refused."""
    wanting = {
        index: RateAsk(priced.timekeeper, priced.matter, priced.row.worked_on)
        for index, priced in fresh.items()
        if priced.row.unit_price is None and priced.timekeeper and priced.matter
    }
    found = rates_in_force(list(wanting.values()))
    for index, answer in zip(wanting, found, strict=True):
        old = fresh[index]
        fresh[index] = _Priced(old.row, old.customer, old.matter, old.timekeeper, answer)
    for index, priced in list(fresh.items()):
        try:
            _ = priced.amount.minor
        except _RowRefused as no:
            answers[index] = _refusal(priced.row, no)
            del fresh[index]
        except ValueError:
            fraction = "It has a fraction of a minor unit."
            no_cent = _RowRefused("charges.value", "adjustment", fraction)
            answers[index] = _refusal(priced.row, no_cent)
            del fresh[index]


def _write(
    source: str, fresh: dict[int, _Priced], prints: list[str], *, by: Actor, on: date
) -> dict[int, Charge]:
    if not fresh:
        return {}
    charges = {index: _charge(source, priced, prints[index]) for index, priced in fresh.items()}
    closed = set(AccountingPeriod.objects.exclude(state="open").values_list("starts_on", flat=True))
    moving = {index: charge for index, charge in charges.items() if charge.amount}
    entries = post([_entry(charge, closed, on) for charge in moving.values()], by=by)
    for charge, entry in zip(moving.values(), entries, strict=True):
        charge.entry = entry
    Charge.objects.bulk_create(list(charges.values()))
    record_many("charge.captured", [(c, {"key": c.key}) for c in charges.values()], by=by)
    publish("charges.captured", about=f"charges:{source}", count=len(charges))
    return charges


def _charge(source: str, priced: _Priced, fingerprint: str) -> Charge:
    row, answer = priced.row, priced.answer
    return Charge(
        source=source,
        key=row.key,
        fingerprint=fingerprint,
        kind=row.kind,
        customer=priced.customer,
        matter=priced.matter,
        timekeeper=priced.timekeeper,
        worked_on=row.worked_on,
        quantity=row.quantity,
        unit_price=priced.unit_price,
        adjustment=Money(row.adjustment, priced.customer.currency).minor,
        amount=priced.amount.minor,
        currency=priced.customer.currency,
        rate=answer.row if answer else None,
        priced_by=answer.precedence if answer else "The price came with the charge.",
        task_code=row.task_code,
        activity_code=row.activity_code,
        expense_code=row.expense_code,
        narrative=row.narrative,
    )


def _entry(charge: Charge, closed: set[date], on: date) -> NewEntry:
    """Return the entry of unbilled work; late work of a closed month is booked today."""
    is_late = charge.worked_on.replace(day=1) in closed
    matter = charge.matter.uid if charge.matter else None
    revenue = _REVENUE.get(Charge.Kind(charge.kind), "fees")
    return NewEntry(
        kind="charge",
        booked_on=on if is_late else charge.worked_on,
        effective_on=charge.worked_on,
        key=f"charge:{charge.uid}",
        source=charge.public_id,
        lines=(
            Line("wip", charge.total, charge.customer.public_id, charge=charge.uid, matter=matter),
            Line(revenue, -charge.total, charge.kind.lower(), charge=charge.uid, matter=matter),
        ),
    )
