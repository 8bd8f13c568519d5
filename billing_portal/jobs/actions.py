"""What people do to jobs: try again, cancel, pause, resume. Each is an audit line."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.jobs.engines import function_of
from billing_portal.jobs.models import Job, Slot
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.scope import current_tenant_id


class JobNotEnded(Refused):
    """Only a job that has failed, was canceled, or waits for a person can be tried again."""

    code = "job.not_ended"


class JobTriedAgain(Refused):
    """The job was tried again already; the job that does so is the one to look at."""

    code = "job.tried_again"


class JobNotWaiting(Refused):
    """The job has begun or ended, so this can no longer be done to it."""

    code = "job.not_waiting"


class JobIsWriting(Refused):
    """The job has a transaction open; asked again in a moment, it may be free.

    One that writes all in one go, as a file is taken in, is so until it ends.
    """

    code = "job.is_writing"


CANCELABLE = (
    Job.State.QUEUED,
    Job.State.RUNNING,
    Job.State.WAITING_FOR_HUMAN,
    Job.State.PAUSED,
)
RETRYABLE = (Job.State.FAILED, Job.State.CANCELED, Job.State.WAITING_FOR_HUMAN)


@transaction.atomic
def retry(job: Job, *, by: Actor) -> Job:
    """Ask for the same work anew; the old job stays on record, and its key goes to the new one.

    :raises JobNotEnded: while it may still end by itself.
    :raises JobTriedAgain: when that was asked for before.
    """
    by.must("jobs.retry")
    job = _lock(job)
    if job.state not in RETRYABLE:
        raise JobNotEnded(f"This job is {job.get_state_display().lower()}.")
    again = Job.objects.filter(tenant_id=job.tenant_id, retry_of=job).first()
    if again is not None:
        raise JobTriedAgain(f"This was tried again before, as {again.public_id}.")
    key, job.key = job.key, None
    job.state = Job.State.CANCELED if job.state == Job.State.WAITING_FOR_HUMAN else job.state
    job.save(update_fields=["key", "state"])
    again = function_of(job.name).enqueue(key=key, group=job.group, retry_of=job, **job.args)
    record("job.retried", job, by=by, again=again.public_id)
    return again


@transaction.atomic
def cancel(job: Job, *, by: Actor, at: datetime) -> Job:
    """Cancel a job that has not ended. One that runs loses its claim and writes nothing more.

    :raises JobNotWaiting: when it has ended.
    :raises JobIsWriting: when it runs and has a transaction open.
    """
    by.must("jobs.retry")
    return _move(job, CANCELABLE, Job.State.CANCELED, by=by, at=at)


@transaction.atomic
def pause(job: Job, *, by: Actor) -> Job:
    """Hold a job back that has not begun.

    :raises JobNotWaiting: when it runs or has ended.
    """
    by.must("jobs.retry")
    return _move(job, (Job.State.QUEUED,), Job.State.PAUSED, by=by, at=None)


@transaction.atomic
def resume(job: Job, *, by: Actor) -> Job:
    """Let a paused job go on.

    :raises JobNotWaiting: when it is not paused.
    """
    by.must("jobs.retry")
    return _move(job, (Job.State.PAUSED,), Job.State.QUEUED, by=by, at=None)


def _lock(job: Job) -> Job:
    """Lock the current firm's job, without waiting for a worker that writes under its claim."""
    mine = Job.objects.filter(tenant_id=current_tenant_id())
    mine.get(pk=job.pk)  # another firm's does not exist
    locked = mine.select_for_update(skip_locked=True).filter(pk=job.pk).first()
    if locked is None:
        raise JobIsWriting(
            "This job is writing just now. Try again in a moment; one that writes all in one go can"
            " only be awaited."
        )
    return locked


def _move(
    job: Job, from_states: tuple[Job.State, ...], to: Job.State, *, by: Actor, at: datetime | None
) -> Job:
    job = _lock(job)
    if job.state not in from_states:
        raise JobNotWaiting(f"This job is {job.get_state_display().lower()}.")
    job.state, job.ended_at = to, at
    job.dispatched_at = job.lease_until = None
    job.claim_no += 1  # one that is on its way to a worker finds its claim gone
    job.save()
    Slot.objects.filter(job=job).update(job=None)
    record(f"job.{to.value}", job, by=by)
    return job
