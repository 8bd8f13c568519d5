"""The reaper: takes jobs from workers that are gone, never from one that is writing.

A work transaction holds a key-share lock on its job's row, and rows are taken here with FOR UPDATE
SKIP LOCKED: what is being written under a claim is left alone until that transaction has ended.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from billing_portal.jobs.models import Job, Slot

MAX_DEATHS = 3
_BATCH = 100
_log = structlog.get_logger(__name__)


def reap(now: datetime | None = None) -> int:
    """Take back jobs whose lease has lapsed: never begun, or begun by a worker that died.

    :param now: the database's clock when left out, so that machines need not agree on the time.
    """
    with transaction.atomic():
        lapsed = _locked().filter(
            lease_until__lt=now or Now(), state__in=[Job.State.QUEUED, Job.State.RUNNING]
        )
        jobs = list(lapsed.order_by("lease_until")[:_BATCH])
        for job in jobs:
            _take_back(job, died=job.state == Job.State.RUNNING)
    return len(jobs)


def worker_died(worker: str) -> int:
    """Take back, at once, what a worker known to be dead was running; its death is counted."""
    with transaction.atomic():
        jobs = list(_locked().filter(state=Job.State.RUNNING, worker=worker))
        for job in jobs:
            _take_back(job, died=True)
    return len(jobs)


def group_ended(group: str) -> int:
    """Take back what the workers of an ended process group were running. Nobody is to blame.

    :param group: host and process group, with which the names of its workers begin.
    """
    with transaction.atomic():
        jobs = list(_locked().filter(state=Job.State.RUNNING, worker__startswith=f"{group}/"))
        for job in jobs:
            _take_back(job, died=False)
    return len(jobs)


def release_admitted() -> int:
    """Put back what was handed to the engine and has not begun: those messages are void then."""
    with transaction.atomic():
        waiting = _locked().filter(state=Job.State.QUEUED, dispatched_at__isnull=False)
        found = [job.pk for job in waiting.only("pk")]
        Slot.objects.filter(job__in=found).update(job=None)
        return Job.objects.filter(pk__in=found).update(
            claim_no=F("claim_no") + 1, dispatched_at=None, lease_until=None
        )


def _locked() -> QuerySet[Job]:
    return Job.objects.select_for_update(skip_locked=True)


def _take_back(job: Job, *, died: bool) -> None:
    job.deaths += died
    job.claim_no += 1
    job.dispatched_at = job.lease_until = None
    job.state = Job.State.QUEUED
    fields = ["deaths", "claim_no", "dispatched_at", "lease_until", "state"]
    if job.deaths >= MAX_DEATHS:
        job.state, job.ended_at = Job.State.FAILED, Now()
        job.error_code = "job.worker_died"
        job.error_text = f"{job.deaths} workers died while they ran it, the last was {job.worker}."
        fields += ["ended_at", "error_code", "error_text"]
    job.save(update_fields=fields)
    Slot.objects.filter(job=job).update(job=None)
    _log.warning("job taken back", job_id=job.public_id, died=died, deaths=job.deaths)
