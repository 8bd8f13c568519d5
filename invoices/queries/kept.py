"""The bytes of what is kept: files of invoices, and what a browser saw at carriers."""

from __future__ import annotations

import structlog

from invoices.gateways import files
from invoices.models import Document, Evidence

_log = structlog.get_logger(__name__)


def content_of(tenant_id: int, kept: Document | Evidence) -> bytes:
    """Return the bytes of a document or of evidence, their hash checked. One query.

    It needs no open scope. What cannot be read is in the log as an error, with its id: somebody
    should look at the disk.

    :raises FileDamaged: when they are not what was stored.
    :raises FileMissing: when they are not on the disk.
    """
    try:
        return files.read(tenant_id, kept.sha256)
    except files.UNREADABLE as no:
        about = kept.public_id if isinstance(kept, Document) else f"evidence {kept.pk}"
        _log.error("stored file unreadable", file=about, sha256=kept.sha256, code=no.code)
        raise
