"""Entries of one unit, as the program writes them and as a careless one would."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from django.db import connection, transaction

from billing_portal.money import Money
from ledger.actions.posting import Line, NewEntry
from ledger.models import Account

DAY = date(2026, 10, 31)
AUGUST = date(2026, 8, 10)
ONE = Money(Decimal(1), "USD")
LATE = datetime(2026, 11, 3, tzinfo=UTC)


def entry(key="charge:1"):
    lines = (Line("wip", ONE), Line("fees", -ONE))
    return NewEntry(kind="charge", booked_on=DAY, key=key, lines=lines)


def raw(lines, *, tenant_id, period_id, currency="USD", entry_id=None, day=DAY):
    """Write postings and a header by hand, as a careless program would."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('ledger_entry', 'id'))")
        pk = entry_id or cursor.fetchone()[0]
        for number, (account, amount) in enumerate(lines, 1):
            cursor.execute(
                "insert into ledger_posting (tenant_id, entry_id, line_no, account_id, currency,"
                " amount, tax_code) values (%s, %s, %s, %s, %s, %s, '')",
                [tenant_id, pk, number, account, currency, amount],
            )
        cursor.execute(
            "insert into ledger_entry (tenant_id, id, uid, kind, booked_on, effective_on,"
            " period_id, key, fingerprint, source, reason, correction_group, actor)"
            " values (%s, %s, gen_random_uuid(), 'x', %s, %s, %s, %s, '', '', '', '', 'user:1')",
            [tenant_id, pk, day, day, period_id, f"raw:{pk}"],
        )
        cursor.execute("set constraints all immediate")
    return pk


def accounts():
    return list(Account.objects.order_by("pk").values_list("pk", flat=True))


def of_august(kind="charge"):
    return replace(entry("august"), booked_on=AUGUST, kind=kind)


def of_november():
    return replace(entry("november"), booked_on=date(2026, 11, 1))
