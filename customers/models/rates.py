"""What an hour costs: rows with a first day, proposed by one person and approved by another."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from djmoney.models.fields import MoneyField

from billing_portal.money import Money
from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.models import PublicModel
from billing_portal.tenancy.scoped import TenantQuerySet, manager_of
from customers.models.people import CURRENCIES, Customer
from customers.models.terms import Matter, Timekeeper


class RateQuerySet(TenantQuerySet["Rate"]):
    """Rates of the firm."""

    def approved(self) -> RateQuerySet:
        """Those that a second person has approved."""
        return self.filter(state=Rate.State.APPROVED)

    def proposed(self) -> RateQuerySet:
        """Those that wait for a second person."""
        return self.filter(state=Rate.State.PROPOSED)


class Rate(PublicModel):
    """The price of one hour from ``starts_on`` up to, not including, ``ends_on``.

    Its key is whose card it stands on (a matter's, a customer's, or the firm's), for whom (a
    timekeeper, a level, or anybody) and the currency. Approved rows of one key never overlap: a
    trigger sees to it under a lock. Nothing but the last day changes once a row is proposed.
    """

    ID_PREFIX = "rat"
    IS_SUBJECT: ClassVar[bool] = True
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("matter_id", "customer_id", "timekeeper_id", "level", "starts_on", "ends_on", "price"),
        *("state", "proposed_by", "decided_by"),
    )

    class State(models.TextChoices):
        PROPOSED = "PROPOSED", "Proposed"
        APPROVED = "APPROVED", "Approved"
        REJECTED = "REJECTED", "Rejected"

    matter = TenantForeignKey(Matter, null=True, blank=True)
    customer = TenantForeignKey(Customer, null=True, blank=True)
    timekeeper = TenantForeignKey(Timekeeper, null=True, blank=True)
    level = models.CharField(max_length=30, blank=True, help_text="The firm's rate level.")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True, help_text="The first day after.")
    amount = MoneyField(  # type: ignore[no-untyped-call]  # the library has no types
        max_digits=14,
        decimal_places=4,
        default_currency=None,
        currency_choices=CURRENCIES,
        help_text="For one hour.",
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.CharField(max_length=60, help_text="Actor, such as user:7.")
    decided_by = models.CharField(max_length=60, blank=True)

    objects = manager_of(RateQuerySet)()  # type: ignore[django-manager-missing, misc]  # made at run time

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="rate_uid_is_unique"),
            models.CheckConstraint(
                condition=Q(matter__isnull=True) | Q(customer__isnull=True),
                name="rate_stands_on_one_card",
            ),
            models.CheckConstraint(
                condition=Q(timekeeper__isnull=True) | Q(level=""),
                name="rate_is_for_a_timekeeper_or_a_level",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gt=F("starts_on")),
                name="rate_period_is_not_empty",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="rate_is_not_negative"),
            models.CheckConstraint(
                condition=~Q(state="APPROVED") | ~Q(decided_by=F("proposed_by")),
                name="rate_approver_is_not_its_proposer",
            ),
            models.CheckConstraint(
                condition=(Q(state="PROPOSED") & Q(decided_by=""))
                | (~Q(state="PROPOSED") & ~Q(decided_by="")),
                name="rate_names_who_decided",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "timekeeper", "starts_on"], name="rate_of_timekeeper"),
            models.Index(fields=["tenant", "level", "starts_on"], name="rate_of_level"),
        ]

    def __str__(self) -> str:
        return f"{self.price} from {self.starts_on}"

    @property
    def price(self) -> Money:
        """The amount for one hour, as the house's own money."""
        stored: Any = self.amount
        return Money(stored.amount, str(stored.currency))
