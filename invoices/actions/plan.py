"""Planning a month end, the pre-processor: which windows have ended, and what is due in them.

Nothing is billed yet. Windows are written once and for all; each with work in it becomes an item.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain

from django.db import transaction
from django.db.models import Max

from billing_portal.audit.trail import record
from billing_portal.outbox.events import publish
from billing_portal.periods import (
    Cadence,
    Period,
    day_period,
    edge,
    local_day,
    period_containing,
    periods_between,
)
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.locks import one_at_a_time
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id
from customers.models import AggregationSetting, Matter
from customers.queries import Billable, billable_customers, matters_by_ids
from invoices.actions.refusals import must_be_a_day
from invoices.models import BillingRun, BillingWindow, Charge, RunItem
from invoices.queries.charges import unbilled_charges
from invoices.schedule import bills_until, cadence_of


@dataclass(frozen=True)
class _Due:
    """A window to be stored, and the unbilled charges that belong to it."""

    billable: Billable
    matter: Matter | None
    group: str
    period: Period
    charges: tuple[Charge, ...]
    takes_late_work: bool


@transaction.atomic
def plan_run(
    *,
    key: str,
    billing_aggregation: str,
    period_of_execution: str,
    on: date,
    now: datetime,
    by: Actor,
) -> BillingRun:
    """Find out who has something due, and write a run item for each window and group.

    A window is due when it has ended by the day that the execution stands for and, in the
    customer's own zone, by ``now``. Windows follow each other without a gap, so a month that
    nobody billed is caught up. Planning is one at a time in a firm; about fifteen queries.

    :param key: names the wish; asked for twice, it is one run, and the first is returned.
    :raises NotASchedule: for an aggregation or execution that does not exist.
    :raises BadDay: for a day out of bounds, or one that has not come in the firm.
    """
    by.must("runs.start")
    must_be_a_day(on, local_day(now, Tenant.objects.get(pk=current_tenant_id()).time_zone))
    cadence = cadence_of(billing_aggregation)
    until = bills_until(period_of_execution, on)
    one_at_a_time("plan")  # two planners would store the same windows
    known: BillingRun | None = BillingRun.objects.filter(key=key).first()
    if known is not None:
        return known
    run: BillingRun = BillingRun.objects.create(
        key=key,
        cadence=cadence,
        execution=period_of_execution,
        on=on,
        bills_until=until,
        last_charge=Charge.objects.aggregate(last=Max("pk"))["last"] or 0,
        planned_by=by.ref,
        planned_by_name=by.name,
    )
    found = _all_due(run, now)
    items = _write(run, found)
    record("run.planned", run, by=by, on=on.isoformat(), windows=len(found), items=items)
    publish("run.planned", about=run.public_id, items=items)
    return run


def _all_due(run: BillingRun, now: datetime) -> list[_Due]:
    last_day = run.bills_until - timedelta(days=1)
    billables = billable_customers(last_day, cadence=Cadence(run.cadence))
    work = _Work(run, billables)
    found = [due for billable in billables for due in _due(billable, work, run, now)]
    return sorted(
        found,
        key=lambda due: (
            due.billable.customer.external_key,
            due.matter.external_key if due.matter else "",
            due.period.starts_on,
            due.group,
        ),
    )


class _Work:
    """The unbilled work of everybody due, and where their last windows ended. Six queries."""

    def __init__(self, run: BillingRun, billables: Sequence[Billable]) -> None:
        customers = {billable.customer.pk for billable in billables}
        self._charges: dict[int, list[Charge]] = {}
        rows = unbilled_charges().filter(
            customer__in=customers, worked_on__lt=run.bills_until, pk__lte=run.last_charge
        )
        for charge in rows.order_by("worked_on", "source", "key").only(
            *("customer_id", "matter_id", "worked_on", "source", "key", "amount"),
            *("tenant_id", "currency"),
        ):
            self._charges.setdefault(charge.customer_id, []).append(charge)
        named = {c.matter_id for rows in self._charges.values() for c in rows if c.matter_id}
        self.matters = matters_by_ids(named)
        ends = (
            BillingWindow.objects.filter(customer__in=customers)
            .values_list("customer_id", "terms__matter_id")
            .annotate(last=Max("ends_on"))
        )
        self._ends = {(customer, matter): last for customer, matter, last in ends}
        open_items = RunItem.objects.filter(
            window__customer__in=customers,
            outcome__in=(RunItem.Outcome.PENDING, RunItem.Outcome.PARKED),
        )
        per_charge = {b.customer.pk for b in billables if b.terms.cadence == Cadence.PER_CHARGE}
        stored = BillingWindow.objects.filter(customer__in=per_charge)
        self._stored = set(stored.values_list("customer_id", "group"))
        self._waiting = set(open_items.values_list("window__customer_id", "window__group"))
        self._apart = {b.matter.pk for b in billables if b.matter} | set(
            AggregationSetting.objects.filter(
                customer__in=customers, matter__isnull=False, starts_on__lt=run.bills_until
            ).values_list("matter_id", flat=True)
        )

    def of(self, billable: Billable) -> list[Charge]:
        """Return what these terms are about: matters with terms of their own stand apart."""
        charges = self._charges.get(billable.customer.pk, [])
        if billable.matter is not None:
            return [charge for charge in charges if charge.matter_id == billable.matter.pk]
        return [charge for charge in charges if charge.matter_id not in self._apart]

    def last_end(self, billable: Billable) -> date | None:
        """Return where the last window of these terms ended."""
        matter = billable.matter.pk if billable.matter else None
        return self._ends.get((billable.customer.pk, matter))

    def is_waiting(self, billable: Billable, group: str) -> bool:
        """Say whether an earlier window of the group has not been billed yet."""
        return (billable.customer.pk, group) in self._waiting

    def is_stored(self, billable: Billable, group: str) -> bool:
        """Say whether a charge that is billed by itself has had its window."""
        return (billable.customer.pk, group) in self._stored


def _due(billable: Billable, work: _Work, run: BillingRun, now: datetime) -> Iterator[_Due]:
    until = min(run.bills_until, local_day(now, billable.terms.time_zone))
    charges = [charge for charge in work.of(billable) if charge.worked_on < until]
    if billable.terms.cadence == Cadence.PER_CHARGE:
        for charge in charges:
            matter = work.matters.get(charge.matter_id or 0)
            group, window = f"{charge.source}:{charge.key}", day_period(charge.worked_on)
            if work.is_stored(billable, group):
                continue  # its item is parked or carried, and is retried there
            yield _Due(billable, matter, group, window, (charge,), takes_late_work=False)
        return
    periods = enumerate(_periods(billable, charges, work.last_end(billable), until))
    found = [
        list(_groups(billable, charges, period, work, is_first=not number))
        for number, period in periods
    ]
    while found and not any(due.charges for due in found[-1]):
        found.pop()  # nothing was billed, so nothing is late yet: work of it may still come
    yield from chain.from_iterable(found)


def _periods(
    billable: Billable, charges: Sequence[Charge], last_end: date | None, until: date
) -> Iterator[Period]:
    """Yield the windows that tile time from the last one, or from the first unbilled work."""
    terms, cadence = billable.terms, Cadence(billable.terms.cadence)
    if last_end is None and not charges:
        return
    if cadence is Cadence.ON_DEMAND:
        starts_on = last_end or charges[0].worked_on
        if starts_on < until:
            yield Period(starts_on, until)
        return
    anchor, began_on = terms.anchor, terms.began_on
    if last_end is None:
        day = charges[0].worked_on
        last_end = period_containing(day, cadence, anchor=anchor, began_on=began_on).starts_on
    yield from periods_between(last_end, until, cadence, anchor=anchor, began_on=began_on)


def _groups(
    billable: Billable, charges: Sequence[Charge], period: Period, work: _Work, *, is_first: bool
) -> Iterator[_Due]:
    """Yield one window a group; an empty one before a later bill is stored too: its edge counts."""
    takes_part = [
        charge
        for charge in charges
        if charge.worked_on in period or (is_first and charge.worked_on < period.starts_on)
    ]
    is_by_matter = billable.terms.grouping == AggregationSetting.Grouping.BY_MATTER
    if billable.matter is None and not is_by_matter:
        yield _one_group(billable, None, takes_part, period, work, is_first=is_first)
        return
    matters = [billable.matter] if billable.matter else _named(takes_part, work)
    for matter in matters:
        own = [c for c in takes_part if c.matter_id == (matter.pk if matter else None)]
        yield _one_group(billable, matter, own, period, work, is_first=is_first)
    if not matters:
        yield _Due(billable, None, "", period, (), takes_late_work=is_first)


def _named(charges: Iterable[Charge], work: _Work) -> list[Matter | None]:
    """Return the matters that charges name, None for those that name none, in order."""
    ids = {charge.matter_id for charge in charges}
    found: list[Matter | None] = [work.matters[pk] for pk in ids if pk is not None]
    found.sort(key=lambda matter: matter.external_key if matter else "")
    return [None, *found] if None in ids else found


def _one_group(
    billable: Billable,
    matter: Matter | None,
    charges: Sequence[Charge],
    period: Period,
    work: _Work,
    *,
    is_first: bool,
) -> _Due:
    group = matter.public_id if matter else ""
    takes_late_work = is_first and not work.is_waiting(billable, group)
    if not takes_late_work:
        charges = [charge for charge in charges if charge.worked_on in period]
    return _Due(billable, matter, group, period, tuple(charges), takes_late_work)


def _write(run: BillingRun, found: Sequence[_Due]) -> int:
    """Store the windows, and an item for each that has work in it."""
    windows = BillingWindow.objects.bulk_create(_window(run, due) for due in found)
    wanted = [(due, window) for due, window in zip(found, windows, strict=True) if due.charges]
    RunItem.objects.bulk_create(
        RunItem(
            run=run,
            window=window,
            position=position,
            charges_from=None if due.takes_late_work else due.period.starts_on,
            planned_charges=len(due.charges),
            planned_amount=sum(charge.amount for charge in due.charges),
        )
        for position, (due, window) in enumerate(wanted, 1)
    )
    return len(wanted)


def _window(run: BillingRun, due: _Due) -> BillingWindow:
    zone_name = due.billable.terms.time_zone
    return BillingWindow(
        run=run,
        customer=due.billable.customer,
        matter=due.matter,
        terms=due.billable.terms,
        group=due.group,
        starts_on=due.period.starts_on,
        ends_on=due.period.ends_on,
        starts_at=edge(due.period.starts_on, zone_name),
        ends_at=edge(due.period.ends_on, zone_name),
        currency=due.billable.customer.currency,
    )
