"""Who becomes a member, in which role, and which key may call: each needs four eyes."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.members import keys, proofs
from billing_portal.members.models import ApiKey, Invitation, Membership, User
from billing_portal.tenancy.actors import Actor, ActorKind
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.permissions import ROLES
from billing_portal.tenancy.scope import tenant_scope

INVITATION_LASTS = timedelta(days=7)


class OwnProposal(Refused):
    """Who proposed a role, an invitation or a key cannot approve it."""

    code = "members.own_proposal"


class NotOpen(Refused):
    """It has been approved, used, ended or revoked already, or has expired."""

    code = "members.not_open"


class RoleHeldAlready(Refused):
    """The user holds this role, or it has been proposed already."""

    code = "members.role_held_already"


class NetworkUnknown(Refused):
    """A text in the allow-list is no network."""

    code = "api_key.network_unknown"


class LastOwner(Refused):
    """A firm keeps at least one owner."""

    code = "members.last_owner"


@transaction.atomic
def open_firm(*, slug: str, name: str, by: Actor, **details: str) -> Tenant:
    """Set up a firm; its first members are then proposed and approved by the system."""
    tenant = Tenant.objects.create(slug=slug, name=name, **details)
    with tenant_scope(tenant.pk):
        record("firm.opened", tenant, by=by, slug=slug)
    return tenant


@transaction.atomic
def add_user(*, email: str, name: str, password: str | None = None) -> User:
    """Add a person, or return the one who has this address; a password is set on new ones only."""
    user, is_new = User.objects.get_or_create(email=email.strip().lower(), defaults={"name": name})
    if is_new:
        user.set_password(password)
        user.save(update_fields=["password"])
    return user


@transaction.atomic
def propose_role(tenant: Tenant, user: User, role: str, *, by: Actor) -> Membership:
    """Propose a role for a user; it counts once another person has approved it.

    :raises RoleHeldAlready: when the user holds it, or it waits for approval.
    """
    by.must("members.invite")
    try:
        with transaction.atomic():
            membership = Membership.objects.create(
                tenant=tenant, user=user, role=role, proposed_by=by.ref
            )
    except IntegrityError as error:
        raise RoleHeldAlready(f"{user} is {role} here already, or about to be.") from error
    record("role.proposed", membership, by=by, user=user.pk, role=role)
    return membership


@transaction.atomic
def approve_role(membership: Membership, *, by: Actor) -> Membership:
    """Approve a proposed role.

    :raises OwnProposal: when the approver proposed it.
    :raises NotOpen: when it has been approved or ended.
    """
    by.must("members.approve")
    membership = Membership.objects.select_for_update().get(pk=membership.pk)
    if membership.approved_by or membership.ended_at:
        raise NotOpen("This role waits for no approval.")
    if membership.proposed_by == by.ref:
        raise OwnProposal("Another person must approve what you proposed.")
    membership.approved_by = by.ref
    membership.save(update_fields=["approved_by"])
    record("role.approved", membership, by=by, user=membership.user_id, role=membership.role)
    return membership


@transaction.atomic
def end_role(membership: Membership, *, by: Actor, at: datetime) -> Membership:
    """Take a role back; it stays on record.

    :raises NotOpen: when it has ended before.
    :raises LastOwner: when the firm would be left without an owner.
    """
    by.must("members.approve")
    held = list(
        Membership.objects.select_for_update()
        .filter(tenant_id=membership.tenant_id, role=membership.role, ended_at__isnull=True)
        .order_by("pk")
    )
    mine = next((row for row in held if row.pk == membership.pk), None)
    if mine is None:
        raise NotOpen("This role has ended already.")
    approved = [row for row in held if row.approved_by and row.pk != mine.pk]
    if mine.role == "owner" and mine.approved_by and not approved:
        raise LastOwner("A firm keeps at least one owner.")
    mine.ended_at = at
    mine.save(update_fields=["ended_at"])
    record("role.ended", mine, by=by, user=mine.user_id, role=mine.role)
    return mine


@transaction.atomic
def invite(
    tenant: Tenant, *, email: str, name: str, role: str, by: Actor, at: datetime
) -> Invitation:
    """Propose to invite somebody into the firm; the mail goes out once another has approved it."""
    by.must("members.invite")
    invitation = Invitation.objects.create(
        tenant=tenant,
        email=email.strip().lower(),
        name=name,
        role=role,
        invited_by=by.ref,
        expires_at=at + INVITATION_LASTS,
    )
    record("invitation.proposed", invitation, by=by, role=role)
    return invitation


@transaction.atomic
def approve_invitation(
    invitation: Invitation, *, by: Actor, at: datetime
) -> tuple[Invitation, str]:
    """Approve an invitation and return the token that its mail carries; it is stored hashed.

    :raises OwnProposal: when the approver is the inviter.
    :raises NotOpen: when it was approved before, or has expired.
    """
    by.must("members.approve")
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if invitation.approved_by or invitation.expires_at <= at:
        raise NotOpen("This invitation waits for no approval.")
    if invitation.invited_by == by.ref:
        raise OwnProposal("Another person must approve your invitation.")
    token = secrets.token_urlsafe(32)
    invitation.approved_by, invitation.token_hash = by.ref, _hash(token)
    invitation.save(update_fields=["approved_by", "token_hash"])
    record("invitation.approved", invitation, by=by, role=invitation.role)
    return invitation, token


@transaction.atomic
def accept_invitation(token: str, *, password: str, at: datetime) -> User:
    """Make the invited person a member, by the token from the mail; a token works once.

    A person who has an account already keeps their password. The token came by mail, and so proves
    the address.

    :raises NotOpen: for a token that is unknown, used or too old; the message is the same.
    """
    invitation = (
        Invitation.objects.select_for_update()
        .select_related("tenant")
        .filter(token_hash=_hash(token), accepted_at__isnull=True, expires_at__gt=at)
        .first()
    )
    if invitation is None:
        raise NotOpen("This invitation cannot be used: ask for a new one.")
    user = add_user(email=invitation.email, name=invitation.name, password=password)
    proofs.confirm_address(user)
    join(invitation, user, at=at)
    return user


@transaction.atomic
def join(invitation: Invitation, user: User, *, at: datetime) -> Membership:
    """Make the person a member whom an approved invitation reached; its caller has proven who."""
    invitation.accepted_at = at
    invitation.save(update_fields=["accepted_at"])
    membership, _ = Membership.objects.get_or_create(
        tenant=invitation.tenant,
        user=user,
        role=invitation.role,
        ended_at=None,
        defaults={"proposed_by": invitation.invited_by, "approved_by": invitation.approved_by},
    )
    with tenant_scope(invitation.tenant_id):
        record("invitation.accepted", membership, by=_as_actor(user), role=invitation.role)
    return membership


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
    """
    by.must("api_keys.request")
    unknown = keys.unknown_networks(networks or [])
    if unknown:
        raise NetworkUnknown(f"These are no networks: {', '.join(unknown)}.")
    outside = sorted(set(scopes or []) - ROLES["service"])
    if outside:
        raise ValueError(outside)
    prefix, secret_hash, text = keys.new_secret()
    key = ApiKey.objects.create(
        tenant=tenant,
        name=name,
        prefix=prefix,
        secret_hash=secret_hash,
        scopes=scopes or [],
        allowed_networks=networks or [],
        requested_by=by.ref,
        expires_at=expires_at,
    )
    record("api_key.requested", key, by=by, scopes=key.scopes, networks=key.allowed_networks)
    return key, text


