"""Where people come in: the front door, their firms, invitations, and how it looks for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing_portal.errors import Refused
from billing_portal.members import actions, queries
from billing_portal.members.models import User
from billing_portal.tenancy.requests import HouseRequest


class AcceptForm(forms.Form):
    """The password that an invited person chooses."""

    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), label="Password"
    )

    def clean_password(self) -> str:
        """Hold it against the installation's rules."""
        password: str = self.cleaned_data["password"]
        validate_password(password)
        return password


@require_safe
def front(request: HouseRequest) -> HttpResponse:
    """Lead a member to the firm's inbox, others to their firms or to sign-in."""
    if request.actor is not None:
        return redirect("portal:inbox")
    if not isinstance(request.user, User):
        return redirect("account_login")
    firms = queries.firms_of(request.user)
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
    """Let an invited person choose a password; nothing happens on GET, which scanners follow."""
    form = AcceptForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.accept_invitation(
                token, password=form.cleaned_data["password"], at=datetime.now(UTC)
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Welcome. Sign in with your new password.")
            return redirect("account_login")
    status = 422 if form.errors else 200
    return render(request, "portal/accept.html", {"form": form}, status=status)


def _choice(request: HttpRequest, user: Any) -> HttpResponse:
    """Show a user's firms with their roles there. One query."""
    rows = [
        {
            "name": tenant.name,
            "color": tenant.color,
            "role": ", ".join(role.capitalize() for role in roles),
            "url": f"/t/{tenant.slug}/",
        }
        for tenant, roles in queries.firms_of(user)
    ]
    return render(request, "portal/firms.html", {"firms": rows})
