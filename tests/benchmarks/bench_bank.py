"""How long one bank file takes: ``python tests/benchmarks/bench_bank.py [payments]``.

As many open invoices of a hundred customers, half of the payments naming theirs, the others
from nobody known. With the usual durability.
"""

from __future__ import annotations

import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.preparing import prepare  # noqa: E402

_CUSTOMERS = 100


def main(size: int) -> None:
    """Prepare a firm, import a file, and tell the time and the number of queries."""
    prepare("bench_bank")
    import django

    django.setup()
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from billing_portal.tenancy.scope import tenant_scope
    from dunning.actions.bank_accounts import add_bank_account
    from dunning.actions.bank_files import import_bank_file
    from ledger.models import Allocation
    from tests.dunning.statements import IBAN, paid, statement
    from tests.factories import TenantFactory
    from tests.invoices.books import SYSTEM

    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        numbers = _owed(size)
        add_bank_account(account=IBAN, name="Operating", currency="USD", by=SYSTEM)
    lines = [
        paid(
            "1.00", number if place % 2 else "hello", reference=f"R-{place}", name=f"Payer {place}"
        )
        for place, number in enumerate(numbers)
    ]
    data = statement(*lines)
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    with tenant_scope(firm.pk), CaptureQueriesContext(connection) as queries:
        started, used = time.perf_counter(), time.process_time()
        import_bank_file(data, name="bench.xml", by=SYSTEM, on=date(2026, 11, 20))
        taken, used = time.perf_counter() - started, time.process_time() - used
        paid_now = Allocation.objects.count()
    slow = sorted(queries.captured_queries, key=lambda each: -float(each["time"]))[:6]
    print(
        f"{size} payments, {paid_now} allocated: {taken:.2f} s,"
        f" of them {used:.2f} s of Python, {len(queries)} queries"
    )
    for each in slow:
        print(f"  {each['time']} s {' '.join(each['sql'].split())[:90]}")


def _owed(size: int) -> list[str]:
    """Make final invoices of 1.00 each with their entries; return their numbers."""
    from billing_portal.money import Money
    from invoices.models import Invoice, NumberSeries
    from ledger.actions.posting import Line, NewEntry, post
    from tests.invoices import books

    pattern = books.finalized(reviewer=books.member("reviewer"))
    one, day = Money(Decimal(1), "USD"), date(2026, 11, 2)
    customers = [books.customer() for _ in range(_CUSTOMERS)]
    same: dict[str, Any] = {
        field.attname: getattr(pattern, field.attname)
        for field in Invoice._meta.concrete_fields
        if field.attname
        not in {"id", "uid", "number", "customer_id", "total", "net", "tax", "run_item_id"}
    }
    NumberSeries.objects.create(series="2025", last=size, last_issued_on=pattern.issued_on)
    invoices = Invoice.objects.bulk_create(
        Invoice(
            **same,
            number=f"2025-{place + 1:05d}",
            net=100,
            tax=0,
            total=100,
            customer=customers[place % _CUSTOMERS],
        )
        for place in range(size)
    )
    entries = [
        NewEntry(
            kind="invoice",
            booked_on=day,
            key=f"bench:{invoice.uid}",
            lines=(
                Line("ar", one, invoice.customer.public_id, invoice.uid),
                Line("fees", -one, "", invoice.uid),
            ),
        )
        for invoice in invoices
    ]
    post(entries, by=books.SYSTEM)
    return [invoice.number for invoice in invoices]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
