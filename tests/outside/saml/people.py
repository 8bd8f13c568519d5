"""Who is in the directory, and what it was told of the portal: organizations, people, a book."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Organization:
    """One company's part of the directory, with its own entity and one portal that it serves."""

    key: str
    name: str
    audience: str
    acs: str
    people: dict[str, dict[str, Any]]
    faults: dict[str, Any] = field(default_factory=dict)


class Register:
    """All organizations, and the book of who signed in."""

    def __init__(self, book: Path) -> None:
        self.organizations: dict[str, Organization] = {}
        self._book = book
        self._lock = threading.Lock()

    def open(self, described: Mapping[str, Any]) -> Organization:
        """Add or replace an organization."""
        organization = Organization(
            key=described["key"],
            name=described["name"],
            audience=described["audience"],
            acs=described["acs"],
            people={person["user"]: dict(person) for person in described["people"]},
        )
        self.organizations[organization.key] = organization
        return organization

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
