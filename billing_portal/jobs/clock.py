"""The clock's wishes: rows that say which job to ask for again and again.

Modules declare them with ``clock_line``; the supervisor writes what is declared and missing, and
from then on the row counts: an administrator may change or stop it. A missed wish is asked for
once, not once for each time it was missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module

from django.conf import settings
from django.db import transaction

from billing_portal.jobs.engines import function_of
from billing_portal.jobs.models import ClockLine
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope


@dataclass(frozen=True)
class Wish:
    """What a module wants of the clock, for each firm."""

    name: str
    job: str
    every_seconds: int


_DECLARED: dict[str, Wish] = {}


def clock_line(name: str, *, job: str, every_seconds: int) -> None:
    """Declare that a job is wanted for each firm every so often."""
    _DECLARED[name] = Wish(name, job, every_seconds)


def write_declared() -> None:
    """Add the rows that modules declare and the table lacks; existing rows are left as they are."""
    for module in settings.JOB_MODULES:
        import_module(module)
    ClockLine.objects.bulk_create(
        [
            ClockLine(name=wish.name, job=wish.job, every_seconds=wish.every_seconds)
            for wish in _DECLARED.values()
        ],
        ignore_conflicts=True,
    )


def strike(now: datetime | None = None) -> int:
    """Ask for the jobs that are due, each once however many supervisors look; say how many rows.

    The key of each job holds the moment that was due, so a crash between two firms asks again for
    both and makes one job each.
    """
    now = now or datetime.now(UTC)
    with transaction.atomic():
        due = list(
            ClockLine.objects.select_for_update(skip_locked=True)
            .filter(is_active=True, next_due_at__lte=now)
            .order_by("pk")
        )
        for line in due:
            _ask(line)
            missed = (now - line.next_due_at) // timedelta(seconds=line.every_seconds)
            line.next_due_at += timedelta(seconds=line.every_seconds) * (missed + 1)
            line.save(update_fields=["next_due_at"])
    return len(due)


def _ask(line: ClockLine) -> None:
    function = function_of(line.job)
    key = f"clock:{line.name}:{line.next_due_at.isoformat()}"
    firms = Tenant.objects.all() if line.tenant_id is None else [line.tenant]
    for firm in firms:
        if firm is not None:
            with tenant_scope(firm.pk):
                function.enqueue(key=key, **line.args)
