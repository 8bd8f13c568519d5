"""``ledger_verify`` says ok of whole books and names what is broken in others."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from billing_portal.audit import anchoring, sealing
from billing_portal.money import Money
from billing_portal.periods import local_day
from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.closing import close, request_close
from ledger.actions.payments import allocate, receive
from ledger.actions.posting import Line, NewEntry, entry_lines, post, reverse
from ledger.actions.snapshots import take_snapshots
from ledger.actions.verifying import verify
from ledger.models import AccountingPeriod
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
    assert len(report.checks) == 34


def test_empty_books_are_ok(tenant):
    assert verify(tenant).ok


def paid_books(owner):
    """Books with an invoice, paid, and with snapshots."""
    posted, invoice = books(owner), UUID(int=7)
    lines = (Line("ar", ONE, "cus_a", invoice), Line("wip", -ONE))
    post([NewEntry(kind="invoice", booked_on=DAY, key="invoice:7", lines=lines)], by=owner)
    payment = receive(
        source="camt.053",
        key="1",
        customer="cus_a",
        amount=ONE,
        received_on=DAY,
        booked_on=DAY,
        bank="main",
        by=owner,
    )
    allocate(payment, [(invoice, ONE)], by=owner, on=DAY)
    for chain in ("ledger", "audit"):
        sealing.seal(chain)
    take_snapshots(at_least=1)
    return posted


# What a hand that owns the database could do to the books, and which check finds it.
BREAKS = [
    (
        "entries balance in each currency",
        ["update ledger_posting set amount = amount + 1 where id = %(line)s"],
    ),
    (
        "trial balance is zero",
        ["update ledger_posting set amount = amount + 1 where id = %(line)s"],
    ),
    ("chain and anchors", ["update ledger_entry set reason = 'other' where id = %(entry)s"]),
    ("chain and anchors", ["update ledger_account set owner = 'cus_z' where role = 'ar'"]),
    (
        "chain and anchors",
        [
            "delete from audit_seal where seq > 3 and chain = 'ledger'",
            "update tenancy_tenant set slug = 'renamed'",
        ],
    ),
    ("every entry is sealed or waits", ["delete from audit_seal where chain = 'ledger'"]),
    (
        "every posting has its entry and account",
        [
            "alter table ledger_posting drop constraint posting_is_in_its_accounts_currency",
            "update ledger_posting set currency = 'EUR' where entry_id = %(entry)s",
        ],
    ),
    (
        "reversals mirror exactly",
        [
            (
                "update ledger_posting set amount = amount * 2 where entry_id ="
                " (select id from ledger_entry where reverses_id is not null)"
            )
        ],
    ),
    ("payments agree with their postings", ["update ledger_payment set amount = amount + 1"]),
    ("payments agree with their postings", ["update ledger_payment set customer = 'cus_z'"]),
    (
        "payments agree with their postings",
        ["update ledger_payment set received_on = received_on + 1"],
    ),
    (
        "payments agree with their postings",
        ["update ledger_allocation set invoice = gen_random_uuid()"],
    ),
    (
        "no invoice is overpaid, no credit overspent",
        [
            (
                "update ledger_posting set amount = amount * 2 where entry_id ="
                " (select entry_id from ledger_allocation)"
            )
        ],
    ),
    ("snapshots are sums", ["update ledger_balancesnapshot set balance = balance + 1"]),
    ("guards are present", ["drop trigger posting_is_early on ledger_posting"]),
    ("guards are present", ["alter table ledger_posting disable trigger posting_is_early"]),
    ("guards are present", ["alter table ledger_posting drop constraint posting_is_not_nothing"]),
    ("guards are present", ["drop index entry_is_reversed_once"]),
    (
        "guards are present",
        [
            (
                "create or replace function ledger_entry_guard() returns trigger language plpgsql"
                " as 'begin return null; end'"
            )
        ],
    ),
    ("guards are present", ["alter table ledger_payment no force row level security"]),
    *(
        ("guards are present", [f"alter table {table} disable trigger user"])
        for table in (
            "invoices_invoice",
            "invoices_invoiceline",
            "invoices_frozeninvoice",
            "dunning_bankline",
            "customers_rate",
        )
    ),
    (
        "guards are present",
        [
            "drop trigger table_is_never_emptied on invoices_invoice",
            (
                "create trigger table_is_never_emptied before insert on invoices_invoice"
                " for each statement when (false) execute function portal_refuse_change()"
            ),
        ],
    ),
    ("guards are present", [f"grant delete on invoices_verdict to {settings.APP_ROLE}"]),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("check", "statements"), BREAKS)
def test_what_was_broken_is_named(databases, owner, check, statements):
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        entry = paid_books(owner)[1]
        (line,) = entry_lines(entry)[:1]
        assert verify(firm).ok
    anchoring.anchor_all(datetime(2026, 11, 1, tzinfo=UTC))
    rooms = ("entry", "posting", "account", "payment", "allocation", "balancesnapshot")
    tables = ("audit_seal", *(f"ledger_{name}" for name in rooms))
    name = connection.settings_dict["NAME"]
    with psycopg.connect(databases.url("owner", name), autocommit=True) as hand:
        hand.execute(f"set app.tenant = '{firm.pk}'")
        tampered = [] if check == "guards are present" else tables
        for table in tampered:
            hand.execute(f"alter table {table} disable trigger user")
        for statement in statements:
            hand.execute(statement, {"line": line.pk, "entry": entry.pk})
        for table in tampered:
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
    assert found == [f"Entry {entry.public_id} was booked in October 2026 after it was closed."]


@pytest.mark.django_db(transaction=True)
def test_what_was_booked_behind_a_closed_month_is_named(databases, owner, second_owner):
    """An entry of an open month before the closed one, as it could be posted before the edge."""
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        period = books(owner)[0].period
        request_close(period, by=owner, on=date(2026, 11, 2))
        close(period, by=second_owner, at=datetime(2026, 11, 2, tzinfo=UTC))
        lines = (Line("wip", ONE), Line("fees", -ONE))
        (entry,) = post([NewEntry("charge", date(2026, 11, 2), "late", lines)], by=owner)
        sealing.seal("ledger")
        august = AccountingPeriod.objects.create(
            starts_on=date(2026, 8, 1), ends_on=date(2026, 9, 1)
        )
        assert not verify(firm).checks["nothing was booked after closing"]
    name = connection.settings_dict["NAME"]
    with psycopg.connect(databases.url("owner", name), autocommit=True) as hand:
        hand.execute(f"set app.tenant = '{firm.pk}'")
        hand.execute("alter table ledger_entry disable trigger user")
        hand.execute(
            "update ledger_entry set booked_on = '2026-08-10', period_id = %s where id = %s",
            [august.pk, entry.pk],
        )
        hand.execute("alter table ledger_entry enable trigger user")

    with tenant_scope(firm.pk):
        found = verify(firm).checks["nothing was booked after closing"]
    assert found == [
        f"Entry {entry.public_id} of 2026-08-10 was booked after October 2026 was closed."
    ]


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


def said(capsys, *asked):
    """Return what the command says of the balances of the current firm."""
    with pytest.raises(SystemExit) as ended:
        call_command("trial_balance", *asked)
    assert ended.value.code == 0
    return json.loads(capsys.readouterr().out)


def test_the_trial_balance_command_stands_as_of_today_unless_told_otherwise(tenant, owner, capsys):
    books(owner)
    ahead = local_day(datetime.now(UTC), tenant.time_zone) + timedelta(days=1)
    post([NewEntry("charge", ahead, "ahead", (Line("wip", ONE), Line("fees", -ONE)))], by=owner)

    today = said(capsys, tenant.slug, "--json")
    later = said(capsys, tenant.slug, "--json", "--on", ahead.isoformat())
    everything = said(capsys, tenant.slug, "--json", "--all")

    assert [each["lines"][0]["debit"] for each in (today, later, everything)] == [
        "3.00", "4.00", "4.00",
    ]  # fmt: skip
    assert [each["on"] for each in (later, everything)] == [ahead.isoformat(), None]
    assert not verify(tenant).checks["trial balance is zero"]


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


def test_the_command_takes_the_firm_as_the_others_do(tenant, capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("ledger_verify", tenant.slug)
    assert (ended.value.code, tenant.slug in capsys.readouterr().out) == (0, True)

    with pytest.raises(CommandError, match="Name one firm"):
        call_command("ledger_verify", tenant.slug, tenant="another")
    with pytest.raises(CommandError, match="No such firm"):
        call_command("ledger_verify", "nobody")
