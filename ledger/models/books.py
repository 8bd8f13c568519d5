"""The double-entry books. Debits are positive, credits negative, all in minor units.

Entries are written header last: postings first, then the entry, and inserting the entry *is*
posting. From then on neither can change, nothing can be added, and the sum of each currency is
zero; the database sees to it (guards.sql). Numbers and hashes come later, from the sealer.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.models import PublicModel, TenantModel
from ledger.models.chart import ROLES, AccountType, Side


class Xact(models.Func):
    """The id of the transaction at work, which ties postings to their entry."""

    template = "(pg_current_xact_id()::text::bigint)"
    arity = 0
    output_field = models.BigIntegerField()


class Account(TenantModel):
    """A place where money stands: one for each role, owner and currency."""

    role = models.CharField(
        max_length=20, choices=[(key, role.label) for key, role in ROLES.items()]
    )
    owner = models.CharField(max_length=60, blank=True)
    currency = models.CharField(max_length=3)
    code = models.CharField(max_length=80)
    type = models.CharField(
        max_length=1, choices=[(t.value, t.name.capitalize()) for t in AccountType]
    )
    side = models.CharField(max_length=1, choices=[(s.value, s.name.capitalize()) for s in Side])
    is_active = models.BooleanField(default=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "role", "owner", "currency"], name="account_is_one_a_role"
            ),
            models.UniqueConstraint(
                fields=["tenant", "id", "currency"], name="account_currency_rides_in_keys"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.currency}"


class AccountingPeriod(TenantModel):
    """A month of the books: open, soft-closed (adjustments only) or closed for ever."""

    NAMED_BY: ClassVar[str] = "starts_on"
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("starts_on", "ends_on", "state", "close_requested_by", "closed_by", "head_seq"),
        "head_hash",
    )

    class State(models.TextChoices):
        OPEN = "open", "Open"
        SOFT_CLOSED = "soft_closed", "Closed but for adjustments"
        CLOSED = "closed", "Closed"

    starts_on = models.DateField()
    ends_on = models.DateField(help_text="The first day after.")
    state = models.CharField(max_length=11, choices=State.choices, default=State.OPEN)
    close_requested_by = models.CharField(max_length=60, blank=True)
    closed_by = models.CharField(max_length=60, blank=True)
    closed_at = models.DateTimeField(null=True)
    head_seq = models.BigIntegerField(null=True)
    head_hash = models.CharField(max_length=64, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "starts_on"], name="accounting_period_is_one"
            ),
            models.CheckConstraint(
                condition=Q(starts_on__lt=F("ends_on")), name="accounting_period_is_not_empty"
            ),
            models.CheckConstraint(
                condition=Q(closed_by="") | ~Q(closed_by=F("close_requested_by")),
                name="accounting_period_is_closed_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(state="closed")
                | (~Q(closed_by="") & Q(head_seq__isnull=False, closed_at__isnull=False)),
                name="accounting_period_closed_has_a_head",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts_on:%B %Y}"

    @property
    def public_id(self) -> str:
        """What addresses and the trail call it, such as ``2026-11``."""
        return f"{self.starts_on:%Y-%m}"

    @staticmethod
    def key_named(public_id: str) -> date:
        """Return the first day of the month that the trail calls so."""
        return date.fromisoformat(f"{public_id}-01")


class Entry(PublicModel):
    """A journal entry: why money moved. Its postings say from where to where."""

    ID_PREFIX: ClassVar[str] = "ent"

    kind = models.CharField(max_length=40)
    booked_on = models.DateField()
    effective_on = models.DateField(help_text="When it happened, if its period was closed by then.")
    period = TenantForeignKey(AccountingPeriod)
    key = models.CharField(max_length=120, help_text="Unique: posting twice is posting once.")
    fingerprint = models.CharField(max_length=64)
    source = models.CharField(max_length=60, blank=True, help_text="What it is about: a public id.")
    reason = models.CharField(max_length=200, blank=True)
    correction_group = models.CharField(max_length=60, blank=True)
    reverses = TenantForeignKey("self", null=True, db_index=False)
    actor = models.CharField(max_length=60)
    recorded_at = models.DateTimeField(db_default=Now())
    xact = models.BigIntegerField(db_default=Xact())

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="entry_key_is_unique"),
            models.UniqueConstraint(fields=["tenant", "uid"], name="entry_uid_is_unique"),
            models.UniqueConstraint(
                fields=["tenant", "reverses"],
                condition=Q(reverses__isnull=False),
                name="entry_is_reversed_once",
            ),
            models.UniqueConstraint(
                fields=["tenant", "id", "xact"], name="entry_transaction_rides_in_keys"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "booked_on", "id"], name="entry_by_day"),
            models.Index(
                fields=["tenant", "source"], condition=~Q(source=""), name="entry_by_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.booked_on}"


class Posting(TenantModel):
    """One side of an entry: so much to or from one account, and what it is about."""

    entry = TenantForeignKey(Entry, db_index=False)  # the keys below lead with the firm
    line_no = models.PositiveSmallIntegerField()
    account = TenantForeignKey(Account, db_index=False)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField(help_text="Minor units; debit above zero, credit below.")
    invoice = models.UUIDField(null=True)
    payment = models.UUIDField(null=True)
    charge = models.UUIDField(null=True)
    matter = models.UUIDField(null=True)
    tax_code = models.CharField(max_length=40, blank=True)
    xact = models.BigIntegerField(db_default=Xact())

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "entry", "line_no"], name="posting_line_is_unique"
            ),
            models.CheckConstraint(condition=~Q(amount=0), name="posting_is_not_nothing"),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "account", "entry"], include=["amount"], name="posting_sums"
            ),
            models.Index(
                fields=["tenant", "invoice"],
                include=["amount", "account"],
                condition=Q(invoice__isnull=False),
                name="posting_by_invoice",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class BalanceSnapshot(TenantModel):
    """The sum of an account up to a seal, so that a long account is summed from here."""

    account = TenantForeignKey(Account)
    up_to_seq = models.BigIntegerField()
    balance = models.BigIntegerField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account", "up_to_seq"], name="balance_snapshot_is_one_a_seal"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} up to seal {self.up_to_seq}"
