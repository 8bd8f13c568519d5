"""The laws of the books hold in the database, whoever writes and whatever the timing."""

from datetime import date

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction

from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.closing import NotClosable, OwnRequest, close, request_close
from ledger.actions.months import PeriodClosed
from ledger.actions.posting import post
from ledger.models import Account, AccountingPeriod, Entry, Posting
from tests.factories import TenantFactory
from tests.ledger.writing import DAY, LATE, accounts, entry, raw


@pytest.fixture
def posted(tenant, owner):
    return post([entry()], by=owner)[0]


@pytest.mark.parametrize(
    "amounts", [[], [5], [5, -4], [5, 5]], ids=["empty", "one line", "unequal", "same side"]
)
def test_the_database_refuses_what_does_not_balance(tenant, posted, amounts):
    lines = list(zip(accounts(), amounts, strict=False))

    with pytest.raises(IntegrityError, match="empty or does not balance"):
        raw(lines, tenant_id=tenant.pk, period_id=posted.period_id)


def test_the_database_takes_what_balances(tenant, posted):
    pk = raw(zip(accounts(), [5, -5], strict=True), tenant_id=tenant.pk, period_id=posted.period_id)

    assert Entry.objects.filter(pk=pk).exists()


def test_an_account_holds_one_currency(tenant, posted):
    lines = list(zip(accounts(), [5, -5], strict=True))

    with pytest.raises(IntegrityError, match="posting_is_in_its_accounts_currency"):
        raw(lines, tenant_id=tenant.pk, period_id=posted.period_id, currency="EUR")


def test_a_posting_of_nothing_is_refused(tenant, posted):
    with pytest.raises(IntegrityError, match="posting_is_not_nothing"):
        raw([(accounts()[0], 0)], tenant_id=tenant.pk, period_id=posted.period_id)


@pytest.mark.parametrize("amounts", [[5], [5, -5]], ids=["unbalancing", "balanced"])
def test_nothing_is_added_to_an_entry_later(tenant, posted, amounts):
    with pytest.raises(IntegrityError, match="already posted"), transaction.atomic():
        Posting.objects.bulk_create(
            [
                Posting(entry=posted, line_no=9 + n, account_id=a, currency="USD", amount=amount)
                for n, (a, amount) in enumerate(zip(accounts(), amounts, strict=False))
            ]
        )


@pytest.mark.parametrize(
    "second", [[], [5], [5, -4]], ids=["without postings", "one line", "unequal"]
)
def test_one_bad_entry_refuses_its_whole_batch(tenant, posted, second):
    ids = [900001, 900002]
    lines = [(ids[0], 1, 5), (ids[0], 2, -5), *((ids[1], n, a) for n, a in enumerate(second, 1))]
    with (
        pytest.raises(IntegrityError, match="empty or does not balance"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "insert into ledger_posting (tenant_id, account_id, currency, tax_code, entry_id,"
            " line_no, amount) select %s, %s, 'USD', '', * from"
            " unnest(%s::bigint[], %s::smallint[], %s::bigint[])",
            [tenant.pk, accounts()[0], *map(list, zip(*lines, strict=True))],
        )
        cursor.execute(
            "insert into ledger_entry (tenant_id, id, uid, kind, booked_on, effective_on,"
            " period_id, key, fingerprint, source, reason, correction_group, actor)"
            " select %s, id, gen_random_uuid(), 'x', %s, %s, %s, id::text, '', '', '', '', 'user:1'"
            " from unnest(%s::bigint[]) id",
            [tenant.pk, DAY, DAY, posted.period_id, ids],
        )

    assert Entry.objects.count() == 1


def test_an_account_of_another_firm_is_refused(tenant, posted, neighbor, owner):
    with neighbor:
        post([entry()], by=owner)
        theirs = accounts()

    with pytest.raises(IntegrityError, match="posting_is_in_its_accounts_currency"):
        raw(zip(theirs, [5, -5], strict=True), tenant_id=tenant.pk, period_id=posted.period_id)


APPEND_ONLY = ["entry", "posting", "payment", "allocation", "balancesnapshot"]


@pytest.mark.parametrize("table", [f"ledger_{name}" for name in APPEND_ONLY])
@pytest.mark.parametrize(
    "statement",
    [
        "update {} set id = id",
        "delete from {}",
        "truncate {} cascade",
        "alter table {} disable trigger all",
        "insert into {0} select * from {0} on conflict (id) do update set id = excluded.id",
    ],
)
def test_the_application_may_not_change_the_books(tenant, posted, table, statement):
    refused = pytest.raises(DatabaseError, match=r"permission denied|must be owner")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))


