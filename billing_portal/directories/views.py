"""Signing in by a firm's directory: which firm, off to its directory, and back.

No page here runs in a transaction, because directories are asked in between. The form that begins
is answered by a page which leads on, not by a redirect: browsers hold redirects after a form
against ``form-action``, which would have to name every directory there is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing_portal.directories import actions, asking, queries, relying, saml
from billing_portal.directories.assertions import Ours
from billing_portal.directories.fetching import Unreachable
from billing_portal.directories.models import Directory, Protocol
from billing_portal.directories.saml_xml import MOST_BYTES
from billing_portal.directories.tokens import Person
from billing_portal.errors import Refused
from billing_portal.members import paths, sessions
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope

_LONGEST = 2_000  # characters of the page to come back to, which a session keeps
NOT_BEGUN = (
    "This sign-in was not begun in this browser, took too long, or has been used. Begin it again."
)


@dataclass(frozen=True)
class Coming:
    """Whom a directory's answer has proven; ``until`` as in ``ByDirectory``."""

    person: Person
    until: int = 0


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
    if directory is None:
        return _refused(request, tenant, NOT_BEGUN, HTTPStatus.BAD_REQUEST)
    now = datetime.now(UTC)
    is_anew = sessions.by_directory(request) is not None  # a proof: an open session there is none
    question = relying.new_question(since=int(now.timestamp()) if is_anew else 0)
    try:
        address = _address(tenant, directory, question, now)
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
    """Take an OpenID provider's answer, and sign in whom it proves, if they belong to the firm."""
    tenant = _firm(slug)
    state, back_to = request.GET.get("state", ""), _back_to(tenant)

    def prove(directory: Directory, asked: asking.Asked, now: datetime) -> Coming:
        with tenant_scope(tenant.pk):
            client = actions.client_of(directory)
        answer = request.GET.dict()
        person = relying.answered(client, asked.question, answer, back_to=back_to, now=now)
        return Coming(person)

    taken = _take(request, tenant, state=state, protocol=Protocol.OIDC)
    return _come_in(request, tenant, taken, prove)


@csrf_exempt  # it comes from another site; the question in this browser's session is the token
@never_cache
@require_POST
def consume(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a SAML directory's answer, and sign in whom it proves, if they belong to the firm.

    The directory's page posts it here from another site, and such a request carries no session
    (SameSite=Lax). So the first time, a page of ours sends the same form once more, from here.
    """
    tenant = _firm(slug)
    state, response = request.POST.get("RelayState", ""), request.POST.get("SAMLResponse", "")
    taken = _take(request, tenant, state=state, protocol=Protocol.SAML)
    if taken is None and "again" not in request.POST and len(response) <= 2 * MOST_BYTES:
        # Without a token: it would come as a cookie, and take the place of the browser's own.
        told = {"one": tenant, "state": state, "response": response, "csrf_token": ""}
        return render(request, "directories/again.html", told)

    def prove(directory: Directory, asked: asking.Asked, now: datetime) -> Coming:
        provider, ours = actions.provider_of(directory), _ours(slug)
        proven = saml.answered(provider, ours, asked.question, response, now=now)
        with tenant_scope(tenant.pk):
            actions.take_assertion(directory, proven.assertion)
        ends_at = proven.ends_at
        return Coming(proven.person, 0 if ends_at is None else int(ends_at.timestamp()))

    return _come_in(request, tenant, taken, prove)


@require_safe
def metadata(request: HttpRequest, slug: str) -> HttpResponse:
    """Describe the portal to a firm's SAML directory.

    It is made of the address alone, so that it tells nobody whether there is such a firm.
    """
    kind = "application/samlmetadata+xml"
    return HttpResponse(saml.metadata_of(_ours(slug)), content_type=kind)


def _take(
    request: HttpRequest, tenant: Tenant, *, state: str, protocol: str
) -> tuple[Directory, asking.Asked] | None:
    """Return the question that an answer belongs to, once, and the directory that was asked it."""
    asked = asking.take(request, state=state, firm=tenant.pk, at=datetime.now(UTC))
    if asked is None or asked.directory != tenant.directory:
        return None
    with tenant_scope(tenant.pk):
        directory = get_object_or_404(Directory, state=Directory.State.ACTIVE)
    return (directory, asked) if directory.protocol == protocol else None


def _come_in(
    request: HttpRequest,
    tenant: Tenant,
    taken: tuple[Directory, asking.Asked] | None,
    prove: Callable[[Directory, asking.Asked, datetime], Coming],
) -> HttpResponse:
    """Sign in whom an answer proves, or say that it was not."""
    if taken is None:
        return _refused(request, tenant, NOT_BEGUN, HTTPStatus.BAD_REQUEST)
    (directory, asked), now = taken, datetime.now(UTC)
    try:
        coming = prove(directory, asked, now)
        with tenant_scope(tenant.pk):
            user = actions.come_in(directory, coming.person, at=now)
    except Refused as refusal:
        return _not_in(request, tenant, directory, refusal)
    by = sessions.ByDirectory(tenant.pk, directory.public_id, coming.until)
    is_strong = _has_two_factors(directory, coming.person)
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


def _address(
    tenant: Tenant,
    directory: Directory,
    question: relying.Question,
    now: datetime,
) -> str:
    """Return where the browser is sent with a question.

    :raises Unreachable: when an OpenID provider does not describe itself.
    """
    if directory.protocol == Protocol.SAML:
        provider = actions.provider_of(directory)
        return saml.address_of(provider, _ours(tenant.slug), question, now=now)
    with tenant_scope(tenant.pk):
        client = actions.client_of(directory)
    return relying.address_of(client, question, back_to=_back_to(tenant))


def _ours(slug: str) -> Ours:
    """Return how the portal is known to a firm's SAML directory."""
    names = ("metadata", "acs")
    return Ours(*(paths.address_outside_firms(f"directories:{name}", slug=slug) for name in names))


def _back_to(tenant: Tenant) -> str:
    return paths.address_outside_firms("directories:callback", slug=tenant.slug)


def _inside(tenant: Tenant, to: str) -> str:
    """Return the page of the firm that was asked for, or its inbox."""
    home = f"/t/{tenant.slug}/"
    is_inside = (
        len(to) <= _LONGEST
        and to.startswith(home)
        and url_has_allowed_host_and_scheme(to, allowed_hosts=None)
    )
    return to if is_inside else f"{home}inbox/"