@transaction.atomic
def approve_key(key: ApiKey, *, by: Actor, at: datetime) -> ApiKey:
    """Approve an API key, from when on it works.

    :raises OwnProposal: when the approver asked for it.
    :raises NotOpen: when it was approved or revoked before, or has expired.
    """
    by.must("api_keys.approve")
    key = ApiKey.objects.select_for_update().get(pk=key.pk)
    if key.approved_by or key.revoked_at or key.expires_at <= at:
        raise NotOpen("This key waits for no approval.")
    if key.requested_by == by.ref:
        raise OwnProposal("Another person must approve the key you asked for.")
    key.approved_by = by.ref
    key.save(update_fields=["approved_by"])
    record("api_key.approved", key, by=by, name=key.name)
    return key


@transaction.atomic
def revoke_key(key: ApiKey, *, by: Actor, at: datetime) -> ApiKey:
    """Take an API key back at once; revoking twice changes nothing."""
    by.must("api_keys.request")
    key = ApiKey.objects.select_for_update().get(pk=key.pk)
    if key.revoked_at is None:
        key.revoked_at = at
        key.save(update_fields=["revoked_at"])
        record("api_key.revoked", key, by=by, name=key.name)
    return key


@transaction.atomic
def choose_theme(user: User, theme: str) -> User:
    """Remember whether a user wants it light, dark, or as the system has it."""
    user.theme = theme
    user.save(update_fields=["theme"])
    return user


def _as_actor(user: User) -> Actor:
    return Actor(ActorKind.USER, user.pk, str(user))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
