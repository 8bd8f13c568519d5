"""How allauth is bent to the house: by invitation only, mail is posted, secrets are locked."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext

from billing_portal.members import notices, paths, proofs, queries, sessions
from billing_portal.members.encryption import lock_up, open_up
from billing_portal.members.post import Written, carrier_for, post
from billing_portal.tenancy.models import Tenant

_ASKS = "allauth.mfa.stages.AuthenticateStage"
_FACTOR = "mfa_authenticator.data"


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

        A directory's word proves no address: it would hold for other firms, too. Who lost a second
        factor is led to the page where a new one is set up.
        """
        is_by_directory = sessions.settle(request, user, told["signal_kwargs"])
        if not is_by_directory:
            proofs.confirm_invited_address(user)
        answer: HttpResponse = super().post_login(request, user, **told)
        if is_by_directory or not proofs.lacks_new_factor(user):
            return answer
        messages.warning(request, gettext("Your second factor was reset: set up a new one now."))
        return HttpResponseRedirect(reverse("mfa_index"))

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

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Any,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell somebody what happened to their password, in the house's words.

        Of second factors they are told by what compares them, in the transaction of the deed.
        """
        if not template_prefix.startswith("mfa/"):
            notices.tell(user, template_prefix.rpartition("/")[2])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write the mail now and post it: a job sends it, so that no request waits or fails."""
        firm = carrier_for(email)
        if firm is None:
            return  # an installation without a firm has nobody to write to
        why = gettext("You get this because somebody filled in a form on the sign-in page.")
        own = {"request": self.request, "email": email, "firm": notices.SENDER, "footer": [why]}
        message = self.render_mail(template_prefix, email, own | context)
        ((html, _kind),) = message.alternatives
        post(Written(email, str(message.subject), str(message.body), str(html)), firm=firm)


class LockedFactors(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Second factors whose secrets are encrypted at rest, by the installation's key."""

    def encrypt(self, text: str) -> str:
        """Lock a secret of an authenticator app, or the seed of recovery codes."""
        return lock_up(text, place=_FACTOR)

    def decrypt(self, encrypted_text: str) -> str:
        """Open it again."""
        return open_up(encrypted_text, place=_FACTOR)
