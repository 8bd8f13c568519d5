"""The laws in the database hold on PostgreSQL 15 too, where one answers."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from billing_portal import postgres

ROOT = Path(__file__).resolve().parent.parent.parent
ADMIN_URL = os.environ.get("POSTGRES_15_URL", "host=127.0.0.1 port=5432 dbname=postgres user=root")
FOLDERS = ["tests/architecture/test_database.py", "tests/foundations/test_scope.py", "tests/ledger"]


def _answers() -> bool:
    if os.environ.get("TEST_DATABASE_URL"):
        return False  # this is the run on the other server
    try:
        with psycopg.connect(ADMIN_URL, connect_timeout=2) as connection:
            return connection.info.server_version // 10000 >= 15
    except psycopg.OperationalError:
        return False


@pytest.mark.skipif(not _answers(), reason="NO OTHER POSTGRESQL ANSWERS: version 15 is NOT tested")
def test_the_laws_hold_on_another_version():
    with psycopg.connect(ADMIN_URL, autocommit=True) as connection:
        postgres.make_roles(connection)
        host, port = connection.info.host, connection.info.port
    base = f"host={host} port={port} dbname=postgres"
    environment = {
        **{key: value for key, value in os.environ.items() if "PYTEST" not in key},
        "TEST_DATABASE_URL": f"{base} user={postgres.APP_ROLE}",
        "TEST_DATABASE_OWNER_URL": f"{base} user={postgres.OWNER_ROLE}",
    }
    environment.pop("DATABASE_URL", None)
    environment.pop("DATABASE_OWNER_URL", None)
    folders = [name for name in FOLDERS if (ROOT / name).exists()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly"]

    run = subprocess.run(
        [*command, *folders], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stdout[-4000:]
