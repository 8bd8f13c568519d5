"""Who is in the directory, and what was asked of it: organizations, people, codes given out."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CODE_LASTS = 60.0


@dataclass
class Organization:
    """One company's part of the directory, with its own issuer and one client."""

    key: str
    name: str
    client_id: str
    client_secret: str
    redirect_uris: list[str]
    people: dict[str, dict[str, Any]]
    faults: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Grant:
    """What somebody signed in for: it is redeemed once, within a minute."""

    organization: str
    user: str
    asked: Mapping[str, str]
    given_at: float


class Register:
    """All organizations, the codes that are out, and the book of what happened."""

    def __init__(self, book: Path) -> None:
        self.organizations: dict[str, Organization] = {}
        self._book = book
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}
        self._lock = threading.Lock()

    def open(self, described: Mapping[str, Any]) -> Organization:
        """Add or replace an organization."""
        organization = Organization(
            key=described["key"],
            name=described["name"],
            client_id=described["client_id"],
            client_secret=described["client_secret"],
            redirect_uris=list(described["redirect_uris"]),
            people={person["user"]: dict(person) for person in described["people"]},
        )
        self.organizations[organization.key] = organization
        return organization

    def give_code(self, organization: Organization, user: str, asked: Mapping[str, str]) -> str:
        """Return a code for somebody who has signed in."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._codes[code] = Grant(organization.key, user, dict(asked), time.time())
        self.note(organization, "signed_in", user)
        return code

    def redeem(self, organization: Organization, code: str) -> tuple[Grant, str] | None:
        """Return what a code was given for and an access token; a code is good once."""
        with self._lock:
            grant = self._codes.pop(code, None)
            if grant is None or grant.organization != organization.key:
                return None
            if time.time() - grant.given_at > _CODE_LASTS:
                return None
            token = secrets.token_urlsafe(24)
            self._tokens[token] = grant
        self.note(organization, "redeemed", grant.user)
        return grant, token

    def holder(self, organization: Organization, token: str) -> str | None:
        """Return whose access token it is."""
        grant = self._tokens.get(token)
        return grant.user if grant and grant.organization == organization.key else None

    def note(self, organization: Organization, what: str, user: str) -> None:
        """Write a line into the book."""
        line = json.dumps({"organization": organization.key, "what": what, "user": user})
        with self._lock, self._book.open("a", encoding="utf-8") as book:
            book.write(line + "\n")

    def entries(self) -> list[dict[str, str]]:
        """Return the book, oldest first."""
        if not self._book.exists():
            return []
        return [json.loads(line) for line in self._book.read_text("utf-8").splitlines()]
