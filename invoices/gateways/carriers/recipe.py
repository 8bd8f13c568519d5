"""A recipe: how a browser gets a file through a carrier's site, as versioned data and not as code.

A recipe is JSON. Its sections are lists of steps: ``sign_in``, ``upload`` (with exactly one
``submit``, after which nothing is certain until the answer is read), ``answer`` and ``look_up``
(how to see whether a file is already there). ``signs`` say by what a refused sign-in, a wish for a
one-time code, a site out of service and an answer that the site itself lost are recognized.
``{user}``, ``{password}``, ``{file_name}``, ``{sha256}`` and ``{invoice_number}`` stand for values
of the moment. ``{new}`` at the end of a selector leaves out what shows the reference of an earlier
upload, where a site lists several of the same file. A status that is not final has no place in
``statuses``: a word that the recipe does not know confirms nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

FORMAT = 1
STATUSES = (
    *("RECEIVED", "FILE_ERROR", "PENDING_CLIENT", "DELIVERED_TO_CLIENT"),
    *("REJECTED", "APPROVED", "SENT_TO_AP", "PAID"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. Which fields it needs depends on ``do``; see ``recipe_check``.

    ``evidence`` names the picture to keep once the step is done. ``timeout_ms`` of 0 means the
    recipe's own. An optional ``read`` or ``read_all`` may find nothing.
    """

    do: str
    selector: str = ""
    path: str = ""
    value: str = ""
    text: str = ""
    name: str = ""
    pattern: str = ""
    title: str = ""
    controls: tuple[str, ...] = ()
    evidence: str = ""
    timeout_ms: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Sign:
    """Something on a page that tells what the page is: an element, if wanted with a text in it."""

    selector: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Signs:
    """By what pages are recognized that are no step forward."""

    login_refused: tuple[Sign, ...] = ()
    code_wanted: tuple[Sign, ...] = ()
    down: tuple[Sign, ...] = ()
    answer_lost: tuple[Sign, ...] = ()


@dataclass(frozen=True, slots=True)
class LookUp:
    """How to search for a file that may be there: steps, then one of two things is seen."""

    steps: tuple[Step, ...]
    found: str
    nothing: str
    answer: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to get a file through one carrier's site. ``statuses`` maps its words to ours."""

    carrier: str
    version: int
    signs: Signs
    sign_in: tuple[Step, ...]
    upload: tuple[Step, ...]
    answer: tuple[Step, ...]
    look_up: LookUp
    statuses: Mapping[str, str]
    also_allowed: tuple[str, ...] = ()
    timeout_ms: int = 10_000

    def as_json(self) -> str:
        """Return the recipe as JSON that ``recipe_from`` reads back unchanged."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True)

    def steps(self) -> tuple[tuple[str, Step], ...]:
        """Return every step with its place, such as ``upload[2]``."""
        sections = {
            "sign_in": self.sign_in,
            "upload": self.upload,
            "answer": self.answer,
            "look_up.steps": self.look_up.steps,
            "look_up.answer": self.look_up.answer,
        }
        return tuple(
            (f"{section}[{number}]", step)
            for section, steps in sections.items()
            for number, step in enumerate(steps, start=1)
        )


def status_of(recipe: Recipe, word: str) -> str:
    """Return what a carrier's word means, or nothing where the recipe does not know the word."""
    return recipe.statuses.get(word, "")
