"""Files of final invoices over REST: what there is, and the bytes."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from billing_portal.api.problems import Malformed
from billing_portal.api.views import NounViewSet, one_of
from billing_portal.ids import NotAnId, uid_of
from billing_portal.tenancy.scope import current_tenant_id
from invoices.gateways import files
from invoices.models import Document, Invoice
from invoices.queries.documents import documents


class DocumentOut(serializers.Serializer):
    """A file made from a frozen invoice."""

    object = serializers.CharField(default="document")
    id = serializers.CharField(source="public_id")
    invoice = serializers.CharField(source="invoice.public_id")
    kind = serializers.CharField()
    name = serializers.CharField()
    media_type = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    snapshot_sha256 = serializers.CharField()
    proof = serializers.DictField(allow_null=True)
    rendered_at = serializers.DateTimeField()


class DocumentViewSet(NounViewSet):
    """Read documents and fetch their bytes."""

    permissions: ClassVar = {
        "list": "invoices.read",
        "retrieve": "invoices.read",
        "content": "invoices.read",
    }
    filters: ClassVar = {
        "kind": one_of("kind"),
        "invoice": lambda value: {"invoice__uid": _uid(value)},
    }
    id_prefix = Document.ID_PREFIX
    serializer_class = DocumentOut

    def get_queryset(self) -> QuerySet[Document]:
        """Return the firm's documents with their invoices."""
        return documents()

    @extend_schema(responses={(200, "application/octet-stream"): bytes})
    @action(detail=True, methods=["get"])
    def content(self, request: Request, **_: Any) -> HttpResponse:
        """Return the bytes, their hash checked, as an attachment."""
        return attachment(self.get_object())


def attachment(document: Document) -> HttpResponse:
    """Return a document's bytes to be saved, never to be run in a page."""
    data = files.read(current_tenant_id(), document.sha256)
    answer = HttpResponse(data, content_type=document.media_type)
    answer["Content-Disposition"] = f'attachment; filename="{document.name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    answer["ETag"] = f'"{document.sha256}"'
    return answer


def _uid(value: str) -> Any:
    try:
        return uid_of(Invoice.ID_PREFIX, value)
    except NotAnId as error:
        raise Malformed(f"{value[:60]} is no invoice.", parameter="invoice") from error
