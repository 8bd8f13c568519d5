"""What the portal asks of the database before it serves anybody."""

from __future__ import annotations

from django.db import connection


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
