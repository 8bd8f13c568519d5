"""What every request goes through first: it gets an id; its size and characters are bearable.

The outermost place is also where a page becomes a problem for whoever asked the API.
"""

from __future__ import annotations

import re
import secrets
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar

import structlog
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseBadRequest
from django.template.loader import render_to_string

from billing_portal import logs
from billing_portal.api import tallies
from billing_portal.api.parsing import MOST_BYTES
from billing_portal.api.problems import TooLarge, as_problem, problem
from billing_portal.bounds import whole_number
from billing_portal.tenancy.requests import HouseRequest

_log = structlog.get_logger(__name__)
_GOOD = re.compile(r"^[A-Za-z0-9_-]{8,40}$")
LONGEST_ADDRESS = 4_000
"""Characters of path and query; the web server itself reads some more (web_server)."""
_FILES = {"multipart/form-data"}
_FORMS = _FILES | {"application/x-www-form-urlencoded"}
_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """Return the id of the request or job at work, or an empty text."""
    return _current.get()


class RequestIds:
    """Give each request an id, or keep a well-formed one that a proxy gave it."""

    def __init__(self, get_response: Callable[[HouseRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HouseRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request.request_id = given if _GOOD.match(given) else f"req_{secrets.token_hex(8)}"
        token = _current.set(request.request_id)
        logs.clear()
        logs.bind(request_id=request.request_id)
        began = time.perf_counter()
        try:
            response = self.get_response(request)
            if request.path_info.startswith("/api/"):
                response = as_problem(request, response)
        finally:
            _current.reset(token)
        seconds = time.perf_counter() - began
        tallies.note(request, response, seconds)
        _log.info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            milliseconds=round(seconds * 1000),
        )
        response["Request-Id"] = request.request_id
        return response


class Bearable:
    """Refuse an address that is too long, a body declared too large, unread, and the NUL character.

    Also a body that does not say its length: it would be read as empty, and what it asks for as
    something else. No table keeps a NUL. The characters of the API's bodies are for its parsers.
    """

    def __init__(self, get_response: Callable[[HouseRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HouseRequest) -> HttpResponse:
        is_api = request.path_info.startswith("/api/")
        unbearable = _too_much(request, is_api=is_api)
        if unbearable is not None:
            return unbearable
        texts = [request.path_info, *request.COOKIES.values()]
        has_nul = "%00" in request.META.get("QUERY_STRING", "") or "\0" in "".join(texts)
        if not has_nul and not is_api and request.content_type in _FORMS:
            if (request.encoding or "utf-8").lower() not in {"utf-8", "utf8"}:
                # Whoever reads the form next would fail on it, the page that says so included.
                return HttpResponseBadRequest("Forms are sent in UTF-8.", content_type="text/plain")
            has_nul = any("\0" in "".join([key, *given]) for key, given in request.POST.lists())
        if has_nul and is_api:
            return problem(request, 400, "malformed", "The request holds a NUL character.")
        if has_nul:
            raise BadRequest("The request holds a NUL character.")
        return self.get_response(request)


def _too_much(request: HouseRequest, *, is_api: bool) -> HttpResponse | None:
    """Answer an address or a body that is too long, or a body of no known length, unread."""
    if len(request.get_full_path()) > LONGEST_ADDRESS:
        return _too_long(request, is_api=is_api)
    most = MOST_BYTES if is_api or request.content_type in _FILES else _most_in_a_form()
    if _declared(request) > most:
        return _too_large(request, most, is_api=is_api)
    if "HTTP_TRANSFER_ENCODING" in request.META:
        return _length_needed(request, is_api=is_api)
    return None


def _declared(request: HouseRequest) -> int:
    """Return how many bytes a request says its body has; what is no number of bytes is too many."""
    number = whole_number(request.META.get("CONTENT_LENGTH") or "0")
    return sys.maxsize if number is None else number


def _most_in_a_form() -> int:
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or MOST_BYTES)


def _too_long(request: HouseRequest, *, is_api: bool) -> HttpResponse:
    said = f"An address has at most {LONGEST_ADDRESS:,} characters. Nothing was done."
    if is_api:
        return problem(request, 414, "address.too_long", said)
    return HttpResponse(render_to_string("414.html", {"most": LONGEST_ADDRESS}), status=414)


def _length_needed(request: HouseRequest, *, is_api: bool) -> HttpResponse:
    said = "Send the body with its Content-Length, not in chunks. Nothing was done."
    if is_api:
        return problem(request, 411, "body.length_needed", said)
    return HttpResponse(said, status=411, content_type="text/plain")


def _too_large(request: HouseRequest, most: int, *, is_api: bool) -> HttpResponse:
    """Answer at once: whoever waits for such a body keeps a thread from everybody else."""
    no = TooLarge(most)
    if is_api:
        answer = problem(request, no.status_code, no.default_code, str(no.detail))
    else:
        shown = render_to_string("413.html", {"megabytes": most // 1_000_000})
        answer = HttpResponse(shown, status=no.status_code)
    answer["Content-Length"] = str(len(answer.content))  # whoever asked need not wait for its end
    return answer
