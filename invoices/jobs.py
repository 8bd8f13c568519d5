"""What the clock asks of the room."""

from __future__ import annotations

from datetime import UTC, datetime

from billing_portal.jobs.clock import clock_line
from billing_portal.jobs.queue import job
from billing_portal.periods import local_day
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id
from invoices.actions.plan import plan_run
from invoices.actions.run import settle_run, start_run
from invoices.actions.waiting import settle_deliveries, settle_uploads
from invoices.models import BillingRun

CLOCK = system("clock")


@job(title="Plan the runs of the day", queue="default", timeout=60)
def run_by_schedule(*, billing_aggregation: str, period_of_execution: str) -> None:
    """Plan and start the run that a line of the schedule asks for today, in the firm's zone.

    Twice does no harm: the aggregation, execution and day are the run's key.
    """
    now = datetime.now(UTC)
    on = local_day(now, Tenant.objects.get(pk=current_tenant_id()).time_zone)
    run = plan_run(
        key=f"schedule:{billing_aggregation}:{period_of_execution}:{on.isoformat()}",
        billing_aggregation=billing_aggregation,
        period_of_execution=period_of_execution,
        on=on,
        now=now,
        by=CLOCK,
    )
    if run.state == BillingRun.State.PLANNED:
        start_run(run, by=CLOCK)


@job(title="Look after unfinished runs", queue="default", timeout=60)
def settle_runs() -> None:
    """Park what no job will bring on any more. Twice does no harm: it is parked already then."""
    for run in BillingRun.objects.filter(state=BillingRun.State.RUNNING).order_by("pk"):
        settle_run(run, by=CLOCK)


@job(title="Look after mail and uploads left behind", queue="default", timeout=60)
def settle_ways_out() -> None:
    """Bring on or end uploads and mail that no job will bring on. Twice does no harm."""
    settle_uploads(by=CLOCK)
    settle_deliveries()


for _aggregation, _execution, _rule in (
    ("monthly", "beginning-of-the-month", "monthly 1 06:00"),
    ("quarterly", "beginning-of-the-month", "monthly 1 06:10"),
    ("yearly", "beginning-of-the-month", "monthly 1 06:15"),
    ("semi-monthly", "beginning-of-the-month", "monthly 1 06:20"),
    ("semi-monthly", "middle-of-the-month", "monthly 16 06:20"),
    ("weekly", "every-day", "daily 06:30"),
    ("biweekly", "every-day", "daily 06:35"),
    ("per-charge", "every-day", "daily 06:40"),
):
    clock_line(
        f"{_aggregation} run, {_execution}",
        job="invoices.jobs.run_by_schedule",
        rule=_rule,
        args={"billing_aggregation": _aggregation, "period_of_execution": _execution},
    )
clock_line("settle uploads and mail", job="invoices.jobs.settle_ways_out", every_seconds=600)
clock_line("settle runs", job="invoices.jobs.settle_runs", every_seconds=600)
