"""The house inspects its own database: every table has an owner, a policy and keys that hold."""

import pytest
from django.apps import apps
from django.db import connection

from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.guards import privileges
from billing_portal.tenancy.laws import LIST, broken_laws, laws, listed
from billing_portal.tenancy.models import TenantModel
from billing_portal.tenancy.scoped import TenantManager

pytestmark = pytest.mark.django_db
OURS = [
    *("tenancy", "members", "directories", "audit", "jobs", "imports", "outbox", "api"),
    *("ledger", "customers", "invoices", "dunning"),
]
SHARED = {
    "Tenant": "read to find out whose scope to open",
    "User": "a person may be a member of several firms",
    "Membership": "read to find out who may open a scope",
    "Invitation": "found by its token before any scope is open",
    "ApiKey": "found by its prefix before any scope is open",
    "InstallationKey": "locks what belongs to people, who are of no firm",
    "Letter": "also to people of no firm; encrypted, and gone once it has left",
    "Job": "ids and states only, admitted across firms",
    "Slot": "room for one job, whosever it is",
    "Turn": "when a firm was last let in",
    "ClockLine": "wishes of the clock, for each firm",
    "Bucket": "counted before any scope is open",
    "Tally": "numbers of requests, nobody's",
}
MODELS = [m for label in OURS for m in apps.get_app_config(label).get_models()]
SCOPED = [m for m in MODELS if issubclass(m, TenantModel)]


def rows(query, *args):
    with connection.cursor() as cursor:
        cursor.execute(query, args)
        return cursor.fetchall()


def test_every_table_belongs_to_a_firm_but_for_a_named_few():
    shared = {m.__name__ for m in MODELS if not issubclass(m, TenantModel)}

    assert shared == set(SHARED)


@pytest.mark.parametrize("model", SCOPED, ids=lambda m: m.__name__)
def test_managers_of_firms_tables_refuse_outside_a_scope(model):
    assert isinstance(model._default_manager, TenantManager)
    assert isinstance(model._base_manager, TenantManager)


@pytest.mark.parametrize("model", SCOPED, ids=lambda m: m.__name__)
def test_firms_tables_force_a_policy_for_reading_and_writing(model):
    found = rows(
        "select c.relrowsecurity, c.relforcerowsecurity, p.polcmd, p.polqual is not null,"
        " p.polwithcheck is not null from pg_class c join pg_policy p on p.polrelid = c.oid"
        " where c.relname = %s",
        model._meta.db_table,
    )

    assert found == [(True, True, "*", True, True)]


# Kept for a while only, or keys that are destroyed for good.
MAY_BE_DELETED = {"IdempotentAnswer", "PendingSeal", "TenantKey"}


@pytest.mark.parametrize("model", SCOPED, ids=lambda m: m.__name__)
def test_the_application_cannot_delete_what_a_firm_wrote(model):
    found = rows(
        "select has_table_privilege(current_user, %s, 'DELETE'),"
        " has_table_privilege(current_user, %s, 'TRUNCATE')",
        *[model._meta.db_table] * 2,
    )

    assert found == [(model.__name__ in MAY_BE_DELETED, False)]


@pytest.mark.parametrize("model", SCOPED, ids=lambda m: m.__name__)
def test_keys_between_firms_tables_hold_the_tenant(model):
    wanted = {
        (f.column, f.related_model._meta.db_table)
        for f in model._meta.local_fields
        if isinstance(f, TenantForeignKey)
    }
    loose = [
        f.name
        for f in model._meta.local_fields
        if f.is_relation
        and not isinstance(f, TenantForeignKey)
        and issubclass(f.related_model, TenantModel)
    ]
    found = rows(
        "select string_agg(a.attname, ',' order by k.n), t.relname, c.condeferrable"
        " from pg_constraint c join pg_class t on t.oid = c.confrelid,"
        " unnest(c.conkey) with ordinality k(num, n)"
        " join pg_attribute a on a.attnum = k.num"
        " where c.contype = 'f' and c.conrelid = %s::regclass and a.attrelid = c.conrelid"
        " group by c.oid, t.relname, c.condeferrable having count(*) >= 2",
        model._meta.db_table,
    )

    assert loose == []
    held = {(columns.split(",")[1], table) for columns, table, _ in found}
    assert held >= wanted
    assert all(columns.split(",")[0] == "tenant_id" and late for columns, _, late in found)


@pytest.mark.parametrize("model", SCOPED, ids=lambda m: m.__name__)
def test_unique_keys_never_span_firms(model):
    found = rows(
        "select i.relname, array_agg(a.attname) from pg_index x"
        " join pg_class i on i.oid = x.indexrelid"
        " join pg_attribute a on a.attrelid = x.indrelid and a.attnum = any(x.indkey)"
        " where x.indisunique and not x.indisprimary and x.indrelid = %s::regclass"
        " group by i.relname",
        model._meta.db_table,
    )

    assert [name for name, columns in found if "tenant_id" not in columns] == []


@pytest.mark.parametrize("model", SCOPED, ids=lambda m: m.__name__)
def test_no_index_holds_the_firm_alone(model):
    # The shortest index of all: without statistics the planner reads a firm's every row by it.
    found = rows(
        "select indexname from pg_indexes where tablename = %s and indexdef like %s"
        " and indexdef not like 'CREATE UNIQUE%%'",
        model._meta.db_table,
        "%btree (tenant_id)%",
    )

    assert found == []


def test_the_application_connects_as_a_role_that_policies_bind():
    assert privileges() == []


def test_tables_belong_to_the_owner_role_and_not_to_the_application():
    owners = rows("select distinct tableowner from pg_tables where schemaname = 'public'")

    assert owners != [(connection.settings_dict["USER"],)]
    assert len(owners) == 1


def test_migrations_match_the_models():
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_list_of_laws_is_what_the_migrations_lay_down():
    assert listed(laws()) == LIST.read_text(), (
        "The laws have changed: make laws, and look at the difference as an auditor will."
    )
    assert list(broken_laws()) == []


def test_every_firms_table_has_one_and_the_same_policy():
    found = {said for name, said in laws(["policy"]).items()}
    tables = {name.split(" ")[1].split(".")[0] for name in laws(["policy"])}

    assert len(found) == 1
    assert tables == {model._meta.db_table for model in SCOPED}


def test_no_guard_reads_a_temporary_table_of_the_applications():
    """What a path does not name is looked for first: a guard's names its temporary tables last."""
    found = rows(
        "select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " where n.nspname = 'public' and p.prosrc ~* '((?<!distinct )from|into|join|update)\\s'"
        " and coalesce(array_to_string(p.proconfig, ';'), '') !~ 'search_path=[^;]*, pg_temp'"
    )

    assert found == []
