"""Who was behind a deed, asked again later: a job does in their name what they may by then."""

from __future__ import annotations

from datetime import datetime

from billing_portal.members.keys import actor_of, is_live
from billing_portal.members.models import ApiKey, User
from billing_portal.members.queries import actor_in
from billing_portal.tenancy.actors import Actor, ActorKind, system
from billing_portal.tenancy.models import Tenant


def actor_again(tenant: Tenant, ref: str, *, now: datetime) -> Actor | None:
    """Return an actor by how deeds store it, with what it may do now; None once it may not enter.

    At most two queries.
    """
    kind, _, name = ref.partition(":")
    if kind == ActorKind.SYSTEM:
        return system(name)
    if kind == ActorKind.KEY:
        key = ApiKey.objects.named().filter(tenant=tenant, pk=int(name)).first()
        return actor_of(key) if key is not None and is_live(key, now) else None
    user = User.objects.filter(pk=int(name)).first()
    return actor_in(tenant, user) if user is not None else None
