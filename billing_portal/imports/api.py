"""Large files over REST: what became of one that was answered with 202."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from billing_portal.api.asking import by, today
from billing_portal.api.problems import not_taken
from billing_portal.api.views import NounViewSet, one_of
from billing_portal.imports.asking import is_for_later, take_in_later
from billing_portal.imports.models import FileImport
from billing_portal.imports.queries import imports_for
from billing_portal.imports.takers import NotTaken, takers
from billing_portal.jobs.api import JobProgressOut


class FileImportErrorOut(serializers.Serializer):
    """Why nothing of a file was taken; the first findings, and how many there are."""

    code = serializers.CharField(source="error_code")
    detail = serializers.CharField(source="error_text")
    errors = serializers.ListField(child=serializers.DictField())  # type: ignore[assignment]  # a field of that name
    found = serializers.IntegerField(source="errors_found")


class FileImportOut(serializers.Serializer):
    """A large file, and what came of it."""

    object = serializers.CharField(default="file_import")
    id = serializers.CharField(source="public_id")
    kind = serializers.CharField(help_text="csv, ledes or bank")
    name = serializers.CharField()
    sha256 = serializers.CharField()
    status = serializers.CharField(
        source="state", help_text="As its job: queued, running, failed, …; then taken_in or refused"
    )
    job = serializers.CharField(source="job.public_id")
    progress = JobProgressOut(source="job")
    answer = serializers.SerializerMethodField(
        help_text="Once taken in: what a small file is answered with at once."
    )
    error = serializers.SerializerMethodField(help_text="Once refused: why.")
    asked_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field({"type": ["object", "null"], "additionalProperties": True})
    def get_answer(self, row: FileImport) -> Any:
        """Return what a small file is answered with, or None before the file was taken in."""
        return row.answer if row.state == FileImport.Outcome.TAKEN_IN else None

    @extend_schema_field(FileImportErrorOut(allow_null=True))
    def get_error(self, row: FileImport) -> Any:
        """Return why the file was refused, or None."""
        is_refused = row.state == FileImport.Outcome.REFUSED
        return FileImportErrorOut(row).data if is_refused else None


class FileImportViewSet(NounViewSet):
    """Read what became of large files, of the kinds that the key may read."""

    permissions: ClassVar = {"list": "imports.read", "retrieve": "imports.read"}
    filters: ClassVar = {"kind": one_of("kind"), "sha256": one_of("sha256")}
    id_prefix = FileImport.ID_PREFIX
    serializer_class = FileImportOut

    def get_queryset(self) -> QuerySet[FileImport]:
        """Return the firm's large files."""
        return imports_for(by(self.request))


def taken_in(
    request: Request, kind: str, data: bytes, *, name: str = "", **options: Any
) -> Response:
    """Take a file in and answer: 201 at once, 202 for a large one, 422 with every finding.

    :param name: what the file is called, where the sender says so.
    """
    taker, actor, on = takers()[kind], by(request), today(request)
    actor.must(taker.permission)
    if is_for_later(taker, data):
        row = take_in_later(taker, data, name=name, by=actor, on=on, **options)
        answer = Response(FileImportOut(row).data, status=202)
        answer["Location"] = reverse("file-import-detail", args=[row.public_id])
        return answer
    try:
        said = taker.take(data, name=name, options=options, by=actor, on=on)
    except NotTaken as no:
        return not_taken(request, no.refusal, no.errors)
    return Response(said, status=201)
