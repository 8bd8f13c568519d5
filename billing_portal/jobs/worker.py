"""What a worker does with a job: claim it, prove the claim at each step, end it once.

A claim is the job's ``claim_no``: whoever takes the job away raises it, so a worker that was paused
and wakes up late can write nothing. A lease says that the worker lives; a thread with a database
connection of its own renews it. Attempts count when a job starts.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from billing_portal import logs
from billing_portal.errors import Refused
from billing_portal.jobs import gatekeeper
from billing_portal.jobs.engines import UnknownJob, function_of
from billing_portal.jobs.models import Job, Slot
from billing_portal.tenancy.scope import checked_on_entry, tenant_scope

LEASE_BEATS = 3
MAX_DEATHS = 3
_BACKOFF_CAP_SECONDS = 3600
_TEXT = 500
_log = structlog.get_logger(__name__)


class LostClaim(Exception):
    """Another worker has the job now: whatever this one still wants to write is refused."""


class WaitForHuman(Exception):
    """The job cannot go on without a person; the message says what is wanted."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


@dataclass
class Claim:
    """A job in this worker's hands."""

    job: Job
    number: int
    counts: dict[str, Any] = field(default_factory=dict)

    def prove(self) -> None:
        """Pass while the claim stands; the row cannot be taken away before this transaction ends.

        :raises LostClaim: when it was taken away.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                "select 1 from jobs_job where id = %s and claim_no = %s and state = 'running'"
                " for key share",
                [self.job.pk, self.number],
            )
            if cursor.fetchone() is None:
                raise LostClaim(self.job.public_id)

    def update(self, **values: Any) -> bool:
        """Write to the job's row if the claim stands."""
        mine = Job.objects.filter(pk=self.job.pk, claim_no=self.number, state=Job.State.RUNNING)
        return mine.update(**values) == 1


_current: ContextVar[Claim | None] = ContextVar("claim", default=None)


def current_job() -> Job | None:
    """Return the job that this code runs in, if any."""
    claim = _current.get()
    return claim.job if claim else None


def progress(**counts: Any) -> None:
    """Say how far the job is: ``done``, ``failed``, ``total``, ``stage``.

    Written at once outside a transaction, and with the job's end inside one.
    """
    claim = _current.get()
    if claim is None:
        return
    claim.counts.update(counts)
    if not connection.in_atomic_block and not claim.update(**counts):
        raise LostClaim(claim.job.public_id)


def run(pk: int, claim_no: int) -> None:
    """Run an admitted job, then let the gatekeeper fill its slot; the engines call this."""
    execute(pk, claim_no)
    queue = Job.objects.values_list("queue", flat=True).get(pk=pk)
    gatekeeper.admit(queue)


def execute(pk: int, claim_no: int) -> str:
    """Run an admitted job if the claim still stands, and say what came of it.

    Doing it twice does no harm: the second call finds the claim taken.
    """
    now = datetime.now(UTC)
    taken = Job.objects.filter(
        pk=pk, claim_no=claim_no, state=Job.State.QUEUED, dispatched_at__isnull=False
    ).update(
        state=Job.State.RUNNING,
        started_at=now,
        lease_until=now + _lease(),
        attempts=F("attempts") + 1,
    )
    if not taken:
        return "skipped"
    claim = Claim(Job.objects.get(pk=pk), claim_no)
    logs.bind(job_id=claim.job.public_id, request_id=claim.job.request_id)
    token = _current.set(claim)
    try:
        with _heart(claim):
            return _attempt(claim)
    finally:
        _current.reset(token)
        logs.clear()


def reap(now: datetime | None = None) -> int:
    """Take back jobs whose lease has lapsed: never begun, or begun by a worker that died.

    Rows locked by a working transaction are skipped: a claim is never robbed in mid-write.
    """
    now = now or datetime.now(UTC)
    with transaction.atomic():
        lapsed = list(
            Job.objects.select_for_update(skip_locked=True)
            .filter(lease_until__lt=now, state__in=[Job.State.QUEUED, Job.State.RUNNING])
            .order_by("lease_until")[:100]
        )
        for job in lapsed:
            _take_back(job, now)
    return len(lapsed)


