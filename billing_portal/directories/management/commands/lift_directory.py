"""``manage.py lift_directory``: the way back in when a firm's directory is gone."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_portal.directories import actions
from billing_portal.errors import Refused
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope


class Command(BaseCommand):
    """End a firm's directory at once, so that its people sign in by password again."""

    help = "End a firm's directory: its people sign in by password again. On record in the firm."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        """Lift it."""
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"There is no firm {options['slug']}.")
        try:
            with tenant_scope(tenant.pk):
                ended = actions.lift_directory(tenant, by=system("operator"))
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{ended} signs nobody in at {tenant} any more.")
