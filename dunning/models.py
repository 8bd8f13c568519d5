"""Bank files as they came in, and reminders as they went out."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing_portal.money import Money
from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.models import PublicModel, TenantModel
from customers.models import Customer
from invoices.models import Invoice
from ledger.models import Payment


class BankAccount(PublicModel):
    """An account of the firm's own; only its statements are taken in."""

    ID_PREFIX: ClassVar[str] = "bac"
    IS_SUBJECT: ClassVar[bool] = True
    RECORDED: ClassVar[tuple[str, ...]] = ("account", "name", "currency", "added_by")

    account = models.CharField(max_length=34, help_text="IBAN or number, without spaces.")
    name = models.CharField(max_length=80, help_text="What the firm calls it.")
    currency = models.CharField(max_length=3)
    added_by = models.CharField(max_length=60)
    added_at = models.DateTimeField(db_default=Now())

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="bank_account_uid_is_unique"),
            models.UniqueConstraint(fields=["tenant", "account"], name="bank_account_is_one"),
            models.CheckConstraint(condition=~Q(account=""), name="bank_account_is_given"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.account})"


class BankFile(PublicModel):
    """A file from a bank, taken in once."""

    ID_PREFIX: ClassVar[str] = "bkf"
    IS_SUBJECT: ClassVar[bool] = True
    RECORDED: ClassVar[tuple[str, ...]] = ("name", "sha256", "imported_by", "imported_by_name")

    name = models.CharField(max_length=160)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    imported_by = models.CharField(max_length=60)
    imported_by_name = models.CharField(max_length=120)
    imported_at = models.DateTimeField(db_default=Now())

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="bank_file_uid_is_unique"),
            models.UniqueConstraint(fields=["tenant", "sha256"], name="bank_file_is_imported_once"),
        ]
        indexes = [models.Index(fields=["tenant", "-id"], name="bank_file_page")]

    def __str__(self) -> str:
        return self.name


class BankStatement(TenantModel):
    """The booked movements of one account between two balances. Opening + lines = closing."""

    RECORDED: ClassVar[tuple[str, ...]] = (
        *("file_id", "account", "place", "statement_id", "sequence", "currency"),
        *("opening", "closing", "opened_on", "closed_on", "lines_sha256"),
    )

    file = TenantForeignKey(BankFile)
    account = models.CharField(max_length=40)
    place = models.PositiveIntegerField(
        help_text="Counts the statements of an account from 1: no two follow the same one."
    )
    statement_id = models.CharField(max_length=60)
    sequence = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    opening = models.BigIntegerField(help_text="Minor units.")
    closing = models.BigIntegerField(help_text="Minor units.")
    opened_on = models.DateField()
    closed_on = models.DateField()
    lines_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Of what the bank says of all its lines."
    )

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account", "statement_id"],
                name="bank_statement_is_imported_once",
            ),
            models.UniqueConstraint(
                fields=["tenant", "account", "place"], name="bank_statement_follows_one_alone"
            ),
            models.CheckConstraint(
                condition=Q(place__gte=1), name="bank_statement_place_counts_from_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.statement_id}"


class BankLine(PublicModel):
    """One payment of a statement; money that came in has a Payment in the books."""

    ID_PREFIX: ClassVar[str] = "bkl"

    statement = TenantForeignKey(BankStatement)
    number = models.PositiveIntegerField()
    booked_on = models.DateField()
    amount = models.BigIntegerField(help_text="Minor units; below zero when it went out.")
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=140, blank=True)
    movement = models.CharField(
        max_length=220,
        blank=True,
        help_text="What names it in any statement: account, reference, day, amount, and a count.",
    )
    payer = models.CharField(max_length=140, blank=True)
    payer_account = models.CharField(max_length=40, blank=True)
    remittance = models.CharField(max_length=500, blank=True)
    codes = models.CharField(max_length=200, blank=True)
    is_reversal = models.BooleanField(default=False)
    payment = TenantForeignKey(Payment, null=True)
    confidence = models.CharField(max_length=8, blank=True)
    ground = models.CharField(max_length=12, blank=True)
    why = models.CharField(max_length=500, blank=True)
    suggestions = models.JSONField(default=list)

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="bank_line_uid_is_unique"),
            models.UniqueConstraint(
                fields=["tenant", "statement", "number"], name="bank_line_has_its_place"
            ),
            models.UniqueConstraint(
                fields=["tenant", "payment"],
                condition=Q(payment__isnull=False),
                name="bank_line_is_one_a_payment",
            ),
            models.UniqueConstraint(
                fields=["tenant", "movement"],
                condition=~Q(movement=""),
                name="bank_line_movement_comes_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} of {self.booked_on}"

    @property
    def money(self) -> Money:
        """What it moved."""
        return Money.of_minor(self.amount, self.currency)


class ReminderStep(TenantModel):
    """When an overdue invoice is reminded of, and how often. Without rows, the house's ladder."""

    level = models.PositiveSmallIntegerField()
    days_after_due = models.PositiveSmallIntegerField()
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "level"], name="reminder_step_level_is_unique"
            ),
            models.CheckConstraint(
                condition=Q(level__gte=1), name="reminder_step_level_counts_from_one"
            ),
        ]

    def __str__(self) -> str:
        return f"Reminder {self.level}, {self.days_after_due} days after due"

    @property
    def public_id(self) -> str:
        """What the trail calls it: its place on the firm's ladder."""
        return f"reminder_step:{self.level}"


class Reminder(PublicModel):
    """One step of the ladder for one invoice. It happens once, however often a process crashes."""

    ID_PREFIX: ClassVar[str] = "rem"
    IS_SUBJECT: ClassVar[bool] = True
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("invoice_id", "customer_id", "level", "open_amount", "currency", "due_on"),
        *("decided_on", "recipient", "message_id", "ended_as"),
    )

    class State(models.TextChoices):
        QUEUED = "QUEUED", "Queued"
        SENDING = "SENDING", "Sending"
        SENT = "SENT", "Sent"
        UNKNOWN = "UNKNOWN", "Unknown"
        FAILED = "FAILED", "Failed"
        SKIPPED = "SKIPPED", "Skipped"

    invoice = TenantForeignKey(Invoice)
    customer = TenantForeignKey(Customer)
    level = models.PositiveSmallIntegerField()
    open_amount = models.BigIntegerField(help_text="Minor units, when it was decided.")
    currency = models.CharField(max_length=3)
    due_on = models.DateField()
    decided_on = models.DateField()
    recipient = models.EmailField(blank=True)
    message_id = models.CharField(max_length=160)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    error_text = models.CharField(max_length=500, blank=True)
    queued_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="reminder_uid_is_unique"),
            models.UniqueConstraint(
                fields=["tenant", "invoice", "level"], name="reminder_happens_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="SENT") | Q(sent_at__isnull=False),
                name="reminder_that_was_sent_says_when",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-id"], name="reminder_page")]

    def __str__(self) -> str:
        return f"Reminder {self.level} of {self.decided_on}"

    @property
    def ended_as(self) -> str:
        """The state that a deed told; empty while the mail is on its way, of which none tells."""
        ended = {self.State.SENT, self.State.FAILED, self.State.SKIPPED}
        return self.state if self.state in ended else ""

    @property
    def open_money(self) -> Money:
        """What was owed when it was decided."""
        return Money.of_minor(self.open_amount, self.currency)
