"""The base of every endpoint: nouns are read by public id, verbs are actions."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from rest_framework import mixins, viewsets
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.response import Response

from billing_portal.api.asking import uid_in_path
from billing_portal.api.problems import Malformed
from billing_portal.api.versions import etag

Lookup = Callable[[str], dict[str, Any]]
_PAGING = {"limit", "after"}
# What others call it, where spelling is no guide.
_MEANT = {
    **dict.fromkeys(("cursor", "next_cursor", "starting_after", "page", "offset"), "after"),
    **dict.fromkeys(("page_size", "per_page", "size", "count"), "limit"),
}


def one_of(column: str) -> Lookup:
    """Return a filter that compares a column with one value, or several by comma."""
    return lambda value: {f"{column}__in": value.split(",")}


class NamedFilters(BaseFilterBackend):
    """Narrow lists by the parameters that an endpoint names in ``filters``."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        """Return what fits every parameter."""
        for name, lookup in view.filters_here().items():
            if name in request.query_params:
                wanted = lookup(request.query_params[name])
                _must_be_choices(queryset, name, wanted)
                queryset = queryset.filter(**wanted)
        return queryset

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the parameters for the OpenAPI schema."""
        text = {"type": "string"}
        return [
            {"name": name, "in": "query", "required": False, "schema": text}
            for name in view.filters_here()
        ]


def _must_be_choices(queryset: QuerySet[Any], name: str, wanted: dict[str, Any]) -> None:
    """Refuse a value that a column with named choices cannot have: it would find nothing, silently.

    :raises Malformed: naming the choices.
    """
    for lookup, value in wanted.items():
        column = lookup.removesuffix("__in")
        if "__" in column:
            continue
        field = queryset.model._meta.get_field(column)
        known = [str(choice) for choice, _ in getattr(field, "flatchoices", [])]
        strange = set(value if lookup.endswith("__in") else [value]) - set(known)
        if known and strange:
            raise Malformed(f"{name} is one of {', '.join(known)}.", parameter=name)


class EndpointViewSet(viewsets.ViewSet):
    """What every endpoint is; OPTIONS is a verb like others that are not offered."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]


class NounViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet, EndpointViewSet
):
    """Rows of one noun, read by page or by public id within the firm of the key.

    :cvar permissions: which permission each action needs; an action it does not name crashes.
    :cvar filters: the parameters that a list takes beside paging, each with its lookup; an unknown
        parameter is refused with the nearest name.
    :cvar lists_within: lists below one row, by the action that shows them, with their parameters.
    """

    permissions: ClassVar[dict[str, str]] = {}
    filters: ClassVar[dict[str, Lookup]] = {}
    lists_within: ClassVar[dict[str, dict[str, Lookup]]] = {}
    filter_backends = (NamedFilters,)
    id_prefix: ClassVar[str] = ""
    lookup_field = "id"
    lookup_value_converter = "str"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks, then what they ask by."""
        super().initial(request, *args, **kwargs)
        is_list = self.action == "list" or self.action in self.lists_within
        known = _PAGING | set(self.filters_here()) if is_list else set()
        for name in request.query_params:
            if name not in known:
                near = [meant] if (meant := _MEANT.get(name)) in known else []
                near = near or difflib.get_close_matches(name, known, n=1)
                hint = f" Did you mean {near[0]}?" if near else ""
                raise Malformed(f"There is no parameter {name} here.{hint}", parameter=name)
            if len(request.query_params.getlist(name)) > 1:
                words = f"{name} stands twice: name several values once, with commas between them."
                raise Malformed(words, parameter=name)

    def filters_here(self) -> dict[str, Lookup]:
        """Return the parameters of the list that is asked for."""
        return self.lists_within.get(self.action, self.filters)

    def get_object(self) -> Any:
        """Return the row that the path names.

        :raises Http404: for a malformed id, one of another noun or firm, or none at all: the same.
        """
        uid = uid_in_path(self.id_prefix, self.kwargs["id"])
        row = self.get_queryset().filter(uid=uid).first()
        if row is None:
            raise Http404
        return row

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show one row, with its version as ETag where it has one."""
        return self.shown(self.get_object())

    def shown(self, row: Any) -> Response:
        """Answer with a row as it is now."""
        response = Response(self.get_serializer(row).data)
        if hasattr(row, "version"):
            response["ETag"] = etag(row.version)
        return response
