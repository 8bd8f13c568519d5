"""One-page invoices to PDF: the printer with two children against bare WeasyPrint in one process.

Both print the same plain documents in the same run; the ratio says what two children and their
walls are worth on this machine. Then both print the portal's own invoices, of one line and of
twenty-two: what an invoice costs in full, from its frozen facts. Bounded: each side stops after its
share of time.

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

import django  # noqa: E402

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from invoices.actions.render import page_of, style_of_pages  # noqa: E402
from invoices.gateways.pdf import PdfPrinter  # noqa: E402
from tests.invoices import snapshots  # noqa: E402

CHILDREN = 2
SECONDS_EACH = 12.0
LEAST_RATIO = 0.9
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


def invoice(lines: int) -> Callable[[int], str]:
    """Return what makes the page of a real invoice of so many lines, from its frozen facts."""
    fees = tuple(snapshots.fee(str(number)) for number in range(1, lines + 1))

    def made(number: int) -> str:
        return page_of(snapshots.invoice(*fees, number=f"2026-{number:05}"))

    return made


def bare(style: str) -> Callable[[str], bytes]:
    """Return WeasyPrint as it comes, warm."""
    from weasyprint import HTML

    def work(html: str) -> bytes:
        styled = html.replace("</head>", f"<style>{style}</style></head>") if style else html
        printed: bytes = HTML(string=styled).write_pdf()
        return printed

    work(document(0))
    return work


def rate_of(work: Callable[[str], bytes], page: Callable[[int], str], threads: int) -> float:
    """Return documents per second, measured for the share of time."""
    numbers, start = count(1), perf_counter()

    def keep_going() -> int:
        done = 0
        while perf_counter() - start < SECONDS_EACH:
            work(page(next(numbers)))
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        waiting = [pool.submit(keep_going) for _ in range(threads)]
        done = sum(each.result() for each in waiting)
    return done / (perf_counter() - start)


def compared(printer: PdfPrinter, page: Callable[[int], str], style: str) -> tuple[float, float]:
    """Return how many of the pages bare WeasyPrint prints a second, and how many the printer."""

    def work(html: str) -> bytes:
        return printer.print(html, assets={}, style=style)

    with ThreadPoolExecutor(CHILDREN) as pool:  # each child is warm before the clock starts
        list(pool.map(work, [page(0)] * CHILDREN * 2))
    return rate_of(bare(style), page, threads=1), rate_of(work, page, threads=CHILDREN)


def main() -> int:
    """Print the figures, keep them, and return 1 when the printer falls behind bare WeasyPrint."""
    style = style_of_pages()
    kinds = {
        "plain": (document, ""),
        "invoice_of_1_line": (invoice(1), style),
        "invoice_of_22_lines": (invoice(22), style),
    }
    report: dict[str, dict[str, float]] = {}
    with PdfPrinter(children=CHILDREN) as printer:
        for name, (page, sheet) in kinds.items():
            alone, walled = compared(printer, page, sheet)
            report[name] = {
                "bare_per_second": round(alone, 2),
                "printer_per_second": round(walled, 2),
                "ratio": round(walled / alone, 2),
            }
    load = os.getloadavg()[0]
    print(f"one-page documents a second, {SECONDS_EACH:.0f} s each, load {load:.1f}")
    print(f"{'':<22}{'bare, 1 process':>17}{f'printer, {CHILDREN}':>13}{'ratio':>8}")
    for name, told in report.items():
        print(
            f"{name.replace('_', ' '):<22}{told['bare_per_second']:>17.1f}"
            f"{told['printer_per_second']:>13.1f}{told['ratio']:>8.2f}"
        )
    kept = ROOT / "var" / "bench" / "pdf.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({**report, "load": round(load, 1)}, indent=2) + "\n", "utf-8")
    return int(min(each["ratio"] for each in report.values()) < LEAST_RATIO)


if __name__ == "__main__":
    raise SystemExit(main())
