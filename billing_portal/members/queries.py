"""Who is a member of what, and what waits: asked before any scope is open, and by the pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db.models import OuterRef, QuerySet, Subquery

from billing_portal.bounds import whole_number
from billing_portal.members.models import ApiKey, FactorReset, Invitation, Letter, Membership, User
from billing_portal.tenancy.actors import OPERATORS, Actor, ActorKind
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.permissions import permissions_of

_MOST = 500


def actor_in(tenant: Tenant, user: User) -> Actor | None:
    """Return the user as an actor of the firm, or None for who is no member. One query."""
    if not user.is_active:
        return None
    roles = tuple(
        Membership.objects.held()
        .filter(tenant=tenant, user=user)
        .order_by("role")
        .values_list("role", flat=True)
    )
    if not roles:
        return None
    return Actor(ActorKind.USER, user.pk, str(user), permissions_of(roles), roles)


def firms_of(user: User) -> list[tuple[Tenant, list[str]]]:
    """Return the firms that the user may enter, by name, each with the user's roles. One query."""
    held = (
        Membership.objects.held()
        .filter(user=user)
        .select_related("tenant")
        .order_by("tenant__name", "tenant_id", "role")
    )
    found: dict[int, tuple[Tenant, list[str]]] = {}
    for membership in held:
        found.setdefault(membership.tenant_id, (membership.tenant, []))[1].append(membership.role)
    return list(found.values())


def has_password(email: str) -> bool:
    """Say whether somebody signs in with this address and a password already. One query."""
    user = User.objects.filter(email=email).first()
    return user is not None and user.has_usable_password()


def members_of(tenant: Tenant) -> list[Membership]:
    """Return who holds which role in the firm, proposals included, by name. One query."""
    return list(
        Membership.objects.filter(tenant=tenant, ended_at__isnull=True)
        .select_related("user")
        .order_by("user__name", "role")
    )


def people_of(tenant: Tenant) -> QuerySet[User]:
    """Return who holds an approved role in the firm, each once, in no order: page by key."""
    held = Membership.objects.held().filter(tenant=tenant)
    return User.objects.filter(pk__in=held.values("user_id"))


def roles_of(tenant: Tenant, users: Iterable[User]) -> dict[int, list[Membership]]:
    """Return the roles of people in the firm by the person's key, ended ones too. One query."""
    found: dict[int, list[Membership]] = {}
    rows = Membership.objects.filter(tenant=tenant, user__in=list(users)).order_by("role", "pk")
    for row in rows:
        found.setdefault(row.user_id, []).append(row)
    return found


def proposals_of(tenant: Tenant) -> list[Membership]:
    """Return the roles that wait for a second person, oldest first. One query."""
    rows = Membership.objects.filter(tenant=tenant, approved_by="", ended_at__isnull=True)
    return list(rows.select_related("user").order_by("pk")[:_MOST])


def open_invitations_of(tenant: Tenant) -> list[Invitation]:
    """Return the invitations that were neither accepted nor withdrawn, oldest first. One query.

    Each says in ``invited_user`` which user has the address, where one has.
    """
    rows = Invitation.objects.filter(
        tenant=tenant, accepted_at__isnull=True, withdrawn_at__isnull=True
    )
    has_address = User.objects.filter(email=OuterRef("email")).values("pk")[:1]
    return list(rows.annotate(invited_user=Subquery(has_address)).order_by("pk")[:_MOST])


def open_resets() -> list[FactorReset]:
    """Return the resets of second factors that wait in the current firm. One query."""
    rows = FactorReset.objects.filter(approved_by="", ended_at__isnull=True)
    return list(rows.select_related("user").order_by("pk")[:_MOST])


def open_reset_of(user: User) -> FactorReset | None:
    """Return the reset of a person's second factors that waits in the current firm. One query."""
    found: FactorReset | None = FactorReset.objects.filter(
        user=user, approved_by="", ended_at__isnull=True
    ).first()
    return found


