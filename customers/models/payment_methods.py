"""How customers pay: tokens of a gateway, never a card number; bank details are encrypted."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.models import PublicModel
from customers.models.people import Customer

_BY_TOKEN = ("ACH_DEBIT", "SEPA_DEBIT", "CARD")


class PaymentMethod(PublicModel):
    """One way in which a customer pays."""

    ID_PREFIX = "pm"
    IS_SUBJECT: ClassVar[bool] = True
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("customer_id", "kind", "label", "gateway", "token", "mandate_reference", "ended_on"),
    )

    class Kind(models.TextChoices):
        BANK_TRANSFER = "BANK_TRANSFER", "Bank transfer on the collective invoice"
        CHECK = "CHECK", "Check"
        ACH_DEBIT = "ACH_DEBIT", "ACH debit"
        SEPA_DEBIT = "SEPA_DEBIT", "SEPA direct debit"
        CARD = "CARD", "Card"

    customer = TenantForeignKey(Customer)
    kind = models.CharField(max_length=13, choices=Kind.choices)
    label = models.CharField(max_length=80, help_text="Such as Visa ending 4242.")
    gateway = models.CharField(max_length=40, blank=True)
    token = models.CharField(
        max_length=120, blank=True, help_text="The gateway's reference; never a number."
    )
    mandate_reference = models.CharField(max_length=40, blank=True)
    ended_on = models.DateField(null=True, blank=True)

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="payment_method_uid_is_unique"),
            models.CheckConstraint(
                condition=(Q(kind__in=_BY_TOKEN) & ~Q(token="") & ~Q(gateway=""))
                | (~Q(kind__in=_BY_TOKEN) & Q(token="") & Q(gateway="")),
                name="payment_method_has_a_token_where_a_gateway_collects",
            ),
            models.CheckConstraint(
                condition=~Q(kind="SEPA_DEBIT") | ~Q(mandate_reference=""),
                name="payment_method_by_sepa_has_a_mandate",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "customer"], name="payment_method_of_customer")]

    def __str__(self) -> str:
        return self.label

    @property
    def is_collected_by_gateway(self) -> bool:
        """Whether a gateway takes the money; otherwise the customer sends it."""
        return self.kind in _BY_TOKEN


class BankDetails(PublicModel):
    """Bank details proposed by one person; they count once another has approved them.

    The account is encrypted for this very row. Approved details are never edited: newer ones are
    proposed, and the newest approved hold.
    """

    ID_PREFIX = "bnk"
    IS_SUBJECT: ClassVar[bool] = True
    # Not the sealed account, which is encrypted anew when keys change, for this very row.
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("payment_method_id", "holder", "account_ending", "bank_code", "state"),
        *("proposed_by", "decided_by"),
    )

    class State(models.TextChoices):
        PROPOSED = "PROPOSED", "Proposed"
        APPROVED = "APPROVED", "Approved"
        REJECTED = "REJECTED", "Rejected"

    payment_method = TenantForeignKey(PaymentMethod)
    holder = models.CharField(max_length=120)
    sealed_account = models.TextField(editable=False)
    account_ending = models.CharField(max_length=4, editable=False)
    bank_code = models.CharField(max_length=20, blank=True, help_text="ABA routing number or BIC.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.CharField(max_length=60, help_text="Actor, such as user:7.")
    decided_by = models.CharField(max_length=60, blank=True)

    class Meta(PublicModel.Meta):
        verbose_name_plural = "bank details"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="bank_details_uid_is_unique"),
            models.CheckConstraint(
                condition=~Q(state="APPROVED") | ~Q(decided_by=F("proposed_by")),
                name="bank_details_approver_is_not_their_proposer",
            ),
            models.CheckConstraint(
                condition=(Q(state="PROPOSED") & Q(decided_by=""))
                | (~Q(state="PROPOSED") & ~Q(decided_by="")),
                name="bank_details_name_who_decided",
            ),
            models.UniqueConstraint(
                fields=["tenant", "payment_method"],
                condition=Q(state="PROPOSED"),
                name="bank_details_are_proposed_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.holder}, account ending {self.account_ending}"
