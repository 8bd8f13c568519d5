"""The ledger with every guard against unguarded tables of the same columns and indexes, in one run.

Each round measures all variants one after the other, so that a ratio compares the same seconds;
what is printed is the median of the rounds' ratios, beside what the design asks for. Then sealing,
verifying, the balance of a long account, and eight writers in one firm against one. Bounded to a
minute on a quiet machine; ends with 1 when a figure is far out of bounds.

    python tests/benchmarks/bench_books.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from uuid import uuid4

import psycopg

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.bare_books import DAY, ENTRY_COLUMNS, Bare, bare_models, make_bare  # noqa: E402
from tests.benchmarks.preparing import prepare  # noqa: E402

DATABASE = "bench_books"
ROUNDS = 15
BATCH = 1000
LONG_ACCOUNT = 500_000
LINES_EACH = 1000
ROUNDS_SECONDS = 15.0
WRITERS_SECONDS = 2.0
# What the design asks for, and where a figure is so far off that the run ends with 1.
AT_LEAST = {
    "batch / COPY of bare rows": (0.45, 0.10),
    "batch / bare bulk_create": (2.0, 0.45),
    "single / bare insert": (0.5, 0.07),
    "sealed entries/s": (20_000, 6_000),
    "8 writers / 1 writer": (2.0, 1.0),
}
AT_MOST = {
    "invoice of 1,000 lines / bare": (1.5, 2.5),
    "balance of 500,000 postings, ms": (2.0, 6.0),
    "verify 1,000,000 entries, s (extrapolated)": (60.0, 120.0),
}
HEADERS = (
    f"insert into ledger_entry ({ENTRY_COLUMNS})"  # noqa: S608 -- columns of this file
    " select %s, id, gen_random_uuid(), 'x', %s, %s, (select id from ledger_accountingperiod),"
    " id::text, '', '', '', '', 'user:1' from unnest(%s::bigint[]) id"
)


def settle() -> None:
    """Count the rows, as autovacuum does by itself before long."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("vacuum analyze")


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of the work."""
    start = perf_counter()
    work()
    return perf_counter() - start


def charges(count: int, lines: int = 2) -> list:
    """Return entries to be, of so many lines each."""
    from billing_portal.money import Money
    from ledger.actions.posting import Line, NewEntry

    one = Money.of_minor(1, "USD")
    many = tuple(Line("wip", one, "cus_a") for _ in range(lines - 1))
    last = Line("fees", Money.of_minor(1 - lines, "USD"))
    return [NewEntry("charge", DAY, str(uuid4()), (*many, last)) for _ in range(count)]


def rounds(firm_id: int, by, deadline: float) -> dict[str, float]:
    """Return the medians of same-round ratios, and rates."""
    from billing_portal.tenancy.scope import tenant_scope
    from ledger.actions.posting import post

    def guarded(entries: list) -> None:
        with tenant_scope(firm_id):
            post(entries, by=by)

    entry_model, posting_model = bare_models()
    seen: dict[str, list[float]] = {}
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        bare = Bare(connection, firm_id)
        for number in range(ROUNDS + 1):
            batch, big, single = charges(BATCH), charges(1, LINES_EACH), charges(1)
            posted = timed(partial(guarded, batch))
            rows = bare.rows(BATCH, 2)
            copied = timed(partial(bare.copy, *rows))
            rows = bare.rows(BATCH, 2)
            created = timed(partial(bare.bulk_create, entry_model, posting_model, *rows))
            invoice = timed(partial(guarded, big))
            rows = bare.rows(1, LINES_EACH)
            bare_invoice = timed(partial(bare.insert, *rows))
            one = timed(partial(guarded, single))
            rows = bare.rows(1, 2)
            bare_one = timed(partial(bare.insert, *rows))
            if number == 0:  # the first warms caches and plans
                continue
            for name, value in {
                "batch / COPY of bare rows": copied / posted,
                "batch / bare bulk_create": created / posted,
                "single / bare insert": bare_one / one,
                "invoice of 1,000 lines / bare": invoice / bare_invoice,
                "entries/s, batches of 1,000": BATCH / posted,
                "entries/s, single": 1 / one,
            }.items():
                seen.setdefault(name, []).append(value)
            if perf_counter() > deadline:
                break
    return {**{name: median(values) for name, values in seen.items()}, "rounds": number}


def chain_and_books(firm, by) -> dict[str, float]:
    """Return how fast what was posted is sealed, and books are verified."""
    from billing_portal.audit.sealing import LIMIT, seal
    from billing_portal.tenancy.scope import tenant_scope
    from ledger.actions.verifying import verify

    rates, waiting = [], True
    while waiting:
        start = perf_counter()
        with tenant_scope(firm.pk):
            count = seal("ledger")
        if count == LIMIT:
            rates.append(count / (perf_counter() - start))
        waiting = count > 0
    settle()
    with tenant_scope(firm.pk):
        start = perf_counter()
        report = verify(firm)
        seconds = perf_counter() - start
    assert report.ok, report.checks
    return {
        "sealed entries/s": median(rates),
        "verify 1,000,000 entries, s (extrapolated)": seconds / report.entries * 1_000_000,
        "verified entries": report.entries,
    }


def long_account(firm_id: int, by) -> dict[str, float]:
    """Return the milliseconds of the balance of a long account: with a snapshot and without."""
    from django.db import connection

    from billing_portal.audit.sealing import seal
    from billing_portal.tenancy.scope import tenant_scope
    from ledger.actions.posting import post
    from ledger.actions.snapshots import take_snapshots
    from ledger.queries import balance_of

    count = LONG_ACCOUNT // LINES_EACH
    with tenant_scope(firm_id):
        post(charges(1), by=by)
    with tenant_scope(firm_id), connection.cursor() as cursor:
        cursor.execute(
            """
            with ids as materialized (
              select nextval(pg_get_serial_sequence('ledger_entry', 'id')) as id
              from generate_series(1, %(count)s)
            ), hot as (select id from ledger_account where role = 'wip'),
            other as (select id from ledger_account where role = 'fees'),
            lines as (
              insert into ledger_posting
                (tenant_id, entry_id, line_no, account_id, currency, amount, tax_code)
              select %(firm)s, ids.id, n, case when n > 0 then hot.id else other.id end, 'USD',
                case when n > 0 then 1 else -%(lines)s end, ''
              from ids, hot, other, generate_series(0, %(lines)s) n returning entry_id
            ) select array_agg(distinct entry_id) from lines
            """,
            {"firm": firm_id, "count": count, "lines": LINES_EACH},
        )
        (ids,) = cursor.fetchone()
        cursor.execute(HEADERS, [firm_id, DAY, DAY, ids])
        cursor.execute(
            "insert into audit_pendingseal (tenant_id, chain, subject_id)"
            " select %s, 'ledger', id from unnest(%s::bigint[]) id",
            [firm_id, ids],
        )
    settle()

    def milliseconds() -> float:
        with tenant_scope(firm_id):
            return median(timed(lambda: balance_of("wip", "USD")) for _ in range(9)) * 1000

    plain = milliseconds()
    with tenant_scope(firm_id):
        seal("ledger")
        take_snapshots()
        post(charges(BATCH // 2), by=by)
        seal("ledger")
        post(charges(BATCH // 2), by=by)
    return {"balance of 500,000 postings, ms": milliseconds(), "the same, no snapshot, ms": plain}


WRITER = """
import os, sys, time
sys.path.insert(0, os.getcwd())
import django
django.setup()
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.posting import post
from tests.benchmarks.bench_books import charges
firm, seconds = int(sys.argv[1]), float(sys.argv[2])
with tenant_scope(firm):
    post(charges(1), by=system("bench"))
