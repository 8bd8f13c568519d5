"""What the clock asks of the room."""

from __future__ import annotations

from datetime import UTC, datetime

from billing_portal.jobs.clock import clock_line
from billing_portal.jobs.queue import job
from billing_portal.periods import local_day
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id
from dunning.actions.remind import remind_due, settle_reminders


@job(title="Remind of what is overdue", queue="default", timeout=120)
def remind_daily() -> None:
    """Remind of what is due today in the firm's zone. Twice does no harm: a step happens once."""
    zone = Tenant.objects.get(pk=current_tenant_id()).time_zone
    remind_due(on=local_day(datetime.now(UTC), zone), by=system("clock"))


@job(title="Look after reminders left behind", queue="default", timeout=60)
def settle() -> None:
    """End what a job left in the middle. Twice does no harm: it has ended then."""
    settle_reminders()


clock_line("settle reminders", job="dunning.jobs.settle", every_seconds=600)
clock_line("reminders", job="dunning.jobs.remind_daily", rule="daily 07:00")
