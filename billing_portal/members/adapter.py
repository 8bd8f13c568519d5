"""How allauth is bent to the house: nobody signs up without an invitation."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext

from billing_portal.members import proofs

_SENDER = {"name": "Billing portal", "color": "#1f5fbf"}  # a person's account is of no firm


class ClosedAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Sign-in by e-mail for people who are already members of some firm."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse: people come by invitation."""
        return False

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """Leave it: users have no name to sign in with but their address."""

    def login(self, request: HttpRequest, user: Any) -> None:
        """Sign in, and catch up on an address that an invitation has proven before."""
        super().login(request, user)
        proofs.confirm_invited_address(user)

    def set_password(self, user: Any, password: str) -> None:
        """Set the password that somebody chose, by the old one or by a mailed link; on record."""
        super().set_password(user, password)
        proofs.record_in_each_firm("password.changed", user)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write the mail now and send it after the commit: no transaction spans the sending."""
        why = gettext("You get this because somebody filled in a form on the sign-in page.")
        own = {"request": self.request, "email": email, "firm": _SENDER, "footer": [why]}
        message = self.render_mail(template_prefix, email, own | context)
        transaction.on_commit(message.send)
