"""``manage.py open_firm``: set up a firm and invite its first people."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction
from django.urls import reverse

from billing_portal.members import actions, invitations
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.permissions import ROLES
from billing_portal.tenancy.scope import tenant_scope

_PLACE = {
    "address": "street, as printed on invoices",
    "city": "",
    "region": "state, province or county; in the US its two letters",
    "postal_code": "",
    "country": "two letters; US unless given",
    "email": "printed on invoices",
    "remittance": "how to pay, printed on invoices",
}
_OWNERS = 2
SETUP, OPERATOR = system("setup"), system("operator")


class Command(BaseCommand):
    """Open a firm; prints one link for each person, which is good once and for seven days."""

    help = "Open a firm and print a link for each of its first people."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("slug")
        parser.add_argument("--name", required=True)
        parser.add_argument("--time-zone", default="America/New_York")
        parser.add_argument("--currency", default="USD")
        parser.add_argument("--color", default="#1f5fbf")
        parser.add_argument("--tax-id", default="", help="LEDES LAW_FIRM_ID")
        for name, help_text in _PLACE.items():
            parser.add_argument(f"--{name.replace('_', '-')}", default="", help=help_text)
        parser.add_argument(
            "--member",
            nargs=3,
            action="append",
            default=[],
            metavar=("ROLE", "EMAIL", "NAME"),
            help=f"one of {', '.join(ROLES)}; the first should be two owners",
        )
        parser.add_argument("--json", action="store_true", help="print the links as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do all of it, or nothing."""
        members = options["member"]
        unknown = sorted({role for role, _, _ in members} - set(ROLES))
        if unknown:
            raise CommandError(f"No such role: {', '.join(unknown)}.")
        if Tenant.objects.filter(slug=options["slug"]).exists():
            raise CommandError(f"There is a firm {options['slug']} already.")
        owners = {email.strip().lower() for role, email, _ in members if role == "owner"}
        if len(owners) < _OWNERS:
            self.stderr.write(
                "Warning: roles, invitations and keys take two owners, one to propose and one to"
                " approve. Name a second one with --member owner …"
            )
        try:
            links = self._open(members, options)
        except IntegrityError as error:
            raise CommandError(f"The firm cannot be opened: {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps(links))
            return
        for email, link in links.items():
            self.stdout.write(f"{email}\t{link}")

    @transaction.atomic
    def _open(self, members: list[list[str]], options: dict[str, Any]) -> dict[str, str]:
        now = datetime.now(UTC)
        firm = actions.open_firm(
            slug=options["slug"],
            name=options["name"],
            time_zone=options["time_zone"],
            currency=options["currency"],
            color=options["color"],
            tax_id=options["tax_id"],
            **{name: options[name] for name in _PLACE if options[name]},
            by=SETUP,
        )
        links = {}
        with tenant_scope(firm.pk):
            for role, email, name in members:
                invitation = invitations.invite(
                    firm, email=email, name=name, role=role, by=SETUP, at=now
                )
                token = invitations.approve_by_hand(invitation, by=OPERATOR, at=now)
                path = reverse("members:accept", args=[token])
                links[email] = f"{settings.SITE_URL.rstrip('/')}{path}"
        return links
