"""What the two demo directories share: the control over their organizations, and how they start.

``/_control/...`` is no part of a directory. A register opens an organization from a description,
keeps each one's people and faults, and writes what happened into a book.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from tests.outside import web
from tests.outside.web import Request, Response, answer

Verbs = Mapping[str, Callable[[Request], Response]]


class Register(Protocol):
    """Organizations, by their keys, and the book of what happened."""

    organizations: Any

    def open(self, described: Mapping[str, Any]) -> Any:
        """Open an organization and return it."""

    def entries(self) -> Any:
        """Return the book."""


def control(register: Register, request: Request, more: Verbs | None = None) -> Response:
    """Answer a request of the control; ``more`` holds what only one of the directories knows."""

    def open_one(request: Request) -> Response:
        return answer({"opened": register.open(request.json()).key}, status=201)

    def set_faults(request: Request) -> Response:
        asked = dict(request.json())
        register.organizations[asked.pop("organization")].faults = asked
        return answer(asked)

    def change(request: Request) -> Response:
        asked = dict(request.json())
        people = register.organizations[asked.pop("organization")].people
        people[asked["user"]] = people.get(asked["user"], {}) | asked
        return answer(people[asked["user"]])

    verbs: Verbs = {
        "GET book": lambda _: answer(register.entries()),
        "POST organizations": open_one,
        "POST faults": set_faults,
        "POST people": change,
        **(more or {}),
    }
    verb = f"{request.method} {request.path.removeprefix('/_control/')}"
    try:
        return verbs[verb](request)
    except (KeyError, TypeError, ValueError) as trouble:
        return answer({"error": f"{type(trouble).__name__}: {trouble}"}, status=400)


def run(
    words: str,
    config: Path,
    register_at: Callable[[Path], Any],
    site_of: Callable[[Any], Callable[[Request], Response]],
) -> None:
    """Serve the organizations of a configuration file, as the command line says."""
    parser = web.arguments(words)
    parser.add_argument("--config", type=Path, default=config, help="organizations, JSON")
    asked = parser.parse_args()
    register = register_at(Path(asked.book))
    for described in json.loads(asked.config.read_text("utf-8"))["organizations"]:
        register.open(described)
    server = web.listen(site_of(register), port=asked.port)
    web.run(server, until_stdin_closes=asked.until_stdin_closes)
