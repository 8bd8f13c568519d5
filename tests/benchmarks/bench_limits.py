"""What counting a request costs: ``make bench NAME=limits``.

The statement of ``limits.take`` alone, with the four buckets of a request with a key, on the
embedded server with its usual durability: one connection after another request of its own, and four
connections that all draw from one firm and one address. The floor is ``select 1`` in the same run.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

import django  # noqa: E402

from tests.benchmarks.preparing import prepare  # noqa: E402

ROUNDS, SIDE_BY_SIDE = 2000, 4


def main() -> None:
    """Measure and print milliseconds."""
    prepare("bench")
    django.setup()
    from django.conf import settings
    from django.db import connection, connections

    from billing_portal.api.limits import Draw, take

    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 10**9)

    def counted(key: str = "1") -> None:
        take(
            [
                Draw("address", "192.0.2.1", 1),
                Draw("firm", "1", 1),
                Draw("key", key, 1),
                Draw("failures", "192.0.2.1/0123456789", 1, is_look=True),
            ]
        )

    def floor() -> None:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
            cursor.fetchall()

    def timed(step: Callable[[], None]) -> list[float]:
        found = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            step()
            found.append((time.perf_counter() - began) * 1000)
        return found

    timed(floor)
    results = {"floor": _said(timed(floor)), "alone": _said(timed(counted))}
    crowd: list[float] = []

    def one(number: int) -> None:
        crowd.extend(timed(lambda: counted(str(number))))
        connections.close_all()

    threads = [threading.Thread(target=one, args=[number]) for number in range(SIDE_BY_SIDE)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = round(len(crowd) / (time.perf_counter() - began))
    results["side by side"] = _said(crowd) | {"a second": rate}
    print(json.dumps(results, indent=2))


def _said(milliseconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(milliseconds, n=100)
    return {"median ms": round(cuts[49], 3), "p99 ms": round(cuts[98], 3)}


if __name__ == "__main__":
    main()
