"""``manage.py reset_factors``: for somebody of several firms who has lost a second factor."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_portal.errors import Refused
from billing_portal.members import resets
from billing_portal.members.models import User
from billing_portal.tenancy.actors import system


class Command(BaseCommand):
    """Take a person's second factors away; they sign in by password and set up new ones."""

    help = "Reset a person's second factors. On record in each of their firms; they are told."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reset them, or say why not."""
        user = User.objects.filter(email=options["email"].strip().lower()).first()
        if user is None:
            raise CommandError("Nobody has this address.")
        try:
            resets.reset_by_operator(user, by=system("operator"))
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{user} signs in by password now, and sets up a new second factor.")
