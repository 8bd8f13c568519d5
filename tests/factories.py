"""Factories of the foundations; each room's are in tests/<room>/factories.py."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType

import factory

from billing_portal.members.models import Membership, User
from billing_portal.tenancy.actors import Actor, ActorKind
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.permissions import permissions_of
from billing_portal.tenancy.scope import tenant_scope


class TenantFactory(factory.django.DjangoModelFactory):
    """A firm."""

    class Meta:
        model = Tenant

    slug = factory.Sequence(lambda n: f"firm-{n}")
    name = factory.Sequence(lambda n: f"Firm {n} LLP")
    tax_id = "24-6437381"


class UserFactory(factory.django.DjangoModelFactory):
    """A person, member of no firm yet."""

    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@firm.test")
    name = factory.Sequence(lambda n: f"Person {n}")
    password = "unusable"


class MembershipFactory(factory.django.DjangoModelFactory):
    """An approved role."""

    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    role = "owner"
    proposed_by = "system:test"
    approved_by = "system:approval"


class Neighbor(AbstractContextManager):
    """Another firm's scope, which can be entered again and again."""

    def __init__(self) -> None:
        self.firm = TenantFactory.create()
        self._open: list[AbstractContextManager[None]] = []

    def __enter__(self) -> Tenant:
        firm: Tenant = self.firm
        scope = tenant_scope(firm.pk)
        scope.__enter__()
        self._open.append(scope)
        return firm

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.pop().__exit__(kind, error, trace)


def actor(role: str, *, number: int = 1) -> Actor:
    """Return an actor who holds one role."""
    return Actor(ActorKind.USER, number, f"Person {number}", permissions_of([role]), (role,))
