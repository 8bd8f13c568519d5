"""Reading a recipe from data, with every finding about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from string import Formatter
from typing import Any

from billing_portal.errors import Refused
from invoices.gateways.carriers.recipe import (
    FORMAT,
    STATUSES,
    LookUp,
    Recipe,
    Sign,
    Signs,
    Step,
)

MOST_STEPS = 60
LONGEST_WAIT_MS = 120_000
_NEEDED = {
    "go_to": ("path",),
    "page": ("title",),
    "fill": ("selector", "value"),
    "click": ("selector",),
    "attach": ("selector",),
    "submit": ("selector",),
    "wait_for": ("selector",),
    "expect_text": ("selector", "text"),
    "read": ("name", "selector"),
    "read_all": ("name", "selector"),
}
_OF_THE_FILE = {"file_name", "sha256", "invoice_number"}
# The password goes into fields only; what a file's name may hold goes into no selector.
_VALUES = {
    "value": {"user", "password", *_OF_THE_FILE},
    "path": _OF_THE_FILE,
    "selector": {"sha256", "new"},
}
_READS = {"reference", "status", "messages", "sha256"}
_TEXTS = {"selector", "path", "value", "text", "name", "pattern", "title", "evidence", "do"}


@dataclass(frozen=True, slots=True)
class RecipeFinding:
    """One thing that is wrong with a recipe, and where."""

    place: str
    text: str


class BadRecipe(Refused):
    """The recipe cannot be followed. ``findings`` holds everything that is wrong with it."""

    code = "carrier.bad_recipe"

    def __init__(self, findings: Sequence[RecipeFinding]) -> None:
        self.findings = tuple(findings)
        told = "; ".join(f"{each.place}: {each.text}" for each in findings)
        super().__init__(f"The recipe cannot be followed. {told}.")


def recipe_from(data: Mapping[str, Any]) -> Recipe:
    """Return the recipe that parsed JSON describes.

    :raises BadRecipe: with every finding, when it cannot be followed.
    """
    shape = list(_shape(data))
    if shape:
        raise BadRecipe(shape)
    recipe = _recipe(data)
    findings = [*_whole(recipe), *(f for place, step in recipe.steps() for f in _step(place, step))]
    if findings:
        raise BadRecipe(findings)
    return recipe


def _recipe(data: Mapping[str, Any]) -> Recipe:
    look_up = data["look_up"]
    return Recipe(
        carrier=data["carrier"],
        version=data["version"],
        signs=Signs(
            **{
                kind: tuple(Sign(**sign) for sign in signs)
                for kind, signs in data.get("signs", {}).items()
            }
        ),
        sign_in=_steps(data["sign_in"]),
        upload=_steps(data["upload"]),
        answer=_steps(data["answer"]),
        look_up=LookUp(
            steps=_steps(look_up["steps"]),
            found=look_up["found"],
            nothing=look_up["nothing"],
            answer=_steps(look_up["answer"]),
        ),
        statuses=dict(data["statuses"]),
        also_allowed=tuple(data.get("also_allowed", ())),
        timeout_ms=data.get("timeout_ms", 10_000),
    )


def _steps(described: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    return tuple(
        Step(**{**each, "controls": tuple(each.get("controls", ()))}) for each in described
    )


def _shape(data: Mapping[str, Any]) -> Iterator[RecipeFinding]:
    """Find what has not even the right type; only a well-shaped recipe is looked at further."""
    if data.get("format") != FORMAT:
        yield RecipeFinding("format", f"must be {FORMAT}")
    known = {"format", *(each.name for each in fields(Recipe))}
    for name in sorted(set(data) - known):
        yield RecipeFinding(name, "is not known")
    for name, kind in (("carrier", str), ("version", int), ("statuses", dict)):
        if not isinstance(data.get(name), kind):
            yield RecipeFinding(name, f"must be of type {kind.__name__}")
    if not _is_whole_number(data.get("timeout_ms", 10_000)):
        yield RecipeFinding("timeout_ms", "must be a whole number")
    if not _are_texts(data.get("also_allowed", ())):
        yield RecipeFinding("also_allowed", "must be a list of texts")
    for name in ("sign_in", "upload", "answer"):
        yield from _steps_shape(name, data.get(name))
    yield from _look_up_shape(data.get("look_up"))
    yield from _signs_shape(data.get("signs", {}))


def _look_up_shape(described: object) -> Iterator[RecipeFinding]:
    if not isinstance(described, dict) or set(described) != {
        *("steps", "found", "nothing", "answer")
    }:
        yield RecipeFinding("look_up", "must have steps, found, nothing and answer")
        return
    for name in ("found", "nothing"):
        if not isinstance(described[name], str) or not described[name]:
            yield RecipeFinding(f"look_up.{name}", "must be a selector")
    for name in ("steps", "answer"):
        yield from _steps_shape(f"look_up.{name}", described[name])


def _signs_shape(described: object) -> Iterator[RecipeFinding]:
    if not isinstance(described, dict):
        yield RecipeFinding("signs", "must be an object")
        return
    for kind, signs in described.items():
        if kind not in {each.name for each in fields(Signs)}:
            yield RecipeFinding(f"signs.{kind}", "is not known")
        elif not isinstance(signs, list | tuple) or not all(_is_sign(sign) for sign in signs):
            yield RecipeFinding(f"signs.{kind}", "must be a list of selectors with texts")


def _steps_shape(place: str, described: object) -> Iterator[RecipeFinding]:
    if not isinstance(described, list | tuple) or not described:
        yield RecipeFinding(place, "must be a list of steps")
        return
    for number, step in enumerate(described, start=1):
        yield from _step_shape(f"{place}[{number}]", step)


def _step_shape(place: str, step: object) -> Iterator[RecipeFinding]:
    if not isinstance(step, dict):
        yield RecipeFinding(place, "must be an object")
        return
    for name, value in step.items():
        if name in _TEXTS:
            right = isinstance(value, str)
        elif name == "controls":
            right = _are_texts(value)
        elif name == "timeout_ms":
            right = _is_whole_number(value)
        else:
            right = name == "optional" and isinstance(value, bool)
        if not right:
            yield RecipeFinding(f"{place}.{name}", "is not known, or of the wrong type")
    if "do" not in step:
        yield RecipeFinding(place, "does nothing")


def _is_sign(sign: object) -> bool:
    return (
        isinstance(sign, dict)
        and bool(sign.get("selector"))
        and set(sign) <= {"selector", "text"}
        and all(isinstance(value, str) for value in sign.values())
    )


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


def _is_whole_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _whole(recipe: Recipe) -> Iterator[RecipeFinding]:
    if recipe.version < 1:
        yield RecipeFinding("version", "must be 1 or more")
    if len(recipe.steps()) > MOST_STEPS:
        yield RecipeFinding("steps", f"must be {MOST_STEPS} at most")
    if not 0 < recipe.timeout_ms <= LONGEST_WAIT_MS:
        yield RecipeFinding("timeout_ms", f"must be from 1 to {LONGEST_WAIT_MS}")
    for word, meaning in recipe.statuses.items():
        if meaning not in STATUSES:
            yield RecipeFinding(f"statuses.{word}", f"{meaning!r} is no LEDES API status")
    yield from _handing_over(recipe)
    yield from _reading(recipe)


def _handing_over(recipe: Recipe) -> Iterator[RecipeFinding]:
    submits = [place for place, step in recipe.steps() if step.do == "submit"]
    if len(submits) != 1 or not submits[0].startswith("upload["):
        yield RecipeFinding("upload", "must hold the only submit")
    elif recipe.upload[-1].do != "submit":
        yield RecipeFinding("upload", "must end with submit; what follows it is the answer")
    attached = [place for place, step in recipe.steps() if step.do == "attach"]
    if len(attached) != 1 or not attached[0].startswith("upload["):
        yield RecipeFinding("upload", "must attach the file, once")


def _reading(recipe: Recipe) -> Iterator[RecipeFinding]:
    for place, steps in (("answer", recipe.answer), ("look_up.answer", recipe.look_up.answer)):
        read = {step.name for step in steps if step.do == "read" and not step.optional}
        for name in sorted({"reference", "status"} - read):
            yield RecipeFinding(place, f"must read the {name}")


def _step(place: str, step: Step) -> Iterator[RecipeFinding]:
    if step.do not in _NEEDED:
        yield RecipeFinding(place, f"nobody knows how to {step.do!r}")
        return
    for name in _NEEDED[step.do]:
        if not getattr(step, name):
            yield RecipeFinding(place, f"{step.do} needs a {name}")
    if step.do in {"read", "read_all"} and step.name not in _READS:
        yield RecipeFinding(place, f"{step.name!r} is nothing that is read")
    if step.path and not re.fullmatch(r"/(?![/\\]).*", step.path):
        yield RecipeFinding(place, "a path begins with one slash")
    if step.timeout_ms > LONGEST_WAIT_MS:
        yield RecipeFinding(place, f"no step waits longer than {LONGEST_WAIT_MS} ms")
    yield from _pattern(place, step.pattern)
    for name, allowed in _VALUES.items():
        yield from _placeholders(f"{place}.{name}", getattr(step, name), allowed)


def _pattern(place: str, pattern: str) -> Iterator[RecipeFinding]:
    try:
        groups = re.compile(pattern).groups
    except re.error as trouble:
        yield RecipeFinding(place, f"the pattern is wrong: {trouble}")
        return
    if pattern and groups != 1:
        yield RecipeFinding(place, "a pattern has exactly one group")


def _placeholders(place: str, template: str, allowed: set[str]) -> Iterator[RecipeFinding]:
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as trouble:
        yield RecipeFinding(place, f"braces are wrong: {trouble}")
        return
    for _, name, form, conversion in parsed:
        if name is not None and (name not in allowed or form or conversion):
            yield RecipeFinding(place, f"{{{name}}} stands for nothing here")
