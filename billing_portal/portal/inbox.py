"""What a room says when it puts something into a person's inbox or a search result."""

from __future__ import annotations

from dataclasses import dataclass, field

from billing_portal.money import Money


@dataclass(frozen=True)
class InboxItem:
    """One thing that waits for a person.

    :param order: sorts the inbox: deadline or age as ISO text, most urgent first.
    :param more: how many details beside those said are on its page.
    """

    kind: str
    title: str
    detail: str
    url: str
    icon: str
    order: str
    verb: str
    tone: str = "idle"
    why: str = ""
    clock: str = ""
    more: int = 0
    amount: Money | None = None


@dataclass(frozen=True)
class SearchHit:
    """One thing that was found."""

    title: str
    detail: str
    url: str


@dataclass(frozen=True)
class SearchGroup:
    """What one room found."""

    label: str
    icon: str
    hits: list[SearchHit] = field(default_factory=list)
