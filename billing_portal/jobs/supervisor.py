"""The supervisor: keeps an engine's workers alive and ticks the house's clockwork each second.

The parent never forks workers itself and so cannot hang with them. Of several supervisors one is
elected to tick, by an advisory lock. A database or broker that is away is waited for.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import Error, connection
from django.utils.module_loading import import_string
from django_q.models import Schedule

from billing_portal.jobs import clock, gatekeeper, queries, reaper
from billing_portal.jobs.processes import Group

TICK_LOCK = 7302
STALL_SECONDS = 15
_FIRST_SECONDS = 30  # a group may take that long to begin
_DECLARE_SECONDS = 60
_BACKSTOP = "gatekeeper backstop"
_log = structlog.get_logger(__name__)


class Supervisor:
    """One engine's process group and the clockwork beside it."""

    def __init__(self, *, stop_when_idle: bool = False, time_limit: float | None = None) -> None:
        self.stop_when_idle = stop_when_idle
        self.deadline = None if time_limit is None else time.monotonic() + time_limit
        self.stopping = threading.Event()
        self._hooks: list[Callable[[], object]] = [import_string(name) for name in settings.TICKS]
        self._declare_at = 0.0

    def run(self) -> int:
        """Work until told to stop; return 0, or 1 when the time limit came first."""
        signal.signal(signal.SIGTERM, lambda *_: self.stopping.set())
        signal.signal(signal.SIGINT, lambda *_: self.stopping.set())
        _set_backstop()
        self._declare()
        group = Group()
        try:
            while not self.stopping.wait(0.25 if self.stop_when_idle else 1.0):
                if not group.is_alive() or _has_stalled(group):
                    _log.error("workers ended or stalled; starting them anew", group=group.name)
                    _end(group, patience=0)
                    group = Group()
                self._tick()
                if self.stop_when_idle and _is_idle():
                    return 0
                if self.deadline is not None and time.monotonic() > self.deadline:
                    _log.error("time limit reached with work left")
                    return 1
            return 0
        finally:
            _end(group, patience=settings.JOB_STOP_SECONDS)

    def _declare(self) -> None:
        """Write the slots and clock lines that are wanted and missing; new firms get theirs so."""
        gatekeeper.make_slots(settings.JOB_SLOTS)
        clock.write_declared()
        self._declare_at = time.monotonic() + _DECLARE_SECONDS

    def _tick(self) -> None:
        """Run the clockwork, if elected."""
        if _survives(_is_elected) is not True:
            return
        if time.monotonic() > self._declare_at:
            _survives(self._declare)
        for hook in self._hooks:
            _survives(hook)


def _end(group: Group, *, patience: float) -> None:
    """Stop the group: what has not begun goes back before it, what was running after it."""
    _survives(reaper.release_admitted)
    group.stop(patience=patience)
    _survives(reaper.release_admitted)
    _survives(lambda: reaper.group_ended(group.name))


def _has_stalled(group: Group) -> bool:
    if time.monotonic() - group.began_at < _FIRST_SECONDS:
        return False
    return _survives(lambda: queries.is_stalled(group.name, seconds=STALL_SECONDS)) is True


def _is_idle() -> bool:
    return _survives(queries.is_idle) is True


def _is_elected() -> bool:
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [TICK_LOCK])
        return bool(cursor.fetchone()[0])


def _survives(step: Callable[[], object]) -> object:
    """Do one step and return its answer; one that fails is logged, and the others go on."""
    try:
        return step()
    except Error:
        _log.exception("the database did not answer; trying again")
        connection.close()
    except Exception:  # noqa: BLE001 -- a bug or outage behind one hook must not stop the workers
        _log.exception("a step of the supervisor failed; trying again")
    return None


def _set_backstop() -> None:
    """Let django-q2's own schedule admit jobs too, should this process ever hang."""
    if settings.JOB_ENGINE == "django-q2":
        Schedule.objects.update_or_create(
            name=_BACKSTOP,
            defaults={
                "func": "billing_portal.jobs.gatekeeper.admit_all",
                "schedule_type": Schedule.MINUTES,
                "minutes": 1,
                "repeats": -1,
            },
        )
