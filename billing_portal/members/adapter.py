"""How allauth is bent to the house: nobody signs up without an invitation."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Sign-in by e-mail for people who are already members of some firm."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse: people come by invitation."""
        return False

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """Leave it: users have no name to sign in with but their address."""
