"""Uploads and mail over REST: how far each is, and trying an upload again."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from billing_portal.api.asking import by
from billing_portal.api.idempotency import idempotent
from billing_portal.api.views import NounViewSet, one_of
from invoices.actions.submit import cancel_submission, retry_submission
from invoices.models import Delivery, Submission
from invoices.queries import uploads as asked_of


class SubmissionOut(serializers.Serializer):
    """A LEDES file on its way to a carrier."""

    object = serializers.CharField(default="submission")
    id = serializers.CharField(source="public_id")
    invoice = serializers.CharField(source="invoice.public_id")
    carrier = serializers.CharField(source="carrier.code")
    state = serializers.CharField()
    carrier_status = serializers.CharField()
    reference = serializers.CharField()
    sha256 = serializers.CharField()
    attempts = serializers.IntegerField()
    code = serializers.CharField()
    reason = serializers.CharField()
    queued_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField()


class DeliveryOut(serializers.Serializer):
    """A document on its way to the customer by mail."""

    object = serializers.CharField(default="delivery")
    id = serializers.CharField(source="public_id")
    invoice = serializers.CharField(source="invoice.public_id")
    document = serializers.CharField(source="document.public_id")
    number = serializers.IntegerField()
    recipient = serializers.CharField()
    message_id = serializers.CharField()
    state = serializers.CharField()
    error_code = serializers.CharField()
    sent_at = serializers.DateTimeField(allow_null=True)


class SubmissionViewSet(NounViewSet):
    """Read uploads; retry or cancel those that want a person."""

    permissions: ClassVar = {
        "list": "uploads.read",
        "retrieve": "uploads.read",
        "retry": "uploads.retry",
        "cancellation": "uploads.retry",
    }
    filters: ClassVar = {"state": one_of("state"), "carrier": one_of("carrier__code")}
    id_prefix = Submission.ID_PREFIX
    serializer_class = SubmissionOut

    def get_queryset(self) -> QuerySet[Submission]:
        """Return the firm's uploads."""
        return asked_of.submissions()

    @extend_schema(request=None, responses={202: SubmissionOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def retry(self, request: Request, **_: Any) -> Response:
        """Try an upload again; what may be there already is looked for first."""
        found = retry_submission(self.get_object(), by=by(request))
        return Response(SubmissionOut(found).data, status=202)

    @extend_schema(request=None, responses=SubmissionOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def cancellation(self, request: Request, **_: Any) -> Response:
        """Give an upload up."""
        return self.shown(cancel_submission(self.get_object(), by=by(request)))


class DeliveryViewSet(NounViewSet):
    """Read mail to customers."""

    permissions: ClassVar = {"list": "invoices.read", "retrieve": "invoices.read"}
    filters: ClassVar = {"state": one_of("state")}
    id_prefix = Delivery.ID_PREFIX
    serializer_class = DeliveryOut

    def get_queryset(self) -> QuerySet[Delivery]:
        """Return the firm's mail."""
        return asked_of.deliveries()
