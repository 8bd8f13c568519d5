"""DRF's view of who asks: the actor that the middleware found by API key."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from billing_portal.api.problems import django_request


class ActorOfRequest(BaseAuthentication):
    """Hand on the actor; without a key the middleware has already answered 401."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the actor in the place where DRF keeps a user."""
        actor = getattr(django_request(request), "actor", None)
        return None if actor is None else (actor, None)

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, for WWW-Authenticate."""
        return "Bearer"
