"""A month end: plan, draft, approve, finalize, against bare inserts in the same run.

Measured by one process, and by two at once: each the month end of a firm of its own, and one firm
whose drafts two processes make and one finalizes, as the design has it. The floor is an invoice
and its lines by two ``unnest`` statements into tables of the same columns without laws or indexes;
nothing is numbered, taxed, booked, audited or told there. The seconds of the processors are told
beside the rates, because a busy machine changes only the rates.

    python tests/benchmarks/bench_month_end.py [customers of each firm]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from uuid import uuid4

import psycopg

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from billing_portal import postgres  # noqa: E402
from tests.benchmarks.preparing import prepare  # noqa: E402

DATABASE = "bench_month_end"
CUSTOMERS = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
LINES = 4
NOW = datetime(2026, 11, 3, tzinfo=UTC)
WANTED = 500
SHARES = {"whole": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    began = perf_counter()
    work()
    return perf_counter() - began


@dataclass
class Share:
    """What one process did of a month end: seconds on the clock, and of the processors."""

    clock: float = 0.0
    python: float = 0.0
    database: float = 0.0

    def of(self, work: Callable[[], object]) -> None:
        """Do a piece of work in the firm's scope and add what it took."""
        python, database, began = process_time(), backend_seconds(), perf_counter()
        work()
        self.clock += perf_counter() - began
        self.python += process_time() - python
        self.database += backend_seconds() - database


def backend_seconds() -> float:
    """Return the processor's seconds of the database's process at the other end."""
    from django.db import connection

    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Measure, print a table, and keep it below var/bench."""
    os.environ["LOG_LEVEL"] = "ERROR"
    prepare(DATABASE, settings="billing_portal.settings")
    import django

    django.setup()
    found: dict[str, float] = {"customers of each firm": CUSTOMERS, "lines each": LINES}
    alone = make_firm("alone", found)
    shares = {"draft": draft(alone), "finalize": finalize_all(alone)}
    for name, share in shares.items():
        found[f"{name}, invoices/s"] = CUSTOMERS / share.clock
        found[f"{name}, Python ms each"] = share.python / CUSTOMERS * 1000
        found[f"{name}, database ms each"] = share.database / CUSTOMERS * 1000
    whole = sum(share.clock for share in shares.values())
    found["one process, invoices/s"] = CUSTOMERS / whole
    looked = verified(alone)
    found["verify 100,000 invoices, s (extrapolated)"] = looked.clock / CUSTOMERS * 100_000
    found["the same, of the processors"] = (looked.python + looked.database) / CUSTOMERS * 100_000
    floor = bare(alone)
    found["floor (bare inserts), invoices/s"] = CUSTOMERS / floor
    found["ratio to the floor"] = floor / whole
    one, two = (make_firm(name, {}) for name in ("left", "right"))
    both = at_once([("whole", one), ("whole", two)])
    found["two firms, a process each, invoices/s"] = 2 * CUSTOMERS / both
    shared = make_firm("shared", {})
    drafted = at_once([("even", shared), ("odd", shared)])
    found["one firm, two processes draft, invoices/s"] = CUSTOMERS / drafted
    found["one firm, two processes, invoices/s"] = CUSTOMERS / (
        drafted + at_once([("finalize", shared)])
    )
    for name, value in found.items():
        print(f"{name:<44}{value:>12,.2f}")
    print(f"{'wanted, invoices/s':<44}{WANTED:>12,.2f}")
    (ROOT / "var/bench").mkdir(parents=True, exist_ok=True)
    (ROOT / "var/bench/month_end.json").write_text(json.dumps(found, indent=2) + "\n")
    return 0


def make_firm(slug: str, found: dict[str, float]) -> int:
    """Make a firm with customers, captured work and a plan; return its key."""
    from billing_portal.tenancy.actors import system
    from billing_portal.tenancy.models import Tenant

    firm = Tenant.objects.create(slug=slug, name=f"{slug.capitalize()} LLP", region="NY")
    scoped(firm.pk, customers)
    by = system("bench")
    found["charges captured/s"] = CUSTOMERS * LINES / capture(firm.pk, by)
    found["plan, invoices/s"] = CUSTOMERS / scoped(firm.pk, partial(plan, by))
    return firm.pk


def scoped(firm_id: int, work: Callable[[], object]) -> float:
    """Return the seconds that something takes in a firm's scope."""
    from billing_portal.tenancy.scope import tenant_scope

    def inside() -> None:
        with tenant_scope(firm_id):
            work()

    return timed(inside)


