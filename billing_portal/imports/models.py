"""Files that wait for a job, or were answered by one."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing_portal.jobs.models import Job
from billing_portal.jobs.queries import LIVE
from billing_portal.tenancy.models import PublicModel


class FileImport(PublicModel):
    """A file that takes too long for a request: as it came, and what came of it."""

    ID_PREFIX: ClassVar[str] = "imp"
    IS_SUBJECT: ClassVar[bool] = True
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("kind", "name", "sha256", "asked_on", "asked_by", "asked_by_name", "outcome"),
    )

    class Outcome(models.TextChoices):
        TAKEN_IN = "taken_in", "Taken in"
        REFUSED = "refused", "Refused"

    kind = models.CharField(max_length=20, help_text="Which taker reads it.")
    name = models.CharField(max_length=160)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    options = models.JSONField(default=dict, help_text="What was wished beside the file.")
    asked_by = models.CharField(max_length=60)
    asked_by_name = models.CharField(max_length=120)
    asked_on = models.DateField(help_text="The firm's day: late work is booked on it.")
    asked_at = models.DateTimeField(db_default=Now())
    job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    ended_at = models.DateTimeField(null=True)
    answer = models.JSONField(default=dict, help_text="What the API says of a file taken in.")
    error_code = models.CharField(max_length=60, blank=True)
    error_text = models.TextField(blank=True)
    errors = models.JSONField(default=list, help_text="Findings, as the API tells them.")
    errors_found = models.PositiveIntegerField(default=0, help_text="Of them the first are kept.")

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="file_import_uid_is_unique"),
            models.CheckConstraint(
                condition=Q(outcome="", ended_at__isnull=True)
                | (~Q(outcome="") & Q(ended_at__isnull=False)),
                name="file_import_has_ended_by_an_outcome",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="refused") | ~Q(error_code=""),
                name="file_import_is_refused_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="file_import_page"),
            models.Index(
                fields=["tenant", "kind", "sha256"],
                condition=Q(outcome=""),
                name="file_import_that_waits",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """What pages and the API call it: how its job is while that lives, then what came of it."""
        if self.job is not None and (self.job.state in LIVE or not self.outcome):
            return str(self.job.state)
        return str(self.outcome)

    @property
    def is_live(self) -> bool:
        """Whether its job may still end otherwise by itself."""
        return self.job is not None and self.job.state in LIVE
