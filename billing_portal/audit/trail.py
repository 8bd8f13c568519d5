"""``record``: the one line that every action writes about itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection, models

from billing_portal.api.middleware import current_request_id
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.scope import current_tenant_id

CHAIN = "audit"
# What waits for its seal is written by the same statement, in the order of the deeds.
_WRITE = """
with written as (
  insert into audit_auditevent (tenant_id, action, actor, actor_name, request_id, subject_kind,
    subject_id, details)
  select %s, %s, %s, %s, %s, %s, * from unnest(%s::text[], %s::jsonb[])
  returning tenant_id, id
)
insert into audit_pendingseal (tenant_id, chain, subject_id)
select tenant_id, %s, id from written order by id
"""


def record(action: str, subject: models.Model, *, by: Actor, **details: Any) -> None:
    """Write who did what to which thing, in the transaction of the deed. One statement.

    :param action: a verb in the past, with the noun's name before it, such as
        ``invoice.finalized``.
    :param details: what changed and why: ids, values, reasons; JSON values, no narratives.
    """
    record_many(action, [(subject, details)], by=by)


def record_many(
    action: str, deeds: Sequence[tuple[models.Model, dict[str, Any]]], *, by: Actor
) -> None:
    """Write one line for each subject of a set-based action. One statement, whatever the number.

    The subjects are of one kind.
    """
    if deeds:
        kind = str(deeds[0][0]._meta.model_name)
        record_named(action, kind, [(name_of(subject), told) for subject, told in deeds], by=by)


def record_named(
    action: str, kind: str, deeds: Sequence[tuple[str, dict[str, Any]]], *, by: Actor
) -> None:
    """Write one line for each thing, named as ``name_of`` does. One statement.

    :param kind: what the things are: a model's name in lower case.
    """
    if not deeds:
        return
    told: list[Any] = [current_tenant_id(), action, by.ref, by.name, current_request_id(), kind]
    names = [name for name, _ in deeds]
    details = [json.dumps(each) for _, each in deeds]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [*told, names, details, CHAIN])


def name_of(subject: models.Model) -> str:
    """Return how the trail names a thing: by its public id, never by a number all firms share."""
    return str(subject.public_id)  # type: ignore[attr-defined]  # every subject has one
