"""What a browser has been sent to a directory with: kept in its session, taken out once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.http import HttpRequest

from billing_portal.directories.relying import Question

_KEPT = "directory_questions"
_AT_A_TIME = 5
_LASTS_SECONDS = 600


@dataclass(frozen=True)
class Asked:
    """A question under way: which directory of which firm was asked, and where to go afterwards."""

    question: Question
    firm: int
    directory: str
    to: str


def keep(request: HttpRequest, asked: Asked, *, at: datetime) -> None:
    """Remember a question for ten minutes; a browser may have five under way."""
    kept = list(request.session.get(_KEPT, []))[1 - _AT_A_TIME :]
    request.session[_KEPT] = [*kept, {**asdict(asked), "at": at.timestamp()}]


def take(request: HttpRequest, *, state: str, firm: int, at: datetime) -> Asked | None:
    """Return the question that an answer's state belongs to, and forget it.

    None for a state that this browser was not sent out with, was sent to another firm's directory
    with, has brought back before, or brings too late.
    """
    kept = list(request.session.get(_KEPT, []))
    found = next((each for each in kept if each["question"]["state"] == state), None)
    if found is None:
        return None
    request.session[_KEPT] = [each for each in kept if each is not found]
    if found["firm"] != firm or at.timestamp() - found["at"] > _LASTS_SECONDS:
        return None
    return Asked(Question(**found["question"]), firm, found["directory"], found["to"])
