"""What was answered to whom, so that a repeated request is answered the same."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from billing_portal.tenancy.models import TenantModel


class IdempotentAnswer(TenantModel):
    """The answer to a request that carried an Idempotency-Key, written in the deed's transaction.

    Refusals are rolled back with the deed and so are never kept.
    """

    key = models.CharField(max_length=255)
    method = models.CharField(max_length=6)
    path = models.CharField(max_length=300)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the body.")
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="idempotency_key_is_used_once"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.key}"


class Bucket(models.Model):
    """How much somebody may still ask: the moment when it will be full again.

    Shared, because it is counted before any scope is open; UNLOGGED, because nothing is lost with
    it. A bucket that is absent is full.
    """

    name = models.CharField(max_length=80, primary_key=True, help_text="Such as key:7.")
    full_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Tally(models.Model):
    """How many requests of one door and kind of status took how long, over all processes.

    Shared and UNLOGGED: after a crash it begins at zero, as monitoring expects of a counter.
    """

    name = models.CharField(max_length=40, primary_key=True, help_text="Such as api 2xx.")
    counts = ArrayField(models.BigIntegerField(), help_text="One for each edge, and the rest.")
    microseconds = models.BigIntegerField()

    def __str__(self) -> str:
        return self.name
