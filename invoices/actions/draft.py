"""Drafting: the charges of a window become a draft invoice, set-based and safe to repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from billing_portal.audit.trail import record_many
from billing_portal.errors import Refused
from billing_portal.jobs.worker import LostClaim, place_of
from billing_portal.outbox.events import publish_many
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id
from customers.models import AggregationSetting, Customer
from customers.queries import Party, parties_of
from invoices.actions.taxing import apply_tax
from invoices.models import BillingRun, Charge, Invoice, InvoiceLine, RunItem
from invoices.queries.charges import unbilled_charges

_REASON = 500
_SAVE = """
update invoices_runitem i set outcome = v.outcome, code = v.code, reason = v.reason, tries = v.tries
from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[])
  as v (id, outcome, code, reason, tries)
where i.tenant_id = %s and i.id = v.id
"""
_ORDER = {kind: place for place, kind in enumerate(Charge.Kind.values)}


@dataclass
class _Batch:
    """What is read once for many items."""

    run: BillingRun
    firm: Tenant
    parties: dict[int, Party]
    charges: dict[int, list[Charge]]
    apart: set[int]
    invoices: list[Invoice] = field(default_factory=list)
    lines: list[InvoiceLine] = field(default_factory=list)


@transaction.atomic
def draft_items(run: BillingRun, *, first: int, last: int, by: Actor) -> tuple[int, int]:
    """Draft what is pending between two places of a run; return how many were done and parked.

    Done twice it finds nothing pending and does nothing. What a rule refuses is parked with its
    reason. When something else fails, the batch is split until the bad item stands alone, and that
    one is parked with its evidence; the rest goes on. About twenty queries for a batch.
    """
    items = list(
        RunItem.objects.select_for_update(of=("self",))
        .filter(run=run, position__range=(first, last), outcome=RunItem.Outcome.PENDING)
        .select_related("window__customer", "window__terms", "window__matter")
        .order_by("position")
    )
    if items:
        _draft_or_split(run, items, by)
    parked = sum(item.outcome == RunItem.Outcome.PARKED for item in items)
    return len(items) - parked, parked


def _draft_or_split(run: BillingRun, items: list[RunItem], by: Actor) -> None:
    try:
        with transaction.atomic():
            _draft(run, items, by)
    except (OperationalError, InterfaceError, LostClaim):
        raise  # the database or the claim is gone: the job as a whole is tried again
    except Exception as error:  # noqa: BLE001 -- the item keeps it as evidence, the run goes on
        if len(items) > 1:
            middle = len(items) // 2
            _draft_or_split(run, items[:middle], by)
            _draft_or_split(run, items[middle:], by)
            return
        _park(items[0], error)
        _save(items, by)


def _park(item: RunItem, error: Exception) -> None:
    item.outcome = RunItem.Outcome.PARKED
    if isinstance(error, Refused):
        item.code, item.reason = error.code, str(error)[:_REASON]
    else:
        item.code, item.reason = "runs.crashed", place_of(error)[:_REASON]


def _draft(run: BillingRun, items: list[RunItem], by: Actor) -> None:
    batch = _read(run, items)
    for item in items:
        try:
            _draft_one(batch, item, by)
        except Refused as refusal:
            _park(item, refusal)
    Invoice.objects.bulk_create(batch.invoices)
    InvoiceLine.objects.bulk_create(batch.lines)
    _save(items, by)
    drafted = [
        (invoice, {"run": run.public_id, "lines": sum(li.invoice is invoice for li in batch.lines)})
        for invoice in batch.invoices
    ]
    record_many("invoice.drafted", list(drafted), by=by)
    publish_many("invoice.drafted", [(each.public_id, {"version": 1}) for each in batch.invoices])


def _read(run: BillingRun, items: list[RunItem]) -> _Batch:
    customers = {item.window.customer_id: item.window.customer for item in items}
    list(Customer.objects.select_for_update().filter(pk__in=customers).order_by("pk"))
    last_day = max(item.window.ends_on for item in items)
    found = (
        unbilled_charges()
        .filter(customer__in=customers, worked_on__lt=last_day, pk__lte=run.last_charge)
        .select_related("matter", "timekeeper")
    )
    charges: dict[int, list[Charge]] = {}
    for charge in found:
        charges.setdefault(charge.customer_id, []).append(charge)
    apart = AggregationSetting.objects.filter(
        customer__in=customers, matter__isnull=False, starts_on__lt=run.bills_until
    )
    return _Batch(
        run=run,
        firm=Tenant.objects.get(pk=current_tenant_id()),
        parties=parties_of(customers.values(), run.on),
        charges=charges,
        apart=set(apart.values_list("matter_id", flat=True)),
    )


def _draft_one(batch: _Batch, item: RunItem, by: Actor) -> None:
    """Make the invoice of one item; nothing due or too little is an outcome too."""
    charges = _charges_of(batch, item)
    amount = sum(charge.amount for charge in charges)
    item.code = item.reason = ""
    if not charges:
        item.outcome = RunItem.Outcome.NOTHING
        return
    least = item.window.terms.least.minor
    if amount < least or amount < 0:
        item.outcome, item.code = RunItem.Outcome.CARRIED, "runs.too_little"
        item.reason = "It comes to less than the least that is invoiced; it waits."
        return
    invoice = _invoice(batch, item, charges, by)
    lines = [_line(invoice, number, charge) for number, charge in enumerate(charges, 1)]
    party = batch.parties[item.window.customer_id]
    apply_tax(invoice, lines, firm=batch.firm, party=party, tax_point=batch.run.on)
    invoice.as_worked = invoice.net
    item.outcome = RunItem.Outcome.DRAFTED
    batch.invoices.append(invoice)
    batch.lines += lines


def _charges_of(batch: _Batch, item: RunItem) -> list[Charge]:
    """Return the item's charges: fees, costs and the rest, each by day, source and key."""
    window, terms = item.window, item.window.terms
    charges = [
        charge
        for charge in batch.charges.get(window.customer_id, [])
        if charge.worked_on < window.ends_on
        and (item.charges_from is None or charge.worked_on >= item.charges_from)
        and _is_of_group(charge, item, batch.apart)
    ]
    taken = batch.charges.get(window.customer_id, [])
    for charge in charges:
        taken.remove(charge)
    if terms.cadence == "PER_CHARGE" and len(charges) > 1:
        raise AssertionError("A charge that is billed by itself stands alone.")
    return sorted(charges, key=lambda c: (_ORDER[c.kind], c.worked_on, c.source, c.key))


