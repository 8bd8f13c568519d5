"""What statistics are worth on a fresh database: ``make bench NAME=statistics``. Two minutes.

Entries of two lines are posted in batches of 1,000 into tables that were never analyzed, by one
connection that stays open; then the tick of the supervisor takes statistics, and it goes on.
Autovacuum is kept away from this database, so that it does not come in between.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

import django  # noqa: E402
import psycopg  # noqa: E402
from psycopg import sql  # noqa: E402

from tests.benchmarks.preparing import prepare  # noqa: E402

BATCHES, BATCH = 6, 1000


def main() -> None:
    """Measure and print milliseconds a batch."""
    prepare("bench")
    django.setup()
    _keep_autovacuum_away()
    from billing_portal.money import Money
    from billing_portal.operation import statistics
    from billing_portal.tenancy.actors import system
    from billing_portal.tenancy.models import Tenant
    from billing_portal.tenancy.scope import tenant_scope
    from ledger.actions.posting import Line, NewEntry, post

    firm = Tenant.objects.create(slug="bench", name="Bench")
    by, one, day = system("bench"), Money(Decimal(1), "USD"), date(2026, 10, 1)
    lines = (Line("wip", one, "cus_a"), Line("fees", -one))

    def batch() -> int:
        new = [
            NewEntry(kind="charge", booked_on=day, key=str(uuid4()), lines=lines)
            for _ in range(BATCH)
        ]
        began = time.perf_counter()
        with tenant_scope(firm.pk):
            post(new, by=by)
        return round((time.perf_counter() - began) * 1000)

    before = [batch() for _ in range(BATCHES)]
    time.sleep(1.5)  # the server is told of changes once a second
    batch()
    began = time.perf_counter()
    tables = statistics.take()
    taking = round((time.perf_counter() - began) * 1000)
    after = [batch() for _ in range(BATCHES)]
    print(
        json.dumps(
            {
                "never analyzed, ms a batch": before,
                "analyzed, ms a batch": after,
                "tables analyzed": tables,
                "ms for that": taking,
            }
        )
    )


def _keep_autovacuum_away() -> None:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        names = owner.execute("select tablename from pg_tables where schemaname = 'public'")
        for (name,) in names.fetchall():
            owner.execute(
                sql.SQL("alter table {} set (autovacuum_enabled = off)").format(
                    sql.Identifier(name)
                )
            )


if __name__ == "__main__":
    main()
