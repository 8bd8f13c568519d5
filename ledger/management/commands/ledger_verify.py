"""``manage.py ledger_verify``: check the books of one firm or of all; exit 1 when one is broken."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_portal.audit.sealing import seal_all
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.verifying import LedgerReport, verify


class Command(BaseCommand):
    """Recompute every invariant of the books and name the first break of each."""

    help = "Check the books: balances, chain, anchors, closing, reversals, guards."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("firm", nargs="?", help="a firm's slug; all firms without it")
        parser.add_argument("--tenant", help="the same, by name")
        parser.add_argument("--seal", action="store_true", help="seal what waits first")
        parser.add_argument("--files", action="store_true", help="read the kept files as well")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what was found, firm by firm."""
        firms = Tenant.objects.order_by("slug")
        named = {slug for slug in (options["firm"], options["tenant"]) if slug}
        if len(named) > 1:
            raise CommandError("Name one firm.")
        if named:
            firms = firms.filter(slug__in=named)
            if not firms:
                raise CommandError("No such firm.")
        if options["seal"]:
            seal_all()
        reports = []
        for firm in firms:
            with tenant_scope(firm.pk):
                reports.append(verify(firm, with_files=options["files"]))
        if options["json"]:
            self.stdout.write(json.dumps([report.as_json() for report in reports], indent=2))
        else:
            for report in reports:
                self._print(report)
        sys.exit(0 if all(report.ok for report in reports) else 1)

    def _print(self, report: LedgerReport) -> None:
        says = "ok" if report.ok else "BROKEN"
        self.stdout.write(f"{report.firm}: {says}, {report.entries} entries")
        for name, findings in report.checks.items():
            self.stdout.write(f"  {'ok' if not findings else 'BROKEN'}  {name}")
            for finding in findings:
                self.stdout.write(f"        {finding}")
        for each in report.standing:
            self.stdout.write(f"  {each.amount} stand on {each.account} since {each.last_moved_on}")
