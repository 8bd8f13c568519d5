"""The engine's processes: one group in a session of its own, which lives and dies as one.

django-q2 stops for ever when an idle worker is killed: the dead process holds the lock of a queue
that the others read. So a group of which any process dies by a signal is ended as a whole, and its
supervisor starts another. A group whose supervisor is gone ends itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import structlog
from django.conf import settings
from django.db import connections
from django.utils.module_loading import import_string

from billing_portal.jobs import reaper, worker

_log = structlog.get_logger(__name__)


class Group:
    """The engine's process group, as its supervisor sees it."""

    def __init__(self) -> None:
        command = [sys.executable, "manage.py", "workers", "--inner"]
        self._child = subprocess.Popen(  # noqa: S603 -- our own command
            command, start_new_session=True, cwd=settings.BASE_DIR
        )
        self.name = f"{worker.host()}/{self._child.pid}"
        self.began_at = time.monotonic()

    def is_alive(self) -> bool:
        """Whether its first process runs."""
        return self._child.poll() is None

    def stop(self, *, patience: float) -> None:
        """Ask the group to end, and end what is left of it after so many seconds."""
        if self.is_alive():
            self._child.terminate()
            try:
                self._child.wait(patience)
            except subprocess.TimeoutExpired:
                _log.warning("workers were busy and are killed", group=self.name)
        self.kill()

    def kill(self) -> None:
        """End every process of the group, and return when all are gone."""
        while _kill(self._child.pid):
            self._child.poll()
            time.sleep(0.02)
        self._child.wait()


def be_engine() -> int:
    """Be the first process of the group until the engine stops, and return its exit code."""
    if settings.JOB_ENGINE == "celery":
        _watch_supervisor()
        import_string("billing_portal.celery.app").worker_main(
            [
                *("worker", "--concurrency", str(settings.JOB_WORKERS), "--loglevel", "WARNING"),
                *("--without-gossip", "--without-mingle"),
            ]
        )
        return 0
    from django_q import cluster  # noqa: PLC0415 -- only where this engine is used

    _end_group_with_any_process(cluster.Sentinel)
    running = cluster.Cluster()
    running.start()
    _watch_supervisor()
    running.sentinel.join()
    return running.sentinel.exitcode or 0


def _end_group_with_any_process(sentinel: Any) -> None:
    reincarnate = sentinel.reincarnate

    def end_group_or_reincarnate(guard: Any, process: Any) -> None:
        if (process.exitcode or 0) >= 0:
            reincarnate(guard, process)
            return
        try:
            connections.close_all()
            reaper.worker_died(f"{worker.host()}/{os.getpgrp()}/{process.pid}")
        finally:
            os.killpg(0, signal.SIGKILL)

    sentinel.reincarnate = end_group_or_reincarnate


def _watch_supervisor() -> None:
    supervisor = os.getppid()

    def watch() -> None:
        while os.getppid() == supervisor:
            time.sleep(0.5)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _kill(group: int) -> bool:
    """Kill every process of the group, and say whether there was any."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
