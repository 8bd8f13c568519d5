"""Taking a large file in: whole or not at all, and then answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.imports.models import FileImport
from billing_portal.imports.takers import Json, NotTaken, takers
from billing_portal.jobs.worker import current_job
from billing_portal.members.again import actor_again
from billing_portal.tenancy.actors import Actor, system
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id, tenant_scope

MOST_KEPT = 1_000  # findings; the rest is counted
_TAKER = system("imports")


class AskerGone(Refused):
    """Whoever sent the file may not enter the firm any more, so nobody answers for it."""

    code = "file_import.asker_gone"


def take(tenant_id: int, pk: int, *, now: datetime) -> None:
    """Take a file in, or keep what stands against it. Once taken in, it is left alone.

    A file is kept until it is taken in, so that it may be tried again once what it lacks is there.

    :raises Refused: why nothing of it was taken; by then that is kept with it.
    """
    try:
        with tenant_scope(tenant_id):
            row = _locked(pk)
            if row.outcome == FileImport.Outcome.TAKEN_IN:
                return
            by = _asker_of(row, now)
            answer = takers()[row.kind].take(
                bytes(row.content), name=row.name, options=row.options, by=by, on=row.asked_on
            )
            _end(row, FileImport.Outcome.TAKEN_IN, answer=answer, content=b"")
    except NotTaken as no:
        _refuse(tenant_id, pk, no.refusal, no.errors)
        raise no.refusal from no
    except Refused as no:
        _refuse(tenant_id, pk, no, [])
        raise


def _locked(pk: int) -> FileImport:
    row: FileImport = FileImport.objects.select_for_update(of=("self",)).get(pk=pk)
    return row


def _asker_of(row: FileImport, now: datetime) -> Actor:
    """Return who sent the file, with what they may do now.

    :raises AskerGone: for who may do nothing in the firm any more.
    """
    firm = Tenant.objects.get(pk=current_tenant_id())
    by = actor_again(firm, row.asked_by, now=now)
    if by is None:
        raise AskerGone(f"{row.asked_by_name} is not in the firm any more; send the file again.")
    return by


def _refuse(tenant_id: int, pk: int, no: Refused, errors: list[Json]) -> None:
    """Keep why nothing of a file was taken, in a transaction after the one that took nothing."""
    with tenant_scope(tenant_id):
        row = _locked(pk)
        if row.outcome == FileImport.Outcome.TAKEN_IN:
            return
        _end(
            row,
            FileImport.Outcome.REFUSED,
            error_code=no.code,
            error_text=str(no),
            errors=errors[:MOST_KEPT],
            errors_found=len(errors),
        )


def _end(row: FileImport, outcome: FileImport.Outcome, **found: Any) -> None:
    clean: Json = {
        "error_code": "",
        "error_text": "",
        "errors": [],
        "errors_found": 0,
        "answer": {},
    }
    for name, value in {**clean, **found}.items():
        setattr(row, name, value)
    row.outcome, row.ended_at = outcome, Now()
    row.job = current_job() or row.job
    row.save(update_fields=[*clean, *found, "outcome", "ended_at", "job"])
    record("file_import.ended", row, by=_TAKER, outcome=outcome.value, **told(row))
