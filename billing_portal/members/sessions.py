"""Sessions that a firm's directory began: they open that firm, and nothing of the person's own.

A directory proves somebody to its firm and to nobody else. Whoever runs it could name anybody, so
such a session enters no other firm and touches neither password nor second factors: by those the
person would be taken over everywhere.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from allauth.mfa.stages import AuthenticateStage
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.members.models import User
from billing_portal.tenancy.actors import Actor, ActorKind
from billing_portal.tenancy.scope import tenant_scope

_MARK = "directory"
_TOLD = "by_directory"
# What a session of a directory may open of the account pages: nothing here changes an account.
_OPEN = (
    *("/accounts/login/", "/accounts/logout/", "/accounts/firms/", "/accounts/theme/"),
    *("/accounts/sso/", "/accounts/reauthenticate/", "/accounts/2fa/reauthenticate/"),
)


class KeptByTheFirm(Refused):
    """The session came by a directory, which has no say over the person's own account."""

    code = "directories.kept_by_the_firm"
    headline = gettext_lazy("Your firm keeps how you sign in")


@dataclass(frozen=True)
class ByDirectory:
    """How a session began: the firm's key, and the public id of the directory in force then.

    :ivar until: seconds since 1970 at which the directory wants the session to end; 0 leaves it to
        the house.
    """

    firm: int
    directory: str
    until: int = 0


def begin(
    request: HttpRequest, user: User, by: ByDirectory, *, has_two_factors: bool, to: str
) -> HttpResponse:
    """Sign in whom a directory has proven; the person's second factor is asked for as ever.

    :param has_two_factors: whether the directory says that it asked for two, which spares ours.
    """
    logout(request)  # whatever the browser held before, of whomever
    record_authentication(request, user, method=_MARK)  # which counts as a proof for a while
    told = {**asdict(by), "has_two_factors": has_two_factors}
    answer: HttpResponse = perform_login(
        request, user, redirect_url=to, signal_kwargs={_TOLD: told}
    )
    return answer


def by_directory(request: HttpRequest) -> ByDirectory | None:
    """Return how a directory began the session, or None where a password or passkey did."""
    mark = request.session.get(_MARK)
    return None if mark is None else ByDirectory(**mark)


def has_run_out(request: HttpRequest, *, now: int) -> bool:
    """Say whether a session has passed the end that its directory set it.

    :param now: seconds since 1970.
    """
    by = by_directory(request)
    return by is not None and 0 < by.until <= now


def forget(request: HttpRequest) -> None:
    """Drop what an earlier sign-in of the same session left."""
    request.session.pop(_MARK, None)


def settle(request: HttpRequest, user: User, told: dict[str, Any] | None) -> bool:
    """Mark the session that has just begun, if by a directory, and say so in the firm's trail.

    :param told: what ``begin`` handed to the library, which carries it over the second factor.
    """
    mine = (told or {}).get(_TOLD)
    if mine is None:
        return False
    begun = ByDirectory(mine["firm"], mine["directory"], mine.get("until", 0))
    request.session[_MARK] = asdict(begun)
    with tenant_scope(mine["firm"]):
        by = Actor(ActorKind.USER, user.pk, str(user))
        record("sign_in.by_directory", user, by=by, directory=mine["directory"])
    return True


def is_by_directory(told: dict[str, Any] | None) -> bool:
    """Say whether a sign-in under way comes from a directory."""
    return _TOLD in (told or {})


def refuse_own_account(request: HttpRequest) -> None:
    """Pass, unless a session of a directory asks for a page that changes the person's account.

    :raises KeptByTheFirm: then.
    """
    path = request.path_info
    is_own = path.startswith("/accounts/") and not path.startswith(_OPEN)
    if is_own and by_directory(request) is not None:
        raise KeptByTheFirm(
            "You came in by your firm's directory, which keeps your password and second factor. "
            "Sign in by password to change those of the portal."
        )


class SecondFactor(AuthenticateStage):  # type: ignore[misc]  # allauth has no types
    """Asks for the person's second factor, unless their directory says that it has asked for two.

    The directory's word spares the question for its own firm only: the session opens no other.
    """

    def handle(self) -> Any:
        """Ask, or go on."""
        told = (self.login.signal_kwargs or {}).get(_TOLD, {})
        return (None, True) if told.get("has_two_factors") else super().handle()
