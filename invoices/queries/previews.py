"""What a plan would bill, held against the run before it, so that a surprise is seen first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from django.db.models import Sum

from billing_portal.money import Money
from customers.models import AggregationSetting, Customer, Matter
from customers.queries import aggregations_of
from invoices.models import BillingRun, RunItem
from invoices.queries.charges import unbilled_charges
from invoices.queries.runs import run_before

NOTABLE = Decimal("0.30")  # of what was planned before; billing.md's preview names 30 %


class Standing(StrEnum):
    """How what is due compares with the run before."""

    NEW = "new"
    MISSING = "missing"
    MORE = "more"
    LESS = "less"
    USUAL = "usual"


class Missing(StrEnum):
    """Why somebody who had something due before has nothing due now."""

    NO_WORK = "no_work"
    OTHER_TERMS = "other_terms"
    NO_TERMS = "no_terms"
    CLOSED = "closed"
    LATER = "later"


@dataclass(frozen=True)
class Compared:
    """One customer, or one matter of a customer that is billed by matter, in one currency."""

    customer: Customer
    matter: Matter | None
    now: Money
    before: Money
    standing: Standing
    charges: int
    reason: Missing | None = None

    @property
    def difference(self) -> Money:
        """What more is due than before; negative for less."""
        return self.now - self.before

    @property
    def percent(self) -> int | None:
        """The difference in whole percent of what was due before; None when there was nothing."""
        if not self.before.minor:
            return None
        return round(Decimal(self.difference.minor * 100) / abs(self.before.minor))


@dataclass(frozen=True)
class Preview:
    """A plan against the run before it, the largest differences first."""

    before: BillingRun | None
    rows: tuple[Compared, ...]

    @property
    def counts(self) -> dict[Standing, int]:
        """How many rows stand how."""
        counted = Counter(row.standing for row in self.rows)
        return {standing: counted[standing] for standing in Standing}


class _Key(NamedTuple):
    customer_id: int
    matter_id: int | None
    currency: str


class _Planned(NamedTuple):
    minor: int
    charges: int


def preview_of(run: BillingRun) -> Preview:
    """Return a plan held against the last run of the same cadence, by customer and matter.

    Compared is what each of the two plans found unbilled, before anybody edited a line. At most
    seven queries, whatever the length; a row for each customer and matter of either run.
    """
    before = run_before(run)
    now, then = _planned(run), _planned(before) if before else {}
    keys = [*now, *(key for key in then if key not in now)]
    people = Customer.objects.in_bulk({key.customer_id for key in keys})
    matters = Matter.objects.in_bulk({key.matter_id for key in keys if key.matter_id})
    reasons = _reasons(run, [key for key in then if key not in now], people)
    rows = [
        Compared(
            people[key.customer_id],
            matters[key.matter_id] if key.matter_id else None,
            Money.of_minor(now[key].minor if key in now else 0, key.currency),
            Money.of_minor(then[key].minor if key in then else 0, key.currency),
            _standing(now.get(key), then.get(key)),
            now[key].charges if key in now else 0,
            reasons.get(key),
        )
        for key in keys
    ]
    return Preview(before, tuple(sorted(rows, key=_largest_first)))


def _planned(run: BillingRun) -> dict[_Key, _Planned]:
    """Return what a run found, by customer, matter and currency. One query."""
    rows = (
        RunItem.objects.filter(run=run)
        .values_list("window__customer_id", "window__matter_id", "window__currency")
        .annotate(minor=Sum("planned_amount"), charges=Sum("planned_charges"))
    )
    return {
        _Key(who, what, currency): _Planned(int(minor), charges)
        for who, what, currency, minor, charges in rows
    }


def _standing(now: _Planned | None, then: _Planned | None) -> Standing:
    if then is None:
        return Standing.NEW
    if now is None:
        return Standing.MISSING
    if abs(now.minor - then.minor) <= NOTABLE * abs(then.minor):
        return Standing.USUAL
    return Standing.MORE if now.minor > then.minor else Standing.LESS


def _largest_first(row: Compared) -> tuple[object, ...]:
    matter = row.matter.external_key if row.matter else ""
    return (-abs(row.difference.amount), row.customer.external_key, matter, row.now.currency)


def _reasons(
    run: BillingRun, gone: Sequence[_Key], people: Mapping[int, Customer]
) -> dict[_Key, Missing]:
    """Say why nothing is due for those who had something before. Two queries."""
    if not gone:
        return {}
    customers = {key.customer_id for key in gone}
    waiting: set[tuple[int, int | None]] = set(
        unbilled_charges()
        .filter(customer__in=customers, worked_on__lt=run.bills_until)
        .values_list("customer_id", "matter_id")
        .distinct()
    )
    waiting |= {(customer, None) for customer, _ in waiting}
    agreed = aggregations_of([people[pk] for pk in customers], run.bills_until)
    return {
        key: _reason(
            people[key.customer_id],
            agreed.get((key.customer_id, key.matter_id)) or agreed.get((key.customer_id, None)),
            run,
            has_work=(key.customer_id, key.matter_id) in waiting,
        )
        for key in gone
    }


def _reason(
    customer: Customer, terms: AggregationSetting | None, run: BillingRun, *, has_work: bool
) -> Missing:
    if customer.state != Customer.State.ACTIVE:
        return Missing.CLOSED
    if terms is None:
        return Missing.NO_TERMS
    if terms.cadence != run.cadence:
        return Missing.OTHER_TERMS
    return Missing.LATER if has_work else Missing.NO_WORK
