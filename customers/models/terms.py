"""What is agreed: matters, who works on them, and how charges become invoices.

Lengths of ids and names are those of LEDES 1998B (ids 20, timekeeper's name 30), so that what is
stored can be sent.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from djmoney.models.fields import MoneyField

from billing_portal.money import Money
from billing_portal.periods import Cadence
from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.models import PublicModel
from billing_portal.tenancy.scoped import TenantQuerySet, manager_of
from customers.models.payment_methods import PaymentMethod
from customers.models.people import CURRENCIES, Customer

# LEDES Oversight Committee, timekeeper classification codes, list of 2014.
_CODES = """
    ADJSTR ADJSMT ANALST ARBITR ASSOC TRANEE AUDITR CLKSEC CONSLT TEMPAT TEMPOS CSTCNS CTRPTR
    DSCATT DSCPMG DSCANJ DSCANS DOCCDR DOCRAT DOCRNA EVDEVL EXPERT FLTFEE FORANL HLNLPF INVSTG
    IPSVPV IPAGNT LGLAST LGLINT LGPRMG LIBRRN MEDITR MDRCRV OFCOUN NBOTHR PARALG PARTNR RSRCHR
    RSPROF SECNDE SPAGNT SOLDSG STFATT STFCNS TPADMN TRAINR TRNDEV TRNFAG TRANSL VIDOGR
