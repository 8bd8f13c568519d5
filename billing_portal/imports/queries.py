"""What became of large files."""

from __future__ import annotations

from django.db.models import QuerySet

from billing_portal.imports.models import FileImport
from billing_portal.imports.takers import readable_by
from billing_portal.tenancy.actors import Actor


def imports_for(actor: Actor) -> QuerySet[FileImport]:
    """Return the large files whose outcome somebody may see, with their jobs, newest first.

    Without what they hold, which is read for the job alone.
    """
    rows: QuerySet[FileImport] = FileImport.objects.filter(kind__in=readable_by(actor))
    return rows.select_related("job").defer("content").order_by("-pk")
