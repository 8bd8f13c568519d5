"""``manage.py take_in_ledes``: a LEDES file as work to be billed."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_portal.errors import Refused
from billing_portal.periods import local_day
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.take_in import NotTakenIn, take_in_ledes


class Command(BaseCommand):
    """Take a file in, all of it or nothing; ends with 1 when nothing was taken."""

    help = "Take the lines of a LEDES 1998B or 98BI file in as charges, all or none."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("firm")
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what came of it."""
        firm = Tenant.objects.filter(slug=options["firm"]).first()
        if firm is None:
            raise CommandError("No such firm.")
        try:
            data = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        on = local_day(datetime.now(UTC), firm.time_zone)
        try:
            with tenant_scope(firm.pk):
                taken = take_in_ledes(data, by=system("operator"), on=on)
        except NotTakenIn as no:
            for finding in no.findings:
                place = f"row {finding.row or '-'}, {finding.field or 'file'}"
                self.stderr.write(f"{finding.severity}: {place}: {finding.rule}: {finding.text}")
            self.stderr.write(str(no))
            sys.exit(1)
        except Refused as no:
            raise CommandError(str(no)) from no
        told = {
            "invoices": taken.invoices,
            "charges": dict(taken.charges),
            "customers": taken.customers,
            "matters": taken.matters,
            "timekeepers": taken.timekeepers,
        }
        self.stdout.write(json.dumps(told) if options["json"] else str(told))
