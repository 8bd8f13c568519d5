"""Signing in by a firm's directory: which firm, off to its directory, and back.

No page here runs in a transaction, because directories are asked in between. The form that begins
is answered by a page which leads on, not by a redirect: browsers hold redirects after a form
against ``form-action``, which would have to name every directory there is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from billing_portal.directories import actions, asking, queries, relying
from billing_portal.directories.fetching import Unreachable
from billing_portal.directories.models import Directory
from billing_portal.directories.tokens import Person
from billing_portal.errors import Refused
from billing_portal.members import paths, sessions
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope

_LONGEST = 2_000  # characters of the page to come back to, which a session keeps
_NOT_BEGUN = (
    "This sign-in was not begun in this browser, took too long, or has been used. Begin it again."
)


class AddressForm(forms.Form):
    """The address by whose end a firm is found."""

    email = forms.EmailField(
        label="Email", widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True})
    )

    def clean_email(self) -> str:
        """Find the firms whose directory speaks for the address."""
        email: str = self.cleaned_data["email"]
        self.firms = queries.firms_speaking_for(email)
        if not self.firms:
            raise forms.ValidationError(
                "No firm here signs such addresses in by its directory. Use your password."
            )
        return email


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """Find a person's firm by the end of their address, or by the page they came for."""
    to = request.POST.get("next") or request.GET.get("next", "")
    named = to.split("/")[2] if to.startswith("/t/") else ""
    if Tenant.objects.filter(slug=named).exclude(directory="").exists():
        start = paths.outside_firms("directories:start", slug=named)
        return redirect(f"{start}?{urlencode({'next': to})}")
    form = AddressForm(request.POST or None)
    firms = form.firms if form.is_valid() else []
    told = {"form": form, "firms": firms, "next": to}
    return render(request, "directories/choose.html", told, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Offer to sign in by a firm's directory; when asked to, lead there."""
    tenant = _firm(slug)
    to = _inside(tenant, request.POST.get("next") or request.GET.get("next", ""))
    if request.method != "POST":
        return render(request, "directories/start.html", {"one": tenant, "next": to})
    with tenant_scope(tenant.pk):
        directory = queries.directory_in_force()
        client = actions.client_of(directory) if directory else None
    if directory is None or client is None:
        return _refused(request, tenant, _NOT_BEGUN, HTTPStatus.BAD_REQUEST)
    now = datetime.now(UTC)
    is_anew = sessions.by_directory(request) is not None  # a proof: an open session there is none
    question = relying.new_question(since=int(now.timestamp()) if is_anew else 0)
    try:
        address = relying.address_of(client, question, back_to=_back_to(request, tenant))
    except Unreachable as refusal:
        return _refused(request, tenant, str(refusal), HTTPStatus.SERVICE_UNAVAILABLE)
    asked = asking.Asked(question, tenant.pk, directory.public_id, to)
    asking.keep(request, asked, at=now)
    answer = render(request, "directories/onward.html", {"one": tenant, "address": address})
    answer["Refresh"] = f"0; url={address}"
    return answer


@never_cache
@require_safe
def callback(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the directory's answer, and sign in whom it proves, if they belong to the firm."""
    tenant, now = _firm(slug), datetime.now(UTC)
    asked = asking.take(request, state=request.GET.get("state", ""), firm=tenant.pk, at=now)
    if asked is None or asked.directory != tenant.directory:
        return _refused(request, tenant, _NOT_BEGUN, HTTPStatus.BAD_REQUEST)
    with tenant_scope(tenant.pk):
        directory = get_object_or_404(Directory, state=Directory.State.ACTIVE)
        client = actions.client_of(directory)
    back_to = _back_to(request, tenant)
    try:
        person = relying.answered(
            client, asked.question, request.GET.dict(), back_to=back_to, now=now
        )
        with tenant_scope(tenant.pk):
            user = actions.come_in(directory, person, at=now)
    except Refused as refusal:
        return _not_in(request, tenant, directory, refusal)
    by = sessions.ByDirectory(tenant.pk, directory.public_id)
    is_strong = _has_two_factors(directory, person)
    return sessions.begin(request, user, by, has_two_factors=is_strong, to=asked.to)


def _not_in(
    request: HttpRequest, tenant: Tenant, directory: Directory, refusal: Refused
) -> HttpResponse:
    """Say that somebody did not get in, to them in words and to the firm's trail."""
    with tenant_scope(tenant.pk):
        actions.record_refused(directory, reason=getattr(refusal, "reason", refusal.code))
    is_away = isinstance(refusal, Unreachable)
    status = HTTPStatus.SERVICE_UNAVAILABLE if is_away else HTTPStatus.FORBIDDEN
    return _refused(request, tenant, str(refusal), status)


def _refused(request: HttpRequest, tenant: Tenant, why: str, status: HTTPStatus) -> HttpResponse:
    return render(request, "directories/refused.html", {"one": tenant, "why": why}, status=status)


def _has_two_factors(directory: Directory, person: Person) -> bool:
    """Say whether the directory asked for two: ``mfa`` of RFC 8176, or the firm's own acr."""
    return "mfa" in person.factors or person.acr == directory.strong_acr != ""


def _firm(slug: str) -> Tenant:
    """Return a firm that has a directory; any other is as if it did not exist."""
    return get_object_or_404(Tenant.objects.exclude(directory=""), slug=slug)


def _back_to(request: HttpRequest, tenant: Tenant) -> str:
    path = paths.outside_firms("directories:callback", slug=tenant.slug)
    return request.build_absolute_uri(path)


def _inside(tenant: Tenant, to: str) -> str:
    """Return the page of the firm that was asked for, or its inbox."""
    home = f"/t/{tenant.slug}/"
    is_inside = (
        len(to) <= _LONGEST
        and to.startswith(home)
        and url_has_allowed_host_and_scheme(to, allowed_hosts=None)
    )
    return to if is_inside else f"{home}inbox/"
