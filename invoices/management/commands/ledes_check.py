"""``manage.py ledes_check FILE``: every finding of a LEDES file; exit 1 when one is an error."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from invoices.ledes.check import check
from invoices.ledes.profile import DEFAULT, profile_from


class Command(BaseCommand):
    """Check a file against its form, its arithmetic and a profile; writes nothing."""

    help = "Tell every finding of a LEDES 1998B or 98BI file, with row, column and rule."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--profile", type=Path, help="a carrier's profile as JSON")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what was found."""
        try:
            data = options["file"].read_bytes()
            named = options["profile"]
            profile = profile_from(named.read_text()) if named else DEFAULT
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        checked = check(data, profile, today=datetime.now(UTC).date())
        if options["json"]:
            found = [finding.as_json() for finding in checked.findings]
            self.stdout.write(json.dumps({"ok": checked.ok, "findings": found}, indent=2))
        else:
            for finding in checked.findings:
                place = f"row {finding.row or '-'}, {finding.field or 'file'}"
                self.stdout.write(f"{finding.severity}: {place}: {finding.rule}: {finding.text}")
            self.stdout.write("ok" if checked.ok else f"{len(checked.findings)} findings")
        sys.exit(0 if checked.ok else 1)