print("ready", flush=True)
sys.stdin.readline()
count, end = 0, time.perf_counter() + seconds
while time.perf_counter() < end:
    with tenant_scope(firm):
        post(charges(1), by=system("bench"))
    count += 1
print(count, flush=True)
"""


def writers(firm_id: int, count: int) -> float:
    """Return how many entries a second so many processes post, one for each commit."""
    command = [sys.executable, "-c", WRITER, str(firm_id), str(WRITERS_SECONDS)]
    running = [
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    try:
        for each in running:
            assert each.stdout
            each.stdout.readline()
        for each in running:
            assert each.stdin
            each.stdin.write("go\n")
            each.stdin.flush()
        posted = sum(int(each.communicate(timeout=30)[0]) for each in running)
    finally:
        for each in running:
            each.kill()
            each.wait()
    return posted / WRITERS_SECONDS


def show(found: dict[str, float]) -> bool:
    """Print the figures beside what the design asks for; say whether one is out of bounds."""
    broken = False
    for name, value in found.items():
        says = ""
        if name in AT_LEAST:
            wanted, bound = AT_LEAST[name]
            says = f"at least {wanted:,}: " + ("met" if value >= wanted else "MISSED")
            broken |= value < bound
        if name in AT_MOST:
            wanted, bound = AT_MOST[name]
            says = f"at most {wanted:,}: " + ("met" if value <= wanted else "MISSED")
            broken |= value > bound
        print(f"{name:<46}{value:>12,.2f}  {says}".rstrip())
    return broken


def main() -> int:
    """Print the table, keep it, and return 1 when a figure is out of bounds."""
    prepare(DATABASE)
    make_bare()
    import django

    django.setup()
    from billing_portal.tenancy.actors import system
    from billing_portal.tenancy.models import Tenant

    start, by = perf_counter(), system("bench")
    firm, long, busy = (
        Tenant.objects.create(slug=slug, name=slug) for slug in ("one", "long", "busy")
    )
    found = rounds(firm.pk, by, start + ROUNDS_SECONDS)
    found |= chain_and_books(firm, by)
    found |= long_account(long.pk, by)
    one, eight = writers(busy.pk, 1), writers(busy.pk, 8)
    found |= {"entries/s, 1 writer": one, "entries/s, 8 writers": eight}
    found["8 writers / 1 writer"] = eight / one
    found["seconds in all"] = perf_counter() - start

    broken = show(found)
    kept = ROOT / "var" / "bench" / "books.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return int(broken)


if __name__ == "__main__":
    raise SystemExit(main())
