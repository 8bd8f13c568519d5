"""What a worker does with a job: claim it, prove the claim at each step, end it once.

A claim is the job's ``claim_no``: whoever takes the job away raises it, so a worker that was paused
and wakes up late can write nothing. A lease says that the worker lives; a thread with a database
connection of its own renews it. Attempts count when a job starts.
"""

from __future__ import annotations

import os
import random
import socket
import time
import traceback
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from billing_portal import logs
from billing_portal.errors import Refused
from billing_portal.jobs import engines, gatekeeper
from billing_portal.jobs.engines import UnknownJob, function_of
from billing_portal.jobs.heartbeat import Heartbeat, TimedOut, time_limit
from billing_portal.jobs.models import Job, Slot
from billing_portal.tenancy.scope import checked_on_entry, tenant_scope

LEASE_BEATS = 3
STAY_SECONDS = 2
_LATE_SECONDS = 10
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
    heart: Heartbeat | None = None

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

    def must_update(self, **values: Any) -> None:
        """Write to the job's row, or say that the claim is gone.

        :raises LostClaim: when it does not stand; whatever else the transaction wrote goes with it.
        """
        if not self.update(**values):
            raise LostClaim(self.job.public_id)

    def beat(self) -> bool:
        """Renew the lease and write how far the job is; say whether the claim stands."""
        return self.update(lease_until=_lease(), **self.counts)


_current: ContextVar[Claim | None] = ContextVar("claim", default=None)


def current_job() -> Job | None:
    """Return the job that this code runs in, if any."""
    claim = _current.get()
    return claim.job if claim else None


def progress(**counts: Any) -> None:
    """Say how far the job is: ``done``, ``failed``, ``total``, ``stage``.

    Of the first part that failed while the job goes on also ``error_code`` and ``error_text``.

    Others see it within a second, also from inside an open transaction: the heartbeat writes it, on
    its own connection, and the job's end writes it once more.

    :raises LostClaim: when another worker has the job now.
    """
    claim = _current.get()
    if claim is None:
        return
    claim.counts |= counts
    if claim.heart is not None:
        if claim.heart.is_lost:
            raise LostClaim(claim.job.public_id)
        claim.heart.hurry()


def me() -> str:
    """Return this worker's name: host, process group, process."""
    return f"{host()}/{os.getpgrp()}/{os.getpid()}"


def host() -> str:
    """Return this machine's name, short enough for a worker's."""
    return socket.gethostname()[:40]


def run(pk: int, claim_no: int) -> None:
    """Run an admitted job, and then what its slot is given to next; the engines call this.

    A worker stays for two seconds before the engine hears of the next job: that spares every short
    job the way through the engine's queue.
    """
    close_old_connections()  # so that one which broke since the last job is noticed
    leave_at = time.monotonic() + STAY_SECONDS
    admitted: list[Job] = []
    while execute(pk, claim_no) != "skipped":
        queue = Job.objects.values_list("queue", flat=True).get(pk=pk)
        gatekeeper.admit(queue, limit=1, dispatch=admitted.append)
        if not admitted:
            return
        job = admitted.pop()
        if time.monotonic() > leave_at:
            engines.dispatch(job)
            return
        pk, claim_no = job.pk, job.claim_no


def execute(pk: int, claim_no: int) -> str:
    """Run an admitted job if the claim still stands, and say what came of it.

    Doing it twice does no harm: the second call finds the claim taken.
    """
    taken = Job.objects.filter(
        pk=pk, claim_no=claim_no, state=Job.State.QUEUED, dispatched_at__isnull=False
    ).update(
        state=Job.State.RUNNING,
        started_at=Now(),
        lease_until=_lease(),
        attempts=F("attempts") + 1,
        worker=me(),
    )
    if not taken:
        return "skipped"
    claim = Claim(Job.objects.get(pk=pk), claim_no)
    logs.bind(job_id=claim.job.public_id, request_id=claim.job.request_id)
    token = _current.set(claim)
    try:
        return _attempt(claim)
    except LostClaim:
        _log.warning("claim lost", claim_no=claim_no)
        return "lost"
    finally:
        _current.reset(token)
        logs.clear()


