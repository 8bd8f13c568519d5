"""What a room says when it puts something into a person's inbox or a search result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext

from billing_portal.money import Money

_SHOWN = 20
_COUNTED = 99

M = TypeVar("M", bound=Model)


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

    @property
    def rest(self) -> str:
        """The details beside those said, in words that go on where ``detail`` ends."""
        if not self.more:
            return ""
        said = {"count": f"{self.more:,}"}
        if self.detail.endswith((".", "!", "?")):
            return gettext("And %(count)s more.") % said
        return gettext("and %(count)s more") % said


def capped(rows: QuerySet[M], *, past: int = 0) -> str:
    """Return how many rows there are past the first few: nothing, or up to 99+. One query."""
    count = rows[past : past + _COUNTED + 1].count()
    if not count:
        return ""
    return f"{_COUNTED}+" if count > _COUNTED else str(count)


def first_waiting(
    rows: QuerySet[M],
    items_of: Callable[[list[M]], list[InboxItem]],
    *,
    what: str,
    url: str,
) -> list[InboxItem]:
    """Return the items of the first 20 rows, and one that says how many more there are.

    Two queries at most, and those of ``items_of``.

    :param what: the rows in words, such as "payments to place".
    :param url: where all of them are listed.
    """
    found = list(rows[: _SHOWN + 1])
    items = items_of(found[:_SHOWN])
    if len(found) > _SHOWN:
        items.append(_more(items, capped(rows, past=_SHOWN), what=what, url=url))
    return items


def shortened(items: list[InboxItem], *, what: str, url: str) -> list[InboxItem]:
    """Return the first 20 items, and one that says how many more there are. No query."""
    beyond = len(items) - _SHOWN
    if beyond <= 0:
        return items
    count = f"{_COUNTED}+" if beyond > _COUNTED else str(beyond)
    return [*items[:_SHOWN], _more(items[:_SHOWN], count, what=what, url=url)]


def _more(items: list[InboxItem], count: str, *, what: str, url: str) -> InboxItem:
    """Return what stands after the last of the items shown."""
    last = max(items, key=lambda item: item.order)
    return InboxItem(
        kind=last.kind,
        title=gettext("And %(count)s more %(what)s") % {"count": count, "what": what},
        detail="",
        url=url,
        icon=last.icon,
        order=f"{last.order}~",
        verb=gettext("Show all"),
        why=gettext("The inbox shows the first %(count)s.") % {"count": _SHOWN},
    )


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
