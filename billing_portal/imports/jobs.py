"""The job that takes a large file in."""

from __future__ import annotations

from datetime import UTC, datetime

from billing_portal.imports.taking import take
from billing_portal.jobs.queue import job


@job(
    title="Take a file in",
    queue="imports",
    timeout=1200,
    max_attempts=3,
    scoped=False,
)
def take_file_in(*, tenant_id: int, file_import_id: int) -> None:
    """Take a file in as whoever sent it may by now. Twice does no harm: it is taken in once."""
    take(tenant_id, file_import_id, now=datetime.now(UTC))
