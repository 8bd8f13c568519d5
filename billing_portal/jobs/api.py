"""Background work over REST: how far a job is, and trying it again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from billing_portal.api.asking import by
from billing_portal.api.idempotency import idempotent
from billing_portal.api.views import NounViewSet, one_of
from billing_portal.jobs import actions
from billing_portal.jobs.models import Job
from billing_portal.tenancy.scope import current_tenant_id


class JobProgressOut(serializers.Serializer):
    """How far a job is."""

    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    total = serializers.IntegerField()
    stage = serializers.CharField()


class JobOut(serializers.Serializer):
    """A job as the outside sees it."""

    object = serializers.CharField(default="job")
    id = serializers.CharField(source="public_id")
    kind = serializers.CharField(source="name")
    queue = serializers.CharField()
    status = serializers.CharField(source="state")
    progress = JobProgressOut(source="*")
    attempts = serializers.IntegerField()
    error_code = serializers.CharField()
    error_text = serializers.CharField()
    enqueued_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class JobViewSet(NounViewSet):
    """Read the firm's background jobs; cancel one that has not ended, retry one that failed."""

    permissions = {
        "list": "jobs.read",
        "retrieve": "jobs.read",
        "cancellation": "jobs.retry",
        "retry": "jobs.retry",
    }
    filters = {"status": one_of("state"), "queue": one_of("queue")}
    id_prefix = Job.ID_PREFIX
    serializer_class = JobOut

    def get_queryset(self) -> QuerySet[Job]:
        """Return the firm's jobs; the table is shared, so the firm is named here."""
        return Job.objects.filter(tenant_id=current_tenant_id())

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def cancellation(self, request: Request, **_: Any) -> Response:
        """Cancel a job that has not ended; one that runs writes nothing more."""
        job = cast(Job, self.get_object())
        return Response(JobOut(actions.cancel(job, by=by(request), at=datetime.now(UTC))).data)

    @extend_schema(request=None, responses={202: JobOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def retry(self, request: Request, **_: Any) -> Response:
        """Ask for the work of a failed job anew; answers with the new job."""
        job = cast(Job, self.get_object())
        return Response(JobOut(actions.retry(job, by=by(request))).data, status=202)
