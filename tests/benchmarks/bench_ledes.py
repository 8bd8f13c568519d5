"""LEDES 1998B, 100,000 lines: writing, and reading with every check, against a bare floor.

The floor of writing joins ready texts into the same bytes; the floor of reading splits the same
bytes into texts. Medians of three. Bounded: at most 5 seconds each.

    python tests/benchmarks/bench_ledes.py
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from invoices.ledes.check import check  # noqa: E402
from invoices.ledes.ledes1998b import render_all  # noqa: E402
from invoices.ledes.proof import prove  # noqa: E402
from tests.invoices.snapshots import expense, fee, invoice  # noqa: E402

LINES = 100_000
PER_INVOICE = 100
BOUND_SECONDS = 5.0


def measured(work: Callable[[], object], times: int = 3) -> float:
    """Return the median seconds of the work."""
    seconds = []
    for _ in range(times):
        gc.collect()
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return median(seconds)


def main() -> int:
    """Print the table, keep it, and return 1 when a bound is broken."""
    snapshots = [
        invoice(
            *(
                (expense if number % 5 == 0 else fee)(
                    str(number),
                    narrative=(
                        text := f"Reviewed exhibit {number} of invoice {which}; drafted memo"
                    ),
                    emitted_narrative=text,
                )
                for number in range(1, PER_INVOICE + 1)
            ),
            number=f"2026-{which:05d}",
        )
        for which in range(LINES // PER_INVOICE)
    ]
    data = render_all(snapshots)
    texts = [line.split("|") for line in data.decode("ascii").splitlines()]
    one = render_all(snapshots[:1])
    if not check(data).ok or not prove(one, snapshots[0]).ok:
        sys.stderr.write("The file is not clean; its figures would mean nothing.\n")
        return 1

    join = measured(lambda: "\r\n".join("|".join(each) for each in texts).encode("ascii"))
    split = measured(lambda: [line.split("|") for line in data.decode("ascii").splitlines()])
    rows = {
        "write": (measured(lambda: render_all(snapshots)), join),
        "read and check": (measured(lambda: check(data)), split),
    }
    report = {
        name: {
            "seconds": round(seconds, 3),
            "lines_per_second": round(LINES / seconds),
            "floor_seconds": round(floor, 3),
            "times_floor": round(seconds / floor, 1),
        }
        for name, (seconds, floor) in rows.items()
    }
    print(f"{LINES:,} lines, {len(data) / 1e6:.1f} MB, medians of three")
    print(f"{'what':<16}{'seconds':>9}{'lines/s':>12}{'floor s':>9}{'x floor':>9}")
    for name, each in report.items():
        print(
            f"{name:<16}{each['seconds']:>9.3f}{each['lines_per_second']:>12,}"
            f"{each['floor_seconds']:>9.3f}{each['times_floor']:>9.1f}"
        )
    kept = ROOT / "var" / "bench" / "ledes.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return int(any(seconds > BOUND_SECONDS for seconds, _ in rows.values()))


if __name__ == "__main__":
    raise SystemExit(main())
