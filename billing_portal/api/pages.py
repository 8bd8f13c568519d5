"""Lists page by key: a cursor names the last row seen, never an offset."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.db.models import Model
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from billing_portal.api.problems import Malformed
from billing_portal.bounds import whole_number
from billing_portal.covers import covered, uncovered

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_CURSOR = "cursor"


class KeysetPages(BasePagination):
    """Newest first, ``limit`` rows (50, at most 200) after ``after``.

    The cursor holds the filters it was made with; used with others it is refused. It is covered:
    keys are counted over all firms.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return one page of rows."""
        self.request = request
        limit = _limit(request)
        rows = queryset.order_by("-pk")
        cursor = request.query_params.get("after")
        if cursor:
            rows = rows.filter(pk__lt=_position(cursor, _filters(request)))
        found: list[Model] = list(rows[: limit + 1])
        self.has_more = len(found) > limit
        page = found[:limit]
        self.cursor = _cursor(page[-1].pk, _filters(request)) if self.has_more else None
        return page

    def get_paginated_response(self, data: Any) -> Response:
        """Wrap a page with where the next one is."""
        response = Response(
            {"object": "list", "data": data, "has_more": self.has_more, "next_cursor": self.cursor}
        )
        if self.cursor:
            url = replace_query_param(self.request.build_absolute_uri(), "after", self.cursor)
            response["Link"] = f'<{url}>; rel="next"'
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page for the OpenAPI schema."""
        return {
            "type": "object",
            "required": ["object", "data", "has_more", "next_cursor"],
            "properties": {
                "object": {"type": "string", "const": "list"},
                "data": schema,
                "has_more": {"type": "boolean"},
                "next_cursor": {"type": ["string", "null"]},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the page parameters for the OpenAPI schema."""
        return [
            {
                "name": "limit",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 50},
                "description": "How many rows a page has.",
            },
            {
                "name": "after",
                "in": "query",
                "schema": {"type": "string"},
                "description": "The next_cursor of the page before.",
            },
        ]


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    limit = whole_number(text)
    if limit is None or not 1 <= limit <= MAX_LIMIT:
        raise Malformed(f"limit is a number from 1 to {MAX_LIMIT}.", parameter="limit")
    return limit


def _filters(request: Request) -> str:
    named = sorted(
        (key, value)
        for key, values in request.query_params.lists()
        for value in values
        if key not in {"after", "limit"}
    )
    return hashlib.sha256(json.dumps([request.path, named]).encode()).hexdigest()[:12]


def _cursor(position: int, filters: str) -> str:
    return covered(f"{position} {filters}", of=_CURSOR)


def _position(cursor: str, filters: str) -> int:
    text = uncovered(cursor, of=_CURSOR)
    if text is None:
        raise Malformed("after is no cursor of this list.", parameter="after")
    position, _, made_with = text.partition(" ")
    if made_with != filters:
        raise Malformed("after was made with other filters.", parameter="after")
    return int(position)
