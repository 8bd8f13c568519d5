"""``ledger_verify`` says ok of whole books and names what is broken in others."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from billing_portal.audit import anchoring, sealing
from billing_portal.money import Money
from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.closing import close, request_close
from ledger.actions.posting import Line, NewEntry, entry_lines, post, reverse
from ledger.actions.verifying import verify
from tests.factories import TenantFactory

DAY = date(2026, 10, 31)
ONE = Money(Decimal(1), "USD")


@pytest.fixture(autouse=True)
def _anchors(settings, tmp_path):
    settings.ANCHORS_DIR = tmp_path / "anchors"


def books(owner):
    lines = (Line("wip", ONE), Line("fees", -ONE))
    posted = post(
        [NewEntry(kind="charge", booked_on=DAY, key=f"charge:{n}", lines=lines) for n in range(4)],
        by=owner,
    )
    reverse(posted[0], by=owner, on=DAY, reason="Entered twice")
    for chain in ("ledger", "audit"):
        sealing.seal(chain)
    return posted


def test_whole_books_are_ok(tenant, owner):
    books(owner)

    report = verify(tenant)

    assert report.ok, report.checks
    assert report.entries == 5
    assert len(report.checks) == 11


def test_empty_books_are_ok(tenant):
    assert verify(tenant).ok


# What a hand that owns the database could do to the books, and which check finds it.
BREAKS = {
    "entries balance in each currency": (
        "update ledger_posting set amount = amount + 1 where id = %(line)s"
    ),
    "chain and anchors": "update ledger_entry set reason = 'other' where id = %(entry)s",
    "every entry is sealed or waits": "delete from audit_seal where chain = 'ledger'",
    "reversals mirror exactly": (
        "update ledger_posting set amount = amount * 2"
        " where entry_id = (select max(id) from ledger_entry)"
    ),
    "guards are present": "drop trigger posting_is_early on ledger_posting",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("check", BREAKS)
def test_what_was_broken_is_named(databases, owner, check):
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        entry = books(owner)[1]
        (line,) = entry_lines(entry)[:1]
    anchoring.anchor_all(datetime(2026, 11, 1, tzinfo=UTC))
    tables = ("ledger_entry", "ledger_posting", "audit_seal")
    name = connection.settings_dict["NAME"]
    with psycopg.connect(databases.url("owner", name), autocommit=True) as hand:
        hand.execute(f"set app.tenant = '{firm.pk}'")
        for table in tables:
            hand.execute(f"alter table {table} disable trigger user")
        hand.execute(BREAKS[check], {"line": line.pk, "entry": entry.pk})
        for table in tables:
            hand.execute(f"alter table {table} enable trigger user")

    with tenant_scope(firm.pk):
        report = verify(firm)
    assert not report.ok
    assert report.checks[check]


@pytest.mark.django_db(transaction=True)
def test_what_was_booked_after_closing_is_named(databases, owner, second_owner):
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        period = books(owner)[0].period
        request_close(period, by=owner, on=date(2026, 11, 2))
        close(period, by=second_owner, at=datetime(2026, 11, 2, tzinfo=UTC))
        late = NewEntry(
            kind="charge",
            booked_on=date(2026, 11, 2),
            key="late",
            lines=(Line("wip", ONE), Line("fees", -ONE)),
        )
        (entry,) = post([late], by=owner)
        sealing.seal("ledger")
    name = connection.settings_dict["NAME"]
    with psycopg.connect(databases.url("owner", name), autocommit=True) as hand:
        hand.execute(f"set app.tenant = '{firm.pk}'")
        hand.execute("alter table ledger_entry disable trigger user")
        hand.execute("update ledger_entry set period_id = %s where id = %s", [period.pk, entry.pk])
        hand.execute("alter table ledger_entry enable trigger user")

    with tenant_scope(firm.pk):
        found = verify(firm).checks["nothing was booked after closing"]
    assert found == [f"Entry {entry.pk} was booked in October 2026 after it was closed."]


def test_the_command_speaks_json_and_exits_zero(tenant, owner, capsys):
    books(owner)

    with pytest.raises(SystemExit) as ended:
        call_command("ledger_verify", tenant=tenant.slug, json=True)

    assert ended.value.code == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert (report["firm"], report["status"]) == (tenant.slug, "ok")


def test_the_command_refuses_a_firm_that_is_not_there(db):
    with pytest.raises(CommandError, match="No such firm"):
        call_command("ledger_verify", tenant="nobody")


def test_the_trial_balance_command_adds_up(tenant, owner, capsys):
    books(owner)

    with pytest.raises(SystemExit) as ended:
        call_command("trial_balance", tenant.slug, json=True)

    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["differences"] == {"USD": "0.00"}
    assert [(line["role"], line["debit"], line["credit"]) for line in found["lines"]] == [
        ("wip", "3.00", "0.00"),
        ("fees", "0.00", "3.00"),
    ]
