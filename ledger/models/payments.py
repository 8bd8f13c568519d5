"""Money received is a fact of the books, and so is which payment paid what."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.models import PublicModel, TenantModel
from ledger.models.books import Entry


class Payment(PublicModel):
    """Money that came in for one customer, from one source, once."""

    ID_PREFIX: ClassVar[str] = "pay"
    IS_SUBJECT: ClassVar[bool] = True
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("source", "key", "customer", "currency", "amount", "received_on", "payer"),
        *("remittance", "entry_id"),
    )

    source = models.CharField(max_length=40, help_text="Such as camt.053 or a gateway's name.")
    key = models.CharField(max_length=120, help_text="The source's own name for it.")
    customer = models.CharField(max_length=60, help_text="Public id; empty while nobody knows.")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField(help_text="Minor units.")
    received_on = models.DateField()
    payer = models.CharField(max_length=140, blank=True)
    remittance = models.CharField(max_length=500, blank=True)
    entry = TenantForeignKey(Entry)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "source", "key"], name="payment_is_received_once"
            ),
            models.UniqueConstraint(fields=["tenant", "uid"], name="payment_uid_is_unique"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_is_more_than_nothing"),
        ]
        indexes = [
            models.Index(fields=["tenant", "customer", "id"], name="payment_by_customer"),
            models.Index(fields=["tenant", "-received_on", "-id"], name="payment_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} of {self.received_on}"


class Allocation(TenantModel):
    """So much of a payment went to an invoice; taking it back is a row of its own, below zero."""

    RECORDED: ClassVar[tuple[str, ...]] = (
        *("payment_id", "invoice", "amount", "entry_id", "takes_back_id"),
    )

    payment = TenantForeignKey(Payment)
    invoice = models.UUIDField()
    amount = models.BigIntegerField(help_text="Minor units; below zero when taken back.")
    entry = TenantForeignKey(Entry)
    takes_back = TenantForeignKey("self", null=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(takes_back__isnull=True, amount__gt=0)
                | Q(takes_back__isnull=False, amount__lt=0),
                name="allocation_is_below_zero_only_when_taken_back",
            ),
            models.UniqueConstraint(
                fields=["tenant", "takes_back"],
                condition=Q(takes_back__isnull=False),
                name="allocation_is_taken_back_once",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "payment"], name="allocation_by_payment"),
            models.Index(fields=["tenant", "invoice"], name="allocation_by_invoice"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} to {self.invoice}"
