"""API keys: how one is made, and whose a request's key is.

A key reads ``bp_<prefix>_<secret>``: the prefix finds the row, the secret (256 random bits) is
compared as SHA-256. The peer's address is taken behind a configured number of proxies, never from
the left end of X-Forwarded-For, which anybody can write.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpRequest

from billing_portal.errors import Refused
from billing_portal.members.models import ApiKey
from billing_portal.tenancy.actors import Actor, ActorKind
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.permissions import ROLES

_FORM = re.compile(r"^bp_(?P<prefix>[0-9a-f]{10})_(?P<secret>[A-Za-z0-9_-]{43})$")
_USED_EVERY = timedelta(minutes=5)


class NoKey(Refused):
    """The request carries no API key that this portal knows, or none that may be used now."""

    code = "api_key.not_accepted"


def new_secret() -> tuple[str, str, str]:
    """Return (prefix, hash, text to show once) of a fresh key."""
    prefix, secret = secrets.token_hex(5), secrets.token_urlsafe(32)
    return prefix, _hash(secret), f"bp_{prefix}_{secret}"


def holder_of(request: HttpRequest, *, now: datetime) -> tuple[Tenant, Actor]:
    """Return the firm and the actor of the request's API key. One query, two every five minutes.

    :raises NoKey: for a missing, unknown, unapproved, expired or revoked key, or a peer outside
        the key's networks; the message is the same for all, so that nothing is learned from it.
    """
    refusal = NoKey("Send a valid API key: Authorization: Bearer bp_….")
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    found = _FORM.match(text.strip())
    if kind.lower() != "bearer" or found is None:
        raise refusal
    key = ApiKey.objects.named().select_related("tenant").filter(prefix=found["prefix"]).first()
    if key is None or not hmac.compare_digest(key.secret_hash, _hash(found["secret"])):
        raise refusal
    if not is_live(key, now):
        raise refusal
    if not _is_allowed(peer_of(request), key.allowed_networks):
        raise refusal
    if key.last_used_at is None or now - key.last_used_at > _USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key.tenant, actor_of(key)


def actor_of(key: ApiKey) -> Actor:
    """Return whom a key acts for, with what its scopes allow; it was read by ``named()``."""
    role = ROLES["service"]
    allowed = role & frozenset(key.scopes) if key.scopes else role
    return Actor(
        ActorKind.KEY, key.pk, key.spoken_name, allowed, ("service",), holder=key.requested_by
    )


def prefix_of(request: HttpRequest) -> str:
    """Return the prefix of the key that a request carries, good or not, or an empty text."""
    found = _FORM.match(request.headers.get("Authorization", "").partition(" ")[2].strip())
    return found["prefix"] if found else ""


def is_live(key: ApiKey, now: datetime) -> bool:
    """Say whether a key works, from a peer in its networks."""
    return bool(key.approved_by) and key.revoked_at is None and key.expires_at > now


def peer_of(request: HttpRequest) -> str:
    """Return the address of the peer, counted from the right behind our own proxies."""
    hops = [h.strip() for h in request.headers.get("X-Forwarded-For", "").split(",") if h.strip()]
    chain = [*hops, str(request.META.get("REMOTE_ADDR", ""))]
    return chain[max(0, len(chain) - 1 - settings.TRUSTED_PROXIES)]


def unknown_networks(networks: list[str]) -> list[str]:
    """Return the texts of an allow-list that are no network."""
    return [text for text in networks if not _is_network(text)]


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _is_allowed(peer: str, networks: list[str]) -> bool:
    if not networks:
        return True
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False  # a peer without an address (a Unix socket) is in no network
    return any(address in ipaddress.ip_network(network) for network in networks)


def sign_in_name(request: HttpRequest, credentials: dict[str, str] | None = None) -> str:
    """Return the address that somebody tries to sign in with, for the count of wrong tries."""
    return (credentials or {}).get("email") or request.POST.get("login", "")
