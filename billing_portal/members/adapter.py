"""How allauth is bent to the house: nobody signs up without an invitation."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from billing_portal.members import paths, proofs, queries, sessions
from billing_portal.tenancy.models import Tenant

_ASKS = "allauth.mfa.stages.AuthenticateStage"
_SENDER = {"name": "Billing portal", "color": "#1f5fbf"}  # a person's account is of no firm


class ClosedAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Sign-in by e-mail for people who are already members of some firm."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse: people come by invitation."""
        return False

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """Leave it: users have no name to sign in with but their address."""

    def get_login_stages(self) -> list[str]:
        """Let a directory that has asked for two factors spare ours."""
        ours = "billing_portal.members.sessions.SecondFactor"
        return [ours if path == _ASKS else path for path in super().get_login_stages()]

    def pre_login(self, request: HttpRequest, user: Any, **told: Any) -> HttpResponse | None:
        """Lead to the directory whom every firm of theirs wants to come by it."""
        answer: HttpResponse | None = super().pre_login(request, user, **told)
        firms = [tenant for tenant, _roles in queries.firms_of(user)]
        is_free = sessions.is_by_directory(told["signal_kwargs"]) or not firms
        if answer is not None or is_free or not all(firm.requires_directory for firm in firms):
            return answer
        return redirect(paths.outside_firms("directories:start", slug=firms[0].slug))

    def login(self, request: HttpRequest, user: Any) -> None:
        """Begin the session."""
        super().login(request, user)
        sessions.forget(request)

    def post_login(self, request: HttpRequest, user: Any, **told: Any) -> HttpResponse:
        """Mark what a directory began; else catch up on an address that an invitation has proven.

        A directory's word proves no address: it would hold for other firms, too.
        """
        if not sessions.settle(request, user, told["signal_kwargs"]):
            proofs.confirm_invited_address(user)
        answer: HttpResponse = super().post_login(request, user, **told)
        return answer

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Ask whom a directory has signed in there once more: it knows them, the portal may not."""
        by = sessions.by_directory(self.request)
        if by is None:
            methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
            return methods
        firm = Tenant.objects.get(pk=by.firm)
        url = paths.outside_firms("directories:start", slug=firm.slug)
        return [{"id": "directory", "description": str(firm), "url": url}]

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