def at_once(work: list[tuple[str, int]]) -> float:
    """Do pieces of work in processes of their own that begin together; return the seconds."""
    command = [sys.executable, __file__, str(CUSTOMERS)]
    running = [
        subprocess.Popen(
            [*command, what, str(firm)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for what, firm in work
    ]  # fmt: skip
    try:
        for each in running:
            assert each.stdout
            each.stdout.readline()
        began = perf_counter()
        for each in running:
            assert each.stdin
            each.stdin.write("go\n")
            each.stdin.flush()
        codes = [each.wait(timeout=600) for each in running]
        took = perf_counter() - began
    finally:
        for each in running:
            each.kill()
            each.wait()
    assert codes == [0] * len(codes)
    return took


def share_of_work(what: str, firm_id: int) -> int:
    """Do one piece of work, once the word is given."""
    import django

    django.setup()
    backend_seconds()
    print("ready", flush=True)
    sys.stdin.readline()
    if what in SHARES:
        draft(firm_id, SHARES[what])
    if what in {"whole", "finalize"}:
        finalize_all(firm_id)
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


def capture(firm_id: int, by) -> float:
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
    return sum(scoped(firm_id, partial(capture, "bench", batch, by=by, on=on)) for batch in batches)


def plan(by) -> None:
    """Plan the month end."""
    from invoices.actions.plan import plan_run

    plan_run(
        key=str(uuid4()), billing_aggregation="monthly", on=date(2026, 11, 1), now=NOW, by=by,
        period_of_execution="beginning-of-the-month",
    )  # fmt: skip


def draft(firm_id: int, batches: slice = slice(None)) -> Share:
    """Draft batches of the run, each in a transaction, as the run's jobs do."""
    from billing_portal.tenancy.actors import system
    from invoices.actions.draft import draft_items
    from invoices.actions.run import BATCH
    from invoices.models import BillingRun

    def one(first: int) -> None:
        run, last = BillingRun.objects.get(), first + BATCH - 1
        draft_items(run, first=first, last=last, by=system("bench"))

    share = Share()
    for first in range(1, CUSTOMERS + 1, BATCH)[batches]:
        share.of(partial(scoped, firm_id, partial(one, first)))
    return share


def finalize_all(firm_id: int) -> Share:
    """Finalize what a run drafted, once approved, in the order of its items, as its job does."""
    from billing_portal.audit.trail import record_many
    from billing_portal.tenancy.actors import Actor, ActorKind, system
    from invoices.actions.finalize import finalize
    from invoices.actions.run import FINALIZED_AT_ONCE
    from invoices.models import BillingRun, Invoice, Verdict
    from invoices.queries.runs import invoices_of

    place = 0

    def batch() -> None:
        nonlocal place
        rows = invoices_of(BillingRun.objects.get()).filter(run_item__position__gt=place)
        invoices = list(rows.select_related("run_item")[:FINALIZED_AT_ONCE])
        finalize(invoices, by=system("bench"), on=date(2026, 11, 2))
        place = max(each.run_item.position for each in invoices if each.run_item)

    def approve_all() -> None:
        Invoice.objects.update(state="APPROVED", approved_by="user:1")
        rows = list(Invoice.objects.all())
        given = {"kind": Verdict.Kind.APPROVED, "given_by": "user:1", "given_by_name": "Bench"}
        Verdict.objects.bulk_create(
            Verdict(invoice=row, version_seen=row.version, **given) for row in rows
        )
        deeds = [(row, {"version": row.version, "category": ""}) for row in rows]
        record_many("invoice.approved", deeds, by=Actor(ActorKind.USER, 1, "Bench"))

    scoped(firm_id, approve_all)
    share = Share()
    while place < CUSTOMERS:
        share.of(partial(scoped, firm_id, batch))
    return share


def verified(firm_id: int) -> Share:
    """Seal what was recorded and look at all of the firm's books, as the clock does each night."""
    from billing_portal.audit.sealing import seal_all
    from billing_portal.tenancy.models import Tenant
    from ledger.actions.verifying import verify

    def look() -> None:
        report = verify(Tenant.objects.get(pk=firm_id))
        assert report.ok, report.checks

    seal_all()
    share = Share()
    share.of(partial(scoped, firm_id, look))
    return share


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
    sys.exit(main() if len(sys.argv) < 3 else share_of_work(sys.argv[2], int(sys.argv[3])))
