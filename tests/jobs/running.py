"""Ways to run jobs in tests: here, through the same gatekeeper and worker, or in real workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from billing_portal.jobs import gatekeeper, worker
from billing_portal.jobs.models import Job

ROOT = Path(__file__).resolve().parent.parent.parent


def drain(limit: int = 1000) -> list[str]:
    """Run what is ready, in this process, as the gatekeeper admits it; return the outcomes."""
    gatekeeper.make_slots(settings.JOB_SLOTS)
    outcomes: list[str] = []
    while len(outcomes) < limit:
        admitted: list[Job] = []
        for queue in settings.JOB_SLOTS:
            gatekeeper.admit(queue, dispatch=admitted.append)
        if not admitted:
            break
        outcomes += [worker.execute(job.pk, job.claim_no) for job in admitted]
    return outcomes


def admitted_now(queue: str = "default") -> list[Job]:
    """Let the gatekeeper look once and return what it would have handed to the engine."""
    gatekeeper.make_slots(settings.JOB_SLOTS)
    found: list[Job] = []
    gatekeeper.admit(queue, dispatch=found.append)
    return found


@contextmanager
def real_workers(folder: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``manage.py workers`` on the test's database; nothing of it is left afterwards."""
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "SAMPLE_DIR": str(folder),
        "ANCHORS_DIR": str(folder / "anchors"),
        "JOB_BEAT_SECONDS": "1",
        "PYTHONPATH": str(ROOT),
        **environment,
    }
    command = [sys.executable, "manage.py", "workers"]
    with (folder / "workers.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def until(true: Callable[[], bool], *, seconds: float = 30) -> bool:
    """Wait for something to become true; say whether it did."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.1)
    return true()


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below one."""
    found: list[int] = []
    for child in _children(pid):
        found += [child, *descendants(child)]
    return found


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(number) for number in text.split()]
