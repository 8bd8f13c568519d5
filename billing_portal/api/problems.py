"""Errors as RFC 9457 problems with stable codes, made in one place.

400 malformed, 401 no key, 403 names the missing permission, 404 also for another firm's, 409 a rule
said no, 412/428 version, 413 and 414 too much, 422 values (all at once, by JSON Pointer), 429, 500
a bug.
Each carries request_id.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from billing_portal.api.rendering import as_json
from billing_portal.errors import Refused, Stale, counted, sized
from billing_portal.tenancy.actors import MissingPermission
from billing_portal.tenancy.requests import HouseRequest

CONTENT_TYPE = "application/problem+json"
TITLES = {
    400: "The request is malformed.",
    401: "Sign in with an API key.",
    403: "This is not allowed.",
    404: "There is nothing here.",
    405: "This verb is not offered here.",
    406: "This form of answer is not offered.",
    409: "A rule said no.",
    411: "Say how long the body is.",
    412: "It has changed since you read it.",
    413: "The body is too large.",
    414: "The address is too long.",
    415: "Send application/json.",
    422: "Some values cannot be accepted.",
    428: "Say which version you have read.",
    429: "Too many requests.",
    500: "Something broke here.",
}
_OF_NO_ENDPOINT = {
    400: "malformed",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    500: "broken",
}


_Description = tuple[int, str, str, dict[str, Any]]


class Malformed(Exception):
    """The request cannot be understood; nothing was looked at."""

    def __init__(self, detail: str, **more: Any) -> None:
        self.more = more
        super().__init__(detail)


class VersionNeeded(Exception):
    """An edit or verdict came without If-Match."""


class TooLarge(exceptions.APIException):
    """The body has more bytes than are read."""

    status_code = 413
    default_code = "body.too_large"

    def __init__(self, most: int) -> None:
        super().__init__(f"At most {sized(most)} are read at a time. Nothing was done.")


def problem(request: HttpRequest, status: int, code: str, detail: str, **more: Any) -> HttpResponse:
    """Return a problem as a plain Django answer, whatever form of answer was asked for."""
    body = as_json(_body(request, status, code, detail, more))
    response = HttpResponse(body, status=status, content_type=CONTENT_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Put a problem into the place of a page: no path, no such verb, a bug, before any endpoint."""
    status = response.status_code
    if status < HTTPStatus.BAD_REQUEST or response.get("Content-Type") == CONTENT_TYPE:
        return response
    title = TITLES.get(status, "The request failed.")
    found = problem(request, status, _OF_NO_ENDPOINT.get(status, "failed"), title)
    for name, value in response.items():
        if name not in {"Content-Type", "Content-Length"}:
            found[name] = value
    found["Content-Length"] = str(len(found.content))
    return found


def not_taken(request: Request, no: Refused, errors: list[dict[str, Any]]) -> Response:
    """Answer that a file was refused whole, with every finding in it."""
    body = _body(django_request(request), 422, no.code, str(no), {"errors": errors})
    return Response(body, status=422, content_type=CONTENT_TYPE)


def django_request(request: Request) -> HouseRequest:
    """Return Django's request, which DRF wraps; the middleware's findings are on it."""
    return cast(HouseRequest, request._request)  # noqa: SLF001 -- DRF offers no public way


def answer_for(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Turn what an endpoint raised into a problem; None lets a bug crash."""
    found = _described(error)
    if found is None:
        return None
    status, code, detail, more = found
    response = problem(django_request(context["request"]), status, code, detail, **more)
    if isinstance(error, exceptions.Throttled):
        response["Retry-After"] = str(int(getattr(error, "wait", None) or 0) + 1)
    return response


def _described(error: Exception) -> _Description | None:
    for kind, describe in _DESCRIPTIONS:
        if isinstance(error, kind):
            return describe(error)
    return None


def _of_values(error: exceptions.ValidationError) -> _Description:
    errors = list(_pointed(error.detail, ""))
    detail = f"{counted(len(errors), 'value')} cannot be accepted."
    return 422, "values", detail, {"errors": errors}


def _of_api(error: exceptions.APIException) -> _Description:
    if isinstance(error, exceptions.ParseError | exceptions.UnsupportedMediaType):
        return error.status_code, "malformed", str(error.detail), {}
    return error.status_code, str(error.get_codes()), str(error.detail), {}


def _versions(error: Stale) -> dict[str, str]:
    if error.seen is None or error.current is None:
        return {}
    return {"your_version": str(error.seen), "current_version": str(error.current)}


# The first kind that fits describes the error: the special before the general.
_DESCRIPTIONS: list[tuple[type[Exception], Callable[[Any], _Description]]] = [
    (MissingPermission, lambda e: (403, e.code, str(e), {"permission": e.permission})),
    (
        Stale,
        lambda e: (412, e.code, str(e), _versions(e)),
    ),
    (Refused, lambda e: (409, e.code, str(e), getattr(e, "more", {}))),
    (Malformed, lambda e: (400, "malformed", str(e), e.more)),
    (
        VersionNeeded,
        lambda _: (428, "version.needed", "Send If-Match with the version you have read.", {}),
    ),
    (Http404, lambda _: (404, "not_found", TITLES[404], {})),
    (PermissionDenied, lambda _: (403, "forbidden", TITLES[403], {})),
    (exceptions.ValidationError, _of_values),
    (exceptions.APIException, _of_api),
]


def _pointed(detail: Any, pointer: str) -> Any:
    """Yield one error a value, each named by its JSON Pointer (RFC 6901)."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            step = "" if key == "non_field_errors" else f"/{_escape(str(key))}"
            yield from _pointed(value, pointer + step)
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, (dict, list))
            yield from _pointed(value, f"{pointer}/{index}" if nested else pointer)
    else:
        yield {"pointer": pointer, "code": detail.code, "detail": str(detail)}


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _body(
    request: HttpRequest, status: int, code: str, detail: str, more: dict[str, Any]
) -> dict[str, Any]:
    return {
        "type": f"/api/docs/problems#{code}",
        "title": TITLES.get(status, "The request failed."),
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": getattr(request, "request_id", ""),
        **more,
    }
