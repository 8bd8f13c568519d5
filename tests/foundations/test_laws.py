"""Whoever owns the database can bend its laws; each is named, and so is what came on top."""

import os

import psycopg
import pytest

from billing_portal.postgres import APP_ROLE
from billing_portal.tenancy.laws import ISOLATION, broken_laws

pytestmark = pytest.mark.django_db(transaction=True)
_FORGE = """
create function forge() returns trigger language plpgsql as
  $$ begin new.actor = 'user:2'; return new; end $$;
create trigger forge before insert on audit_auditevent for each row execute function forge();
"""
_BESIDE = """
create schema side;
create function side.invoices_final_never_changes() returns trigger language plpgsql as
  $$ begin return new; end $$;
drop trigger final_never_changes on invoices_invoice;
create trigger final_never_changes before update or delete on invoices_invoice
  for each row execute function side.invoices_final_never_changes();
"""
_PATH = """
do $$ begin
  execute format('alter database %I set search_path = side, public', current_database());
end $$
"""
_TOOTHLESS = """
create or replace function portal_refuse_change() returns trigger language plpgsql as
  $$ begin return new; end $$
"""
BENT = {
    "a policy that lets everybody in": (
        "alter policy tenant on invoices_invoice using (true) with check (true)",
        ["Policy invoices_invoice.tenant is not as it was laid down."],
    ),
    "a policy on top": (
        "create policy leak on invoices_invoice using (true)",
        ["Policy invoices_invoice.leak was never laid down."],
    ),
    "row security taken off": (
        "alter table invoices_invoice no force row level security",
        ["Row security invoices_invoice is not as it was laid down."],
    ),
    "a trigger that forges who did it": (
        _FORGE,
        [
            "Function forge() was never laid down.",
            "Grant of forge() to all was never laid down.",
            "Trigger audit_auditevent.forge was never laid down.",
        ],
    ),
    "a trigger switched off": (
        "alter table invoices_invoice disable trigger final_never_changes",
        ["Trigger invoices_invoice.final_never_changes is not as it was laid down."],
    ),
    "a rule that swallows the trail": (
        "create rule silence as on insert to audit_auditevent do instead nothing",
        ["Rule audit_auditevent.silence was never laid down."],
    ),
    "four eyes no more": (
        "alter table members_membership drop constraint membership_approver_is_not_its_proposer",
        [
            "Constraint members_membership.membership_approver_is_not_its_proposer is missing.",
        ],
    ),
    "a column that may be empty": (
        "alter table ledger_posting alter column currency drop not null",
        ["Column ledger_posting.currency is not as it was laid down."],
    ),
    "a function rewritten": (
        _TOOTHLESS,
        ["Function portal_refuse_change() is not as it was laid down."],
    ),
    "a column that the application may change": (
        f"grant update (amount) on ledger_posting to {APP_ROLE}",
        ["Grant of ledger_posting.amount to the application was never laid down."],
    ),
    "a table that it may empty": (
        f"grant truncate on audit_auditevent to {APP_ROLE}",
        ["Grant of audit_auditevent to the application is not as it was laid down."],
    ),
    "functions of the same names in another place": (
        _BESIDE,
        [
            "Schema side was never laid down.",
            "Trigger invoices_invoice.final_never_changes is not as it was laid down.",
        ],
    ),
    "a path on which others' tables are found first": (
        _PATH,
        ["Setting of the database search_path was never laid down."],
    ),
    "a right that may be passed on": (
        f"grant select on invoices_invoice to {APP_ROLE} with grant option",
        ["Grant of invoices_invoice to the application is not as it was laid down."],
    ),
    "rights on what will come": (
        f"alter default privileges grant truncate on tables to {APP_ROLE}",
        ["Grant of what comes, r to the application is not as it was laid down."],
    ),
    "a column's default": (
        "alter table invoices_invoice alter column approved_by set default 'user:1'",
        ["Column invoices_invoice.approved_by is not as it was laid down."],
    ),
    "a column on top": (
        "alter table invoices_invoice add column note text",
        ["Column invoices_invoice.note was never laid down."],
    ),
    "a child that no policy guards": (
        "create schema side; create table side.more () inherits (invoices_invoice)",
        [
            "Relation invoices_invoice is not as it was laid down.",
            "Schema side was never laid down.",
        ],
    ),
    "a view beside the policies": (
        "create view everything as select * from invoices_invoice",
        [
            "Grant of everything to the application was never laid down.",
            "Relation everything was never laid down.",
        ],
    ),
}


def as_owner(*statements):
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
        for each in statements:
            connection.execute(each)


@pytest.mark.parametrize("said", BENT)
def test_what_the_owner_bends_is_named(said):
    deed, findings = BENT[said]
    assert list(broken_laws()) == []
    as_owner(deed)

    found = list(broken_laws())
    assert [each for each in found if "_RETURN" not in each] == findings


def test_what_keeps_firms_apart_is_asked_before_anybody_is_served(client):
    assert client.get("/readyz").status_code == 200
    as_owner("create policy leak on customers_customer using (true)")

    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "Policy customers_customer.leak was never laid down." in answer.json()["problems"]
    assert list(broken_laws(ISOLATION)) == list(broken_laws())
