"""Files of final invoices over REST: what there is, and the bytes."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from billing_portal.api.problems import Malformed
from billing_portal.api.views import NounViewSet, one_of
from billing_portal.ids import NotAnId, uid_of
from billing_portal.tenancy.scope import current_tenant_id
from invoices.models import Document, Invoice
from invoices.queries.documents import documents
from invoices.queries.kept import content_of

_RENAMED = {"snapshot_sha256": "fitted_sha256"}


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
    snapshot_sha256 = serializers.CharField(help_text="Of the frozen invoice.")
    proof = serializers.SerializerMethodField(
        help_text="Its fitted_sha256 is of the invoice as made fit for the format."
    )
    rendered_at = serializers.DateTimeField()

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_proof(self, document: Document) -> dict[str, Any] | None:
        """Return the proof by today's names: what was kept never changes, its name for one did."""
        if document.proof is None:
            return None
        return {_RENAMED.get(name, name): value for name, value in document.proof.items()}


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
    refusing_reads: ClassVar = {"content"}  # a file that is damaged or gone
    id_prefix = Document.ID_PREFIX
    serializer_class = DocumentOut

    def get_queryset(self) -> QuerySet[Document]:
        """Return the firm's documents with their invoices."""
        return documents()

    @extend_schema(responses={(200, "application/octet-stream"): bytes})
    @action(detail=True, methods=["get"])
    def content(self, request: Request, **_: Any) -> HttpResponse:
        """Return the bytes, their hash checked, as an attachment.

        409 says that the stored file is damaged or gone; the firm's operator should know.
        """
        return attachment(self.get_object())


def attachment(document: Document) -> HttpResponse:
    """Return a document's bytes to be saved, never to be run in a page."""
    data = content_of(current_tenant_id(), document)
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
