"""From a request to a firm, an actor and a scope.

The firm is in the path (``/t/<firm>/…``), never in the session: two tabs are two firms, and a link
says whose data it shows. The prefix is stripped before the URL is resolved and put in front of
every URL that a page reverses, so that views and templates need not know of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import get_script_prefix, set_script_prefix
from django.utils import timezone
from django.utils.translation import gettext

from billing_portal import logs
from billing_portal.api import limits
from billing_portal.api.problems import problem
from billing_portal.errors import Refused
from billing_portal.members import allowances, keys, paths, proofs, queries, sessions
from billing_portal.members.models import User
from billing_portal.periods import zone
from billing_portal.tenancy.actors import MissingPermission
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.requests import HouseRequest
from billing_portal.tenancy.scope import tenant_scope

Answer = Callable[[HouseRequest], HttpResponse]
_FIRM = re.compile(r"^/t/([a-z0-9-]{1,40})(/.*)$")
_NOTED_EVERY_SECONDS = 60
_WITH_OR_WITHOUT_FIRM = ("/accounts/", "/static/")
_ASKS_OUTSIDE = "/accounts/sso/"  # asks a firm's directory, which no transaction may span
_WITHOUT_FIRM = ("/", "/healthz", "/readyz", "/metrics", "/_ui/")


class FirmFromPath:
    """Strip ``/t/<firm>`` from the path and remember the firm as ``request.tenant``."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HouseRequest) -> HttpResponse:
        request.tenant = None
        found = _FIRM.match(request.path_info)
        if found is None:
            return self.get_response(request)
        slug, rest = found.groups()
        request.tenant = Tenant.objects.filter(slug=slug).first()
        request.firm_slug = slug
        before = get_script_prefix()
        request.path_info = rest
        prefix = before.rstrip("/") + f"/t/{slug}/"
        set_script_prefix(prefix)
        try:
            return self.get_response(request)
        finally:
            set_script_prefix(before)


class SessionLimits:
    """End a session after an idle spell, and after a working day whatever happens.

    A directory may have set it an earlier end.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HouseRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(datetime.now(UTC).timestamp())
            began = request.session.setdefault("began_at", now)
            seen = request.session.get("seen_at", now)
            too_idle = now - seen > settings.SESSION_IDLE_SECONDS
            is_over = now - began > settings.SESSION_ABSOLUTE_SECONDS
            if too_idle or is_over or sessions.has_run_out(request, now=now):
                logout(request)
            elif now - seen >= _NOTED_EVERY_SECONDS or "seen_at" not in request.session:
                request.session["seen_at"] = now
        return self.get_response(request)


class ActorAndScope:
    """Find the actor and wrap the view in the firm's scope; who is no member sees 404.

    An answer of 400 or more takes back whatever the view wrote.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HouseRequest) -> HttpResponse:
        request.actor = None
        path, has_firm = request.path_info, hasattr(request, "firm_slug")
        if path.startswith("/api/v1/"):
            return self._nowhere(request) if has_firm else self._for_key(request)
        if path.startswith(_WITH_OR_WITHOUT_FIRM):
            return self._for_anybody(request)
        if has_firm:
            return self._for_member(request)
        if path in _WITHOUT_FIRM or path.startswith("/api/"):
            return self.get_response(request)
        return self._nowhere(request)

    def process_exception(self, request: HouseRequest, exception: Exception) -> HttpResponse | None:
        """Show what a page's rule refused, with its code; anything else is a bug and crashes."""
        if not isinstance(exception, Refused):
            return None
        is_forbidden = isinstance(exception, MissingPermission)
        status = HTTPStatus.FORBIDDEN if is_forbidden else HTTPStatus.CONFLICT
        headline = "" if is_forbidden else gettext("This cannot be done now")
        told = {"exception": str(exception), "code": exception.code, "headline": headline}
        return render(request, "403.html", told, status=status)

    def _for_anybody(self, request: HouseRequest) -> HttpResponse:
        """Let a form of the account pages do all it does, its rows in the trail too, or nothing."""
        try:
            sessions.refuse_own_account(request)
        except sessions.KeptByTheFirm as refusal:
            told = {"exception": str(refusal), "code": refusal.code, "headline": refusal.headline}
            return render(request, "403.html", told, status=HTTPStatus.FORBIDDEN)
        if request.method != "POST":
            return self.get_response(request)
        verdict = limits.take(allowances.of_post(request))
        if not verdict.is_granted:
            return self._too_much(request, verdict)
        if request.path_info.startswith(_ASKS_OUTSIDE):
            return self.get_response(request)
        user = request.user if isinstance(request.user, User) else None
        with transaction.atomic():
            before = proofs.factors_of(user) if user else {}
            response = self.get_response(request)
            if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                transaction.set_rollback(True)
            elif user:
                proofs.record_factors(user, before=before)
        return response

    def _for_member(self, request: HouseRequest) -> HttpResponse:
        tenant, by = request.tenant, sessions.by_directory(request)
        if tenant and by and by.firm == tenant.pk and by.directory != tenant.directory:
            logout(request)  # the directory that began the session is in force no more
        if not request.user.is_authenticated:
            return self._to_sign_in(request)
        actor = queries.actor_in(tenant, request.user) if tenant else None
        if tenant is None or actor is None or (by is not None and by.firm != tenant.pk):
            request.tenant = None
            return self._nowhere(request)
        if tenant.requires_directory and by is None:
            return self._to_sign_in(request)
        request.actor = actor
        logs.bind(tenant=tenant.slug, actor=actor.ref)
        verdict = limits.take(allowances.of_post(request) if request.method == "POST" else [])
        if not verdict.is_granted:
            return self._too_much(request, verdict)
        with timezone.override(zone(tenant.time_zone)):  # pages show moments as the firm lives them
            return self._scoped(request, tenant)

    def _to_sign_in(self, request: HouseRequest) -> HttpResponse:
        """Lead to the sign-in page, or to the firm's directory where nothing else opens it."""
        firm, asked = request.tenant, request.get_full_path()
        if firm is None or not firm.requires_directory:
            return redirect_to_login(asked, paths.outside_firms("account_login"))
        start = paths.outside_firms("directories:start", slug=firm.slug)
        return redirect(f"{start}?next={quote(asked)}")

    def _for_key(self, request: HouseRequest) -> HttpResponse:
        try:
            tenant, actor = keys.holder_of(request, now=datetime.now(UTC))
        except Refused as refusal:
            verdict = limits.take(allowances.of_stranger(request))
            if not verdict.is_granted:
                return verdict.refusal(request)
            return problem(request, 401, refusal.code, str(refusal))
        request.tenant, request.actor = tenant, actor
        logs.bind(tenant=tenant.slug, actor=actor.ref)
        verdict = limits.take(allowances.of_key(request, tenant, actor))
        if not verdict.is_granted:
            return verdict.refusal(request)
        return verdict.tell(self._scoped(request, tenant))

    def _too_much(self, request: HouseRequest, verdict: limits.Verdict) -> HttpResponse:
        told = {"seconds": verdict.wait}
        return verdict.tell(render(request, "too_much.html", told, status=429))

    def _scoped(self, request: HouseRequest, tenant: Tenant) -> HttpResponse:
        with tenant_scope(tenant.pk):
            response = self.get_response(request)
            if response.status_code >= HTTPStatus.BAD_REQUEST:
                transaction.set_rollback(True)
        return response

    def _nowhere(self, request: HouseRequest) -> HttpResponse:
        """Answer like any path that does not exist."""
        request.urlconf = "billing_portal.members.nowhere"
        return self.get_response(request)
