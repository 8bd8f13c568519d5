"""Tests run as the application's role on clones of one migrated template.

The template is kept from run to run under a name that hashes whatever shapes it. Each worker clones
it; a test that commits clones again afterwards, because the flush Django would do is a TRUNCATE,
which append-only tables refuse. No guard is ever switched off.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from billing_portal import postgres

ROOT = Path(__file__).resolve().parent.parent
# Another checkout may use the same server at the same time: its templates are left alone.
_OURS = f"portal_template_{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}_"
LOCK = 7301  # one clone at a time: a template may have no other connection
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

hypothesis.settings.register_profile(
    "house",
    deadline=None,
    max_examples=60,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("house")


class Databases:
    """The test server, and how databases on it are made and dropped."""

    def __init__(self) -> None:
        self.owner_url = os.environ.get("TEST_DATABASE_OWNER_URL", "")
        self.app_url = os.environ.get("TEST_DATABASE_URL", "")
        if not self.owner_url:
            server = postgres.ensure_running("postgres-test", options=FAST)
            self.owner_url = server.url(postgres.OWNER_ROLE, "postgres")
            self.app_url = server.url(postgres.APP_ROLE, "postgres")
        self.template = f"{_OURS}{_shape()}"

    def url(self, kind: str, name: str) -> str:
        """Return the address of a database for one of the two roles."""
        named = conninfo_to_dict(self.owner_url if kind == "owner" else self.app_url)
        named["dbname"] = name
        return " ".join(f"{key}={value}" for key, value in named.items())

    def connect(self) -> psycopg.Connection:
        """Connect as the owner, outside every test database."""
        return psycopg.connect(self.owner_url, autocommit=True)

    def build_template(self) -> None:
        """Migrate the template, unless one of the same shape is there."""
        with self.connect() as connection:
            connection.execute("select pg_advisory_lock(%s)", [LOCK])
            names = "select datname from pg_database where starts_with(datname, %s)"
            known = [row[0] for row in connection.execute(names, [_OURS]).fetchall()]
            if self.template in known:
                return
            for name in known:
                connection.execute(
                    sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
                )
            self._migrate(connection)

    def _migrate(self, connection: psycopg.Connection) -> None:
        raw = f"portal_migrating_{os.getpid()}"
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(raw)))
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_ROLE": "owner",
            "DATABASE_URL": self.url("app", raw),
            "DATABASE_OWNER_URL": self.url("owner", raw),
        }
        command = [sys.executable, "manage.py", "migrate", "-v0"]
        subprocess.run(command, check=True, env=environment, cwd=ROOT)
        connection.execute(
            sql.SQL("alter database {} rename to {}").format(
                sql.Identifier(raw), sql.Identifier(self.template)
            )
        )

    def clone(self, name: str) -> None:
        """Make the database anew from the template."""
        with self.connect() as connection:
            connection.execute("select pg_advisory_lock(%s)", [LOCK])
            _drop(connection, name)
            connection.execute(
                sql.SQL("create database {} template {} strategy file_copy").format(
                    sql.Identifier(name), sql.Identifier(self.template)
                )
            )

    def drop(self, name: str) -> None:
        """Drop a clone."""
        with self.connect() as connection:
            _drop(connection, name)


def _drop(connection: psycopg.Connection, name: str) -> None:
    """Drop a database; the server's own housekeeping in it is waited for, as it cannot be ended."""
    for patience in range(50, -1, -1):
        try:
            connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
            if not patience:
                raise
            time.sleep(0.2)
        else:
            return


def _shape() -> str:
    files = [
        *sorted(ROOT.glob("*/migrations/*.py")),
        *sorted(ROOT.glob("*/*/migrations/*.py")),
        *sorted(ROOT.glob("*/**/*.sql")),
        ROOT / "billing_portal/tenancy/operations.py",
        ROOT / "requirements.txt",
    ]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def pytest_configure(config: pytest.Config) -> None:
    """Build the template once, before workers start."""
    if not hasattr(config, "workerinput"):
        Databases().build_template()


@pytest.fixture(scope="session")
def databases() -> Databases:
    """The test server."""
    return Databases()


@pytest.fixture(scope="session")
def django_db_setup(databases, django_db_blocker, worker_id) -> Iterator[None]:
    """Give this worker its own clone, and point Django and child processes at it."""
    from django.db import connection

    name = f"portal_test_{worker_id}_{os.getpid()}"
    databases.clone(name)
    named = conninfo_to_dict(databases.url("app", name))
    os.environ["DATABASE_URL"] = databases.url("app", name)
    os.environ["DATABASE_OWNER_URL"] = databases.url("owner", name)
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict.update(
            NAME=name,
            USER=named["user"],
            HOST=named.get("host", ""),
            PORT=named.get("port", ""),
            PASSWORD=named.get("password", ""),
        )
    yield
    with django_db_blocker.unblock():
        connection.close()
    databases.drop(name)


@pytest.fixture(autouse=True)
def _anchors_of_its_own(settings, tmp_path) -> None:
    """Let no test find another's anchors: clones of one template number their firms alike."""
    settings.ANCHORS_DIR = tmp_path / "anchors"


@pytest.fixture(autouse=True)
def _nobody_has_signed_in_before() -> None:
    """Let no test pay for another's sign-ins: allauth counts by address, for a minute."""
    from django.core.cache import cache

    cache.clear()


@pytest.fixture(autouse=True)
def _fresh_clone_after_commit(request) -> None:
    """Clone again after a test that commits: its flush is replaced."""
    marker = request.node.get_closest_marker("django_db")
    if not (marker and marker.kwargs.get("transaction")):
        return
    from django.db import connections
    from django.test import TransactionTestCase

    databases = request.getfixturevalue("databases")
    for connection in connections.all():  # one of the clone before would be dead
        connection.close()

    def clone_again(_case: object) -> None:
        for opened in connections.all():
            opened.close()
        databases.clone(connections["default"].settings_dict["NAME"])

    TransactionTestCase._fixture_teardown = clone_again  # type: ignore[attr-defined]  # Django's own
    request.getfixturevalue("transactional_db")


@pytest.fixture
def firm(db):
    """A firm, with no scope open."""
    from tests.factories import TenantFactory

    return TenantFactory.create()


@pytest.fixture
def tenant(firm):
    """A firm, with its scope open for the whole test."""
    from billing_portal.tenancy.scope import tenant_scope

    with tenant_scope(firm.pk):
        yield firm


@pytest.fixture
def neighbor(db):
    """The scope of another firm, to be entered with ``with``; ``neighbor.firm`` is that firm."""
    from tests.factories import Neighbor

    return Neighbor()


@pytest.fixture
def owner():
    """An actor who may do everything; no user of a test has the number."""
    from tests.factories import actor

    return actor("owner", number=900_001)


@pytest.fixture
def second_owner():
    """Another such actor, for deeds that need four eyes."""
    from tests.factories import actor

    return actor("owner", number=900_002)


@pytest.fixture
def timekeeper():
    """An actor who may do little."""
    from tests.factories import actor

    return actor("timekeeper", number=900_003)
