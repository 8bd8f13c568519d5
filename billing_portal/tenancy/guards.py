"""What the portal asks of the database before it serves anybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connection

from billing_portal.tenancy.laid_down import laid_down


class PrivilegedRole(Exception):
    """The application connects as a role that row-level security does not bind: refuse to start."""


def refuse_privileged_role() -> None:
    """Pass when the connected role is bound by every policy. One query.

    :raises PrivilegedRole: for a superuser, a role with BYPASSRLS, or the tables' owner.
    """
    found = privileges()
    if found:
        raise PrivilegedRole(f"The application's database role {', '.join(found)}.")


def privileges() -> list[str]:
    """Return what the connected role has that it should not, in words. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select rolsuper, rolbypassrls, exists (select 1 from pg_tables"
            " where schemaname = 'public' and tableowner = current_user)"
            " from pg_roles where rolname = current_user"
        )
        is_super, bypasses, owns = cursor.fetchone()
    words = [(is_super, "is a superuser"), (bypasses, "bypasses policies"), (owns, "owns tables")]
    return [text for holds, text in words if holds]


def unguarded_tables() -> list[str]:
    """Return tables that hold a firm's rows without a forced policy, or any key without its firm.

    One query on the catalog; empty is what it should be.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNGUARDED)
        return [row[0] for row in cursor.fetchall()]


def missing_guards() -> Iterator[str]:
    """Yield every guard of the migrations that is missing, disabled, bent or rewritten.

    Four queries on the catalog, whatever the number of rows.
    """
    wanted = laid_down()
    present = {(table, name): tuple(rest) for table, name, *rest in _catalog(_TRIGGERS)}
    for (table, name), guard in sorted(wanted.triggers.items(), key=lambda pair: pair[0]):
        if present.get((table, name)) != (guard.function, guard.type, guard.has_condition):
            yield f"{table} lacks {name} ({guard.function}), or it is disabled."
    for (table,) in _catalog(_UNTIED):
        yield f"{table} has a foreign key that is not looked at."
    sources = dict(_catalog(_FUNCTIONS))
    for name, source in sorted(wanted.functions.items()):
        if sources.get(name) != source:
            yield f"The function {name} is not the one that was laid down."
    for table, right in _catalog(_REMOVABLE, [settings.APP_ROLE, sorted(wanted.kept)]):
        yield f"The application may {right.lower()} {table}."


def _catalog(query: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


_TRIGGERS = """
select c.relname, t.tgname, p.proname, t.tgtype, t.tgqual is not null
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
join pg_proc p on p.oid = t.tgfoid
where not t.tgisinternal and t.tgenabled in ('O', 'A') and t.tgattr::text = ''
"""
_UNTIED = """
select distinct c.relname from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
where t.tgisinternal and t.tgenabled not in ('O', 'A') order by 1
"""
_FUNCTIONS = """
select p.proname, p.prosrc from pg_proc p
join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'public'
"""
_REMOVABLE = """
select c.relname, r.word from pg_class c
join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
cross join (values ('DELETE'), ('TRUNCATE')) r (word)
where has_table_privilege(%s, c.oid, r.word) and c.relname = any (%s::text[])
order by 1, 2
"""
_UNGUARDED = """
select c.relname
from pg_class c
join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
where c.relkind = 'r'
  and c.relname not in
    ('members_membership', 'members_invitation', 'members_apikey', 'members_letter',
     'jobs_job', 'jobs_turn', 'jobs_clockline')
  and not (
    c.relrowsecurity and c.relforcerowsecurity
    and exists (
      select 1 from pg_policy p
      where p.polrelid = c.oid and p.polqual is not null and p.polwithcheck is not null
    )
  )
order by 1
"""
