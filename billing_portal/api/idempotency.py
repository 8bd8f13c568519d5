"""Safe to repeat over a network: the same key with the same request gets the same answer."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import OperationalError, transaction
from django.http import Http404
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from billing_portal.api.models import IdempotentAnswer
from billing_portal.api.problems import Malformed
from billing_portal.api.rendering import as_json
from billing_portal.api.versions import etag
from billing_portal.errors import Refused

HEADER = "Idempotency-Key"
_LOCK_NOT_AVAILABLE = "55P03"
_LONGEST = 255
_LONGEST_PATH = 300


class StillRunning(Refused):
    """The first request with this key has not been answered yet; ask again shortly."""

    code = "idempotency.still_running"


class KeyReused(exceptions.APIException):
    """The key was used for another request."""

    status_code = 422
    default_code = "idempotency.key_reused"
    default_detail = "This Idempotency-Key was used for another request. Nothing was done."


def idempotent(endpoint: Callable[..., Response]) -> Callable[..., Response]:
    """Require an Idempotency-Key and answer a repeat with the stored answer. Two queries more.

    The row is inserted before the deed and in its transaction: a second request waits for the
    first, and a refusal takes the row back with it.

    :raises Http404: for a path longer than any of ours, before it is kept.
    :raises KeyReused: when the key came with another method, path, query, If-Match or body.
    :raises StillRunning: when the first request has held the key for longer than a lock may wait.
    """

    @functools.wraps(endpoint)
    def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER, "")
        if not 0 < len(key) <= _LONGEST:
            raise Malformed(f"Send {HEADER} (up to {_LONGEST} characters).", header=HEADER)
        if len(request.path) > _LONGEST_PATH:
            raise Http404
        asked = {
            "method": request.method,
            "path": request.path,
            "fingerprint": _fingerprint(request),
        }
        answer, is_new = _take(key, asked)
        if not is_new:
            return _replay(answer, asked)
        response = endpoint(view, request, *args, **kwargs)
        answer.status, answer.body = response.status_code, json.loads(as_json(response.data))
        answer.save(update_fields=["status", "body"])
        return response

    once.is_idempotent = True  # type: ignore[attr-defined]  # read by the schema and the sweep test
    return once


def _take(key: str, asked: dict[str, Any]) -> tuple[IdempotentAnswer, bool]:
    try:
        with transaction.atomic():
            return IdempotentAnswer.objects.get_or_create(key=key, defaults=asked)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise StillRunning("The first request with this key is still running.") from error
        raise


def _replay(answer: IdempotentAnswer, asked: dict[str, Any]) -> Response:
    if any(getattr(answer, name) != value for name, value in asked.items()):
        raise KeyReused
    headers = {"Idempotency-Replayed": "true"}
    if isinstance(answer.body, dict) and isinstance(answer.body.get("version"), int):
        headers["ETag"] = etag(answer.body["version"])  # as the first answer had it
    return Response(answer.body, status=answer.status, headers=headers)


def _fingerprint(request: Request) -> str:
    """Return what was asked for, besides method and path, as one hash; order does not count."""
    query = sorted(request.query_params.lists())
    asked = [request.data, query, request.headers.get("If-Match")]
    return hashlib.sha256(
        json.dumps(asked, sort_keys=True, default=str, separators=(",", ":")).encode()
    ).hexdigest()
