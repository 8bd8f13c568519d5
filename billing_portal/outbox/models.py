"""What the outside is told, numbered without gaps for each thing it is about."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now

from billing_portal.tenancy.models import TenantModel


class OutboxCounter(TenantModel):
    """The last number given to events about one thing; its row lock keeps them in order."""

    aggregate = models.CharField(max_length=80)
    last_seq = models.BigIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "aggregate"], name="outbox_counter_is_one_an_aggregate"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.aggregate} at {self.last_seq}"


class OutboxEvent(TenantModel):
    """One piece of news, written in the transaction of the deed."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    aggregate = models.CharField(max_length=80, help_text="Such as invoice:inv_01h….")
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=60)
    body = models.JSONField(help_text="Thin: ids, version and changed fields, no narratives.")
    recorded_at = models.DateTimeField(db_default=Now())
    handled_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "aggregate", "seq"], name="outbox_event_seq_is_unique"
            ),
            models.UniqueConstraint(fields=["tenant", "uid"], name="outbox_event_uid_is_unique"),
            models.CheckConstraint(
                condition=models.Q(seq__gte=1), name="outbox_event_seq_starts_at_one"
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "id"],
                condition=models.Q(handled_at__isnull=True),
                name="outbox_event_unhandled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.aggregate}/{self.seq}"
