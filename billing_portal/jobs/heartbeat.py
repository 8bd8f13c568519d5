"""The heartbeat of a running job, and the time limit of its work."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

import structlog
from django.db import Error, connection

_log = structlog.get_logger(__name__)
_AT_MOST_EVERY = 0.25


class TimedOut(BaseException):
    """The work took longer than its job may.

    No ``Exception``, so that work which expects errors cannot take this for one of them.
    """


class Heartbeat(threading.Thread):
    """Calls ``beat`` regularly in a thread, and so on a database connection of its own.

    It ends when the claim is lost, and when the job is out of time: a job that hangs loses its
    lease, whether or not anybody can interrupt it. A beat may be missed while the database is away.

    :ivar is_lost: whether a beat found the claim gone.
    """

    def __init__(self, beat: Callable[[], bool], *, every: float, seconds: float) -> None:
        super().__init__(daemon=True)
        self.is_lost = False
        self._beat = beat
        self._every = every
        self._seconds = seconds
        self._stopping = threading.Event()
        self._news = threading.Event()

    def __enter__(self) -> Heartbeat:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._news.set()
        self.join()

    def hurry(self) -> None:
        """Ask for a beat soon, because there is something to tell; at most four a second."""
        self._news.set()

    def run(self) -> None:
        """Beat until stopped."""
        ends_at = time.monotonic() + self._seconds
        try:
            while self._wait() and time.monotonic() < ends_at:
                try:
                    self.is_lost = not self._beat()
                except Error as error:
                    _log.warning("heartbeat missed", error=type(error).__name__)
                    connection.close()
        finally:
            connection.close()  # this thread's own

    def _wait(self) -> bool:
        self._stopping.wait(min(_AT_MOST_EVERY, self._every))
        self._news.wait(max(self._every - _AT_MOST_EVERY, 0))
        self._news.clear()
        return not (self._stopping.is_set() or self.is_lost)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimedOut in the work after so many seconds, where it is done in a main thread.

    Both engines run jobs in main threads. Elsewhere the lease ends with the heartbeat.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: object) -> None:
        raise TimedOut(f"{seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
