"""How many requests were answered and how fast, over all processes and machines.

Each process counts in memory and adds to a shared row every few seconds, after an answer and so
outside any firm's transaction. Nothing is counted unless somebody may read it. What a process has
counted since is not told before its next request; what it has not added when it is killed is lost.
"""

from __future__ import annotations

import bisect
import threading
import time
from dataclasses import dataclass
from itertools import accumulate

import structlog
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse

from billing_portal.api.models import Tally

EDGES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
FLUSH_SECONDS = 5
_MICROSECONDS = 1_000_000
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Answered:
    """Requests of one door and kind of status, as counted by all.

    :ivar counts: how many took up to each edge and more than the one before; last, the rest.
    """

    door: str
    status: str
    counts: list[int]
    seconds: float

    def cumulative(self) -> list[tuple[str, float]]:
        """Return how many took up to each edge, as a Prometheus histogram has it."""
        edges = [*(str(edge) for edge in EDGES), "+Inf"]
        return list(zip(edges, accumulate(self.counts), strict=True))


class _Pending:
    """What this process has counted and not yet added."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.flushed_at = 0.0
        self.counts: dict[str, list[int]] = {}
        self.microseconds: dict[str, int] = {}

    def note(self, name: str, seconds: float) -> bool:
        """Count one answer and say whether it is time to add up."""
        with self.lock:
            counts = self.counts.setdefault(name, [0] * (len(EDGES) + 1))
            counts[bisect.bisect_left(EDGES, seconds)] += 1
            spent = self.microseconds.get(name, 0) + round(seconds * _MICROSECONDS)
            self.microseconds[name] = spent
            return time.monotonic() - self.flushed_at > FLUSH_SECONDS

    def taken(self) -> list[tuple[str, list[int], int]]:
        """Hand over what was counted, by name, and begin anew."""
        with self.lock:
            found = [(n, counts, self.microseconds[n]) for n, counts in sorted(self.counts.items())]
            self.counts, self.microseconds = {}, {}
            self.flushed_at = time.monotonic()
        return found


_pending = _Pending()


def note(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Count an answer; every few seconds, add what was counted to the shared rows."""
    if not (settings.METRICS_TOKEN or settings.METRICS_NETWORKS):
        return
    name = f"{_door_of(request)} {response.status_code // 100}xx"
    if _pending.note(name, seconds):
        flush()


def flush() -> None:
    """Add what this process has counted to the shared rows. A statement for each, in one order."""
    for name, counts, microseconds in _pending.taken():
        try:
            with connection.cursor() as cursor:
                cursor.execute(_ADD, [name, counts, microseconds])
        except Error as error:  # the answer is on its way; a hole in the figures is the lesser harm
            _log.warning("requests not counted", name=name, error=type(error).__name__)


def stored() -> list[Answered]:
    """Return what all processes have added. One query."""
    found = []
    for row in Tally.objects.order_by("name"):
        door, status = row.name.split(" ")
        found.append(Answered(door, status, row.counts, row.microseconds / _MICROSECONDS))
    return found


def _door_of(request: HttpRequest) -> str:
    if hasattr(request, "firm_slug"):
        return "page"
    for prefix, door in _DOORS.items():
        if request.path.startswith(prefix):
            return door
    return "other"


_DOORS = {
    "/api/": "api",
    "/accounts/": "account",
    "/static/": "static",
    "/healthz": "probe",
    "/readyz": "probe",
    "/metrics": "probe",
}
_ADD = """
insert into api_tally as t (name, counts, microseconds) values (%s, %s::bigint[], %s)
on conflict (name) do update set
  counts = (
    select array_agg(u.old + u.more order by u.place)
    from unnest(t.counts, excluded.counts) with ordinality as u (old, more, place)
  ),
  microseconds = t.microseconds + excluded.microseconds
"""
