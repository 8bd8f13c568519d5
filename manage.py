#!/usr/bin/env python3
"""The command line of the portal: starts the embedded database where none is named."""

import os
import sys

from django.core.management import execute_from_command_line

from billing_portal import postgres

OWNERS_COMMANDS = {"migrate", "makemigrations", "sqlmigrate", "showmigrations", "lintmigrations"}


def main() -> None:
    """Run one command; those that change the schema connect as the owner role."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_portal.settings")
    postgres.set_environment()
    if len(sys.argv) > 1 and sys.argv[1] in OWNERS_COMMANDS:
        os.environ["DATABASE_ROLE"] = "owner"
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
