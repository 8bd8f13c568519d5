"""``manage.py trial_balance``: what stands on which accounts; exit 1 when it is not zero."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_portal.periods import local_day
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope
from ledger.queries import TrialBalance, trial_balance


class Command(BaseCommand):
    """Print the trial balance of one firm."""

    help = "Print a firm's trial balance, by role and currency."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("tenant", help="a firm's slug")
        span = parser.add_mutually_exclusive_group()
        span.add_argument(
            "--on",
            type=date.fromisoformat,
            help="up to and including this day; else the firm's today",
        )
        span.add_argument("--all", action="store_true", help="every entry, those dated ahead too")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what stands where, and what the difference of each currency is."""
        firm = Tenant.objects.filter(slug=options["tenant"]).first()
        if firm is None:
            raise CommandError("No such firm.")
        on = options["on"] or local_day(datetime.now(UTC), firm.time_zone)
        with tenant_scope(firm.pk):
            found = trial_balance(None if options["all"] else on)
        if options["json"]:
            self.stdout.write(json.dumps(_plain(found), indent=2))
        else:
            for line in found.lines:
                self.stdout.write(
                    f"{line.code}  {line.label:<26}{line.debit.amount:>18}{line.credit.amount:>18}"
                    f"  {line.currency}"
                )
            self.stdout.write(f"as of {found.on}" if found.on else "all entries")
            for currency, difference in found.differences.items():
                self.stdout.write(f"difference {difference.amount} {currency}")
        sys.exit(1 if any(found.differences.values()) else 0)


def _plain(found: TrialBalance) -> dict[str, Any]:
    return {
        "on": found.on and found.on.isoformat(),
        "lines": [
            {
                "code": line.code,
                "role": line.role,
                "currency": line.currency,
                "debit": str(line.debit.amount),
                "credit": str(line.credit.amount),
            }
            for line in found.lines
        ],
        "differences": {c: str(money.amount) for c, money in found.differences.items()},
    }
