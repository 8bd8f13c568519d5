"""How the API describes itself: OpenAPI 3.1, with keys, versions, permissions and problems."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from billing_portal.api import costs
from billing_portal.api.idempotency import HEADER
from billing_portal.api.problems import CONTENT_TYPE, TITLES

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description='The ETag of the version that was read, such as "3".',
)
_KEY = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="A text of your own; a repeat with it gets the first answer again.",
)
_OF_LISTS = "Newest first, a page at a time: next_cursor is the after of the next page."
_SAID: dict[int, tuple[str, str, dict[str, Any]]] = {
    404: ("not_found", TITLES[404], {}),
    409: ("ledger.period_closed", "The books of September 2026 are closed.", {}),
    412: (
        "version.conflict",
        "You read version 3; it is at version 4 now. Nothing was changed.",
        {"your_version": "3", "current_version": "4"},
    ),
    422: (
        "values",
        "1 value cannot be accepted.",
        {
            "errors": [
                {"pointer": "/rows/0/name", "code": "required", "detail": "This field is required."}
            ]
        },
    ),
    429: (
        "rate.exceeded",
        "Too much was asked in a minute. Ask again in 3 s; nothing was done.",
        {},
    ),
}
_WRITES = {"post", "patch", "put", "delete"}
_WAIT = {
    "Retry-After": {
        "description": "The seconds after which the same request is granted.",
        "schema": {"type": "integer", "minimum": 1},
    }
}


class ProblemOut(serializers.Serializer):
    """Why a request was not done (RFC 9457); nothing changed."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable; compare this, not the words.")
    detail = serializers.CharField()
    request_id = serializers.CharField(help_text="Tell it when you ask us about this answer.")
    errors = serializers.ListField(  # type: ignore[assignment]  # a field of that name
        child=serializers.DictField(), required=False, help_text="One for each bad value or row."
    )


def rows_of(name: str, shape: type[serializers.Serializer], **more: Any) -> serializers.Serializer:
    """Describe a batch whose rows are typed one by one, so that one bad row refuses itself only."""
    described: serializers.Serializer = inline_serializer(name, {**more, "rows": shape(many=True)})
    return described


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers
    """Name the API key as the way to sign in."""

    target_class = "billing_portal.api.authentication.ActorOfRequest"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Describe the header."""
        return {"type": "http", "scheme": "bearer", "description": "An API key of your firm."}


class HouseSchema(AutoSchema):
    """Add to each operation what every endpoint of the house does."""

    def get_tags(self) -> list[str]:
        """Group by noun."""
        return [self.path.removeprefix("/api/v1/").split("/")[0]]

    def get_summary(self) -> str | None:
        """Say in one line what the verb does: the first sentence of what it says of itself."""
        noun = self.get_tags()[0].replace("-", " ")
        of_nouns = {"list": f"List {noun}.", "retrieve": f"Read one of the {noun}."}
        view: Any = self.view
        said = of_nouns.get(view.action) or self.get_description()
        return " ".join(said.partition("\n\n")[0].split())

    def get_description(self) -> str:  # type: ignore[override]  # of a text, not of a lazy one
        """Say what the verb does; of a list, how it is read."""
        view: Any = self.view
        return _OF_LISTS if view.action == "list" else str(super().get_description())

    def get_override_parameters(self) -> list[Any]:
        """Ask for a key wherever the endpoint does."""
        return [_KEY] if self._is_idempotent() else []

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Describe one verb: the permission it needs, and each problem it may answer with."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        view: Any = self.view
        operation["x-permission"] = view.permissions[view.action]
        operation["x-cost"] = costs.cost_of_verb(self.method, view.action)
        problem = self.resolve_serializer(ProblemOut, "response").ref
        for status in self._problems(operation):
            operation["responses"][str(status)] = {
                "description": TITLES[status],
                "content": {CONTENT_TYPE: {"schema": problem, **_example(status)}},
                **({"headers": _WAIT} if status == HTTPStatus.TOO_MANY_REQUESTS else {}),
            }
        return operation

    def _problems(self, operation: dict[str, Any]) -> list[int]:
        view: Any = self.view
        writes = self.method.lower() in _WRITES
        needs_version = any(each["name"] == "If-Match" for each in operation.get("parameters", []))
        may = {
            400: True,
            401: True,
            403: True,
            404: "{" in self.path,
            409: writes or view.action in getattr(view, "refusing_reads", ()),
            412: needs_version,
            411: "requestBody" in operation,
            413: "requestBody" in operation,
            414: True,
            415: "requestBody" in operation,
            422: "requestBody" in operation or self._is_idempotent(),
            428: needs_version,
            429: True,
        }
        return [status for status, it_may in may.items() if it_may]

    def _is_idempotent(self) -> bool:
        view: Any = self.view
        return bool(getattr(getattr(view, view.action), "is_idempotent", False))


def _example(status: int) -> dict[str, Any]:
    """Return how such a problem looks, for those that a caller has to act on."""
    if status not in _SAID:
        return {}
    code, detail, more = _SAID[status]
    said = {
        "type": f"/api/docs/problems#{code}",
        "title": TITLES[status],
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": "req_0f3a9c5be27d4418",
    }
    return {"example": said | more}


def say_what_it_costs(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add to the finished description how requests are counted."""
    result["info"]["description"] += f"\n\n{costs.IN_WORDS}"
    return result
