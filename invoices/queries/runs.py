"""What is asked of month ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from billing_portal.money import Money
from customers.models import AggregationSetting
from invoices.models import BillingRun, Invoice, RunItem
from invoices.queries.charges import unbilled_charges


@dataclass(frozen=True)
class Progress:
    """How far a run is. ``parked`` items have ended too, and wait for a person."""

    total: int
    pending: int
    drafted: int
    nothing: int
    carried: int
    parked: int
    canceled: int

    @property
    def ended(self) -> int:
        """How many items nobody works on any more."""
        return self.total - self.pending


@dataclass(frozen=True)
class StateTotal:
    """How many invoices of a run stand in one state, and what they come to."""

    state: str
    count: int
    total: Money


@dataclass(frozen=True)
class Unbillable:
    """A customer with unbilled work and nothing agreed on how it is invoiced."""

    customer_id: int
    name: str
    charges: int


def progress_of(run: BillingRun) -> Progress:
    """Return how far a run is. One query."""
    counts = {
        outcome.lower(): Count("pk", filter=Q(outcome=outcome))
        for outcome in RunItem.Outcome.values
    }
    found = RunItem.objects.filter(run=run).aggregate(total=Count("pk"), **counts)
    return Progress(**found)


def progress_of_runs(runs: Sequence[BillingRun]) -> dict[int, Progress]:
    """Return how far many runs are, by their keys. One query."""
    counts = {
        outcome.lower(): Count("pk", filter=Q(outcome=outcome))
        for outcome in RunItem.Outcome.values
    }
    rows = (
        RunItem.objects.filter(run__in=[run.pk for run in runs])
        .values("run_id")
        .annotate(total=Count("pk"), **counts)
    )
    found = {row["run_id"]: Progress(**_counts(row)) for row in rows}
    nothing = Progress(0, 0, 0, 0, 0, 0, 0)
    return {run.pk: found.get(run.pk, nothing) for run in runs}


def _counts(row: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(count) for name, count in row.items() if name != "run_id"}


def invoices_of(run: BillingRun) -> QuerySet[Invoice]:
    """Return a run's living invoices in the order of its items."""
    rows: QuerySet[Invoice] = Invoice.objects.filter(run_item__run=run)
    return rows.exclude(state=Invoice.State.VOID).order_by("run_item__position", "pk")


def states_of(run: BillingRun) -> list[StateTotal]:
    """Return a run's invoices by state and currency, in the order of states. One query."""
    rows = (
        invoices_of(run)
        .order_by()
        .values("state", "currency")
        .annotate(count=Count("pk"), minor=Sum("total"))
    )
    order = {state: place for place, state in enumerate(Invoice.State.values)}
    found = [
        StateTotal(row["state"], row["count"], Money.of_minor(row["minor"], row["currency"]))
        for row in rows
    ]
    return sorted(found, key=lambda each: (order[each.state], each.total.currency))


def run_before(run: BillingRun) -> BillingRun | None:
    """Return the run of the same cadence before this one, to compare with. One query."""
    found: BillingRun | None = (
        BillingRun.objects.filter(cadence=run.cadence, bills_until__lt=run.bills_until)
        .exclude(state=BillingRun.State.CANCELED)
        .order_by("-bills_until", "-pk")
        .first()
    )
    return found


def billed_by(run: BillingRun) -> dict[str, Money]:
    """Return what the invoices of a run come to, by currency. One query."""
    totals: dict[str, Money] = {}
    for each in states_of(run):
        before = totals.get(each.total.currency, Money.zero(each.total.currency))
        totals[each.total.currency] = before + each.total
    return totals


def items_in(run: BillingRun) -> QuerySet[RunItem]:
    """Return a run's items with window, customer and matter."""
    rows: QuerySet[RunItem] = RunItem.objects.filter(run=run)
    return rows.select_related("window__customer", "window__matter")


def items_of(
    run: BillingRun, *, outcome: str = "", after: int = 0, limit: int = 50
) -> list[RunItem]:
    """Return a page of a run's items by place, with window, customer and matter. One query."""
    rows = items_in(run).filter(position__gt=after)
    if outcome:
        rows = rows.filter(outcome=outcome)
    return list(rows.order_by("position")[:limit])


def invoices_by_item(items: list[RunItem]) -> dict[int, Invoice]:
    """Return the living invoices that items made, by the items' keys. One query."""
    rows = Invoice.objects.filter(run_item__in=[item.pk for item in items])
    return {
        invoice.run_item_id: invoice
        for invoice in rows.exclude(state=Invoice.State.VOID)
        if invoice.run_item_id is not None
    }


def without_terms(limit: int = 20) -> list[Unbillable]:
    """Return customers with unbilled work on which nothing is agreed, most work first. One query.

    No run finds them, so the page of a run says so.
    """
    agreed = AggregationSetting.objects.values("customer_id")
    rows = (
        unbilled_charges()
        .exclude(customer__in=agreed)
        .values("customer_id", "customer__name")
        .annotate(charges=Count("pk"))
        .order_by("-charges", "customer_id")[:limit]
    )
    return [Unbillable(row["customer_id"], row["customer__name"], row["charges"]) for row in rows]
