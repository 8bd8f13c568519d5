"""``record``: the one line that every action writes about itself."""

from __future__ import annotations

from typing import Any

from django.db import models

from billing_portal.api.middleware import current_request_id
from billing_portal.audit.models import AuditEvent, PendingSeal
from billing_portal.tenancy.actors import Actor

CHAIN = "audit"


def record(action: str, subject: models.Model, *, by: Actor, **details: Any) -> AuditEvent:
    """Write who did what to which thing, in the transaction of the deed. Two inserts.

    :param action: a verb in the past, with the noun's name before it, such as
        ``invoice.finalized``.
    :param details: what changed and why: ids, values, reasons; JSON values, no narratives.
    """
    return record_many(action, [(subject, details)], by=by)[0]


def record_many(
    action: str, deeds: list[tuple[models.Model, dict[str, Any]]], *, by: Actor
) -> list[AuditEvent]:
    """Write one line for each subject of a set-based action. Two inserts, whatever the number."""
    request_id = current_request_id()
    events = AuditEvent.objects.bulk_create(
        [
            AuditEvent(
                action=action,
                subject_kind=str(subject._meta.model_name),
                subject_id=name_of(subject),
                actor=by.ref,
                actor_name=by.name,
                details=details,
                request_id=request_id,
            )
            for subject, details in deeds
        ]
    )
    PendingSeal.objects.bulk_create(
        [PendingSeal(chain=CHAIN, subject_id=event.pk) for event in events]
    )
    return events


def name_of(subject: models.Model) -> str:
    """Return how the trail names a thing: by its public id where it has one."""
    return str(getattr(subject, "public_id", subject.pk))
