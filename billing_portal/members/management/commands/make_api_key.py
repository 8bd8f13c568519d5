"""``manage.py make_api_key``: the first key of a firm's own systems."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_portal.errors import Refused
from billing_portal.members import granting
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.permissions import ROLES
from billing_portal.tenancy.scope import tenant_scope


class Command(BaseCommand):
    """Make and approve an API key; it is printed this once."""

    help = "Make an API key for a firm and print it; it cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("firm", help="the firm's slug")
        parser.add_argument("--name", required=True)
        parser.add_argument("--days", type=int, default=365)
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            choices=sorted(ROLES["service"]),
            metavar="PERMISSION",
            help="what it may do, such as charges.capture; repeatable; without any, all that a "
            "service may do, approving for others included: the operator stands for it",
        )
        parser.add_argument("--network", action="append", default=[], help="a CIDR; repeatable")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, or say why not."""
        firm = Tenant.objects.filter(slug=options["firm"]).first()
        if firm is None:
            raise CommandError("No such firm.")
        now = datetime.now(UTC)
        try:
            with tenant_scope(firm.pk):
                key, text = granting.request_key(
                    firm,
                    name=options["name"],
                    by=system("setup"),
                    expires_at=now + timedelta(days=options["days"]),
                    scopes=sorted(set(options["scope"])),
                    networks=options["network"],
                )
                granting.approve_key(key, by=system("operator"), at=now)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(text)