def test_a_closed_period_refuses_by_itself(tenant, posted, owner, second_owner):
    period = request_close(posted.period, by=owner, on=date(2026, 11, 2))
    close(period, by=second_owner, at=LATE)

    with pytest.raises(IntegrityError, match="accounting period is closed"):
        raw(zip(accounts(), [5, -5], strict=True), tenant_id=tenant.pk, period_id=period.pk)
    with pytest.raises(PeriodClosed):
        post([entry("charge:2")], by=owner)
    with pytest.raises(IntegrityError, match="closed"), transaction.atomic():
        AccountingPeriod.objects.filter(pk=period.pk).update(state="open")


def test_closing_freezes_the_head_and_takes_two(tenant, posted, owner, second_owner):
    period = request_close(posted.period, by=owner, on=date(2026, 11, 2))
    with pytest.raises(OwnRequest):
        close(period, by=owner, at=LATE)

    closed = close(period, by=second_owner, at=LATE)

    assert (closed.state, closed.head_seq) == ("closed", 1)
    assert len(closed.head_hash) == 64


def test_a_period_that_has_not_ended_stays_open(tenant, posted, owner):
    with pytest.raises(NotClosable):
        request_close(posted.period, by=owner, on=DAY)
    with pytest.raises(NotClosable):
        close(posted.period, by=owner, at=LATE)


def test_a_day_outside_the_period_is_refused(tenant, posted):
    november = AccountingPeriod.objects.create(
        starts_on=date(2026, 11, 1), ends_on=date(2026, 12, 1)
    )

    with pytest.raises(IntegrityError, match="not the day's"):
        raw(zip(accounts(), [5, -5], strict=True), tenant_id=tenant.pk, period_id=november.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "statement",
    [
        "update ledger_posting set amount = amount * 2",
        "delete from ledger_entry",
        "truncate ledger_entry, ledger_posting cascade",
    ],
)
def test_even_the_owner_meets_the_triggers(databases, owner, statement):
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        post([entry()], by=owner)

    name = connection.settings_dict["NAME"]
    with psycopg.connect(databases.url("owner", name)) as hand:
        hand.execute(f"set app.tenant = '{firm.pk}'")
        with pytest.raises(psycopg.errors.CheckViolation, match="append-only"):
            hand.execute(statement)


@pytest.mark.parametrize(
    "change",
    [{"role": "cash"}, {"owner": "cus_z"}, {"currency": "EUR"}, {"code": "1"}, {"side": "C"}],
    ids=str,
)
def test_an_account_is_never_another(tenant, posted, change):
    with pytest.raises(IntegrityError, match="never another"), transaction.atomic():
        Account.objects.filter(role="wip").update(**change)


def test_an_account_is_never_deleted_but_may_rest(tenant, posted):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Account.objects.all()._raw_delete("default")

    assert Account.objects.update(is_active=False) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "set session_replication_role = replica",
        "set role postgres",
        "create or replace function ledger_entry_guard() returns trigger language sql as ''",
        "drop trigger entry_is_whole on ledger_entry",
        "alter table ledger_entry no force row level security",
        "copy ledger_posting from stdin",
    ],
)
def test_the_application_cannot_put_a_guard_aside(tenant, posted, statement):
    refused = pytest.raises(DatabaseError, match=r"denied|must be owner|not supported")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_another_transactions_number_is_refused(tenant, posted):
    line = Posting(
        entry_id=4711, line_no=1, account_id=accounts()[0], currency="USD", amount=1, xact=1
    )
    facts = {"kind": "x", "booked_on": DAY, "effective_on": DAY, "period": posted.period}

    with pytest.raises(IntegrityError, match="another transaction"), transaction.atomic():
        Posting.objects.bulk_create([line])
    with pytest.raises(IntegrityError, match="another transaction"), transaction.atomic():
        Entry.objects.create(key="raw", actor="user:1", xact=1, **facts)


def test_postings_without_a_header_do_not_last(tenant, posted):
    refused = pytest.raises(IntegrityError, match="its_entrys_transaction")
    with refused, transaction.atomic():
        Posting.objects.bulk_create(
            [
                Posting(entry_id=4711, line_no=n, account_id=a, currency="USD", amount=amount)
                for n, (a, amount) in enumerate(zip(accounts(), [5, -5], strict=True))
            ]
        )
        with connection.cursor() as cursor:
            cursor.execute("set constraints all immediate")
