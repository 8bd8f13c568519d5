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

_PERMISSION = "members.reset_factors"


class OwnFactors(Refused):
    """Nobody resets their own second factors, or approves that somebody else does."""

    code = "factors.own"


class NothingToReset(Refused):
    """The person is no member here, has no second factor, or its reset was asked for already."""

    code = "factors.nothing_to_reset"


@transaction.atomic
def request_reset(user: User, *, reason: str, by: Actor) -> FactorReset:
    """Ask that a member's second factors be taken away, because they were lost.

    :raises OwnFactors: when they are one's own.
    :raises NothingToReset: for no member of the firm, without a factor, or asked for already.
    """
    by.must(_PERMISSION)
    _must_be_anothers(user.pk, by)
    held = Membership.objects.filter(tenant_id=current_tenant_id(), user=user, ended_at=None)
    if not held.exclude(approved_by="").exists():
        raise NothingToReset(f"{user} is no member of this firm.")
    if not proofs.factors_of(user):
        raise NothingToReset(f"{user} has no second factor.")
    try:
        with transaction.atomic():
            reset: FactorReset = FactorReset.objects.create(
                user=user, reason=reason, asked_by=by.ref
            )
    except IntegrityError as error:
        raise NothingToReset(f"A reset for {user} waits for approval already.") from error
    record("factor_reset.requested", reset, by=by, user=user.pk, reason=reason)
    return reset


@transaction.atomic
def approve_reset(reset: FactorReset, *, by: Actor) -> FactorReset:
    """Take a member's second factors away, end their sessions, and tell them by mail.

    They sign in by password then, and are asked to set up a new factor. A person may be a member of
    several firms: it stands in the trail of each.

    :raises OwnProposal: when the approver asked for it.
    :raises OwnFactors: when they are the approver's own.
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
    kinds = sorted(proofs.factors_of(user).values())
    Authenticator.objects.filter(user=user).delete()
    user.factors_reset_at = Now()
    user.save(update_fields=["factors_reset_at"])
    record("factor_reset.approved", reset, by=by, user=user.pk)
    proofs.record_in_each_firm("second_factor.reset", user, by=by, kinds=kinds)
    notices.tell(user, "factors_reset")
    return reset


@transaction.atomic
def decline_reset(reset: FactorReset, *, by: Actor, at: datetime) -> FactorReset:
    """Turn a reset down, or take one's own wish back.

    :raises NotOpen: when it was approved or declined before.
    """
    by.must(_PERMISSION)
    reset = _waiting(reset)
    reset.ended_at, reset.ended_by = at, by.ref
    reset.save(update_fields=["ended_at", "ended_by"])
    record("factor_reset.declined", reset, by=by, user=reset.user_id)
    return reset


def _waiting(reset: FactorReset) -> FactorReset:
    found: FactorReset = FactorReset.objects.select_for_update().get(pk=reset.pk)
    if found.approved_by or found.ended_at:
        raise NotOpen("This reset waits for no approval.")
    return found


def _must_be_anothers(user_id: int, by: Actor) -> None:
    if by.ref == f"user:{user_id}":
        raise OwnFactors("Another person sees to your second factor.")
