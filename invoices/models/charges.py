"""Charges: pieces of work billed, as they came in. Rows never change; edits live on invoices."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing_portal.bounds import MOST_HOURS
from billing_portal.money import Money
from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.models import PublicModel
from customers.models import Customer, Matter, Rate, Timekeeper
from ledger.models import Entry


class Charge(PublicModel):
    """One piece of work billed: time, expense, booking, usage, a fixed fee or an adjustment."""

    ID_PREFIX: ClassVar[str] = "chg"
    IS_SUBJECT: ClassVar[bool] = True
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("source", "key", "fingerprint", "kind", "customer_id", "matter_id", "timekeeper_id"),
        *("worked_on", "quantity", "unit_price", "adjustment", "amount", "currency", "rate_id"),
        *("priced_by", "task_code", "activity_code", "expense_code", "narrative", "entry_id"),
    )

    class Kind(models.TextChoices):
        TIME = "TIME", "Time"
        EXPENSE = "EXPENSE", "Expense"
        BOOKING = "BOOKING", "Booking"
        USAGE = "USAGE", "Usage"
        FIXED = "FIXED", "Fixed fee"
        ADJUSTMENT = "ADJUSTMENT", "Adjustment"

    source = models.CharField(max_length=40, help_text="The system it came from.")
    key = models.CharField(max_length=120, help_text="That system's own name for it.")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of its content.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    customer = TenantForeignKey(Customer, db_index=False)
    matter = TenantForeignKey(Matter, null=True, db_index=False)
    timekeeper = TenantForeignKey(Timekeeper, null=True, db_index=False)
    worked_on = models.DateField()
    quantity = models.DecimalField(max_digits=14, decimal_places=4)
    unit_price = models.DecimalField(max_digits=14, decimal_places=4)
    adjustment = models.BigIntegerField(default=0, help_text="Minor units, discount below zero.")
    amount = models.BigIntegerField(help_text="Minor units: rounded once, adjustment included.")
    currency = models.CharField(max_length=3)
    rate = TenantForeignKey(Rate, null=True, db_index=False)
    priced_by = models.CharField(max_length=200, help_text="Which rule made the price.")
    task_code = models.CharField(max_length=20, blank=True)
    activity_code = models.CharField(max_length=20, blank=True)
    expense_code = models.CharField(max_length=20, blank=True)
    narrative = models.TextField(blank=True)
    entry = TenantForeignKey(Entry, null=True, db_index=False)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "source", "key"], name="charge_is_captured_once"
            ),
            models.UniqueConstraint(fields=["tenant", "uid"], name="charge_uid_is_unique"),
            models.CheckConstraint(condition=~Q(key="") & ~Q(source=""), name="charge_has_a_key"),
            models.CheckConstraint(
                condition=Q(amount=0) | Q(entry__isnull=False), name="charge_of_money_is_booked"
            ),
            models.CheckConstraint(
                condition=~Q(kind="TIME") | Q(timekeeper__isnull=False),
                name="charge_of_time_names_a_timekeeper",
            ),
            models.CheckConstraint(
                condition=~Q(kind="TIME") | Q(quantity__gte=0, quantity__lte=MOST_HOURS),
                name="charge_of_time_fits_into_a_day",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "customer", "worked_on"], name="charge_by_customer"),
            models.Index(fields=["tenant", "matter", "worked_on"], name="charge_by_matter"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.worked_on}"

    @property
    def total(self) -> Money:
        """What it comes to."""
        return Money.of_minor(self.amount, self.currency)
