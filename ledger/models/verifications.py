"""What came of looking at the books, kept."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing_portal.tenancy.models import TenantModel


class Verification(TenantModel):
    """One look at all of a firm's books and chains, and what was found broken; never changed."""

    entries = models.BigIntegerField(help_text="How many there were.")
    checks = models.PositiveSmallIntegerField(help_text="How many were made.")
    findings = models.JSONField(default=list, help_text="Each as [check, words]; the first counts.")
    verified_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(checks__gte=1), name="verification_has_looked_at_something"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-id"], name="verification_newest")]

    def __str__(self) -> str:
        return f"Verification of {self.public_id}"

    @property
    def public_id(self) -> str:
        """What the trail calls it: its moment."""
        return f"{self.verified_at:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found broken."""
        return not self.findings

    @property
    def state(self) -> str:
        """What pages call it."""
        return "WHOLE" if self.is_whole else "BROKEN"

    @property
    def first(self) -> str:
        """What was found first: the chains are looked at before everything else."""
        return str(self.findings[0][1]) if self.findings else ""
