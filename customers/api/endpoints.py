"""The endpoints: keys read and write one firm; another firm's ids do not exist here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from billing_portal.api.asking import answered_by_row, by, today, typed
from billing_portal.api.idempotency import idempotent
from billing_portal.api.problems import Malformed
from billing_portal.api.schema import IF_MATCH, rows_of
from billing_portal.api.versions import must_match, version_seen
from billing_portal.api.views import NounViewSet
from billing_portal.ids import NotAnId, uid_of
from customers.actions import upserts
from customers.actions.customers import change_customer
from customers.actions.matters import change_matter
from customers.actions.upserts import RowAnswer
from customers.api import shapes
from customers.models import Customer, Matter, Rate, Timekeeper, lookup_key

_READ = {"list": "customers.read", "retrieve": "customers.read"}


class Customers(NounViewSet):
    """Customers."""

    id_prefix = Customer.ID_PREFIX
    permissions: ClassVar = {
        **_READ,
        "partial_update": "customers.edit",
        "upserts": "customers.edit",
    }
    filters: ClassVar = {
        "state": lambda value: {"state": value},
        "external_id": lambda value: {"external_key": lookup_key(value)},
    }
    serializer_class = shapes.CustomerOut

    def get_queryset(self) -> QuerySet[Customer]:
        """Return the firm's customers."""
        rows: QuerySet[Customer] = Customer.objects.all()
        return rows

    @extend_schema(
        request=shapes.CustomerPatchIn, responses=shapes.CustomerOut, parameters=[IF_MATCH]
    )
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Change a customer; If-Match names the version that was read."""
        seen, customer = version_seen(request), self.get_object()
        must_match(seen, customer.version)
        asked = typed(shapes.CustomerPatchIn, request.data)
        return self.shown(change_customer(customer, version_seen=seen, by=by(request), **asked))

    @extend_schema(request=rows_of("CustomerRowsIn", shapes.CustomerIn), responses=shapes.RowsOut)
    @action(detail=False, methods=["post"])
    def upserts(self, request: Request) -> Response:
        """Open or change customers by external id, at most 500; each row is answered."""

        def deed(rows: Sequence[dict[str, Any]]) -> list[RowAnswer]:
            return upserts.upsert_customers(rows, on=today(request), by=by(request))

        return _batch(request, shapes.CustomerIn, deed)


class Matters(NounViewSet):
    """Matters."""

    id_prefix = Matter.ID_PREFIX
    permissions: ClassVar = {
        **_READ,
        "partial_update": "customers.edit",
        "upserts": "customers.edit",
    }
    filters: ClassVar = {
        "state": lambda value: {"state": value},
        "external_id": lambda value: {"external_key": lookup_key(value)},
        "customer_id": lambda value: {"customer__uid": _uid(Customer.ID_PREFIX, value)},
    }
    serializer_class = shapes.MatterOut

    def get_queryset(self) -> QuerySet[Matter]:
        """Return the firm's matters."""
        rows: QuerySet[Matter] = Matter.objects.select_related("customer", "responsible")
        return rows

    @extend_schema(request=shapes.MatterPatchIn, responses=shapes.MatterOut, parameters=[IF_MATCH])
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Change a matter; If-Match names the version that was read."""
        seen, matter = version_seen(request), self.get_object()
        must_match(seen, matter.version)
        asked = typed(shapes.MatterPatchIn, request.data)
        return self.shown(change_matter(matter, version_seen=seen, by=by(request), **asked))

    @extend_schema(request=rows_of("MatterRowsIn", shapes.MatterIn), responses=shapes.RowsOut)
    @action(detail=False, methods=["post"])
    def upserts(self, request: Request) -> Response:
        """Open or change matters by external id, at most 500; each row is answered."""

        def deed(rows: Sequence[dict[str, Any]]) -> list[RowAnswer]:
            return upserts.upsert_matters(rows, by=by(request))

        return _batch(request, shapes.MatterIn, deed)


class Timekeepers(NounViewSet):
    """Timekeepers."""

    id_prefix = Timekeeper.ID_PREFIX
    permissions: ClassVar = {**_READ, "upserts": "customers.edit"}
    filters: ClassVar = {
        "state": lambda value: {"state": value},
        "external_id": lambda value: {"external_key": lookup_key(value)},
    }
    serializer_class = shapes.TimekeeperOut

    def get_queryset(self) -> QuerySet[Timekeeper]:
        """Return the firm's timekeepers."""
        rows: QuerySet[Timekeeper] = Timekeeper.objects.all()
        return rows

    @extend_schema(
        request=rows_of("TimekeeperRowsIn", shapes.TimekeeperIn), responses=shapes.RowsOut
    )
    @action(detail=False, methods=["post"])
    def upserts(self, request: Request) -> Response:
        """Add or change timekeepers by external id, at most 500; each row is answered."""

        def deed(rows: Sequence[dict[str, Any]]) -> list[RowAnswer]:
            return upserts.upsert_timekeepers(rows, by=by(request))

        return _batch(request, shapes.TimekeeperIn, deed)


class Rates(NounViewSet):
    """Rates: proposed here, approved by a person."""

    id_prefix = Rate.ID_PREFIX
    permissions: ClassVar = {**_READ, "proposals": "rates.edit"}
    filters: ClassVar = {"state": lambda value: {"state": value}}
    serializer_class = shapes.RateOut

    def get_queryset(self) -> QuerySet[Rate]:
        """Return the firm's rates."""
        rows: QuerySet[Rate] = Rate.objects.select_related("matter", "customer", "timekeeper")
        return rows

    @extend_schema(request=rows_of("RateRowsIn", shapes.RateIn), responses=shapes.RowsOut)
    @action(detail=False, methods=["post"])
    @idempotent
    def proposals(self, request: Request) -> Response:
        """Propose rates, at most 500; the same one that waits or holds is left as it is."""

        def deed(rows: Sequence[dict[str, Any]]) -> list[RowAnswer]:
            return upserts.propose_rates(rows, by=by(request))

        return _batch(request, shapes.RateIn, deed)


def _batch(
    request: Request,
    shape: type[serializers.Serializer],
    deed: Callable[[Sequence[dict[str, Any]]], list[RowAnswer]],
) -> Response:
    """Answer each row in its place; rows of bad values never reach the deed."""
    rows = typed(shapes.RowsIn, request.data)["rows"]
    return Response(answered_by_row(rows, shape, deed, _badly_typed))


def _badly_typed(row: serializers.Serializer) -> RowAnswer:
    words = "; ".join(f"{name}: {_first(error)}" for name, error in row.errors.items())
    return RowAnswer(
        "refused", str(row.initial_data.get("external_id", "")), code="values", detail=words
    )


def _first(error: Any) -> str:
    while isinstance(error, dict | list):
        error = next(iter(error.values())) if isinstance(error, dict) else error[0]
    return str(error)


def _uid(prefix: str, text: str) -> Any:
    try:
        return uid_of(prefix, text)
    except NotAnId as error:
        raise Malformed(f"{text} is no id.", parameter="customer_id") from error
