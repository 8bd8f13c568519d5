"""What people prove with that it is they: address and second factors; changes are on record."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction

from billing_portal.audit.trail import record
from billing_portal.members import queries
from billing_portal.members.models import Invitation, User
from billing_portal.tenancy.actors import Actor, ActorKind
from billing_portal.tenancy.scope import tenant_scope


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
    """Write down which second factors have come and gone since ``before``.

    The library's own pages change them, and its signals come after the commit; so they are compared
    in the transaction of the deed.
    """
    now = factors_of(user)
    for key in sorted(before.keys() - now.keys()):
        record_in_each_firm("second_factor.removed", user, kind=before[key])
    for key in sorted(now.keys() - before.keys()):
        record_in_each_firm("second_factor.added", user, kind=now[key])


def record_in_each_firm(action: str, user: User, **details: str) -> None:
    """Write what somebody did to their own account into the trail of every firm they may enter."""
    by = Actor(ActorKind.USER, user.pk, str(user))
    for tenant, _roles in queries.firms_of(user):
        with tenant_scope(tenant.pk):
            record(action, user, by=by, **details)