"""
CLASSIFICATIONS = tuple(_CODES.split())
CADENCES = [(cadence.value, cadence.value.replace("_", " ").capitalize()) for cadence in Cadence]
FORMATS = ("pdf", "ledes1998b", "ledes98bi")


class MatterQuerySet(TenantQuerySet["Matter"]):
    """Matters of the firm."""

    def open(self) -> MatterQuerySet:
        """Those that take new work."""
        return self.filter(state=Matter.State.OPEN)


class Matter(PublicModel):
    """A case or engagement that work is done for."""

    ID_PREFIX = "mat"

    class State(models.TextChoices):
        OPEN = "OPEN", "Open"
        CLOSED = "CLOSED", "Closed"

    customer = TenantForeignKey(Customer)
    external_id = models.CharField(
        "matter id", max_length=20, help_text="The firm's own; LAW_FIRM_MATTER_ID of LEDES."
    )
    external_key = models.CharField(max_length=20, editable=False, db_collation="C")
    client_matter_id = models.CharField(
        "customer's matter id", max_length=20, blank=True, help_text="CLIENT_MATTER_ID of LEDES."
    )
    name = models.CharField(max_length=160)
    name_key = models.CharField(max_length=160, editable=False, db_collation="C")
    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    opened_on = models.DateField()
    closed_on = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    carrier_code = models.CharField(
        max_length=40, blank=True, help_text="Where it differs from the customer's."
    )
    ledes_client_id = models.CharField(
        "LEDES client id", max_length=20, blank=True, help_text="Where it differs."
    )
    invoice_description = models.TextField(
        max_length=2000, blank=True, help_text="INVOICE_DESCRIPTION of its LEDES files."
    )
    version = models.PositiveIntegerField(default=1)

    objects = manager_of(MatterQuerySet)()  # type: ignore[django-manager-missing, misc]  # made at run time

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="matter_uid_is_unique"),
            models.UniqueConstraint(
                fields=["tenant", "external_key"], name="matter_external_id_is_unique"
            ),
            models.CheckConstraint(
                condition=~Q(external_key=""), name="matter_external_id_is_given"
            ),
            models.CheckConstraint(
                condition=(Q(state="OPEN") & Q(closed_on__isnull=True))
                | (Q(state="CLOSED") & Q(closed_on__gte=F("opened_on"))),
                name="matter_is_closed_on_a_day_after_it_opened",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "customer", "id"], name="matter_of_customer"),
            models.Index(fields=["tenant", "name_key", "id"], name="matter_by_name"),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} {self.name}"


class Timekeeper(PublicModel):
    """Somebody whose time is billed."""

    ID_PREFIX = "tkp"

    class State(models.TextChoices):
        ACTIVE = "ACTIVE", "Active"
        LEFT = "LEFT", "Left"

    external_id = models.CharField(
        "timekeeper id", max_length=20, help_text="TIMEKEEPER_ID of LEDES; carriers match it."
    )
    external_key = models.CharField(max_length=20, editable=False, db_collation="C")
    name = models.CharField(max_length=30, help_text="Surname, First.")
    name_key = models.CharField(max_length=30, editable=False, db_collation="C")
    classification = models.CharField(
        max_length=6, choices=[(code, code) for code in CLASSIFICATIONS]
    )
    level = models.CharField(
        max_length=30, blank=True, help_text="The firm's rate level, such as Senior Associate."
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=6, choices=State.choices, default=State.ACTIVE)
    version = models.PositiveIntegerField(default=1)

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="timekeeper_uid_is_unique"),
            models.UniqueConstraint(
                fields=["tenant", "external_key"], name="timekeeper_external_id_is_unique"
            ),
            models.UniqueConstraint(
                fields=["tenant", "user"],
                condition=Q(user__isnull=False),
                name="timekeeper_is_one_a_user",
            ),
            models.CheckConstraint(
                condition=~Q(external_key=""), name="timekeeper_external_id_is_given"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "name_key", "id"], name="timekeeper_by_name")]

    def __str__(self) -> str:
        return self.name


class AggregationSetting(PublicModel):
    """How charges become invoices from a day on, for a customer or one of its matters.

    Rows never change: terms are agreed anew, and the newest row that has started holds. A matter's
    own terms go before its customer's.
    """

    ID_PREFIX = "agg"
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("customer_id", "matter_id", "starts_on", "cadence", "anchor", "began_on", "grouping"),
        *("time_zone", "payment_method_id", "least", "grace_hours", "formats", "reviewer_id"),
    )

    class Grouping(models.TextChoices):
        COLLECTIVE = "COLLECTIVE", "One collective invoice"
        BY_MATTER = "BY_MATTER", "One invoice a matter"

    customer = TenantForeignKey(Customer)
    matter = TenantForeignKey(Matter, null=True, blank=True)
    starts_on = models.DateField()
    cadence = models.CharField(max_length=11, choices=CADENCES)
    anchor = models.PositiveSmallIntegerField(
        default=1,
        help_text="Day on which periods begin; semi-monthly: 1 (1st and 16th) or 15 (15th, last).",
    )
    began_on = models.DateField(
        null=True, blank=True, help_text="A day in the first period of two weeks, quarter or year."
    )
    grouping = models.CharField(
        max_length=10, choices=Grouping.choices, default=Grouping.COLLECTIVE
    )
    time_zone = models.CharField(max_length=60)
    payment_method = TenantForeignKey(PaymentMethod, null=True, blank=True)
    minimum = MoneyField(  # type: ignore[no-untyped-call]  # the library has no types
        max_digits=14,
        decimal_places=4,
        default_currency=None,
        currency_choices=CURRENCIES,
        help_text="Less than this waits for the next invoice.",
    )
    grace_hours = models.PositiveSmallIntegerField(default=48)
    formats = models.JSONField(default=list, help_text="What is rendered: pdf, ledes1998b …")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "uid"], name="aggregation_setting_uid_is_unique"
            ),
            models.CheckConstraint(
                condition=~Q(cadence="SEMIMONTHLY") | Q(anchor__in=[1, 15]),
                name="aggregation_setting_semimonthly_anchor_is_1_or_15",
            ),
            models.CheckConstraint(
                condition=~Q(cadence__in=["WEEKLY", "BIWEEKLY"]) | Q(anchor__range=(1, 7)),
                name="aggregation_setting_weekly_anchor_is_a_weekday",
            ),
            models.CheckConstraint(
                condition=Q(anchor__range=(1, 31)), name="aggregation_setting_anchor_is_a_day"
            ),
            models.CheckConstraint(
                condition=Q(minimum__gte=0), name="aggregation_setting_minimum_is_not_negative"
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "customer", "matter", "starts_on"],
                name="aggregation_setting_in_force",
            ),
        ]

    def __str__(self) -> str:
        if self.cadence == Cadence.PER_CHARGE:  # there is nothing left to group
            return "One invoice a charge"
        return f"{self.get_cadence_display()}, {self.get_grouping_display().lower()}"

    @property
    def least(self) -> Money:
        """The minimum to invoice, as the house's own money."""
        stored: Any = self.minimum
        return Money(stored.amount, str(stored.currency))
