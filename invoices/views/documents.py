"""Files to take along."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from billing_portal.portal.nouns import row_named
from billing_portal.tenancy.actors import may
from billing_portal.tenancy.requests import FirmRequest
from invoices.models import Document
from invoices.queries.kept import content_of


@require_safe
@may("invoices.read")
def document(request: FirmRequest, public_id: str) -> HttpResponse:
    """Return a document's bytes to be saved; their hash is checked."""
    found = row_named(Document.objects.all(), public_id)
    data = content_of(request.tenant.pk, found)
    answer = HttpResponse(data, content_type=found.media_type)
    answer["Content-Disposition"] = f'attachment; filename="{found.name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
