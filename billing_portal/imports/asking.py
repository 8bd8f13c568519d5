"""Leaving a large file to a job: it is kept first, as it came."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.imports.jobs import take_file_in
from billing_portal.imports.models import FileImport
from billing_portal.imports.takers import Taker
from billing_portal.jobs.queries import LIVE
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.locks import one_at_a_time
from billing_portal.texts import refuse_hidden

MOST_WAITING = 20


class TooManyWaiting(Refused):
    """Twenty files of the firm wait already."""

    code = "file_import.too_many"


def is_for_later(taker: Taker, data: bytes) -> bool:
    """Say whether a file is left to a job: a large one, or any while one of its kind waits.

    Behind a large file of the same kind a request would wait for its end. One query at most.
    """
    return taker.is_large(data) or _waiting().filter(kind=taker.kind).exists()


@transaction.atomic
def take_in_later(
    taker: Taker, data: bytes, *, name: str, by: Actor, on: date, **options: Any
) -> FileImport:
    """Keep a file and have a job take it in. Seven queries.

    The same file sent again by the same person while it waits is one import.

    :param on: the firm's day.
    :raises HiddenCharacter: for a file's name with a character that cannot be seen.
    :raises TooManyWaiting: when twenty files of the firm wait.
    """
    by.must(taker.permission)
    refuse_hidden({"name": name})
    one_at_a_time("file_imports")
    sha256 = hashlib.sha256(data).hexdigest()
    waiting = _waiting()
    same = waiting.filter(kind=taker.kind, sha256=sha256, options=options, asked_by=by.ref)
    if (there := same.select_related("job").first()) is not None:
        return there
    if waiting.count() >= MOST_WAITING:
        raise TooManyWaiting(f"{MOST_WAITING} files wait already. Send this one when one is done.")
    row: FileImport = FileImport.objects.create(
        kind=taker.kind,
        name=name[:160],
        sha256=sha256,
        content=data,
        options=options,
        asked_by=by.ref,
        asked_by_name=by.name,
        asked_on=on,
    )
    row.job = take_file_in.enqueue(key=f"import:{row.uid}", file_import_id=row.pk)
    row.save(update_fields=["job"])
    record("file_import.asked", row, by=by, kind=row.kind, sha256=sha256, **told(row))
    return row


def _waiting() -> QuerySet[FileImport]:
    rows: QuerySet[FileImport] = FileImport.objects.filter(outcome="", job__state__in=LIVE)
    return rows.defer("content")
