"""Which firms there are, and who holds which role there: a role takes four eyes."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.members.models import Membership, User
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope


class OwnProposal(Refused):
    """Who proposed a role, an invitation or a key cannot approve it."""

    code = "members.own_proposal"


class OwnRole(Refused):
    """Who receives a role cannot be the one who approves it, whoever proposed it."""

    code = "members.own_role"


class NotOpen(Refused):
    """It has been approved, used, ended or revoked already, or has expired."""

    code = "members.not_open"


class NotYours(Refused):
    """Only who proposed it takes it back; another person declines it."""

    code = "members.not_yours"


class RoleHeldAlready(Refused):
    """The user holds this role, or it has been proposed already."""

    code = "members.role_held_already"


OWNERS_KEPT = 2


class LastOwner(Refused):
    """A firm keeps two owners: one alone could approve nothing, and lock the other out."""

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
    about = {"user": user.public_id, "role": role}
    record("role.proposed", membership, by=by, **about, **told(membership))
    return membership


@transaction.atomic
def approve_role(membership: Membership, *, by: Actor) -> Membership:
    """Approve a proposed role.

    :raises OwnProposal: when the approver proposed it.
    :raises OwnRole: when the approver is who receives it.
    :raises NotOpen: when it has been approved or ended.
    """
    by.must("members.approve")
    membership = _waiting(membership)
    if membership.proposed_by == by.ref:
        raise OwnProposal("Another person must approve what you proposed.")
    if by.ref == f"user:{membership.user_id}":
        raise OwnRole("Another person must approve a role of yours.")
    membership.approved_by, membership.approved_at = by.ref, Now()
    membership.save(update_fields=["approved_by", "approved_at"])
    about = {"user": membership.user.public_id, "role": membership.role}
    record("role.approved", membership, by=by, **about, **told(membership))
    return membership


@transaction.atomic
def withdraw_role(membership: Membership, *, by: Actor, at: datetime) -> Membership:
    """Take back a role that one has proposed and nobody has approved.

    :raises NotYours: when somebody else proposed it.
    :raises NotOpen: when it has been approved or ended.
    """
    by.must("members.invite")
    membership = _waiting(membership)
    if membership.proposed_by != by.ref:
        raise NotYours("Somebody else proposed this: decline it instead.")
    return _end(membership, "role.withdrawn", by=by, at=at)


@transaction.atomic
def decline_role(membership: Membership, *, by: Actor, at: datetime) -> Membership:
    """Turn a proposed role down.

    :raises NotOpen: when it has been approved or ended.
    """
    by.must("members.approve")
    return _end(_waiting(membership), "role.declined", by=by, at=at)


@transaction.atomic
def end_role(membership: Membership, *, by: Actor, at: datetime) -> Membership:
    """Take a role back; it stays on record.

    :raises NotOpen: when it has ended before.
    :raises LastOwner: when the firm would be left with fewer than two owners.
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
    if mine.role == "owner" and mine.approved_by and len(approved) < OWNERS_KEPT:
        raise LastOwner("A firm keeps two owners: let another one in first.")
    return _end(mine, "role.ended", by=by, at=at)


def _waiting(membership: Membership) -> Membership:
    """Lock a proposal.

    :raises NotOpen: when it has been approved or ended.
    """
    membership = Membership.objects.select_for_update().get(pk=membership.pk)
    if membership.approved_by or membership.ended_at:
        raise NotOpen("This role waits for no approval.")
    return membership


def _end(membership: Membership, deed: str, *, by: Actor, at: datetime) -> Membership:
    membership.ended_at, membership.ended_by = at, by.ref
    membership.save(update_fields=["ended_at", "ended_by"])
    about = {"user": membership.user.public_id, "role": membership.role}
    record(deed, membership, by=by, **about, **told(membership))
    return membership


@transaction.atomic
def choose_theme(user: User, theme: str) -> User:
    """Remember whether a user wants it light, dark, or as the system has it."""
    user.theme = theme
    user.save(update_fields=["theme"])
    return user
