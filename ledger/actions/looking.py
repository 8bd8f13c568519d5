"""Having the books looked at now, in the background, and not only in the night."""

from __future__ import annotations

from django.db import transaction

from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.jobs.models import Job
from billing_portal.jobs.queries import OPEN
from billing_portal.jobs.queue import job
from billing_portal.tenancy.actors import Actor, system
from billing_portal.tenancy.locks import one_at_a_time
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id
from ledger.actions.verifying import verify_and_keep
from ledger.queries import newest_look

VERIFIER = system("verifier")


class BeingVerified(Refused):
    """A look at the books waits or is under way, the nightly one or one that was asked for."""

    code = "ledger.being_verified"


@transaction.atomic
def ask_to_verify(*, by: Actor) -> Job:
    """Have all of the firm's books and chains looked at now. One look at a time; five statements.

    :raises BeingVerified: while another look waits or is under way.
    """
    by.must("ledger.verify")
    one_at_a_time("verification")
    other = newest_look(OPEN)
    if other is not None:
        state = other.get_state_display().lower()
        raise BeingVerified(f"A look at the books is {state} already. Wait until it has ended.")
    asked = verify_later.enqueue()
    record("books.verification_asked", asked, by=by)
    return asked


@job(title="Verify the books", queue="checks", timeout=1500, max_attempts=2)
def verify_later() -> None:
    """Look at all of the firm's books and chains. Twice does no harm: it reads, and notes twice."""
    verify_and_keep(Tenant.objects.get(pk=current_tenant_id()), by=VERIFIER)
