"""``manage.py remind``: write to whoever is due for a reminder."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_portal.periods import local_day
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope
from dunning.actions.remind import remind_due
from dunning.queries.reminders import due_reminders


class Command(BaseCommand):
    """Remind of what is due, or show what would be."""

    help = "Remind customers of overdue invoices; each step of each invoice happens once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("firm")
        parser.add_argument("--on", type=date.fromisoformat, help="the day; today unless given")
        parser.add_argument("--forecast", action="store_true", help="only show what would go out")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what was decided."""
        firm = Tenant.objects.filter(slug=options["firm"]).first()
        if firm is None:
            raise CommandError("No such firm.")
        on = options["on"] or local_day(datetime.now(UTC), firm.time_zone)
        with tenant_scope(firm.pk):
            if options["forecast"]:
                told = [(due.invoice.number, due.step.level) for due in due_reminders(on)]
            else:
                made = remind_due(on=on, by=system("operator"))
                told = [(each.invoice.number, each.level) for each in made]
        if options["json"]:
            self.stdout.write(json.dumps([{"invoice": n, "level": level} for n, level in told]))
            return
        for number, level in told:
            self.stdout.write(f"{number}: reminder {level}")
        self.stdout.write(f"{len(told)} reminders")
