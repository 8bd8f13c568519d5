"""``manage.py lock_files``: encrypt the files that earlier versions kept plain."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_portal.tenancy.models import Tenant
from invoices.gateways import files


class Command(BaseCommand):
    """Lock file by file; stopped, the next start goes on. Ends 1 when a file is damaged."""

    help = "Encrypt the stored files that are plain yet, of one firm or of all."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--tenant", help="a firm's slug; all firms without it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say firm by firm how many were locked, and name what is not what was stored."""
        firms = Tenant.objects.order_by("slug")
        if options["tenant"]:
            firms = firms.filter(slug=options["tenant"])
            if not firms:
                raise CommandError("No such firm.")
        are_locked = [self._lock(firm) for firm in firms]
        sys.exit(0 if all(are_locked) else 1)

    def _lock(self, firm: Tenant) -> bool:
        """Lock a firm's files; return whether all of them are locked now."""
        locked, refused = 0, 0
        for name in files.plain_files(firm.pk):
            try:
                files.lock(firm.pk, name)
            except files.UNREADABLE as no:
                refused += 1
                self.stderr.write(f"{firm.slug}: {name}: {no}")
            else:
                locked += 1
        left = files.clear_left(firm.pk)
        self.stdout.write(f"{firm.slug}: {locked} locked, {refused} not, {left} remains removed")
        return not refused
