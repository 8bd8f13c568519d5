"""One-page invoices to PDF: the printer with two children against bare WeasyPrint in one process.

Both print the same documents in the same run; the ratio says what two children and their walls
are worth on this machine. Bounded: each side stops after its share of time.

    python tests/benchmarks/bench_pdf.py
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from invoices.gateways.pdf import PdfPrinter  # noqa: E402

CHILDREN = 2
SECONDS_EACH = 12.0
LEAST_PER_SECOND = 2.0
STYLE = (
    "@page { size: letter; margin: 2cm; @bottom-right { content: counter(page) } }"
    "body { font: 10pt sans-serif } table { width: 100%; border-collapse: collapse }"
    "td, th { border-bottom: 1px solid #999; padding: 4px; text-align: left }"
)


def document(number: int) -> str:
    """Return an invoice of 22 lines, each with a number of its own."""
    rows = "".join(
        f"<tr><td>2026-10-{day:02d}</td><td>Review exhibit {number}-{day}; draft memo</td>"
        f"<td>1.{day % 10}</td><td>{number}.{day:02d}</td></tr>"
        for day in range(1, 23)
    )
    return (
        f"<html lang=en><title>{number}</title><style>{STYLE}</style><h1>Invoice {number}</h1>"
        f"<table><thead><tr><th>Day<th>Work<th>Hours<th>Amount</thead>{rows}</table>"
    )


def bare() -> Callable[[str], bytes]:
    """Return WeasyPrint as it comes, warm."""
    from weasyprint import HTML

    def work(html: str) -> bytes:
        printed: bytes = HTML(string=html).write_pdf()
        return printed

    work(document(0))
    return work


def rate_of(work: Callable[[str], bytes], threads: int) -> float:
    """Return documents per second, measured for the share of time."""
    numbers, start = count(1), perf_counter()

    def keep_going() -> int:
        done = 0
        while perf_counter() - start < SECONDS_EACH:
            work(document(next(numbers)))
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        waiting = [pool.submit(keep_going) for _ in range(threads)]
        done = sum(each.result() for each in waiting)
    return done / (perf_counter() - start)


def main() -> int:
    """Print the figures, keep them, and return 1 when the printer is slower than its bound."""
    alone = rate_of(bare(), threads=1)
    with PdfPrinter(children=CHILDREN) as printer:

        def work(html: str) -> bytes:
            return printer.print(html, assets={})

        with ThreadPoolExecutor(CHILDREN) as pool:  # each child is warm before the clock starts
            list(pool.map(work, [document(0)] * CHILDREN))
        walled = rate_of(work, threads=CHILDREN)
    load = os.getloadavg()[0]
    print(f"one-page invoices, {SECONDS_EACH:.0f} s each, load {load:.1f}")
    print(f"{'bare WeasyPrint, 1 process':<32}{alone:>8.1f} PDF/s")
    print(f"{f'printer, {CHILDREN} children':<32}{walled:>8.1f} PDF/s")
    print(f"{'ratio':<32}{walled / alone:>8.2f}")
    kept = ROOT / "var" / "bench" / "pdf.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    report = {"bare_per_second": alone, "printer_per_second": walled, "ratio": walled / alone}
    report = {name: round(value, 2) for name, value in report.items()} | {"load": round(load, 1)}
    kept.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return int(walled < LEAST_PER_SECOND)


if __name__ == "__main__":
    raise SystemExit(main())
