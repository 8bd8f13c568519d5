"""What the clock asks of the room."""

from __future__ import annotations

from billing_portal.jobs.clock import clock_line
from billing_portal.jobs.queue import job
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id
from ledger.actions.verifying import verify_and_keep


@job(title="Verify the books", queue="checks", timeout=1500, max_attempts=2)
def verify_nightly() -> None:
    """Look at all of the firm's books and chains. Twice does no harm: it reads, and notes twice.

    Its time grows with the books: ``bench_month_end`` says how fast. One firm's at a time, in a
    queue of its own, so that no month end waits for it.
    """
    verify_and_keep(Tenant.objects.get(pk=current_tenant_id()), by=system("clock"))


clock_line("nightly verification", job="ledger.jobs.verify_nightly", rule="daily 03:30")
