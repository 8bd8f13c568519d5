"""The audit trail's tables. Rows are added and never changed."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from billing_portal.tenancy.models import TenantModel


class AuditEvent(TenantModel):
    """Who did what to which thing, written in the transaction of the deed."""

    action = models.CharField(max_length=60)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=60)
    actor = models.CharField(max_length=60, help_text="Such as user:7.")
    actor_name = models.CharField(max_length=120)
    details = models.JSONField(default=dict)
    request_id = models.CharField(max_length=40, blank=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "id"], name="audit_event_page"),
            models.Index(
                fields=["tenant", "subject_kind", "subject_id", "id"], name="audit_event_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.subject_kind} {self.subject_id}"


class PendingSeal(TenantModel):
    """A row that has been committed and waits for its number and hash; removed with its seal."""

    chain = models.CharField(max_length=10)
    subject_id = models.BigIntegerField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "chain", "id"], name="pending_seal_order")]

    def __str__(self) -> str:
        return f"{self.chain} {self.subject_id}"


class Seal(TenantModel):
    """The number and hash of one row of a chain: gapless, each hash over the one before."""

    chain = models.CharField(max_length=10)
    seq = models.BigIntegerField()
    subject_id = models.BigIntegerField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "chain", "seq"], name="seal_seq_is_unique"),
            models.UniqueConstraint(
                fields=["tenant", "chain", "subject_id"], name="seal_is_given_once"
            ),
            models.CheckConstraint(condition=models.Q(seq__gte=1), name="seal_seq_starts_at_one"),
        ]

    def __str__(self) -> str:
        return f"{self.chain} {self.seq}"
