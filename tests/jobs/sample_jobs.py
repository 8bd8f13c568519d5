"""Job functions that the tests run, in this process and in real workers.

What they do can be seen from outside: rows of the audit trail, and files below SAMPLE_DIR.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from django.db.models import F

from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.jobs.models import Job
from billing_portal.jobs.queue import job
from billing_portal.jobs.worker import WaitForHuman, progress
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id, tenant_scope


class NotToday(Refused):
    code = "sample.not_today"


@job()
def note(*, number: int) -> None:
    """Write one audit line; twice would be two lines, so each test counts them."""
    _record(number)


@job(scoped=False)
def note_outside(*, tenant_id: int, number: int) -> None:
    """Do something outside any transaction, then write one line."""
    progress(total=2, stage="outside")
    with tenant_scope(tenant_id):
        _record(number)
    progress(done=1, failed=number % 2, stage="written")


@job(max_attempts=2, backoff=0)
def crash(*, number: int) -> None:
    """Write a line and crash: the line goes with the transaction."""
    _record(number)
    raise ZeroDivisionError("jane.doe@client.test")


@job()
def refuse(*, number: int) -> None:
    """Write a line and refuse."""
    _record(number)
    raise NotToday("Not today.")


@job()
def ask(*, number: int) -> None:
    """Wait for a person."""
    raise WaitForHuman("sample.code_wanted", "The site wants a one-time code.")


@job(scoped=False)
def dawdle(*, tenant_id: int, number: int, seconds: float) -> None:
    """Say that it has begun, take long, write one line."""
    folder = Path(os.environ["SAMPLE_DIR"])
    (folder / f"begun-{number}-{os.getpid()}").touch()
    time.sleep(seconds)
    with tenant_scope(tenant_id):
        _record(number)


@job(timeout=1, max_attempts=2, backoff=0)
def oversleep(*, number: int) -> None:
    """Write a line and take too long: the line goes with the transaction."""
    _record(number)
    time.sleep(30)


@job()
def tell(*, number: int) -> None:
    """Say how far it is, and stay in its transaction for a while."""
    _record(number)
    progress(done=3, total=10, stage="half")
    time.sleep(1.5)


@job(scoped=False)
def lose_and_refuse(*, tenant_id: int, number: int) -> None:
    """Lose the claim, then refuse: nothing of it counts."""
    Job.objects.filter(tenant_id=tenant_id).update(claim_no=F("claim_no") + 1)
    raise NotToday("Not today.")


def _record(number: int) -> None:
    firm = Tenant.objects.get(pk=current_tenant_id())
    record("sample.noted", firm, by=system("sample"), number=number)
