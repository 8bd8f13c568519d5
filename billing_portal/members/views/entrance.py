"""Where people come in: the front door, their firms, invitations, and how it looks for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing_portal.errors import Refused
from billing_portal.members import actions, invitations, queries, sessions
from billing_portal.members.models import Invitation, User
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.requests import HouseRequest


class AcceptForm(forms.Form):
    """The password that an invited person chooses."""

    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), label="Password"
    )

    def __init__(self, data: Any, invitation: Invitation) -> None:
        super().__init__(data)
        self._invited = User(email=invitation.email, name=invitation.name)

    def clean_password(self) -> str:
        """Hold it against the installation's rules; it is nothing like the name or address."""
        password: str = self.cleaned_data["password"]
        validate_password(password, self._invited)
        return password


@require_safe
def front(request: HouseRequest) -> HttpResponse:
    """Lead a member to the firm's inbox, others to their firms or to sign-in."""
    if request.actor is not None:
        return redirect("portal:inbox")
    if not isinstance(request.user, User):
        return redirect("account_login")
    firms = _firms(request, request.user)
    if len(firms) == 1:
        return redirect(f"/t/{firms[0][0].slug}/inbox/")
    return _choice(request, request.user)


@require_safe
@login_required
def firms(request: HouseRequest) -> HttpResponse:
    """Show the firms that the user may enter."""
    return _choice(request, request.user)


@require_safe
@login_required
def address(request: HouseRequest) -> HttpResponse:
    """Show the address that the user signs in with; nobody changes their own.

    Whoever holds an open session could otherwise take the account over for good.
    """
    return render(request, "account/email.html")


@require_POST
@login_required
def theme(request: HouseRequest) -> HttpResponse:
    """Remember light or dark and go back to where the user was."""
    chosen = request.POST.get("theme", "")
    if chosen in {"", "light", "dark"} and isinstance(request.user, User):
        actions.choose_theme(request.user, chosen)
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    return redirect(back)


@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Let an invited person in: by a new password, or signed in where they have one already.

    Nothing happens on GET, which scanners of mail follow.
    """
    now = datetime.now(UTC)
    invitation = invitations.invitation_of(token, at=now)
    if invitation is None:
        return render(request, "portal/accept_nothing.html", status=404)
    if isinstance(request.user, User):
        return _accept_signed_in(request, invitation, request.user, token)
    shown = {"invitation": invitation, "form": AcceptForm(request.POST or None, invitation)}
    if queries.has_password(invitation.email):
        here = urlencode({"next": request.get_full_path()})
        shown |= {"sign_in_url": f"{reverse('account_login')}?{here}"}
        status = 409 if request.method == "POST" else 200
        return render(request, "portal/accept.html", shown, status=status)
    return _accept_new(request, token, shown)


def _accept_new(request: HttpRequest, token: str, shown: dict[str, Any]) -> HttpResponse:
    form = shown["form"]
    if request.method == "POST" and form.is_valid():
        try:
            invitations.accept_invitation(
                token, password=form.cleaned_data["password"], at=datetime.now(UTC)
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, gettext("Welcome. Sign in with your new password."))
            return redirect("account_login")
    status = 422 if form.errors else 200
    return render(request, "portal/accept.html", shown, status=status)


def _accept_signed_in(
    request: HttpRequest, invitation: Invitation, user: User, token: str
) -> HttpResponse:
    shown = {"invitation": invitation, "is_other": invitation.email != user.email}
    if request.method != "POST":
        return render(request, "portal/accept_signed_in.html", shown)
    try:
        invitations.accept_as(user, token, at=datetime.now(UTC))
    except Refused as refusal:
        shown |= {"refusal": str(refusal)}
        return render(request, "portal/accept_signed_in.html", shown, status=409)
    messages.success(request, gettext("Welcome to %(firm)s.") % {"firm": invitation.tenant})
    return redirect(f"/t/{invitation.tenant.slug}/inbox/")


def _choice(request: HttpRequest, user: Any) -> HttpResponse:
    """Show a user's firms with their roles there. One query."""
    rows = [
        {
            "name": tenant.name,
            "color": tenant.color,
            "role": ", ".join(role.capitalize() for role in roles),
            "url": f"/t/{tenant.slug}/",
        }
        for tenant, roles in _firms(request, user)
    ]
    return render(request, "portal/firms.html", {"firms": rows})


def _firms(request: HttpRequest, user: User) -> list[tuple[Tenant, list[str]]]:
    """Return the firms that this session may enter: the user's, or its directory's. One query."""
    by = sessions.by_directory(request)
    return [row for row in queries.firms_of(user) if by is None or row[0].pk == by.firm]
