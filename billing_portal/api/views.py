"""The base of every endpoint: nouns are read by public id, verbs are actions."""

from __future__ import annotations

import difflib
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework import viewsets
from rest_framework.request import Request

from billing_portal import ids
from billing_portal.api.problems import Malformed

_PAGING = {"limit", "after"}


class NounViewSet(viewsets.GenericViewSet):
    """Rows of one noun, found by public id within the firm of the key.

    :cvar permissions: which permission each action needs; an action it does not name crashes.
    :cvar filters: the query parameters that a list takes beside paging, each with the column it
        compares with; an unknown parameter is refused with the nearest name.
    """

    permissions: ClassVar[dict[str, str]] = {}
    filters: ClassVar[dict[str, str]] = {}
    id_prefix: ClassVar[str] = ""
    lookup_field = "uid"
    lookup_url_kwarg = "id"
    lookup_value_regex = "[a-z]+_[0-9a-z]+"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks, then what they ask by."""
        super().initial(request, *args, **kwargs)
        known = _PAGING | set(self.filters) if self.action == "list" else set()
        for name in request.query_params:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f" Did you mean {near[0]}?" if near else ""
                raise Malformed(f"There is no parameter {name} here.{hint}", parameter=name)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the list's filters: equality, several values by comma."""
        for name, column in self.filters.items():
            if name in self.request.query_params:
                values = self.request.query_params[name].split(",")
                queryset = queryset.filter(**{f"{column}__in": values})
        return queryset

    def get_object(self) -> Model:
        """Return the row that the path names.

        :raises Http404: for a malformed id, one of another noun or firm, or none at all: the same.
        """
        try:
            uid = ids.uid_of(self.id_prefix, self.kwargs["id"])
        except ids.NotAnId as error:
            raise Http404 from error
        row: Model | None = self.get_queryset().filter(uid=uid).first()
        if row is None:
            raise Http404
        return row
