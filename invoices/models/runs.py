"""Month ends: what a run found due, and what came of each piece of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing_portal.periods import Period
from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.models import PublicModel, TenantModel
from customers.models import AggregationSetting, Customer, Matter
from customers.models.terms import CADENCES


class BillingRun(PublicModel):
    """One month end: plan, start, watch, report.

    Its state says what people decided, and that nothing is left to do. How far it is, is counted.
    """

    ID_PREFIX: ClassVar[str] = "run"

    class State(models.TextChoices):
        PLANNED = "PLANNED", "Planned"
        RUNNING = "RUNNING", "Running"
        PAUSED = "PAUSED", "Paused"
        ENDED = "ENDED", "Ended"
        CANCELED = "CANCELED", "Canceled"

    class Execution(models.TextChoices):
        BEGINNING_OF_THE_MONTH = "beginning-of-the-month", "Beginning of the month"
        MIDDLE_OF_THE_MONTH = "middle-of-the-month", "Middle of the month"
        EVERY_DAY = "every-day", "Every day"

    key = models.CharField(max_length=120, help_text="Asked for twice, it is one run.")
    cadence = models.CharField(max_length=11, choices=CADENCES)
    execution = models.CharField(max_length=24, choices=Execution.choices)
    on = models.DateField(help_text="The day it stands for.")
    bills_until = models.DateField(help_text="Windows that have ended by this day are due.")
    last_charge = models.BigIntegerField(default=0, help_text="Newest charge when planned.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PLANNED)
    planned_by = models.CharField(max_length=60)
    planned_by_name = models.CharField(max_length=120)
    planned_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="billing_run_uid_is_unique"),
            models.UniqueConstraint(fields=["tenant", "key"], name="billing_run_key_is_unique"),
            models.CheckConstraint(
                condition=~Q(state="ENDED") | Q(ended_at__isnull=False),
                name="billing_run_that_ended_says_when",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-id"], name="billing_run_page")]

    def __str__(self) -> str:
        return f"{self.get_cadence_display()} run of {self.on:%b} {self.on.day}, {self.on.year}"


class BillingWindow(TenantModel):
    """A customer's span to be billed, stored once; its edges are never computed again.

    ``group`` is empty for a collective invoice, a matter's public id, or a charge's source and key.
    """

    run = TenantForeignKey(BillingRun)
    customer = TenantForeignKey(Customer)
    matter = TenantForeignKey(Matter, null=True)
    terms = TenantForeignKey(AggregationSetting)
    group = models.CharField(max_length=170, blank=True)
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="The first day after.")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    currency = models.CharField(max_length=3)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "customer", "group", "starts_at", "ends_at", "currency"],
                name="billing_window_is_stored_once",
            ),
            models.CheckConstraint(
                condition=Q(starts_on__lt=F("ends_on")), name="billing_window_has_a_day"
            ),
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")), name="billing_window_is_not_empty"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "customer", "ends_on"], name="billing_window_last"),
        ]

    def __str__(self) -> str:
        return str(self.period)

    @property
    def period(self) -> Period:
        """Its days."""
        return Period(self.starts_on, self.ends_on)


class RunItem(PublicModel):
    """What is due in a run, and what came of it."""

    ID_PREFIX: ClassVar[str] = "rit"

    class Outcome(models.TextChoices):
        PENDING = "PENDING", "Pending"
        DRAFTED = "DRAFTED", "Drafted"
        NOTHING = "NOTHING", "Nothing due"
        CARRIED = "CARRIED", "Carried forward"
        PARKED = "PARKED", "Parked"
        CANCELED = "CANCELED", "Canceled"

    run = TenantForeignKey(BillingRun, db_index=False)
    window = TenantForeignKey(BillingWindow, db_index=False)
    position = models.PositiveIntegerField()
    charges_from = models.DateField(
        null=True, help_text="Earlier work belongs to another window; empty: takes late work too."
    )
    planned_charges = models.PositiveIntegerField()
    planned_amount = models.BigIntegerField(help_text="Minor units.")
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.PENDING)
    code = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="run_item_uid_is_unique"),
            models.UniqueConstraint(fields=["tenant", "window"], name="run_item_is_one_a_window"),
            models.UniqueConstraint(
                fields=["tenant", "run", "position"], name="run_item_has_its_place"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="PARKED") | ~Q(code=""), name="run_item_parked_has_a_reason"
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "run", "outcome", "position"], name="run_item_by_outcome"
            )
        ]

    def __str__(self) -> str:
        return f"Item {self.position}"
