"""How fast the books are written, against floors in the same run: ``make bench NAME=ledger``.

Entries of two lines in batches of 1,000, each batch a transaction. Floors: bare rows by COPY into a
temporary table without keys or indexes (lower than any ledger can go), and the ORM's
``bulk_create`` of both models without our posting, under the same guards, which cannot be switched
off. Medians of ratios of the same round; bounded to about a minute.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

import django  # noqa: E402

from tests.benchmarks.preparing import prepare  # noqa: E402

ROUNDS, BATCH = 15, 1000


def main() -> None:
    """Measure and print a table."""
    prepare("bench")
    django.setup()
    from django.db import connection

    from billing_portal.audit import sealing
    from billing_portal.money import Money
    from billing_portal.tenancy.actors import system
    from billing_portal.tenancy.models import Tenant
    from billing_portal.tenancy.scope import tenant_scope
    from ledger.actions.posting import Line, NewEntry, post
    from ledger.models import Account, AccountingPeriod, Entry, Posting

    firm = Tenant.objects.create(slug="bench", name="Bench")
    by, one, day = system("bench"), Money(Decimal(1), "USD"), date(2026, 10, 1)

    def new_entries(count: int) -> list[NewEntry]:
        lines = (Line("wip", one, "cus_a"), Line("fees", -one))
        return [
            NewEntry(kind="charge", booked_on=day, key=str(uuid4()), lines=lines)
            for _ in range(count)
        ]

    def ours() -> None:
        post(new_entries(BATCH), by=by)

    def singly() -> None:
        for entry in new_entries(1):
            post([entry], by=by)

    def orm() -> None:
        pair = list(Account.objects.order_by("pk")[:2])
        period = AccountingPeriod.objects.get()
        with connection.cursor() as cursor:
            cursor.execute(
                "select nextval(pg_get_serial_sequence('ledger_entry', 'id'))"
                " from generate_series(1, %s)",
                [BATCH],
            )
            ids = [row[0] for row in cursor.fetchall()]
        Posting.objects.bulk_create(
            Posting(entry_id=pk, line_no=n, account=a, currency="USD", amount=m)
            for pk in ids
            for n, (a, m) in enumerate(zip(pair, (100, -100), strict=True))
        )
        Entry.objects.bulk_create(
            Entry(id=pk, kind="x", booked_on=day, effective_on=day, period=period, key=f"o{pk}")
            for pk in ids
        )

    def copy() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "create temporary table if not exists bare (entry bigint, account bigint,"
                " currency text, amount bigint, key text)"
            )
            with cursor.copy("copy bare from stdin") as rows:
                for number in range(BATCH):
                    rows.write_row((number, 1, "USD", 100, str(uuid4())))
                    rows.write_row((number, 2, "USD", -100, ""))

    def seal() -> None:
        sealing.seal("ledger", limit=5000)

    def timed(deed: Callable[[], None]) -> float:
        with tenant_scope(firm.pk):
            began = time.perf_counter()
            deed()
        return time.perf_counter() - began

    timed(ours)
    found: dict[str, list[float]] = {"post": [], "orm": [], "copy": [], "single": [], "seal": []}
    for _ in range(ROUNDS):
        for name, deed in (("post", ours), ("orm", orm), ("copy", copy), ("single", singly)):
            found[name].append(timed(deed))
    for _ in range(3):
        found["seal"].append(timed(seal))
    report(found)


def report(found: dict[str, list[float]]) -> None:
    """Print medians and same-round ratios, and keep them."""
    rates = {
        "batch of 1,000 by post(), entries/s": BATCH / statistics.median(found["post"]),
        "batch of 1,000 by bulk_create, entries/s": BATCH / statistics.median(found["orm"]),
        "bare rows by COPY, entries/s": BATCH / statistics.median(found["copy"]),
        "single post(), entries/s": 1 / statistics.median(found["single"]),
        "sealer, entries/s": 5000 / statistics.median(found["seal"]),
    }

    def ratio(other: str) -> float:
        pairs = zip(found[other], found["post"], strict=True)
        return statistics.median(floor / ours for floor, ours in pairs)

    ratios = {"post / COPY": ratio("copy"), "post / bulk_create": ratio("orm")}
    for name, rate in rates.items():
        print(f"{name:<44}{rate:>12,.0f}")
    for name, value in ratios.items():
        print(f"{name:<44}{value:>12.2f}")
    target = ROOT / "var/bench/ledger.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"rates": rates, "ratios": ratios}, indent=2) + "\n")


if __name__ == "__main__":
    main()
