"""``manage.py doctor``: look at the installation; exit 0 well, 1 with warnings, 2 with faults."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from billing_portal.operation.examination import examined
from billing_portal.portal.findings import Finding, Level


class Command(BaseCommand):
    """Look at everything the portal needs, and say what to do about what is not well."""

    help = "Check database, settings, workers, mail, folders, printing, seals."
    requires_system_checks: list[str] = []  # a doctor comes also to those who cannot start

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what was found, line by line as it is found."""
        found = []
        for finding in examined(datetime.now(UTC)):
            found.append(finding)
            if not options["json"]:
                self._print(finding)
        worst = max((finding.level for finding in found), default=Level.OK)
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(found, worst), indent=2))
        sys.exit(int(worst))

    def _print(self, finding: Finding) -> None:
        level = finding.level.name.lower()
        self.stdout.write(f"{level:<5} {finding.what}: {finding.words}")
        if finding.advice:
            self.stdout.write(f"      → {finding.advice}")


def _as_json(found: list[Finding], worst: Level) -> dict[str, Any]:
    return {
        "status": worst.name.lower(),
        "findings": [
            {
                "level": each.level.name.lower(),
                "what": each.what,
                "words": each.words,
                "advice": each.advice,
            }
            for each in found
        ],
    }
