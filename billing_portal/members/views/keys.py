"""The firm's API keys: which there are and what they may; asking for one, approving, revoking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing_portal.errors import Refused
from billing_portal.members import forms, granting, queries
from billing_portal.members.keys import is_live
from billing_portal.members.models import ApiKey
from billing_portal.members.views.moving import Deed, dated, moved
from billing_portal.portal.inbox import InboxItem, shortened
from billing_portal.portal.lists import page_of
from billing_portal.portal.nouns import row_named
from billing_portal.portal.proving import stepped_up
from billing_portal.tenancy.actors import Actor, MissingPermission, may
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.permissions import PERMISSIONS
from billing_portal.tenancy.requests import FirmRequest
from billing_portal.tenancy.scope import current_tenant_id
from billing_portal.texts import HiddenCharacter


@dataclass(frozen=True)
class KeyRow:
    """One key, and what this reader may do to it.

    :ivar scopes: in plain words; none means whatever a service may do.
    """

    key: ApiKey
    state: str
    scopes: list[str]
    requested_by: str
    approved_by: str
    may_approve: bool
    may_decline: bool
    may_revoke: bool
    may_rotate: bool
    why: str


@require_safe
@may("api_keys.read")
def keys(request: FirmRequest) -> HttpResponse:
    """List the firm's keys, newest first. At most four queries."""
    page = page_of(queries.keys_of(request.tenant), request)
    names = queries.names_of_actors(
        ref for key in page.rows for ref in (key.requested_by, key.approved_by) if ref
    )
    now = datetime.now(UTC)
    shown = {
        "page": page,
        "rows": [_row(key, request.actor, names, now) for key in page.rows],
        "may_request": request.actor.may("api_keys.request"),
    }
    return render(request, "people/keys.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
@may("api_keys.request")
def request_key(request: FirmRequest) -> HttpResponse:
    """Ask for a key, and show its text this once."""
    form = forms.Key(request.POST if request.method == "POST" else None, by=request.actor)
    if form.is_valid():
        wanted = form.cleaned_data
        try:
            with transaction.atomic():
                key, text = granting.request_key(
                    request.tenant,
                    name=wanted["name"],
                    by=request.actor,
                    expires_at=datetime.now(UTC) + timedelta(days=wanted["days"]),
                    scopes=wanted["scopes"],
                    networks=wanted["networks"],
                )
        except granting.NetworkUnknown as refusal:
            form.add_error("networks", str(refusal))
        except granting.ScopesNotHeld as refusal:
            form.add_error("scopes", str(refusal))
        except HiddenCharacter as refusal:
            form.add_error("name", str(refusal))
        else:
            return _shown_once(request, key, text)
    shown = {"form": form, "crumbs": _crumbs()}
    return render(request, "people/request_key.html", shown, status=422 if form.errors else 200)


@require_POST
@may("api_keys.request")
def request_successor(request: FirmRequest, public_id: str) -> HttpResponse:
    """Ask for a key that takes another's place, and show its text this once."""
    key = row_named(_keys(request), public_id)
    try:
        with transaction.atomic():
            made, text = granting.request_successor(key, by=request.actor, at=datetime.now(UTC))
    except MissingPermission:
        raise
    except Refused as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("people:keys"), status=303)
    return _shown_once(request, made, text)


@require_POST
@may("api_keys.approve")
@stepped_up
def approve_key(request: FirmRequest, public_id: str) -> HttpResponse:
    """Let a key work that somebody else asked for."""
    return _moved(request, public_id, granting.approve_key, gettext("The key works from now on."))


@require_POST
@may("api_keys.approve")
def decline_key(request: FirmRequest, public_id: str) -> HttpResponse:
    """Turn a key down that somebody asked for."""
    return _moved(
        request, public_id, granting.decline_key, gettext("Declined: the key will never work.")
    )


@require_POST
@may("api_keys.request")
def revoke_key(request: FirmRequest, public_id: str) -> HttpResponse:
    """Take a key back at once."""
    return _moved(request, public_id, granting.revoke_key, gettext("The key works no more."))


def inbox_items(actor: Actor) -> list[InboxItem]:
    """Return the keys that this person may approve. Two queries."""
    if not actor.may("api_keys.approve"):
        return []
    firm = Tenant.objects.get(pk=current_tenant_id())
    waiting = queries.keys_waiting(firm, datetime.now(UTC))
    items = [
        InboxItem(
            kind="key",
            title=gettext("Approve the API key %(name)s") % {"name": key.name},
            detail=gettext("It does not work until then."),
            url=reverse("people:keys"),
            icon="key-round",
            order=f"{key.requested_at.date()}:{key.pk}",
            verb=gettext("Decide"),
            why=gettext("Somebody else asked for it."),
        )
        for key in waiting
        if key.requested_by != actor.ref
    ]
    return shortened(items, what=gettext("API keys to decide on"), url=reverse("people:keys"))


def _row(key: ApiKey, actor: Actor, names: dict[str, str], now: datetime) -> KeyRow:
    state = _state(key, now)
    waits, works = state == "WAITING", state == "ACTIVE"
    is_own = key.requested_by == actor.ref
    decides = waits and actor.may("api_keys.approve") and not is_own
    requests, holds = actor.may("api_keys.request"), not granting.not_held(key.scopes, actor)
    return KeyRow(
        key=key,
        state=state,
        scopes=[words for name, words in PERMISSIONS.items() if name in key.scopes],
        requested_by=names.get(key.requested_by, key.requested_by),
        approved_by=names.get(key.approved_by, key.approved_by),
        may_approve=decides and holds,
        may_decline=decides,
        may_revoke=requests and (works or (waits and is_own)),
        may_rotate=requests and works and holds,
        why=gettext("You asked for it, so another person decides.") if waits and is_own else "",
    )


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at:
        return "REVOKED"
    if key.expires_at <= now:
        return "EXPIRED"
    return "ACTIVE" if is_live(key, now) else "WAITING"


def _shown_once(request: FirmRequest, key: ApiKey, text: str) -> HttpResponse:
    """Show the text of a fresh key; it is kept nowhere, on the way neither."""
    shown = {"key": key, "text": text, "crumbs": _crumbs()}
    answer = render(request, "people/key_shown.html", shown, status=201)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _crumbs() -> list[tuple[str, str]]:
    return [(gettext("API keys"), reverse("people:keys"))]


def _keys(request: FirmRequest) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(tenant=request.tenant)


def _moved(request: FirmRequest, public_id: str, deed: Deed, said: str) -> HttpResponse:
    return moved(request, _keys(request), public_id, dated(deed), said=said, to="people:keys")
