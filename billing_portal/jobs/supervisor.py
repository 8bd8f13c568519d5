"""The supervisor: keeps an engine's workers alive and ticks the house's clockwork each second.

django-q2 stops for ever when an idle worker is killed: the dead process holds the lock of a queue
that the others read. So the whole process group is started anew whenever a worker dies by a signal,
and whenever the head of the engine's queue does not move. The parent never forks workers itself and
so cannot hang with them. Of several supervisors one is elected to tick, by an advisory lock.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.module_loading import import_string

from billing_portal.jobs import clock, gatekeeper, queries

TICK_LOCK = 7302
STALL_SECONDS = 30
STOP_SECONDS = 15
_log = structlog.get_logger(__name__)


class Supervisor:
    """One engine's process group and the clockwork beside it."""

    def __init__(self, *, stop_when_idle: bool = False, time_limit: float | None = None) -> None:
        self.stop_when_idle = stop_when_idle
        self.deadline = None if time_limit is None else time.monotonic() + time_limit
        self.stopping = threading.Event()
        self.child: subprocess.Popen[bytes] | None = None
        self.head: tuple[object, float] = (None, 0.0)

    def run(self) -> int:
        """Work until told to stop; return 0, or 1 when the time limit came first."""
        signal.signal(signal.SIGTERM, lambda *_: self.stopping.set())
        signal.signal(signal.SIGINT, lambda *_: self.stopping.set())
        gatekeeper.make_slots(settings.JOB_SLOTS)
        clock.write_declared()
        try:
            return self._watch()
        finally:
            self._stop_child()

    def _watch(self) -> int:
        while not self.stopping.wait(0.25 if self.stop_when_idle else 1.0):
            self._keep_child_alive()
            self._tick()
            if self.stop_when_idle and queries.is_idle():
                return 0
            if self.deadline is not None and time.monotonic() > self.deadline:
                _log.error("time limit reached with work left")
                return 1
        return 0

    def _keep_child_alive(self) -> None:
        if self.child is not None and self.child.poll() is not None:
            _log.warning("workers ended", exit_code=self.child.returncode)
            self._kill_group(signal.SIGKILL)
            self.child = None
        if self.child is not None and self._has_stalled():
            _log.error("workers stalled; starting them anew")
            self._kill_group(signal.SIGKILL)
            self.child.wait()
            self.child = None
        if self.child is None:
            command = _ENGINE_COMMANDS[settings.JOB_ENGINE]()
            self.child = _start(command)
            self.head = (None, time.monotonic())

    def _tick(self) -> None:
        """Run the clockwork if elected; a database that is away is waited for."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("select pg_try_advisory_lock(%s)", [TICK_LOCK])
                if not cursor.fetchone()[0]:
                    return
            for name in settings.TICKS:
                import_string(name)()
        except DatabaseError:
            _log.exception("tick failed; trying again")
            connection.close()

    def _has_stalled(self) -> bool:
        """Say whether the same message has stood at the head of q2's queue for too long."""
        if settings.JOB_ENGINE != "django-q2":
            return False
        from django_q.models import OrmQ  # noqa: PLC0415 -- only where this engine is used

        head = OrmQ.objects.order_by("pk").values_list("pk", "lock").first()
        if head is None or head != self.head[0]:
            self.head = (head, time.monotonic())
            return False
        limit = max(STALL_SECONDS, settings.JOB_TIMEOUT_SECONDS + STALL_SECONDS if head[1] else 0)
        return time.monotonic() - self.head[1] > limit

    def _stop_child(self) -> None:
        if self.child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.child.terminate()
        try:
            self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _log.warning("workers did not stop in time; killing them")
        self._kill_group(signal.SIGKILL)
        self.child.wait()

    def _kill_group(self, number: signal.Signals) -> None:
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, number)


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start our own command at the head of a process group."""
    return subprocess.Popen(command, start_new_session=True, cwd=settings.BASE_DIR)  # noqa: S603


def run_q2_cluster() -> int:
    """Run django-q2's cluster in this process group; a worker killed by a signal ends the group."""
    from django_q.cluster import (  # noqa: PLC0415 -- only where this engine is used
        Cluster,
        Sentinel,
    )

    reincarnate = Sentinel.reincarnate

    def end_group_or_reincarnate(sentinel: object, process: object) -> object:
        if (getattr(process, "exitcode", 0) or 0) < 0:
            os.killpg(0, signal.SIGKILL)  # its locks may be lost: the supervisor starts us anew
        return reincarnate(sentinel, process)

    Sentinel.reincarnate = end_group_or_reincarnate
    cluster = Cluster()
    cluster.start()
    cluster.sentinel.join()
    return cluster.sentinel.exitcode or 0


def _q2_command() -> list[str]:
    return [sys.executable, "manage.py", "workers", "--inner"]


def _celery_command() -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "--app", "billing_portal.celery", "worker"),
        *("--concurrency", str(settings.JOB_WORKERS), "--loglevel", "WARNING"),
        *("--without-gossip", "--without-mingle"),
    ]


_ENGINE_COMMANDS: dict[str, Callable[[], list[str]]] = {
    "django-q2": _q2_command,
    "celery": _celery_command,
}
