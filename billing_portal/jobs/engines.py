"""The two engines behind the one verb. Each carries a job's key and claim, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string
from django_q.tasks import async_task

from billing_portal.jobs.models import Job

GRACE_SECONDS = 30
RUN = "billing_portal.jobs.worker.run"


class UnknownJob(LookupError):
    """A job names a function that no module of this installation marks with ``@job``."""


class Runnable(Protocol):
    """A job function, as those see it that run and enqueue it by name."""

    scoped: bool
    timeout: int
    max_attempts: int
    backoff: int
    title: str

    def __call__(self, **ids: Any) -> None:
        """Do the work."""

    def check(self, args: Mapping[str, Any]) -> None:
        """Pass arguments that the function takes.

        :raises TypeError: when it does not.
        """

    def enqueue(self, *, key: str | None = None, **args: Any) -> Job:
        """Leave the work for later."""


REGISTRY: dict[str, Runnable] = {}


def dispatch(job: Job) -> None:
    """Hand an admitted job to the engine that settings name."""
    _ENGINES[settings.JOB_ENGINE](job)


def function_of(name: str) -> Runnable:
    """Return the marked function of a dotted name; importing its module registers it.

    Nothing that is not marked can be named, whatever a row says.

    :raises UnknownJob: when the module does not mark such a function.
    """
    if name not in REGISTRY:
        try:
            import_module(name.rpartition(".")[0])
        except (ImportError, ValueError) as error:
            raise UnknownJob(name) from error
    if name not in REGISTRY:
        raise UnknownJob(name)
    return REGISTRY[name]


def _to_q2(job: Job) -> None:
    async_task(
        RUN,
        job.pk,
        job.claim_no,
        q_options={"timeout": _backstop(), "save": False, "ack_failure": True},
    )


def _to_celery(job: Job) -> None:
    import_string("billing_portal.celery.app").send_task(
        "portal.run", (job.pk, job.claim_no), time_limit=_backstop()
    )


def _backstop() -> int:
    """Return after how many seconds the engine may kill a worker, should its own limit not help."""
    return int(settings.JOB_TIMEOUT_SECONDS) + GRACE_SECONDS


_ENGINES = {"django-q2": _to_q2, "celery": _to_celery}
