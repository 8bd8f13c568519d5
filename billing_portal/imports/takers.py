"""Who takes in which kind of file: each room registers its own.

A taker takes a file whole or not at all, in one transaction, and answers as the API does. In the
request or in a job it is the same function, so that both answer the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string

from billing_portal.errors import Refused
from billing_portal.tenancy.actors import Actor

Json = dict[str, Any]


class NotTaken(Exception):
    """The file was refused, and nothing of it was taken.

    :ivar refusal: why, in a sentence.
    :ivar errors: every finding, as the API tells them.
    """

    def __init__(self, refusal: Refused, errors: list[Json]) -> None:
        self.refusal, self.errors = refusal, errors
        super().__init__(str(refusal))


class Take(Protocol):
    """Takes a file in and returns what the API answers; raises Refused or NotTaken."""

    def __call__(
        self, data: bytes, *, name: str, options: Mapping[str, Any], by: Actor, on: date
    ) -> Json: ...


@dataclass(frozen=True)
class Taker:
    """How one kind of file is taken in.

    :ivar kind: what the outside calls it.
    :ivar title: what people call it.
    :ivar is_large: says of a file's bytes whether taking it in may last more than two seconds.
    :ivar permission: what whoever sends such files needs.
    :ivar reads: what whoever sees what came of them needs.
    :ivar said: puts an answer into sentences.
    :ivar url_name: the page on which the file is sent; ``sends`` are the words that lead there.
    :ivar list_url_name: the page that lists what such files bring.
    :ivar one_url_name: the page of the one thing that the ``id`` of an answer names, if there is.
    """

    kind: str
    title: Any
    take: Take
    is_large: Callable[[bytes], bool]
    permission: str
    reads: str
    said: Callable[[Json], str]
    url_name: str
    sends: Any
    list_url_name: str
    one_url_name: str = ""

    def brought_at(self, answer: Json) -> str:
        """Return where people see what a file brought."""
        if self.one_url_name:
            return reverse(self.one_url_name, args=[answer["id"]])
        return reverse(self.list_url_name)


@dataclass(frozen=True)
class FileFinding:
    """What is said of a place in a file: row 1 is its first line, no row is the whole of it."""

    row: int | None
    place: str
    rule: str
    text: str
    is_remark: bool = False


def takers() -> dict[str, Taker]:
    """Return every taker by its kind."""
    found: list[Taker] = [import_string(name) for name in settings.FILE_TAKERS]
    return {taker.kind: taker for taker in found}


def readable_by(actor: Actor) -> list[str]:
    """Return the kinds of files of which somebody may see what came of them."""
    return [kind for kind, taker in takers().items() if actor.may(taker.reads)]


def findings_of(errors: list[Json]) -> list[FileFinding]:
    """Return findings as pages show them, from how the API tells them."""
    return [
        FileFinding(
            row=each.get("row") or None,
            place=next((str(each[n]) for n in ("field", "place", "column") if each.get(n)), ""),
            rule=str(each["rule"]),
            text=str(each["text"]),
            is_remark=each.get("severity", "error") != "error",
        )
        for each in errors
    ]
