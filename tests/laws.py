"""Write down the laws of a freshly migrated database, for verification to hold others against."""

from __future__ import annotations

import os
import sys

import django

from tests.conftest import Databases

NAME = f"portal_laws_{os.getpid()}"


def main() -> None:
    """Migrate a database, read its laws as the application, and write the list."""
    databases = Databases()
    databases.build_template()
    databases.clone(NAME)
    try:
        os.environ["DATABASE_URL"] = databases.url("app", NAME)
        os.environ["DATABASE_OWNER_URL"] = databases.url("owner", NAME)
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        django.setup()
        _write()
    finally:
        databases.drop(NAME)


def _write() -> None:
    from django.db import connection

    from billing_portal.tenancy import laws

    found = laws.laws()
    laws.LIST.write_text(laws.listed(found))
    connection.close()
    sys.stdout.write(f"{laws.LIST.name}: {len(found)} laws\n")


if __name__ == "__main__":
    main()
