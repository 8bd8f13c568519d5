"""What is waiting, running and stuck, for pages, metrics and alarms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db.models import CharField, Count, Exists, F, Min, Model, OuterRef, Q, QuerySet, Sum
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Now

from billing_portal.jobs.models import Job
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id

OPEN = (Job.State.QUEUED, Job.State.RUNNING)
LIVE = (*OPEN, Job.State.WAITING_FOR_HUMAN, Job.State.PAUSED)
_M = TypeVar("_M", bound=Model)


@dataclass(frozen=True)
class QueueState:
    """How one queue is doing."""

    queue: str
    waiting: int
    running: int
    failed: int
    oldest_waits_since: datetime | None


@dataclass(frozen=True)
class GroupProgress:
    """How far the jobs of one group are."""

    total: int
    ended: int
    failed: int
    running: int


def jobs_of(tenant: Tenant) -> QuerySet[Job]:
    """Return the firm's jobs, newest first; page by key."""
    return Job.objects.filter(tenant=tenant).order_by("-pk")


def live_jobs_of(name: str, argument: str, key: Combinable) -> QuerySet[Job]:
    """Return the scope's jobs of one function that have not ended and name one row.

    :param key: the row's primary key as text.
    """
    live = Job.objects.alias(about=KT(f"args__{argument}"))
    found: QuerySet[Job] = live.filter(
        tenant_id=current_tenant_id(), name=name, state__in=LIVE, about=key
    )
    return found


def failed_and_left() -> QuerySet[Job]:
    """Return the scope's jobs that failed and that nobody has tried again, newest first.

    Without those whose refusal was the answer to whoever asked.
    """
    again = Job.objects.filter(retry_of=OuterRef("pk"))
    failed = Job.objects.filter(tenant_id=current_tenant_id(), state=Job.State.FAILED)
    return failed.filter(~_answers(), ~Exists(again)).order_by("-pk")


def _answers() -> Q:
    """Return what finds failed jobs whose refusal was the answer to whoever asked."""
    return Q(name__in=settings.ANSWERING_JOBS) & ~Q(error_code__startswith="job.")


def without_live_job(rows: QuerySet[_M], name: str, argument: str) -> QuerySet[_M]:
    """Return the rows that no job of a function will bring on any more."""
    key = Cast(OuterRef("pk"), CharField())
    return rows.filter(~Exists(live_jobs_of(name, argument, key)))


def queue_states() -> list[QueueState]:
    """Return how each queue with open or failed jobs is doing; a refusal that answered is none.

    One query.
    """
    rows = (
        Job.objects.filter(state__in=[*OPEN, Job.State.FAILED])
        .values("queue")
        .annotate(
            waiting=Count("pk", filter=Q(state=Job.State.QUEUED)),
            running=Count("pk", filter=Q(state=Job.State.RUNNING)),
            failed=Count("pk", filter=Q(state=Job.State.FAILED) & ~_answers()),
            oldest_waits_since=Min("run_after", filter=Q(state=Job.State.QUEUED)),
        )
        .order_by("queue")
    )
    return [QueueState(**row) for row in rows]


def group_progress(tenant: Tenant, group: str) -> GroupProgress:
    """Return how far the jobs of one group of the firm are. One query."""
    found = Job.objects.filter(tenant=tenant, group=group).aggregate(
        total=Count("pk"),
        ended=Count("pk", filter=Q(ended_at__isnull=False)),
        failed=Count("pk", filter=Q(state=Job.State.FAILED)),
        running=Count("pk", filter=Q(state=Job.State.RUNNING)),
    )
    return GroupProgress(**found)


def is_idle() -> bool:
    """Say whether nothing waits or runs that time alone would bring on. One query."""
    return not Job.objects.filter(state__in=OPEN).exists()


def is_stalled(group: str, *, seconds: float) -> bool:
    """Say whether a process group begins nothing although work was handed out for so long."""
    since = Now() - timedelta(seconds=seconds)
    waiting = Job.objects.filter(state=Job.State.QUEUED, dispatched_at__lt=since)
    running = Job.objects.filter(state=Job.State.RUNNING, worker__startswith=f"{group}/")
    return waiting.exists() and not running.exists()


def work_done(tenant: Tenant, group: str) -> tuple[int, int]:
    """Return the items done and failed that the jobs of a group report. One query."""
    found = Job.objects.filter(tenant=tenant, group=group).aggregate(
        done=Sum(F("done"), default=0), failed=Sum(F("failed"), default=0)
    )
    return found["done"], found["failed"]
