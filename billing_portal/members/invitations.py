"""Ways into a firm: one person invites, another approves, a letter carries the token.

Only the token's hash is stored. The token itself is made when the letter is written, and is read
nowhere but there; sending again makes a new one, and the one before opens nothing from then on.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.members import proofs
from billing_portal.members.actions import (
    NotOpen,
    NotYours,
    OwnProposal,
    OwnRole,
    RoleHeldAlready,
    add_user,
)
from billing_portal.members.models import Invitation, Letter, Membership, User
from billing_portal.members.post import post, written_for
from billing_portal.tenancy.actors import Actor, ActorKind
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope
from billing_portal.texts import refuse_hidden

LASTS = timedelta(days=7)


class InvitedAlready(Refused):
    """An invitation of this address to this role is open already."""

    code = "members.invited_already"


class OtherPerson(Refused):
    """The invitation was sent to another address than that of the person who is signed in."""

    code = "members.other_person"


@transaction.atomic
def invite(
    tenant: Tenant, *, email: str, name: str, role: str, by: Actor, at: datetime
) -> Invitation:
    """Propose to invite somebody into the firm; the mail goes out once another has approved it.

    :raises RoleHeldAlready: when a member of this address holds the role, or it is proposed.
    :raises InvitedAlready: when such an invitation waits, or is on its way.
    :raises HiddenCharacter: for a name with a character that cannot be seen.
    """
    by.must("members.invite")
    refuse_hidden({"name": name, "email": email})
    email = email.strip().lower()
    held = Membership.objects.filter(tenant=tenant, role=role, ended_at__isnull=True)
    if held.filter(user__email=email).exists():
        raise RoleHeldAlready(f"{email} is {role} here already, or about to be.")
    try:
        with transaction.atomic():
            invitation = Invitation.objects.create(
                tenant=tenant,
                email=email,
                name=name,
                role=role,
                invited_by=by.ref,
                expires_at=at + LASTS,
            )
    except IntegrityError as error:
        raise InvitedAlready(
            f"{email} is invited as {role} already: send it again, or withdraw it first."
        ) from error
    record("invitation.proposed", invitation, by=by, role=role)
    return invitation


@transaction.atomic
def approve_invitation(invitation: Invitation, *, by: Actor, at: datetime) -> Invitation:
    """Approve an invitation; a job mails it.

    :raises OwnProposal: when the approver is the inviter.
    :raises OwnRole: when it goes to the approver's own address.
    :raises NotOpen: when it was approved before, or has expired.
    """
    invitation = _approve(invitation, by=by, at=at)
    _write(invitation, _give_token(invitation))
    return invitation


@transaction.atomic
def approve_by_hand(invitation: Invitation, *, by: Actor, at: datetime) -> str:
    """Approve an invitation that no mail carries, and return the token to hand over.

    For a firm's first people, who are invited by command.

    :raises OwnProposal, OwnRole, NotOpen: as for one that is mailed.
    """
    return _give_token(_approve(invitation, by=by, at=at))


@transaction.atomic
def send_again(invitation: Invitation, *, by: Actor, at: datetime) -> Invitation:
    """Mail an approved invitation anew, good for seven days from now; the link before is dead.

    :raises NotOpen: when it was not approved, or was accepted or withdrawn.
    """
    by.must("members.invite")
    invitation = _open(invitation)
    if not invitation.approved_by:
        raise NotOpen("This invitation waits for another person's approval.")
    invitation.expires_at = at + LASTS
    invitation.save(update_fields=["expires_at"])
    _write(invitation, _give_token(invitation))
    record("invitation.sent_again", invitation, by=by, role=invitation.role)
    return invitation


@transaction.atomic
def withdraw_invitation(invitation: Invitation, *, by: Actor, at: datetime) -> Invitation:
    """Take an invitation back; its link opens nothing any more.

    Who may invite takes back their own proposals, and any that was approved.

    :raises NotYours: when it waits for approval and somebody else proposed it.
    :raises NotOpen: when it was accepted or withdrawn.
    """
    by.must("members.invite")
    invitation = _open(invitation)
    if not invitation.approved_by and invitation.invited_by != by.ref:
        raise NotYours("Somebody else proposed this: decline it instead.")
    return _end(invitation, "invitation.withdrawn", by=by, at=at)


@transaction.atomic
def decline_invitation(invitation: Invitation, *, by: Actor, at: datetime) -> Invitation:
    """Turn a proposed invitation down.

    :raises NotOpen: when it was approved, accepted or withdrawn.
    """
    by.must("members.approve")
    invitation = _open(invitation)
    if invitation.approved_by:
        raise NotOpen("This invitation waits for no approval.")
    return _end(invitation, "invitation.declined", by=by, at=at)


def invitation_of(token: str, *, at: datetime) -> Invitation | None:
    """Return the invitation that a token opens now. One query."""
    return (
        Invitation.objects.select_related("tenant")
        .filter(
            token_hash=_hash(token),
            accepted_at__isnull=True,
            withdrawn_at__isnull=True,
            expires_at__gt=at,
        )
        .first()
    )


@transaction.atomic
def accept_invitation(token: str, *, password: str, at: datetime) -> User:
    """Make the invited person a member, by the token from the mail; a token works once.

    A person who has a password already keeps it. The token came by mail, and so proves the address.

    :raises NotOpen: for a token that is unknown, used or too old; the message is the same.
    """
    invitation = _locked(token, at)
    user = add_user(email=invitation.email, name=invitation.name, password=password)
    if not user.has_usable_password():
        user.set_password(password)
        user.save(update_fields=["password"])
    return _accept(invitation, user, at=at)


@transaction.atomic
def accept_as(user: User, token: str, *, at: datetime) -> User:
    """Make somebody who has signed in a member, by the token from the mail.

    :raises OtherPerson: when the invitation went to another address than theirs.
    :raises NotOpen: for a token that is unknown, used or too old.
    """
    invitation = _locked(token, at)
    if invitation.email != user.email:
        raise OtherPerson("This invitation is for somebody else: sign out, and open it again.")
    return _accept(invitation, user, at=at)


def _locked(token: str, at: datetime) -> Invitation:
    found = invitation_of(token, at=at)
    row = Invitation.objects.select_for_update().filter(pk=found.pk).first() if found else None
    if row is None or row.accepted_at or row.withdrawn_at or row.token_hash != _hash(token):
        raise NotOpen("This invitation cannot be used: ask for a new one.")
    return row


def _accept(invitation: Invitation, user: User, *, at: datetime) -> User:
    proofs.confirm_address(user)
    join(invitation, user, at=at)
    return user


@transaction.atomic
def join(invitation: Invitation, user: User, *, at: datetime) -> Membership:
    """Make the person a member whom an approved invitation reached; its caller has proven who.

    :raises OwnRole: when the person has approved it; the address may have become theirs since.
    """
    if invitation.approved_by == f"user:{user.pk}":
        raise OwnRole("You approved this invitation yourself: another person must.")
    invitation.accepted_at = at
    invitation.save(update_fields=["accepted_at"])
    by = Actor(ActorKind.USER, user.pk, str(user))
    mine = {"tenant": invitation.tenant, "user": user, "role": invitation.role, "ended_at": None}
    # A proposal of the same role that still waits is overtaken by what two people have signed.
    overtaken = list(Membership.objects.filter(**mine, approved_by=""))
    for each in overtaken:
        each.ended_at, each.ended_by = at, by.ref
        each.save(update_fields=["ended_at", "ended_by"])
    membership, _ = Membership.objects.get_or_create(
        **mine,
        defaults={
            "proposed_by": invitation.invited_by,
            "proposed_at": invitation.invited_at,
            "approved_by": invitation.approved_by,
            "approved_at": at,
        },
    )
    with tenant_scope(invitation.tenant_id):
        rows = told(membership, *overtaken)
        record("invitation.accepted", membership, by=by, role=invitation.role, **rows)
    return membership


def _approve(invitation: Invitation, *, by: Actor, at: datetime) -> Invitation:
    by.must("members.approve")
    invitation = _open(invitation)
    if invitation.approved_by or invitation.expires_at <= at:
        raise NotOpen("This invitation waits for no approval, or has expired.")
    if invitation.invited_by == by.ref:
        raise OwnProposal("Another person must approve your invitation.")
    invited = User.objects.filter(email=invitation.email).first()
    if invited is not None and by.ref == f"user:{invited.pk}":
        raise OwnRole("Another person must approve an invitation to your own address.")
    invitation.approved_by, invitation.approved_at = by.ref, Now()
    invitation.expires_at = at + LASTS
    invitation.save(update_fields=["approved_by", "approved_at", "expires_at"])
    record("invitation.approved", invitation, by=by, role=invitation.role)
    return invitation


def _open(invitation: Invitation) -> Invitation:
    """Lock an invitation.

    :raises NotOpen: when it was accepted or withdrawn.
    """
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if invitation.accepted_at or invitation.withdrawn_at:
        raise NotOpen("This invitation was accepted, withdrawn or declined before.")
    return invitation


def _end(invitation: Invitation, deed: str, *, by: Actor, at: datetime) -> Invitation:
    invitation.withdrawn_at, invitation.withdrawn_by = at, by.ref
    invitation.save(update_fields=["withdrawn_at", "withdrawn_by"])
    Letter.objects.filter(tenant=invitation.tenant, about=about(invitation)).delete()
    record(deed, invitation, by=by, role=invitation.role)
    return invitation


def _give_token(invitation: Invitation) -> str:
    token = secrets.token_urlsafe(32)
    invitation.token_hash = _hash(token)
    invitation.save(update_fields=["token_hash"])
    return token


def _write(invitation: Invitation, token: str) -> None:
    """Write the letter that carries the token; it lies encrypted until it has left."""
    firm = Tenant.objects.get(pk=invitation.tenant_id)
    until = invitation.expires_at
    what = f"You are invited to {firm.name} as {invitation.get_role_display().lower()}"
    post(
        written_for(
            firm,
            invitation.email,
            subject="You are invited to the billing portal",
            heading="You are invited",
            preheader=f"{what}.",
            paragraphs=[
                f"{what}. The link is for you alone and works once.",
                "If you did not expect this, do nothing.",
            ],
            facts=[
                ("You sign in with", invitation.email),
                (
                    "It works until",
                    f"{until:%B} {until.day}, {until.year}, {until:%H:%M} UTC",
                ),
            ],
            button_url=f"{settings.SITE_URL}/accounts/invitation/{token}/",
            button_label="Join the firm",
            footer=[f"Questions? Write to {firm.email}."] if firm.email else [],
        ),
        firm=firm,
        about=about(invitation),
    )


def about(invitation: Invitation) -> str:
    """Return how letters name an invitation."""
    return f"invitation:{invitation.pk}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