def _attempt(claim: Claim) -> str:
    """Run once and write what came of it."""
    outcome = "succeeded"
    try:
        _do(claim)
    except LostClaim:
        _log.warning("claim lost")
        outcome = "lost"
    except WaitForHuman as wish:
        _end(claim, Job.State.WAITING_FOR_HUMAN, wish.code, str(wish))
        outcome = "waiting_for_human"
    except Refused as refusal:
        _log.info("refused", code=refusal.code)
        _end(claim, Job.State.FAILED, refusal.code, str(refusal))
        outcome = "refused"
    except UnknownJob:
        _end(claim, Job.State.FAILED, "job.unknown", f"No function {claim.job.name} is known.")
        outcome = "unknown"
    except Exception as error:  # noqa: BLE001 -- the row keeps it, the log shows it, it is retried
        _log.exception("job crashed", attempts=claim.job.attempts)
        outcome = _try_again(claim, error)
    return outcome


def _do(claim: Claim) -> None:
    job = claim.job
    function = function_of(job.name)
    with checked_on_entry(claim.prove):
        if function.scoped:
            with tenant_scope(job.tenant_id):
                function(**job.args)
                _succeed(claim)
        else:
            function(tenant_id=job.tenant_id, **job.args)
            _succeed(claim)


def _succeed(claim: Claim) -> None:
    """End the job well; for scoped work in the transaction of the work itself."""
    has_failures = bool(claim.counts.get("failed"))
    state = Job.State.PARTIALLY_SUCCEEDED if has_failures else Job.State.SUCCEEDED
    _end(claim, state)


def _end(claim: Claim, state: Job.State, code: str = "", text: str = "") -> None:
    with transaction.atomic():
        is_mine = claim.update(
            state=state,
            ended_at=datetime.now(UTC),
            lease_until=None,
            error_code=code,
            error_text=text[:_TEXT],
            **claim.counts,
        )
        if not is_mine:
            raise LostClaim(claim.job.public_id)
        Slot.objects.filter(job=claim.job).update(job=None)


def _try_again(claim: Claim, error: Exception) -> str:
    """Put a crashed job back after a pause with full jitter, or park it with its evidence."""
    job, kind = claim.job, type(error).__name__
    function = function_of(job.name)
    try:
        if job.attempts >= function.max_attempts:
            _end(claim, Job.State.FAILED, "job.crashed", f"{kind} in {job.attempts} attempts.")
            return "failed"
        longest = min(_BACKOFF_CAP_SECONDS, function.backoff * 2**job.attempts)
        pause = random.uniform(0, longest)  # noqa: S311 -- jitter, not a secret
        with transaction.atomic():
            if not claim.update(
                state=Job.State.QUEUED,
                dispatched_at=None,
                lease_until=None,
                run_after=datetime.now(UTC) + timedelta(seconds=pause),
                error_code="job.crashed",
                error_text=kind,
            ):
                return "lost"
            Slot.objects.filter(job=job).update(job=None)
    except LostClaim:
        return "lost"
    return "again"


def _take_back(job: Job, now: datetime) -> None:
    died = job.state == Job.State.RUNNING
    job.deaths += died
    job.claim_no += 1
    job.dispatched_at = job.lease_until = None
    job.state = Job.State.QUEUED
    if job.deaths >= MAX_DEATHS:
        job.state, job.ended_at = Job.State.FAILED, now
        job.error_code = "job.worker_died"
        job.error_text = f"{job.deaths} workers died while they ran it."
    job.save()
    Slot.objects.filter(job=job).update(job=None)
    _log.warning("job taken back", job_id=job.public_id, died=died, deaths=job.deaths)


def _lease() -> timedelta:
    return timedelta(seconds=LEASE_BEATS * settings.JOB_BEAT_SECONDS)


@contextmanager
def _heart(claim: Claim) -> Iterator[None]:
    """Renew the lease on a connection of its own while the work goes on."""
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(claim, stop.wait), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _beat(claim: Claim, wait: Callable[[float], bool]) -> None:
    try:
        while not wait(settings.JOB_BEAT_SECONDS):
            if not claim.update(lease_until=datetime.now(UTC) + _lease()):
                return
    finally:
        connection.close()  # this thread's own
