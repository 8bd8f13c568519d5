"""Lost second factors: one asks that a member's be reset, another approves; never one's own."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.members import notices, proofs
from billing_portal.members.actions import NotOpen, OwnProposal
from billing_portal.members.models import FactorReset, Membership, User
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.scope import current_tenant_id
from billing_portal.texts import refuse_hidden

_PERMISSION = "members.reset_factors"


class OwnFactors(Refused):
    """Nobody resets their own second factors, or approves that somebody else does."""

    code = "factors.own"


class NothingToReset(Refused):
    """The person is no member here, has no second factor, or its reset was asked for already."""

    code = "factors.nothing_to_reset"


class OfSeveralFirms(Refused):
    """The person is a member of another firm too, which the factors protect as well.

    Otherwise whoever runs one firm could weaken another firm's door.
    """

    code = "factors.of_several_firms"


@transaction.atomic
def request_reset(user: User, *, reason: str, by: Actor) -> FactorReset:
    """Ask that a member's second factors be taken away, because they were lost.

    :raises OwnFactors: when they are one's own.
    :raises NothingToReset: for no member of the firm, without a factor, or asked for already.
    :raises OfSeveralFirms: when they are a member of another firm too.
    :raises HiddenCharacter: for a reason with a character that cannot be seen.
    """
    by.must(_PERMISSION)
    refuse_hidden({"reason": reason}, prose=["reason"])
    _must_be_anothers(user.pk, by)
    held = Membership.objects.held().filter(tenant_id=current_tenant_id(), user=user)
    if not held.exists():
        raise NothingToReset(f"{user} is no member of this firm.")
    if not proofs.factors_of(user):
        raise NothingToReset(f"{user} has no second factor.")
    _must_be_of_this_firm_alone(user)
    try:
        with transaction.atomic():
            reset: FactorReset = FactorReset.objects.create(
                user=user, reason=reason, asked_by=by.ref
            )
    except IntegrityError as error:
        raise NothingToReset(f"A reset for {user} waits for approval already.") from error
    record("factor_reset.requested", reset, by=by, user=user.public_id, reason=reason)
    return reset


@transaction.atomic
def approve_reset(reset: FactorReset, *, by: Actor) -> FactorReset:
    """Take a member's second factors away, end their sessions, and tell them by mail.

    They sign in by password then, and are asked to set up a new factor.

    :raises OwnProposal: when the approver asked for it.
    :raises OwnFactors: when they are the approver's own.
    :raises OfSeveralFirms: when they have become a member of another firm.
    :raises NotOpen: when it was approved or declined before.
    """
    by.must(_PERMISSION)
    reset = _waiting(reset)
    if reset.asked_by == by.ref:
        raise OwnProposal("Another person must approve the reset you asked for.")
    _must_be_anothers(reset.user_id, by)
    reset.approved_by, reset.approved_at = by.ref, Now()
    reset.save(update_fields=["approved_by", "approved_at"])
    user = User.objects.select_for_update().get(pk=reset.user_id)
    _must_be_of_this_firm_alone(user)
    record("factor_reset.approved", reset, by=by, user=user.public_id)
    _take_away(user, by=by)
    return reset


@transaction.atomic
def reset_by_operator(user: User, *, by: Actor) -> User:
    """Take away the second factors of somebody of several firms, for whoever runs the installation.

    It stands in the trail of each of their firms, and they are told by mail.

    :raises NothingToReset: when they have none.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    if not proofs.factors_of(user):
        raise NothingToReset(f"{user} has no second factor.")
    _take_away(user, by=by)
    return user


@transaction.atomic
def decline_reset(reset: FactorReset, *, by: Actor, at: datetime) -> FactorReset:
    """Turn a reset down, or take one's own wish back.

    :raises NotOpen: when it was approved or declined before.
    """
    by.must(_PERMISSION)
    reset = _waiting(reset)
    reset.ended_at, reset.ended_by = at, by.ref
    reset.save(update_fields=["ended_at", "ended_by"])
    record("factor_reset.declined", reset, by=by, user=reset.user.public_id)
    return reset


def _take_away(user: User, *, by: Actor) -> None:
    kinds = sorted(proofs.factors_of(user).values())
    Authenticator.objects.filter(user=user).delete()
    user.factors_reset_at = Now()
    user.save(update_fields=["factors_reset_at"])
    proofs.record_in_each_firm("second_factor.reset", user, by=by, kinds=kinds)
    notices.tell(user, "factors_reset")


def _must_be_of_this_firm_alone(user: User) -> None:
    held = Membership.objects.held().filter(user=user)
    if held.exclude(tenant_id=current_tenant_id()).exists():
        raise OfSeveralFirms(
            f"{user} signs in elsewhere too: whoever runs the portal resets their second factor."
        )


def _waiting(reset: FactorReset) -> FactorReset:
    found: FactorReset = FactorReset.objects.select_for_update().get(pk=reset.pk)
    if found.approved_by or found.ended_at:
        raise NotOpen("This reset waits for no approval.")
    return found


def _must_be_anothers(user_id: int, by: Actor) -> None:
    if by.ref == f"user:{user_id}":
        raise OwnFactors("Another person sees to your second factor.")
