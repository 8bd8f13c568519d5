"""The database: its version, what its two roles may, and whether the laws are laid into it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import psycopg
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from billing_portal.errors import counted
from billing_portal.portal.findings import Finding, by_measure, fail, ok, warn
from billing_portal.tenancy.guards import privileges
from billing_portal.tenancy.laws import broken_laws, laid_down

OLDEST = 15
_CONNECT_SECONDS = 5
_VERSION_DIGITS = 10_000
_TOLD = 5
_ROLES = "docs/running.md, Database roles, says how to make both."


def database(_now: datetime) -> Iterator[Finding]:
    """Look at version, rights, migrations, laws, extensions, statistics and connections."""
    yield _version()
    yield _role_of_application()
    yield _role_of_owner()
    yield _migrations()
    yield _laws()
    yield _extensions()
    yield _statistics()
    yield _connections()


def _version() -> Finding:
    number = connection.cursor().connection.info.server_version
    words = f"PostgreSQL {number // _VERSION_DIGITS}.{number % _VERSION_DIGITS}"
    if number // _VERSION_DIGITS < OLDEST:
        return fail("database version", words, f"Use PostgreSQL {OLDEST} or newer.")
    return ok("database version", words)


def _role_of_application() -> Finding:
    what, role = "application's role", connection.settings_dict["USER"]
    too_much = [*privileges(), *_more_rights()]
    if too_much:
        words = f"{role} {', '.join(too_much)}"
        return fail(what, words, f"Run the portal as a role without these rights. {_ROLES}")
    return ok(what, f"{role} is bound by every policy and may change no table's form")


def _more_rights() -> list[str]:
    (owner,) = _one("select tableowner from pg_tables where tablename = 'tenancy_tenant'") or ("",)
    found = _one(_RIGHTS, [owner])
    creates_roles, creates_databases, creates_tables, is_owner = found or (False,) * 4
    return [
        words
        for holds, words in (
            (creates_roles, "may create roles"),
            (creates_databases, "may create databases"),
            (creates_tables, "may create tables"),
            (is_owner, "is a member of the owner's role"),
        )
        if holds
    ]


# Membership is asked of names that exist only: has_role raises for others.
_RIGHTS = """
select rolcreaterole, rolcreatedb, has_schema_privilege(current_user, 'public', 'CREATE'),
  exists (
    select from pg_roles o where o.rolname = %s and o.rolname <> current_user
      and pg_has_role(current_user, o.oid, 'MEMBER')
  )
from pg_roles where rolname = current_user
"""


def _role_of_owner() -> Finding:
    what = "owner's role"
    try:
        with psycopg.connect(
            settings.DATABASE_OWNER_URL, connect_timeout=_CONNECT_SECONDS
        ) as owner:
            row = owner.execute(
                "select current_user, rolsuper, rolbypassrls, rolname = any ("
                " select tableowner from pg_tables where tablename = 'tenancy_tenant')"
                " from pg_roles where rolname = current_user"
            ).fetchone()
    except psycopg.OperationalError as error:
        words = f"does not connect from here ({type(error).__name__})"
        return warn(what, words, "Migrate where DATABASE_OWNER_URL is known, or set it here.")
    role, is_super, bypasses, owns = row or ("", False, False, False)
    if is_super or bypasses:
        words = f"{role} is a superuser or bypasses policies"
        return warn(what, words, f"Migrate as a plain owner: policies bind it too. {_ROLES}")
    if not owns:
        words = f"{role} does not own the tables"
        return fail(what, words, "Name the role that owns them in DATABASE_OWNER_URL.")
    return ok(what, f"{role} owns the tables and is bound by their policies")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        words = f"{len(waiting)} wait, the first is {waiting[0][0]}"
        return fail("migrations", words, "Run manage.py migrate.")
    return ok("migrations", "all are applied")


def _laws() -> Finding:
    off = list(broken_laws())
    if off:
        words = f"{counted(len(off), 'law')} amiss: {' '.join(off[:_TOLD])}"
        return fail("laws", words, "Restore them from the migrations before serving.")
    return ok("laws", f"{len(laid_down())} policies, triggers, constraints and grants stand")


def _extensions() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("select extname from pg_extension order by 1")
        names = [row[0] for row in cursor.fetchall()]
    if "plpgsql" not in names:
        return fail("extensions", "plpgsql is missing", "create extension plpgsql;")
    return ok("extensions", f"{', '.join(names)}; only plpgsql is needed")


def _statistics() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname from pg_stat_user_tables where n_live_tup > 10000"
            " and last_analyze is null and last_autoanalyze is null order by n_live_tup desc"
        )
        names = [row[0] for row in cursor.fetchall()]
    if names:
        words = f"never taken of {', '.join(names[:5])}"
        return warn("statistics", words, "Run ANALYZE as the owner; is autovacuum on?")
    return ok("statistics", "every large table has been analyzed")


def _connections() -> Finding:
    used, most = _one(
        "select numbackends, current_setting('max_connections')::int"
        " from pg_stat_database where datname = current_database()"
    ) or (0, 1)
    advice = "Raise max_connections, or run fewer processes and threads."
    words = f"{used} of {most}"
    return by_measure("connections", words, used / most, warns_at=0.7, fails_at=0.9, advice=advice)


def _one(query: str, values: Sequence[str] | None = None) -> tuple | None:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        found: tuple | None = cursor.fetchone()
    return found
