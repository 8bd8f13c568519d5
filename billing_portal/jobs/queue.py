"""One verb for all background work: ``enqueue`` on a function marked with ``@job``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from billing_portal.api.middleware import current_request_id
from billing_portal.jobs import engines, gatekeeper
from billing_portal.jobs.models import Job
from billing_portal.tenancy.inserting import insert_many
from billing_portal.tenancy.scope import current_tenant_id

_LONGEST_TEXT = 160


class NotIds(TypeError):
    """A job was given something else than ids: a bug, so it crashes."""


@dataclass
class JobFunction:
    """A module-level function that can run later, and how.

    :ivar title: what it does, in the words of who watches it.
    :ivar scoped: run inside the firm's scope and complete in the same transaction. Unscoped work
        calls the outside: it is given ``tenant_id`` and opens its own scopes.
    :ivar timeout: seconds; a run that takes longer is interrupted and counts as failed.
    :ivar max_attempts: runs that raise, before the job is parked as failed.
    :ivar backoff: seconds; doubled at each attempt, with full jitter.
    """

    function: Callable[..., None]
    name: str
    queue: str
    timeout: int
    max_attempts: int
    backoff: int
    scoped: bool
    title: str = ""

    def __call__(self, **kwargs: Any) -> None:
        """Do the work here and now; the worker and tests do."""
        self.function(**kwargs)

    def enqueue(
        self,
        *,
        key: str | None = None,
        run_after: datetime | None = None,
        group: str = "",
        retry_of: Job | None = None,
        **args: Any,
    ) -> Job:
        """Ask for a run once the current transaction has committed. One insert.

        :param key: unique in the firm: asked for twice, it is one job, and the first is returned.
        """
        row = self._row(key=key, run_after=run_after, group=group, args=args)
        row.retry_of = retry_of
        rows = Job.objects.bulk_create([row], ignore_conflicts=key is not None)
        _admit_after_commit(self.queue)
        return rows[0] if key is None else Job.objects.get(tenant_id=row.tenant_id, key=key)

    def enqueue_many(self, wanted: Iterable[tuple[str, dict[str, Any]]], *, group: str) -> int:
        """Ask for many runs, each by key and arguments; those asked for before are left alone.

        One insert, whatever the number. Returns how many were asked for.
        """
        asked = list(wanted)
        shapes: set[frozenset[str]] = set()
        for _, args in asked:
            if (shape := frozenset(args)) in shapes:
                self._check_values(args)
            else:
                self.check(args)
                shapes.add(shape)
        insert_many(
            Job,
            {"key": [key for key, _ in asked], "args": [json.dumps(args) for _, args in asked]},
            ignore_repeats=True,
            name=self.name,
            queue=self.queue,
            group=group,
            request_id=current_request_id(),
        )
        _admit_after_commit(self.queue)
        return len(asked)

    def check(self, args: Mapping[str, Any]) -> None:
        """Pass arguments that the function takes and a shared table may hold.

        :raises NotIds: for what is no id, number, short name, or list of these.
        :raises TypeError: when the function does not take them.
        """
        self._check_values(args)
        given = dict(args) if self.scoped else {"tenant_id": 0, **args}
        inspect.signature(self.function).bind(**given)

    def _check_values(self, args: Mapping[str, Any]) -> None:
        for name, value in args.items():
            if not all(_is_id(item) for item in (value if isinstance(value, list) else [value])):
                raise NotIds(f"{self.name}({name}=…) takes ids only.")

    def _row(
        self, *, key: str | None, run_after: datetime | None, group: str, args: dict[str, Any]
    ) -> Job:
        self.check(args)
        fields: dict[str, Any] = {} if run_after is None else {"run_after": run_after}
        return Job(
            tenant_id=current_tenant_id(),
            name=self.name,
            queue=self.queue,
            args=args,
            key=key,
            group=group,
            request_id=current_request_id(),
            **fields,
        )


def job(
    *,
    title: str = "",
    queue: str = "default",
    timeout: int = 120,
    max_attempts: int = 5,
    backoff: int = 5,
    scoped: bool = True,
) -> Callable[[Callable[..., None]], JobFunction]:
    """Mark a module-level function with keyword-only ids as work that can run later.

    The function may run twice without harm; its docstring says why.

    :param title: a verb and its object, such as "Write an invoice's files".

    :raises ValueError: when it asks for more time than JOB_TIMEOUT_SECONDS.
    """
    if timeout > settings.JOB_TIMEOUT_SECONDS:
        raise ValueError(f"No job may take longer than {settings.JOB_TIMEOUT_SECONDS} s.")

    def mark(function: Callable[..., None]) -> JobFunction:
        name = f"{function.__module__}.{function.__qualname__}"
        marked = JobFunction(
            function,
            name,
            queue=queue,
            timeout=timeout,
            max_attempts=max_attempts,
            backoff=backoff,
            scoped=scoped,
            title=title,
        )
        engines.REGISTRY[name] = marked
        return marked

    return mark


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_TEXT
    return value is None or isinstance(value, int | float)


def _admit_after_commit(queue: str) -> None:
    """Let the gatekeeper look as soon as the rows can be seen; once a transaction is enough."""
    waiting = {run.queue for _, run, *_ in connection.run_on_commit if isinstance(run, _Admit)}
    if queue not in waiting:
        transaction.on_commit(_Admit(queue), robust=True)


@dataclass(frozen=True)
class _Admit:
    queue: str

    def __call__(self) -> None:
        gatekeeper.admit(self.queue)
