"""Jobs and the slots they hold. Shared tables: ids and states only, no content.

A Job row is the record of background work and the gatekeeper's queue item; the engine's queue
carries only its key. Concurrency is a number of Slot rows: a job runs only while it holds one.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing_portal import ids
from billing_portal.jobs import rules
from billing_portal.tenancy.models import Tenant


class Job(models.Model):
    """One piece of work for later, of one firm."""

    ID_PREFIX: ClassVar[str] = "job"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        WAITING_FOR_HUMAN = "waiting_for_human", "Waiting for a person"
        PAUSED = "paused", "Paused"
        SUCCEEDED = "succeeded", "Succeeded"
        PARTIALLY_SUCCEEDED = "partially_succeeded", "Partially succeeded"
        FAILED = "failed", "Failed"
        CANCELED = "canceled", "Canceled"

    uid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    name = models.CharField(max_length=120, help_text="The function's dotted name.")
    queue = models.CharField(max_length=20)
    args = models.JSONField(default=dict, help_text="Ids only.")
    key = models.CharField(max_length=120, null=True)  # noqa: DJ001 -- unique where it is given
    group = models.CharField(max_length=60, blank=True, help_text="What the job is a part of.")
    state = models.CharField(max_length=20, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Counted at the start.")
    deaths = models.PositiveSmallIntegerField(default=0, help_text="Workers that died on it.")
    claim_no = models.PositiveIntegerField(default=0, help_text="Fences off late writers.")
    worker = models.CharField(max_length=80, blank=True, help_text="host/process group/process")
    run_after = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    stage = models.CharField(max_length=40, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_text = models.CharField(max_length=500, blank=True)
    retry_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    request_id = models.CharField(max_length=40, blank=True)
    enqueued_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="job_key_is_unique"),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False, claim_no__gt=0),
                name="job_that_runs_has_a_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue", "tenant", "run_after", "id"],
                condition=Q(state="queued", dispatched_at__isnull=True),
                name="job_ready",
            ),
            models.Index(
                fields=["lease_until"], condition=Q(lease_until__isnull=False), name="job_leases"
            ),
            models.Index(
                fields=["queue", "state", "run_after"],
                condition=Q(state__in=["queued", "running", "failed"]),
                name="job_not_well_ended",
            ),
            models.Index(fields=["tenant", "-id"], name="job_page"),
            models.Index(fields=["tenant", "group"], name="job_group"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.get_state_display().lower()}"

    @property
    def public_id(self) -> str:
        """The id that pages and the API show."""
        return ids.public_id(self.ID_PREFIX, self.uid)


class Slot(models.Model):
    """Room for one job at a time on a queue."""

    queue = models.CharField(max_length=20)
    number = models.PositiveSmallIntegerField()
    job = models.OneToOneField(Job, models.PROTECT, null=True, related_name="slot")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "number"], name="slot_number_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.number}"


class Turn(models.Model):
    """When a firm was last let in on a queue, so that firms take turns."""

    queue = models.CharField(max_length=20)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    served_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "tenant"], name="turn_is_one_a_firm"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.tenant_id}"


def check_rule(text: str) -> None:
    """Pass a rule that the clock can read.

    :raises ValidationError: with the reason, for forms and the admin.
    """
    try:
        rules.parse(text)
    except rules.NotARule as error:
        raise ValidationError(str(error)) from error


class ClockLine(models.Model):
    """A wish of the clock: enqueue this job for each firm (or one), again and again."""

    name = models.CharField(max_length=60)
    tenant = models.ForeignKey(
        Tenant, models.PROTECT, null=True, blank=True, related_name="+", help_text="Empty: each."
    )
    job = models.CharField(max_length=120)
    args = models.JSONField(default=dict, blank=True)
    every_seconds = models.PositiveIntegerField(null=True, blank=True)
    rule = models.CharField(
        max_length=40,
        blank=True,
        validators=[check_rule],
        help_text="daily 06:00, weekly mon 06:00, monthly 1 06:00, monthly last 06:00 or "
        "yearly 01-31 06:00, in the firm's time zone.",
    )
    next_due_at = models.DateTimeField(db_default=Now())
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(every_seconds__gte=1, rule="")
                | (Q(every_seconds=None, tenant__isnull=False) & ~Q(rule="")),
                name="clock_line_has_seconds_or_a_rule",
            ),
            models.UniqueConstraint(
                fields=["name", "tenant"], nulls_distinct=False, name="clock_line_is_one_a_firm"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.rule or f'every {self.every_seconds} s'}"