def keys_of(tenant: Tenant) -> QuerySet[ApiKey]:
    """Return a firm's API keys, in no order: page by key."""
    return ApiKey.objects.filter(tenant=tenant).select_related("succeeds")


def keys_waiting(tenant: Tenant, now: datetime) -> list[ApiKey]:
    """Return the keys that wait for a second person, oldest first. One query."""
    rows = keys_of(tenant).filter(approved_by="", revoked_at__isnull=True, expires_at__gt=now)
    return list(rows.order_by("pk")[:_MOST])


def is_vouched_for(key_id: int, permission: str) -> bool:
    """Say whether both who asked for a key and who approved it may do something themselves.

    The operator of the installation stands for what was made at its console. Two queries.
    """
    key = ApiKey.objects.select_related("tenant").filter(pk=key_id).first()
    if key is None:
        return False
    may = {f"user:{each.pk}" for each in holders_of(key.tenant, permission)}
    return all(
        ref in may or ref.startswith("system:") for ref in (key.requested_by, key.approved_by)
    )


def own_refs(actor: Actor) -> set[str]:
    """Return under which refs an actor's deeds stand: their own, and those of keys of theirs.

    A key is one with whoever asked for it and with their other keys. One query.
    """
    person = actor.holder or actor.ref
    keys = ApiKey.objects.filter(requested_by=person).values_list("pk", flat=True)
    return {actor.ref, person} | {f"key:{pk}" for pk in keys}


def letters_about(tenant: Tenant, subjects: Iterable[str]) -> dict[str, Letter]:
    """Return the letters that have not left yet, by what they are about. One query."""
    rows = Letter.objects.filter(tenant=tenant, about__in=list(subjects))
    return {row.about: row for row in rows}


def with_second_factor(users: Iterable[User]) -> set[int]:
    """Return the keys of those who have a second factor. One query."""
    rows = Authenticator.objects.filter(user__in=list(users))
    rows = rows.exclude(type=Authenticator.Type.RECOVERY_CODES)
    return set(rows.values_list("user_id", flat=True))


def holders_of(tenant: Tenant, permission: str) -> list[User]:
    """Return the active members who may do something, by name. One query."""
    return list(
        User.objects.filter(
            is_active=True,
            memberships__tenant=tenant,
            memberships__ended_at__isnull=True,
            memberships__approved_by__gt="",
            memberships__role__in=[
                role for role in _roles() if permission in permissions_of([role])
            ],
        )
        .distinct()
        .order_by("name")
    )


def holders_by_role(tenant: Tenant, role: str) -> list[int]:
    """Return the keys of those who hold a role in the firm. One query."""
    rows = Membership.objects.held().filter(tenant=tenant, role=role)
    return list(rows.values_list("user_id", flat=True))


def names_of_actors(refs: Iterable[str]) -> dict[str, str]:
    """Return the names of actors as stored beside deeds, such as ``user:7``. At most two queries.

    The system is called by what it is; who is unknown is absent.
    """
    found: dict[str, str] = {}
    numbers: dict[str, set[int]] = {"user": set(), "key": set()}
    for ref in refs:
        kind, _, rest = ref.partition(":")
        if kind == "system":
            found[ref] = "The operator" if rest in OPERATORS else f"The portal ({rest})"
        elif kind in numbers and (number := whole_number(rest)) is not None:
            numbers[kind].add(number)
    people = User.objects.filter(pk__in=numbers["user"]) if numbers["user"] else ()
    keys = ApiKey.objects.named().filter(pk__in=numbers["key"]) if numbers["key"] else ()
    found |= {f"user:{user.pk}": str(user) for user in people}
    return found | {f"key:{key.pk}": key.spoken_name for key in keys}


def _roles() -> list[str]:
    return [choice for choice, _label in Membership._meta.get_field("role").flatchoices]