def _attempt(claim: Claim) -> str:
    """Run once and write what came of it.

    :raises LostClaim: when the job was taken away in the meantime, whatever came of it.
    """
    try:
        function = function_of(claim.job.name)
    except UnknownJob:
        _end(claim, Job.State.FAILED, "job.unknown", f"No function {claim.job.name} is known.")
        return "unknown"
    outcome, every = "succeeded", settings.JOB_BEAT_SECONDS
    with Heartbeat(claim.beat, every=every, seconds=function.timeout + _LATE_SECONDS) as heart:
        claim.heart = heart
        try:
            with time_limit(function.timeout):
                _do(claim, function)
        except LostClaim:
            raise
        except TimedOut as late:
            outcome = _stop_late(claim, late)
        except WaitForHuman as wish:
            _end(claim, Job.State.WAITING_FOR_HUMAN, wish.code, str(wish))
            outcome = "waiting_for_human"
        except Refused as refusal:
            _log.info("refused", code=refusal.code)
            _end(claim, Job.State.FAILED, refusal.code, str(refusal))
            outcome = "refused"
        except Exception as error:  # noqa: BLE001 -- the row keeps it, the log shows it, it is retried
            _log.exception("job crashed", attempts=claim.job.attempts)
            outcome = _try_again(claim, error, "job.crashed")
    return outcome


def _do(claim: Claim, function: engines.Runnable) -> None:
    job = claim.job
    with checked_on_entry(claim.prove):
        if function.scoped:
            with tenant_scope(job.tenant_id):
                function(**job.args)
                _succeed(claim)
        else:
            function(tenant_id=job.tenant_id, **job.args)
            _succeed(claim)


def _stop_late(claim: Claim, late: TimedOut) -> str:
    if not connection.in_atomic_block:
        connection.close()  # it may have been interrupted in the middle of a statement
    _log.warning("job timed out", attempts=claim.job.attempts)
    return _try_again(claim, late, "job.timed_out")


def _succeed(claim: Claim) -> None:
    """End the job well; for scoped work in the transaction of the work itself."""
    has_failures = bool(claim.counts.get("failed"))
    state = Job.State.PARTIALLY_SUCCEEDED if has_failures else Job.State.SUCCEEDED
    _end(claim, state)


def _end(claim: Claim, state: Job.State, code: str = "", text: str = "") -> None:
    said = {"error_code": code, "error_text": text[:_TEXT]} if code else {}
    with transaction.atomic():
        claim.must_update(
            state=state,
            ended_at=Now(),
            lease_until=None,
            **{"error_code": "", "error_text": ""} | claim.counts | said,
        )
        Slot.objects.filter(job=claim.job).update(job=None)


def _try_again(claim: Claim, error: BaseException, code: str) -> str:
    """Put a crashed job back after a pause with full jitter, or park it with its evidence."""
    job, evidence = claim.job, place_of(error)
    function = function_of(job.name)
    if job.attempts >= function.max_attempts:
        _end(claim, Job.State.FAILED, code, f"{evidence}, in {job.attempts} attempts.")
        return "failed"
    longest = min(_BACKOFF_CAP_SECONDS, function.backoff * 2 ** min(job.attempts, 20))
    pause = random.uniform(0, longest)  # noqa: S311 -- jitter, not a secret
    with transaction.atomic():
        claim.must_update(
            state=Job.State.QUEUED,
            dispatched_at=None,
            lease_until=None,
            run_after=Now() + timedelta(seconds=pause),
            error_code=code,
            error_text=evidence[:_TEXT],
        )
        Slot.objects.filter(job=job).update(job=None)
    return "again"


def place_of(error: BaseException) -> str:
    """Return an error's class and where it was raised; no message, for that may name a person."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        frame
        for frame in frames
        if frame.filename.startswith(str(settings.BASE_DIR))
        and "/site-packages/" not in frame.filename
    ]
    if not frames:
        return type(error).__name__
    frame = (ours or frames)[-1]
    file = frame.filename.removeprefix(f"{settings.BASE_DIR}/")
    return f"{type(error).__name__} at {file}:{frame.lineno} in {frame.name}"


def _lease() -> Any:
    """Return when a claim ends without a heartbeat, by the database's clock."""
    return Now() + timedelta(seconds=LEASE_BEATS * settings.JOB_BEAT_SECONDS)
