"""Kill, without warning, processes that are at work on a job."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from dataclasses import dataclass

import psycopg

_HOLDERS = """
    select job.name, job.id, job.worker
    from jobs_slot slot join jobs_job job on job.id = slot.job_id
    where job.state = 'running' and job.lease_until > now()
"""


@dataclass(frozen=True)
class Kill:
    """A process that held a lease, and what it was doing."""

    kind: str
    job: int
    pid: int


class Killer(threading.Thread):
    """Kill one holder of each kind of job that is wanted, somewhere in the middle of its work.

    :param kinds: ends of job names; one process dies for each, in whatever order they come.
    :param within: how long after it is seen a process may live, at most, in seconds.
    :param random: where the moment comes from, so that a run can be had again.
    """

    def __init__(self, database: str, kinds: list[str], *, within: float, random: random.Random):
        super().__init__(daemon=True)
        self.database, self.within, self.random = database, within, random
        self.wanted = list(kinds)
        self.kills: list[Kill] = []
        self._ended = threading.Event()

    def run(self) -> None:
        """Watch who holds a lease until all kinds have died or the story has ended."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            while self.wanted and not self._ended.is_set():
                for name, job, worker in connection.execute(_HOLDERS).fetchall():
                    kind = next((each for each in self.wanted if name.endswith(each)), None)
                    if kind is None:
                        continue
                    time.sleep(self.random.uniform(0, self.within))
                    if self._still_holds(connection, job, worker):
                        self._kill(kind, job, int(worker.rsplit("/", 1)[1]))
                        break
                time.sleep(0.005)

    def stop(self) -> list[Kill]:
        """End the watch and return who died."""
        self._ended.set()
        self.join(10)
        return self.kills

    def _still_holds(self, connection: psycopg.Connection, job: int, worker: str) -> bool:
        return any(row[1:] == (job, worker) for row in connection.execute(_HOLDERS).fetchall())

    def _kill(self, kind: str, job: int, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself: wait for another
            os.kill(pid, signal.SIGKILL)
            self.kills.append(Kill(kind, job, pid))
            self.wanted.remove(kind)
