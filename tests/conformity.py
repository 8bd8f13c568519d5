"""Every answer of the API in every test is held against the committed description.

What the description promises (statuses, media types, fields, types) is what callers build on, so an
answer that it does not foresee fails the test that got it.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse
from jsonschema import Draft202012Validator

COMMITTED = Path(__file__).parents[1] / "docs/openapi.yml"
# Answered before or beside the endpoints: no verb, no such form, no such path, a bug.
_NOT_DESCRIBED = {405, 406, 500}


class NotAsDescribed(AssertionError):
    """The API answered what its description does not foresee."""


@functools.cache
def description() -> dict[str, Any]:
    """Return the committed description."""
    found: dict[str, Any] = yaml.load(COMMITTED.read_text(), Loader=yaml.CSafeLoader)
    return found


@functools.cache
def _validator(path: str, verb: str, status: str, media_type: str) -> Draft202012Validator | None:
    """Return what checks the body, or None for bytes.

    :raises NotAsDescribed: for an operation, status or media type that is not described.
    """
    try:
        answer = description()["paths"][path][verb]["responses"][status]
        schema = answer["content"][media_type]["schema"]
    except KeyError as error:
        words = f"{verb} {path} answered {status} {media_type}: {error} is not described"
        raise NotAsDescribed(words) from error
    if media_type not in {"application/json", "application/problem+json"}:
        return None
    whole = {"components": description()["components"], **schema}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _described_path(request: HttpRequest) -> str:
    route = request.resolver_match.route if request.resolver_match else ""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


class HoldsToItsDescription:
    """Check each answer under /api/v1/ on its way out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        found = request.path.startswith("/api/v1/") and request.resolver_match is not None
        if found and answer.status_code not in _NOT_DESCRIBED:
            self._hold(request, answer)
        return answer

    def _hold(self, request: HttpRequest, answer: HttpResponse) -> None:
        verb = (request.method or "").lower()
        media_type = answer["Content-Type"].split(";")[0]
        path = _described_path(request)
        if verb == "head" or verb not in description()["paths"].get(path, {}):
            return  # refused before anybody asked whether the verb is offered: 401, 403 or 405
        if answer.status_code == 200 and path.endswith("/content"):
            return  # the bytes of a file, of whatever type it has
        validator = _validator(path, verb, str(answer.status_code), media_type)
        if validator is None:
            return
        wrong = sorted(validator.iter_errors(json.loads(answer.content)), key=str)
        if wrong:
            words = "; ".join(f"{each.json_path}: {each.message[:200]}" for each in wrong[:5])
            raise NotAsDescribed(f"{verb} {path} {answer.status_code}: {words}")
