"""``manage.py audit_verify``: recompute the chains; exit 1 at the first broken entry."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from billing_portal.audit.sealing import seal_all
from billing_portal.audit.verification import verify_chain
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope


class Command(BaseCommand):
    """Verify every chain of one firm, or of all."""

    help = "Recompute the audit and ledger chains and compare them with their anchors."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--tenant", help="a firm's slug; all firms without it")
        parser.add_argument("--seal", action="store_true", help="seal what waits first")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what was found."""
        if options["seal"]:
            seal_all()
        firms = Tenant.objects.order_by("slug")
        if options["tenant"]:
            firms = firms.filter(slug=options["tenant"])
        reports = {}
        for firm in firms:
            with tenant_scope(firm.pk):
                reports[firm.slug] = [verify_chain(firm, chain) for chain in settings.SEALED_CHAINS]
        if options["json"]:
            plain = {slug: [r.as_json() for r in found] for slug, found in reports.items()}
            self.stdout.write(json.dumps(plain, indent=2))
        else:
            self._print(reports)
        sys.exit(0 if all(r.ok for found in reports.values() for r in found) else 1)

    def _print(self, reports: dict[str, Any]) -> None:
        for slug, found in reports.items():
            for report in found:
                says = "; ".join(report.findings) or f"intact, head {report.head[:12]}…"
                self.stdout.write(
                    f"{slug} {report.chain}: {report.sealed} sealed, {report.waiting} waiting, "
                    f"{report.anchors} anchored: {says}"
                )
