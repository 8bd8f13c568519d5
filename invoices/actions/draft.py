"""Drafting: the charges of a window become a draft invoice, set-based and safe to repeat.

Only what decides is read: a line is copied from its charge by the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import InterfaceError, OperationalError, connection, transaction

from billing_portal import ids
from billing_portal.audit.trail import record_many, record_named
from billing_portal.errors import Refused
from billing_portal.jobs.worker import LostClaim, place_of
from billing_portal.outbox.events import publish_many
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.inserting import defaults_of, insert_many, plain_array
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id
from customers.models import AggregationSetting, Customer, Matter
from customers.queries import Party, parties_of
from invoices.actions.taxing import basis_of, category_of, taxable, taxes_of
from invoices.models import BillingRun, Charge, Invoice, InvoiceLine, RunItem
from invoices.queries.charges import unbilled_charges
from invoices.tax.determine import LineTax

_REASON = 500
_SAVE = """
update invoices_runitem i set outcome = v.outcome, code = v.code, reason = v.reason, tries = v.tries
from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[])
  as v (id, outcome, code, reason, tries)
where i.tenant_id = %s and i.id = v.id
"""
# What a line has of its charge, and is copied there without a journey.
_COPIED = (
    *("kind", "matter_id", "timekeeper_id", "worked_on", "quantity", "unit_price", "adjustment"),
    *("amount", "task_code", "activity_code", "expense_code", "narrative"),
)
_GIVEN = ("invoice_id", "number", "charge_id", "tax_category", "tax_rate", "tax_amount")
_ORDER = {kind: place for place, kind in enumerate(Charge.Kind.values)}


class _Work(NamedTuple):
    """What a charge contributes to the decision where and how it is billed."""

    pk: int
    customer_id: int
    matter_id: int | None
    kind: str
    worked_on: date
    source: str
    key: str
    amount: int


class _Terms(NamedTuple):
    pk: int
    cadence: str
    grouping: str
    least: int
    reviewer_id: int | None


@dataclass(frozen=True)
class _Draft:
    """An invoice to be."""

    uid: UUID
    item: RunItem
    reviewer_id: int | None
    charges: Sequence[_Work]
    taxes: Sequence[LineTax]

    @property
    def net(self) -> int:
        return sum(charge.amount for charge in self.charges)

    @property
    def tax(self) -> int:
        return sum(tax.tax.minor for tax in self.taxes)

    @property
    def starts_on(self) -> date:
        """Where its period starts: late work stretches it back to its own day."""
        days = [charge.worked_on for charge in self.charges]
        return min([self.item.window.starts_on, *days])


@dataclass
class _Batch:
    """What is read once for many items."""

    run: BillingRun
    firm: Tenant
    parties: dict[int, Party]
    terms: dict[int, _Terms]
    responsible: dict[int, int | None]
    charges: dict[int, list[_Work]]
    apart: set[int]
    drafts: list[_Draft] = field(default_factory=list)


@transaction.atomic
def draft_items(run: BillingRun, *, first: int, last: int, by: Actor) -> tuple[int, int]:
    """Draft what is pending between two places of a run; return how many were done and parked.

    Done twice it finds nothing pending and does nothing. What a rule refuses is parked with its
    reason. When something else fails, the batch is split until the bad item stands alone, and that
    one is parked with its evidence; the rest goes on. About twenty statements for a batch.
    """
    items = list(
        RunItem.objects.select_for_update(of=("self",))
        .filter(run=run, position__range=(first, last), outcome=RunItem.Outcome.PENDING)
        .select_related("window")
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
            _draft_one(batch, item)
        except Refused as refusal:
            _park(item, refusal)
    if batch.drafts:
        _write(batch.drafts, by)
    _save(items, by)
    named = [(ids.public_id(Invoice.ID_PREFIX, each.uid), each) for each in batch.drafts]
    public = run.public_id
    told = [(name, {"run": public, "lines": len(each.charges)}) for name, each in named]
    record_named("invoice.drafted", "invoice", told, by=by)
    publish_many("invoice.drafted", [(name, {"version": 1}) for name, _ in named])


def _read(run: BillingRun, items: list[RunItem]) -> _Batch:
    windows = [item.window for item in items]
    owners = {window.customer_id for window in windows}
    customers = list(
        Customer.objects.select_for_update().filter(pk__in=owners).order_by("pk")
    )  # fmt: skip
    apart = AggregationSetting.objects.filter(
        customer__in=owners, matter__isnull=False, starts_on__lt=run.bills_until
    )
    matters = {window.matter_id for window in windows if window.matter_id is not None}
    return _Batch(
        run=run,
        firm=Tenant.objects.get(pk=current_tenant_id()),
        parties=parties_of(customers, run.on),
        terms=_terms(window.terms_id for window in windows),
        responsible=dict(
            Matter.objects.filter(pk__in=matters).values_list("pk", "responsible_id")
            if matters
            else ()
        ),
        charges=_work(run, owners, max(window.ends_on for window in windows)),
        apart=set(apart.values_list("matter_id", flat=True)),
    )


def _terms(keys: Iterable[int]) -> dict[int, _Terms]:
    rows = AggregationSetting.objects.filter(pk__in=set(keys)).only(
        "cadence", "grouping", "minimum", "minimum_currency", "reviewer_id"
    )
    return {
        row.pk: _Terms(row.pk, row.cadence, row.grouping, row.least.minor, row.reviewer_id)
        for row in rows
    }


def _work(run: BillingRun, owners: set[int], last_day: date) -> dict[int, list[_Work]]:
    rows = (
        unbilled_charges()
        .filter(customer__in=owners, worked_on__lt=last_day, pk__lte=run.last_charge)
        .values_list(*_Work._fields)
    )
    found: dict[int, list[_Work]] = {}
    for row in rows:
        charge = _Work(*row)
        found.setdefault(charge.customer_id, []).append(charge)
    return found


def _draft_one(batch: _Batch, item: RunItem) -> None:
    """Make the invoice of one item; nothing due or too little is an outcome too."""
    window, terms = item.window, batch.terms[item.window.terms_id]
    charges = _charges_of(batch, item, terms)
    amount = sum(charge.amount for charge in charges)
    item.code = item.reason = ""
    if not charges:
        item.outcome = RunItem.Outcome.NOTHING
        return
    if amount < terms.least or amount < 0:
        item.outcome, item.code = RunItem.Outcome.CARRIED, "runs.too_little"
        item.reason = "It comes to less than the least that is invoiced; it waits."
        return
    taxes = taxes_of(
        [
            taxable(number, each.amount, window.currency, category_of(each.kind, each.matter_id))
            for number, each in enumerate(charges, 1)
        ],
        window.currency,
        firm=batch.firm,
        party=batch.parties[window.customer_id],
        tax_point=batch.run.on,
    )
    responsible = batch.responsible.get(window.matter_id) if window.matter_id else None
    reviewer = responsible or terms.reviewer_id
    item.outcome = RunItem.Outcome.DRAFTED
    batch.drafts.append(_Draft(uuid4(), item, reviewer, charges, taxes))


def _charges_of(batch: _Batch, item: RunItem, terms: _Terms) -> list[_Work]:
    """Return the item's charges: fees, costs and the rest, each by day, source and key."""
    window = item.window
    waiting = batch.charges.get(window.customer_id, [])
    charges = [
        charge
        for charge in waiting
        if charge.worked_on < window.ends_on
        and (item.charges_from is None or charge.worked_on >= item.charges_from)
        and _is_of_group(charge, item, terms, batch.apart)
    ]
    if charges:
        taken = {charge.pk for charge in charges}
        batch.charges[window.customer_id] = [each for each in waiting if each.pk not in taken]
    if terms.cadence == "PER_CHARGE" and len(charges) > 1:
        raise AssertionError("A charge that is billed by itself stands alone.")
    return sorted(charges, key=lambda c: (_ORDER[c.kind], c.worked_on, c.source, c.key))


