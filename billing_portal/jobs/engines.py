"""The two engines behind the one verb. Each carries a job's key and claim, nothing else."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.utils.module_loading import import_string
from django_q.tasks import async_task

from billing_portal.jobs.models import Job

GRACE_SECONDS = 5
RUN = "billing_portal.jobs.worker.run"


class UnknownJob(LookupError):
    """A job names a function that no module of this installation marks with ``@job``."""


def dispatch(job: Job) -> None:
    """Hand an admitted job to the engine that settings name."""
    _ENGINES[settings.JOB_ENGINE](job)


def timeout_of(job: Job) -> int:
    """Return how many seconds a run may take, by the job's function.

    :raises UnknownJob: when there is no such function.
    """
    return int(function_of(job.name).timeout)


def function_of(name: str):  # type: ignore[no-untyped-def]  # JobFunction lives above, in queue.py
    """Return the marked function of a dotted name; importing its module registers it.

    :raises UnknownJob: when the module does not mark such a function.
    """
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UnknownJob(name) from error


def _to_q2(job: Job) -> None:
    async_task(
        RUN,
        job.pk,
        job.claim_no,
        q_options={"timeout": _timeout(job), "save": False, "ack_failure": True},
    )


def _to_celery(job: Job) -> None:
    timeout = _timeout(job)
    import_string("billing_portal.celery.app").send_task(
        "portal.run",
        (job.pk, job.claim_no),
        soft_time_limit=timeout,
        time_limit=timeout + GRACE_SECONDS,
    )


def _timeout(job: Job) -> int:
    try:
        return timeout_of(job)
    except UnknownJob:
        return GRACE_SECONDS  # the worker will say so and park it


_ENGINES = {"django-q2": _to_q2, "celery": _to_celery}
