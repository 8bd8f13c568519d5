"""How long files of charges take: ``python tests/benchmarks/bench_imports.py [rows]``.

The largest file that is answered within its request, a large one by its job, both against rows that
are only read, and a large one full of faults. With the usual durability.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.preparing import prepare  # noqa: E402

_ON = date(2026, 11, 20)
_HEADER = "key,kind,customer,worked_on,quantity,unit_price,narrative\n"


def main(size: int) -> None:
    """Prepare a firm, take files in, and tell times and ratios."""
    prepare("bench_imports")
    import django

    django.setup()
    from billing_portal.imports.asking import take_in_later
    from billing_portal.imports.models import FileImport
    from billing_portal.imports.taking import take
    from billing_portal.tenancy.scope import tenant_scope
    from invoices.forms.charge_files import CSV, LARGE_ROWS
    from invoices.forms.charges import read_charges
    from tests.factories import TenantFactory
    from tests.invoices import books
    from tests.invoices.books import SYSTEM

    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        customer = books.customer().external_id
        by = books.member("biller")

    def file(name: str, rows: int, quantity: str = "1") -> bytes:
        lines = [
            f"{name}:{n},EXPENSE,{customer},2026-10-12,{quantity},10.00,Copies of exhibit {n}\n"
            for n in range(rows)
        ]
        return f"{_HEADER}{''.join(lines)}".encode()

    def in_the_request() -> None:
        with tenant_scope(firm.pk):
            data = file("small", LARGE_ROWS - 1)
            CSV.take(data, name="small.csv", options={}, by=SYSTEM, on=_ON)

    def by_a_job(data: bytes) -> None:
        with tenant_scope(firm.pk):
            row: FileImport = take_in_later(CSV, data, name="large.csv", by=by, on=_ON)
        from billing_portal.errors import Refused

        try:
            take(firm.pk, row.pk, now=datetime.now(UTC))
        except Refused as no:
            print(f"  refused: {no}")

    large, faulty = file("large", size), file("faulty", size, quantity="x")
    read = _told(f"{size} rows are read", lambda: read_charges(large))
    small = _told(f"{LARGE_ROWS - 1} rows within the request", in_the_request)
    taken = _told(f"{size} rows by a job", lambda: by_a_job(large))
    _told(f"{size} faulty rows by a job", lambda: by_a_job(faulty))
    print(f"by a job {taken / read:.1f} x reading, {size / taken:.0f} rows/s")
    print(f"within the request {(LARGE_ROWS - 1) / small:.0f} rows/s")


def _told(what: str, deed: Callable[[], object]) -> float:
    started = time.perf_counter()
    deed()
    seconds = time.perf_counter() - started
    print(f"{what}: {seconds:.2f} s")
    return seconds


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
