"""Who is behind a deed, and what they may do."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from billing_portal.errors import Refused
from billing_portal.tenancy.permissions import PERMISSIONS, ROLES


class ActorKind(enum.StrEnum):
    """What kind of actor is behind a deed."""

    USER = "user"
    KEY = "key"
    SYSTEM = "system"


class MissingPermission(Refused):
    """The actor's role does not allow this; the message names the permission and how to get it."""

    code = "permission.missing"

    def __init__(self, permission: str, kind: ActorKind = ActorKind.USER) -> None:
        self.permission = permission
        needed = f"You need the permission “{PERMISSIONS[permission]}”."
        advice = "An owner of your firm grants it."
        if kind is ActorKind.KEY:
            advice = "This API key does not have it: ask for a key that has, on the page API keys."
            if permission not in ROLES["service"]:
                advice = "No API key has it: a person does this in the portal."
        super().__init__(f"{needed} {advice}")


@dataclass(frozen=True)
class Actor:
    """A user, an API key or the system, within one firm; ``by=`` of every action.

    :ivar holder: of an API key, the ref of who asked for it and holds its text.
    """

    kind: ActorKind
    id: int | None
    name: str
    permissions: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ()
    holder: str = ""

    def may(self, permission: str) -> bool:
        """Say whether the actor has a permission; an unknown one is a bug and crashes."""
        if permission not in PERMISSIONS:
            raise KeyError(permission)
        return self.kind is ActorKind.SYSTEM or permission in self.permissions

    def must(self, permission: str) -> None:
        """Pass, or refuse.

        :raises MissingPermission: when the actor lacks the permission.
        """
        if not self.may(permission):
            raise MissingPermission(permission, self.kind)

    @property
    def ref(self) -> str:
        """The actor as stored beside what it did, such as ``user:7`` or ``system:clock``."""
        return f"{self.kind}:{self.name if self.id is None else self.id}"


def system(name: str) -> Actor:
    """Return the actor for what the portal does by itself, such as ``clock`` or ``gatekeeper``."""
    return Actor(ActorKind.SYSTEM, None, name)


OPERATORS = frozenset({"operator", "setup"})
"""Systems that are somebody at the command line: one asks for what the other approves."""

V = TypeVar("V", bound=Callable[..., Any])


def may(permission: str) -> Callable[[V], V]:
    """Guard a page: the member behind the request needs this permission in this firm."""
    if permission not in PERMISSIONS:
        raise KeyError(permission)

    def guard(view: V) -> V:
        @functools.wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> Any:
            request.actor.must(permission)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # read by the sweep test
        return guarded  # type: ignore[return-value]

    return guard
