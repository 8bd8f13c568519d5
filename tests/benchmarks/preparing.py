"""A database of its own for a benchmark, on the embedded server with its usual durability."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg import sql

from billing_portal import postgres

ROOT = Path(__file__).resolve().parents[2]


def prepare(database: str, *, settings: str = "tests.settings") -> None:
    """Make a database anew, migrate it, and point Django at it as the application's role."""
    server = postgres.ensure_running()
    drop = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database))
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(drop)
    postgres.ensure_database(server, database)
    os.environ["DATABASE_URL"] = server.url(postgres.APP_ROLE, database)
    os.environ["DATABASE_OWNER_URL"] = server.url(postgres.OWNER_ROLE, database)
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True, cwd=ROOT)
