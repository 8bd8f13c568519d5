"""A month end in process: plan, draft, approve, finalize, against bare inserts in the same run.

The floor is an invoice and its lines by two ``unnest`` statements into unguarded tables of the same
columns, in batches of the same size; nothing is numbered, taxed, booked, audited or told there.

    python tests/benchmarks/bench_month_end.py [customers]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import psycopg

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from billing_portal import postgres  # noqa: E402

DATABASE = "bench_month_end"
CUSTOMERS = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
LINES = 4
BATCH = 50
NOW = datetime(2026, 11, 3, tzinfo=UTC)
WANTED = 500


def prepare() -> None:
    """Make a database anew, migrate it, and point Django at it as the application's role."""
    server = postgres.ensure_running()
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(f"drop database if exists {DATABASE} with (force)")
    postgres.ensure_database(server, DATABASE)
    os.environ["DATABASE_URL"] = server.url(postgres.APP_ROLE, DATABASE)
    os.environ["DATABASE_OWNER_URL"] = server.url(postgres.OWNER_ROLE, DATABASE)
    os.environ["DJANGO_SETTINGS_MODULE"] = "billing_portal.settings"
    os.environ["LOG_LEVEL"] = "ERROR"
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    began = perf_counter()
    work()
    return perf_counter() - began


def main() -> int:
    """Measure, print a table, and keep it below var/bench."""
    prepare()
    import django

    django.setup()
    from billing_portal.tenancy.actors import system
    from billing_portal.tenancy.models import Tenant
    from billing_portal.tenancy.scope import tenant_scope

    firm = Tenant.objects.create(slug="bench", name="Bench LLP", region="NY")
    by = system("bench")

    def scoped(work: Callable[[], object]) -> float:
        def inside() -> None:
            with tenant_scope(firm.pk):
                work()

        return timed(inside)

    found: dict[str, float] = {"customers": CUSTOMERS, "lines each": LINES}
    scoped(customers)
    capture_seconds = capture(scoped, by)
    found["charges captured/s"] = CUSTOMERS * LINES / capture_seconds
    seconds = run(scoped, by)
    for name, value in seconds.items():
        found[f"{name}, invoices/s"] = CUSTOMERS / value
    whole = seconds["draft"] + seconds["finalize"]
    found["draft and finalize, invoices/s"] = CUSTOMERS / whole
    floor = bare(firm.pk)
    found["floor (bare inserts), invoices/s"] = CUSTOMERS / floor
    found["ratio to the floor"] = floor / whole
    for name, value in found.items():
        print(f"{name:<40}{value:>12,.2f}")
    print(f"{'wanted, invoices/s':<40}{WANTED:>12,.2f}")
    (ROOT / "var/bench").mkdir(parents=True, exist_ok=True)
    (ROOT / "var/bench/month_end.json").write_text(json.dumps(found, indent=2) + "\n")
    return 0


def customers() -> None:
    """Write customers with address and monthly terms, as their own system would have."""
    from customers.models import Address, AggregationSetting, Customer

    rows = Customer.objects.bulk_create(
        Customer(
            external_id=f"C{n:06}", external_key=f"c{n:06}", name=f"Insurer {n}",
            name_key=f"insurer {n}", currency="USD",
        )
        for n in range(CUSTOMERS)
    )  # fmt: skip
    first = date(2026, 1, 1)
    Address.objects.bulk_create(
        Address(customer=row, starts_on=first, line_1="1 Main", city="Albany", region="NY")
        for row in rows
    )
    AggregationSetting.objects.bulk_create(
        AggregationSetting(
            customer=row, starts_on=first, cadence="MONTHLY", time_zone="America/New_York",
            minimum=Decimal(0), minimum_currency="USD", formats=["pdf"],
        )
        for row in rows
    )  # fmt: skip


def capture(scoped: Callable[[Callable[[], object]], float], by) -> float:
    """Capture the month's work in batches of 1,000; return the seconds."""
    from invoices.actions.capture import capture
    from invoices.actions.rows import NewCharge

    rows = [
        NewCharge(
            key=f"{n}:{line}", kind="EXPENSE", customer=f"C{n:06}",
            worked_on=date(2026, 10, 1 + (n + line) % 28), quantity=Decimal(1),
            unit_price=Decimal("41.54"), expense_code="E110", narrative="Mileage to deposition",
        )
        for n in range(CUSTOMERS)
        for line in range(LINES)
    ]  # fmt: skip
    on = date(2026, 11, 1)
    batches = [rows[at : at + 1000] for at in range(0, len(rows), 1000)]
    return sum([scoped(partial(capture, "bench", batch, by=by, on=on)) for batch in batches])


def run(scoped: Callable[[Callable[[], object]], float], by) -> dict[str, float]:
    """Plan, draft, approve and finalize; return the seconds of each."""
    from invoices.actions.draft import draft_items
    from invoices.actions.finalize import finalize
    from invoices.actions.plan import plan_run
    from invoices.models import BillingRun, Invoice

    def plan() -> None:
        plan_run(
            key=str(uuid4()), billing_aggregation="monthly", on=date(2026, 11, 1), now=NOW, by=by,
            period_of_execution="beginning-of-the-month",
        )  # fmt: skip

    def draft(first: int) -> None:
        draft_items(BillingRun.objects.get(), first=first, last=first + BATCH - 1, by=by)

    def finalize_batch() -> None:
        rows = Invoice.objects.filter(state="APPROVED").order_by("run_item__position")
        finalize(list(rows[:100]), by=by, on=date(2026, 11, 2))

    seconds = {"plan": scoped(plan)}
    places = range(1, CUSTOMERS + 1, BATCH)
    seconds["draft"] = sum([scoped(partial(draft, first)) for first in places])
    scoped(partial(Invoice.objects.update, state="APPROVED"))
    batches = range(0, CUSTOMERS, 100)
    seconds["finalize"] = float(sum(scoped(finalize_batch) for _ in batches))
    return seconds


def bare(firm_id: int) -> float:
    """Insert as many invoices and lines into tables without any law; return the seconds."""
    server = postgres.ensure_running()
    with psycopg.connect(server.url(postgres.OWNER_ROLE, DATABASE)) as connection:
        connection.execute(
            "create table bare_invoice (id bigint primary key, t bigint, c bigint,"
            " net bigint, tax bigint, total bigint, number text, period date)"
        )
        connection.execute(
            "create table bare_line (id bigserial primary key, i bigint, n int,"
            " amount bigint, worked date, narrative text)"
        )
        connection.commit()
        began = perf_counter()
        for at in range(0, CUSTOMERS, 100):
            ids = list(range(at, at + 100))
            connection.execute(
                "insert into bare_invoice select i, %s, i, 16616, 0, 16616, i::text, '2026-10-01'"
                " from unnest(%s::bigint[]) i", [firm_id, ids],
            )  # fmt: skip
            connection.execute(
                "insert into bare_line (i, n, amount, worked, narrative) select i, n, 4154,"
                " '2026-10-05', 'Mileage to deposition' from unnest(%s::bigint[]) i,"
                " generate_series(1, %s) n", [ids, LINES],
            )  # fmt: skip
            connection.commit()
        return perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
