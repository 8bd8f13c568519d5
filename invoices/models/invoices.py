"""Bills: drafts that people correct, and claims that never change."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing_portal import ids
from billing_portal.bounds import MOST_HOURS
from billing_portal.money import Money
from billing_portal.periods import Period
from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.models import PublicModel, TenantModel
from billing_portal.tenancy.scoped import TenantQuerySet, manager_of
from customers.models import AggregationSetting, Customer, Matter, Timekeeper
from invoices.models.charges import Charge
from invoices.models.runs import RunItem
from ledger.models import Entry


class InvoiceQuerySet(TenantQuerySet["Invoice"]):
    """Invoices of the firm."""

    def bills(self) -> InvoiceQuerySet:
        """Invoices proper, without credit notes."""
        return self.filter(kind=Invoice.Kind.INVOICE)

    def awaiting_review(self) -> InvoiceQuerySet:
        """Those that a reviewer has yet to decide on."""
        return self.filter(state=Invoice.State.IN_REVIEW)

    def finalized(self) -> InvoiceQuerySet:
        """Those that are claims."""
        return self.filter(state=Invoice.State.FINALIZED)


class Invoice(PublicModel):
    """A bill for one customer and one period, or the note that corrects one.

    Its state says what the firm has decided. Whether it is paid is not a state: the ledger knows.
    """

    ID_PREFIX: ClassVar[str] = "inv"
    # Numbers, days and money of what is final are held against its frozen facts.
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("kind", "customer_id", "matter_id", "terms_id", "run_item_id", "corrects_id"),
        *("currency", "as_worked", "reason", "made_by", "approved_by"),
    )

    class Kind(models.TextChoices):
        INVOICE = "INVOICE", "Invoice"
        CREDIT_NOTE = "CREDIT_NOTE", "Credit note"

    class State(models.TextChoices):
        DRAFT = "DRAFT", "Draft"
        IN_REVIEW = "IN_REVIEW", "In review"
        APPROVED = "APPROVED", "Approved"
        FINALIZED = "FINALIZED", "Final"
        VOID = "VOID", "Void"

    kind = models.CharField(max_length=11, choices=Kind.choices, default=Kind.INVOICE)
    # Each index is paid for at every invoice: keys below lead with the firm, others nobody asks by.
    customer = TenantForeignKey(Customer, db_index=False)
    matter = TenantForeignKey(
        Matter, null=True, db_index=False, help_text="Where all of it is for one."
    )
    terms = TenantForeignKey(AggregationSetting, null=True, db_index=False)
    run_item = TenantForeignKey(RunItem, null=True, db_index=False)
    corrects = TenantForeignKey(
        "self", null=True, db_index=False, help_text="The invoice a credit note corrects."
    )
    state = models.CharField(max_length=9, choices=State.choices, default=State.DRAFT)
    version = models.PositiveIntegerField(default=1)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    currency = models.CharField(max_length=3)
    period_starts_on = models.DateField()
    period_ends_on = models.DateField(help_text="The first day after the period.")
    net = models.BigIntegerField(default=0, help_text="Minor units: the sum of the lines.")
    tax = models.BigIntegerField(default=0, help_text="Minor units: quoted until it is final.")
    total = models.BigIntegerField(default=0, help_text="Minor units: net and tax.")
    as_worked = models.BigIntegerField(default=0, help_text="Minor units: before any edit.")
    number = models.CharField(max_length=20, blank=True)
    issued_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    entry = TenantForeignKey(Entry, null=True, db_index=False)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it corrects.")
    made_by = models.CharField(max_length=60)
    approved_by = models.CharField(max_length=60, blank=True)
    made_at = models.DateTimeField(db_default=Now())

    objects = manager_of(InvoiceQuerySet)()  # type: ignore[django-manager-missing, misc]  # made at run time

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="invoice_uid_is_unique"),
            models.CheckConstraint(
                condition=Q(period_starts_on__lt=F("period_ends_on")),
                name="invoice_period_is_not_empty",
            ),
            models.UniqueConstraint(
                fields=["tenant", "number"],
                condition=~Q(number=""),
                name="invoice_number_is_unique",
            ),
            models.CheckConstraint(
                condition=~Q(state="FINALIZED")
                | (~Q(number="") & Q(issued_on__isnull=False, due_on__isnull=False)),
                name="invoice_that_is_final_has_number_and_days",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["FINALIZED", "VOID"]) | Q(number=""),
                name="invoice_number_is_taken_last",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["APPROVED", "FINALIZED"]) | ~Q(approved_by=""),
                name="invoice_that_is_approved_says_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(total=F("net") + F("tax")), name="invoice_total_is_net_and_tax"
            ),
            models.CheckConstraint(condition=Q(total__gte=0), name="invoice_is_not_below_zero"),
            models.CheckConstraint(
                condition=Q(kind="INVOICE", corrects__isnull=True)
                | Q(kind="CREDIT_NOTE", corrects__isnull=False),
                name="invoice_that_corrects_is_a_credit_note",
            ),
            models.CheckConstraint(
                condition=Q(kind="INVOICE") | Q(approved_by="") | ~Q(approved_by=F("made_by")),
                name="credit_note_approver_is_not_its_maker",
            ),
            models.CheckConstraint(
                condition=Q(kind="INVOICE") | ~Q(state="FINALIZED") | ~Q(approved_by=""),
                name="credit_note_that_is_final_was_approved",
            ),
            models.UniqueConstraint(
                fields=["tenant", "run_item"],
                condition=Q(run_item__isnull=False) & ~Q(state="VOID"),
                name="invoice_is_one_a_run_item",
            ),
            models.UniqueConstraint(
                fields=["tenant", "corrects"],
                condition=Q(corrects__isnull=False) & ~Q(state="VOID"),
                name="invoice_is_credited_once",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "state", "-id"], name="invoice_by_state"),
            models.Index(fields=["tenant", "customer", "-id"], name="invoice_by_customer"),
            models.Index(
                fields=["tenant", "reviewer", "id"],
                condition=Q(state="IN_REVIEW"),
                name="invoice_to_review",
            ),
            models.Index(
                fields=["tenant", "due_on", "id"],
                condition=Q(state="FINALIZED"),
                name="invoice_by_due_day",
            ),
        ]

    def __str__(self) -> str:
        if self.number:
            return f"{self.get_kind_display()} {self.number}"
        return f"{'Credit note' if self.is_note else 'Draft'} {ids.spoken(self.uid)}"

    @property
    def period(self) -> Period:
        """Its days."""
        return Period(self.period_starts_on, self.period_ends_on)

    @property
    def total_money(self) -> Money:
        """What it comes to, tax included."""
        return Money.of_minor(self.total, self.currency)

    @property
    def is_note(self) -> bool:
        """Whether it is a credit note."""
        return self.kind == Invoice.Kind.CREDIT_NOTE

    @property
    def claim(self) -> Money:
        """What it adds to what the customer owes: its total, below zero for a credit note."""
        return -self.total_money if self.is_note else self.total_money

    @property
    def net_money(self) -> Money:
        """The sum of its lines."""
        return Money.of_minor(self.net, self.currency)

    @property
    def tax_money(self) -> Money:
        """Its tax."""
        return Money.of_minor(self.tax, self.currency)

    @property
    def as_worked_money(self) -> Money:
        """What its lines came to before anybody edited them."""
        return Money.of_minor(self.as_worked, self.currency)


class InvoiceLine(PublicModel):
    """One line as it is billed. As it was worked is the charge's business, which never changes.

    A released line is billed no more: its charge waits for another invoice.
    """

    ID_PREFIX: ClassVar[str] = "lin"

    invoice = TenantForeignKey(Invoice, related_name="lines", db_index=False)
    number = models.PositiveIntegerField()
    charge = TenantForeignKey(Charge, null=True, db_index=False)
    corrects = TenantForeignKey("self", null=True, db_index=False)
    kind = models.CharField(max_length=10, choices=Charge.Kind.choices)
    matter = TenantForeignKey(Matter, null=True, db_index=False)
    timekeeper = TenantForeignKey(Timekeeper, null=True, db_index=False)
    worked_on = models.DateField()
    quantity = models.DecimalField(max_digits=14, decimal_places=4)
    unit_price = models.DecimalField(max_digits=14, decimal_places=4)
    adjustment = models.BigIntegerField(default=0, help_text="Minor units, discount below zero.")
    amount = models.BigIntegerField(help_text="Minor units, net.")
    task_code = models.CharField(max_length=20, blank=True)
    activity_code = models.CharField(max_length=20, blank=True)
    expense_code = models.CharField(max_length=20, blank=True)
    narrative = models.TextField(blank=True)
    tax_category = models.CharField(max_length=40, blank=True)
    tax_rate = models.DecimalField(max_digits=9, decimal_places=6, default=0)
    tax_amount = models.BigIntegerField(default=0, help_text="Minor units.")
    tax_basis = models.JSONField(default=dict, help_text="Every input of why this tax.")
    is_released = models.BooleanField(default=False)

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="invoice_line_uid_is_unique"),
            models.UniqueConstraint(
                fields=["tenant", "invoice", "number"], name="invoice_line_number_is_unique"
            ),
            models.UniqueConstraint(
                fields=["tenant", "charge"],
                condition=Q(charge__isnull=False, is_released=False),
                name="invoice_line_bills_a_charge_once",
            ),
            models.CheckConstraint(
                condition=Q(charge__isnull=False) | Q(corrects__isnull=False),
                name="invoice_line_comes_from_somewhere",
            ),
            # A credit note repeats what it corrects, and what is released is billed no more.
            models.CheckConstraint(
                condition=~Q(kind="TIME")
                | Q(corrects__isnull=False)
                | Q(is_released=True)
                | Q(quantity__gte=0, quantity__lte=MOST_HOURS),
                name="invoice_line_of_time_fits_into_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"Line {self.number}"

    @property
    def is_edited(self) -> bool:
        """Whether it differs from the work as it was captured."""
        charge = self.charge
        return charge is not None and any(
            getattr(self, name) != getattr(charge, name) for name in EDITABLE
        )


EDITABLE = (
    *("quantity", "unit_price", "adjustment", "narrative"),
    *("task_code", "activity_code", "expense_code"),
)


class LineEdit(TenantModel):
    """One change to a line, with its reason. The chain of edits leads back to the charge."""

    RECORDED: ClassVar[tuple[str, ...]] = (
        *("line_id", "invoice_id", "version", "changes", "amount_before", "amount_after"),
        *("reason_code", "reason", "entry_id", "edited_by", "edited_by_name"),
    )

    class Reason(models.TextChoices):
        GUIDELINE = "GUIDELINE", "Carrier guideline"
        DUPLICATE = "DUPLICATE", "Duplicate work"
        COURTESY = "COURTESY", "Courtesy"
        CORRECTION = "CORRECTION", "Correction of an error"
        WORDING = "WORDING", "Wording"
        AGREED = "AGREED", "Agreed with the customer"

    line = TenantForeignKey(InvoiceLine)
    invoice = TenantForeignKey(Invoice)
    version = models.PositiveIntegerField(help_text="The invoice's version that it made.")
    changes = models.JSONField(help_text="By field: before, after.")
    amount_before = models.BigIntegerField()
    amount_after = models.BigIntegerField()
    reason_code = models.CharField(max_length=10, choices=Reason.choices)
    reason = models.CharField(max_length=500, blank=True)
    entry = TenantForeignKey(Entry, null=True)
    edited_by = models.CharField(max_length=60)
    edited_by_name = models.CharField(max_length=120)
    edited_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "invoice", "version"], name="line_edit_makes_one_version"
            ),
            models.CheckConstraint(condition=~Q(reason_code=""), name="line_edit_has_a_reason"),
        ]
        indexes = [models.Index(fields=["tenant", "line", "id"], name="line_edit_of_line")]

    def __str__(self) -> str:
        return f"Edit that made version {self.version}"


class Verdict(TenantModel):
    """What a reviewer said, and which version they had seen."""

    RECORDED: ClassVar[tuple[str, ...]] = (
        *("invoice_id", "kind", "version_seen", "category", "text", "given_by", "given_by_name"),
    )

    class Kind(models.TextChoices):
        APPROVED = "APPROVED", "Approved"
        RETURNED = "RETURNED", "Returned"
        REOPENED = "REOPENED", "Reopened"

    class Category(models.TextChoices):
        NONE = "", "None"
        WRONG_TIME = "WRONG_TIME", "Time or rate is wrong"
        WRONG_MATTER = "WRONG_MATTER", "Wrong matter"
        NOT_BILLABLE = "NOT_BILLABLE", "Not to be billed"
        NEEDS_DETAIL = "NEEDS_DETAIL", "Needs more detail"
        OTHER = "OTHER", "Something else"

    invoice = TenantForeignKey(Invoice)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    version_seen = models.PositiveIntegerField()
    category = models.CharField(max_length=12, choices=Category.choices, blank=True)
    text = models.CharField(max_length=2000, blank=True)
    given_by = models.CharField(max_length=60)
    given_by_name = models.CharField(max_length=120)
    given_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="RETURNED") | (~Q(category="") & ~Q(text="")),
                name="verdict_that_returns_says_why",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "invoice", "id"], name="verdict_of_invoice")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} as of version {self.version_seen}"


class NumberSeries(TenantModel):
    """The last number taken of a series. Without gaps: a rollback gives a number back."""

    series = models.CharField(max_length=12)
    last = models.PositiveIntegerField(default=0)
    last_issued_on = models.DateField(
        null=True, help_text="Of the last number: none is given of an earlier day."
    )

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "series"], name="number_series_is_unique"),
            models.CheckConstraint(
                condition=Q(last=0) | Q(last_issued_on__isnull=False),
                name="number_series_knows_its_last_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.series}-{self.last:05}"
