"""Which API keys may call: one person asks, another approves; a successor takes its turn."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.members import keys
from billing_portal.members.actions import NotOpen, OwnProposal
from billing_portal.members.models import ApiKey
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.permissions import PERMISSIONS, ROLES
from billing_portal.texts import refuse_hidden


class NetworkUnknown(Refused):
    """A text in the allow-list is no network."""

    code = "api_key.network_unknown"


class ScopesNotHeld(Refused):
    """Nobody gives a key what they may not do themselves.

    :ivar more: the scopes in question.
    """

    code = "api_key.scopes_not_held"

    def __init__(self, scopes: list[str]) -> None:
        self.more = {"scopes": scopes}
        words = ", ".join(f"“{PERMISSIONS[each]}” ({each})" for each in scopes)
        super().__init__(f"You cannot give a key what you may not do yourself: {words}.")


class TwoLive(Refused):
    """A key and its successor may work side by side, a third may not."""

    code = "api_key.two_live"


@transaction.atomic
def request_key(
    tenant: Tenant,
    *,
    name: str,
    by: Actor,
    expires_at: datetime,
    scopes: list[str] | None = None,
    networks: list[str] | None = None,
) -> tuple[ApiKey, str]:
    """Make an API key and return it with its text, shown this once; it works once approved.

    :raises NetworkUnknown: when a network is no CIDR.
    :raises HiddenCharacter: for a name with a character that cannot be seen.
    :raises ScopesNotHeld: for a scope that the person asking does not hold.
    """
    by.must("api_keys.request")
    refuse_hidden({"name": name})
    unknown = keys.unknown_networks(networks or [])
    if unknown:
        raise NetworkUnknown(f"These are no networks: {', '.join(unknown)}.")
    outside = sorted(set(scopes or []) - ROLES["service"])
    if outside:
        raise ValueError(outside)
    _must_hold(scopes, by)
    key, text = _make(
        tenant,
        name=name,
        by=by,
        expires_at=expires_at,
        scopes=scopes or [],
        networks=networks or [],
        succeeds=None,
    )
    about = {"scopes": key.scopes, "networks": key.allowed_networks}
    record("api_key.requested", key, by=by, **about, **told(key))
    return key, text


@transaction.atomic
def approve_key(key: ApiKey, *, by: Actor, at: datetime) -> ApiKey:
    """Approve an API key, from when on it works.

    :raises OwnProposal: when the approver asked for it.
    :raises ScopesNotHeld: when it has a scope that the approver does not hold.
    :raises NotOpen: when it was approved or revoked before, or has expired.
    """
    by.must("api_keys.approve")
    key = ApiKey.objects.select_for_update().get(pk=key.pk)
    if key.approved_by or key.revoked_at or key.expires_at <= at:
        raise NotOpen("This key waits for no approval.")
    if key.requested_by == by.ref:
        raise OwnProposal("Another person must approve the key you asked for.")
    _must_hold(key.scopes, by)
    key.approved_by, key.approved_at = by.ref, Now()
    key.save(update_fields=["approved_by", "approved_at"])
    record("api_key.approved", key, by=by, name=key.name, **told(key))
    return key


@transaction.atomic
def decline_key(key: ApiKey, *, by: Actor, at: datetime) -> ApiKey:
    """Turn a key down that somebody asked for; it never works.

    :raises NotOpen: when it was approved or revoked before.
    """
    by.must("api_keys.approve")
    key = ApiKey.objects.select_for_update().get(pk=key.pk)
    if key.approved_by or key.revoked_at:
        raise NotOpen("This key waits for no approval.")
    return _end(key, "api_key.declined", by=by, at=at)


@transaction.atomic
def request_successor(key: ApiKey, *, by: Actor, at: datetime) -> tuple[ApiKey, str]:
    """Make a key with the same name, scopes, networks and span, to take a live one's place.

    Both work once it is approved, so that a service can be changed over; then the older one is
    revoked.

    :raises NotOpen: when the key does not work now.
    :raises TwoLive: when it has a successor, or still stands beside the key before it.
    :raises ScopesNotHeld: when it has a scope that the person asking does not hold.
    """
    by.must("api_keys.request")
    key = ApiKey.objects.select_for_update(of=("self",)).select_related("tenant").get(pk=key.pk)
    if not keys.is_live(key, at):
        raise NotOpen("Only a key that works has a successor.")
    _must_hold(key.scopes, by)
    before = ApiKey.objects.filter(pk=key.succeeds_id).first() if key.succeeds_id else None
    if before is not None and keys.is_live(before, at):
        raise TwoLive("Revoke the key before this one first: two work at a time, never three.")
    try:
        with transaction.atomic():
            made, text = _make(
                key.tenant,
                name=key.name,
                by=by,
                expires_at=at + (key.expires_at - key.requested_at),
                scopes=list(key.scopes),
                networks=list(key.allowed_networks),
                succeeds=key,
            )
    except IntegrityError as error:
        raise TwoLive("This key has a successor already.") from error
    record("api_key.requested", made, by=by, scopes=made.scopes, succeeds=key.prefix, **told(made))
    return made, text


@transaction.atomic
def revoke_key(key: ApiKey, *, by: Actor, at: datetime) -> ApiKey:
    """Take an API key back at once; revoking twice changes nothing."""
    by.must("api_keys.request")
    key = ApiKey.objects.select_for_update().get(pk=key.pk)
    if key.revoked_at is None:
        _end(key, "api_key.revoked", by=by, at=at)
    return key


def not_held(scopes: list[str] | None, by: Actor) -> list[str]:
    """Return the scopes of a key that an actor does not hold; no scopes mean the whole role."""
    return sorted(each for each in scopes or ROLES["service"] if not by.may(each))


def _must_hold(scopes: list[str] | None, by: Actor) -> None:
    missing = not_held(scopes, by)
    if missing:
        raise ScopesNotHeld(missing)


def _make(
    tenant: Tenant,
    *,
    name: str,
    by: Actor,
    expires_at: datetime,
    scopes: list[str],
    networks: list[str],
    succeeds: ApiKey | None,
) -> tuple[ApiKey, str]:
    prefix, secret_hash, text = keys.new_secret()
    key = ApiKey.objects.create(
        tenant=tenant,
        name=name,
        prefix=prefix,
        secret_hash=secret_hash,
        scopes=scopes,
        allowed_networks=networks,
        requested_by=by.ref,
        expires_at=expires_at,
        succeeds=succeeds,
    )
    return key, text


def _end(key: ApiKey, deed: str, *, by: Actor, at: datetime) -> ApiKey:
    key.revoked_at, key.revoked_by = at, by.ref
    key.save(update_fields=["revoked_at", "revoked_by"])
    record(deed, key, by=by, name=key.name, **told(key))
    return key
