"""What people prove with that it is they: address and second factors; changes are on record."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction

from billing_portal.audit.trail import record
from billing_portal.members import notices, queries
from billing_portal.members.models import Invitation, User
from billing_portal.tenancy.actors import Actor, ActorKind
from billing_portal.tenancy.scope import tenant_scope

_Kind = Authenticator.Type
_ADDED = {_Kind.TOTP: "totp_activated", _Kind.WEBAUTHN: "webauthn_added"}
_REMOVED = {_Kind.TOTP: "totp_deactivated", _Kind.WEBAUTHN: "webauthn_removed"}


@transaction.atomic
def confirm_address(user: User) -> None:
    """Hold a person's address for proven, and forget others that were never proven.

    Second factors ask for a proven address. Doing it twice changes nothing.
    """
    EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email).delete()
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )


def confirm_invited_address(user: User) -> bool:
    """Hold the address for proven where an invitation sent to it was accepted; say whether it was.

    For those who accepted theirs before it was noted then.
    """
    was_reached = Invitation.objects.filter(email=user.email, accepted_at__isnull=False).exists()
    if was_reached:
        confirm_address(user)
    return was_reached


def factors_of(user: User) -> dict[int, str]:
    """Return the kinds of a person's second factors by their keys. One query."""
    return dict(Authenticator.objects.filter(user=user).values_list("pk", "type"))


def record_factors(user: User, *, before: dict[int, str]) -> None:
    """Write down which second factors have come and gone since ``before``, and tell their person.

    The library's own pages change them, and its signals and mails come after the commit; so they
    are compared in the transaction of the deed.
    """
    now = factors_of(user)
    gone = [before[key] for key in sorted(before.keys() - now.keys())]
    come = [now[key] for key in sorted(now.keys() - before.keys())]
    for kind in gone:
        record_in_each_firm("second_factor.removed", user, kind=kind)
    for kind in come:
        record_in_each_firm("second_factor.added", user, kind=kind)
    told = [_REMOVED.get(kind, "") for kind in gone] + [_ADDED.get(kind, "") for kind in come]
    if set(come) == {_Kind.RECOVERY_CODES}:  # beside a first factor they go without saying
        told.append("recovery_codes_generated")
    for notice in filter(None, told):
        notices.tell(user, notice)


def lacks_new_factor(user: User) -> bool:
    """Say whether somebody's second factor was reset, and no new one has been set up. One query."""
    return user.factors_reset_at is not None and not factors_of(user)


def note_recovery_code(user: User) -> None:
    """Write down that somebody came in by a recovery code, and tell them."""
    record_in_each_firm("second_factor.recovery_code_used", user)
    notices.tell(user, "recovery_code_used")


def record_in_each_firm(
    action: str, user: User, *, by: Actor | None = None, **details: Any
) -> None:
    """Write what happened to an account into the trail of every firm that its person may enter.

    :param by: who did it; the person, unless said otherwise.
    """
    by = by or Actor(ActorKind.USER, user.pk, str(user))
    for tenant, _roles in queries.firms_of(user):
        with tenant_scope(tenant.pk):
            record(action, user, by=by, **details)