def _is_of_group(charge: _Work, item: RunItem, terms: _Terms, apart: set[int]) -> bool:
    window = item.window
    if terms.cadence == "PER_CHARGE":
        return window.group == f"{charge.source}:{charge.key}"
    if window.matter_id is not None:
        return charge.matter_id == window.matter_id
    if terms.grouping == AggregationSetting.Grouping.BY_MATTER:
        return charge.matter_id is None
    return charge.matter_id not in apart


def _write(drafts: Sequence[_Draft], by: Actor) -> None:
    """Write invoices and their lines: two statements."""
    windows = [each.item.window for each in drafts]
    nets, taxes = [each.net for each in drafts], [each.tax for each in drafts]
    rows = insert_many(
        Invoice,
        {
            "uid": [each.uid for each in drafts],
            "customer_id": [window.customer_id for window in windows],
            "matter_id": [window.matter_id for window in windows],
            "terms_id": [window.terms_id for window in windows],
            "run_item_id": [each.item.pk for each in drafts],
            "reviewer_id": [each.reviewer_id for each in drafts],
            "currency": [window.currency for window in windows],
            "period_starts_on": [each.starts_on for each in drafts],
            "period_ends_on": [window.ends_on for window in windows],
            "net": nets,
            "tax": taxes,
            "total": [net + tax for net, tax in zip(nets, taxes, strict=True)],
            "as_worked": nets,
        },
        made_by=by.ref,
        returning=("uid", "id"),
    )
    _write_lines(drafts, dict(rows))


def _write_lines(drafts: Sequence[_Draft], keys: dict[UUID, int]) -> None:
    bases: dict[str, int] = {}
    rows = [
        (
            *(keys[draft.uid], number, charge.pk, tax.category, tax.rate, tax.tax.minor),
            bases.setdefault(json.dumps(basis_of(tax)), len(bases) + 1),
        )
        for draft in drafts
        for number, (charge, tax) in enumerate(zip(draft.charges, draft.taxes, strict=True), 1)
    ]
    shared = defaults_of(InvoiceLine, {*_COPIED, *_GIVEN, "tax_basis"})
    columns = ", ".join(["tenant_id", "uid", *_COPIED, *_GIVEN, "tax_basis", *shared])
    copied = ", ".join(f"c.{name}" for name in _COPIED)
    given = ", ".join(f"v.{name}" for name in _GIVEN)
    values = "".join(", %s" for _ in shared)
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into invoices_invoiceline ({columns})"  # noqa: S608 -- names of this file
            f" select c.tenant_id, gen_random_uuid(), {copied}, {given},"
            f" (%s::jsonb[])[v.basis]{values}"
            " from unnest(%s::bigint[], %s::int[], %s::bigint[], %s::text[], %s::numeric[],"
            f" %s::bigint[], %s::int[]) as v ({', '.join(_GIVEN)}, basis)"
            " join invoices_charge c on c.id = v.charge_id"
            " where c.tenant_id = %s and c.id = any (%s::bigint[])",
            [
                *(list(bases), *shared.values(), *map(plain_array, zip(*rows, strict=True))),
                *(current_tenant_id(), plain_array(row[2] for row in rows)),
            ],
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