def _is_of_group(charge: Charge, item: RunItem, apart: set[int]) -> bool:
    window = item.window
    if window.terms.cadence == "PER_CHARGE":
        return window.group == f"{charge.source}:{charge.key}"
    if window.matter_id is not None:
        return charge.matter_id == window.matter_id
    if window.terms.grouping == AggregationSetting.Grouping.BY_MATTER:
        return charge.matter_id is None
    return charge.matter_id not in apart


def _invoice(batch: _Batch, item: RunItem, charges: Sequence[Charge], by: Actor) -> Invoice:
    window = item.window
    matter = window.matter
    responsible = matter.responsible_id if matter else None
    return Invoice(
        customer=window.customer,
        matter=matter,
        terms=window.terms,
        run_item=item,
        reviewer_id=responsible or window.terms.reviewer_id,
        currency=window.currency,
        period_starts_on=_first_day(window.starts_on, charges),
        period_ends_on=window.ends_on,
        made_by=by.ref,
    )


def _first_day(starts_on: date, charges: Sequence[Charge]) -> date:
    """Return where the invoice's period starts: late work stretches it back to its own day."""
    return min([starts_on, *(charge.worked_on for charge in charges)])


def _line(invoice: Invoice, number: int, charge: Charge) -> InvoiceLine:
    return InvoiceLine(
        invoice=invoice,
        number=number,
        charge=charge,
        kind=charge.kind,
        matter=charge.matter,
        timekeeper=charge.timekeeper,
        worked_on=charge.worked_on,
        quantity=charge.quantity,
        unit_price=charge.unit_price,
        adjustment=charge.adjustment,
        amount=charge.amount,
        task_code=charge.task_code,
        activity_code=charge.activity_code,
        expense_code=charge.expense_code,
        narrative=charge.narrative,
    )


def _save(items: list[RunItem], by: Actor) -> None:
    for item in items:
        item.tries += 1
    columns: list[Any] = [
        [item.pk for item in items],
        [str(item.outcome) for item in items],
        [item.code for item in items],
        [item.reason for item in items],
        [item.tries for item in items],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, [*columns, current_tenant_id()])
    parked = [
        (item, {"code": item.code}) for item in items if item.outcome == RunItem.Outcome.PARKED
    ]
    if parked:
        record_many("run_item.parked", list(parked), by=by)
