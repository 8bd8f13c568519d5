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
