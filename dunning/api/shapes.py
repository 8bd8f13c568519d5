"""What goes over the wire about money received, and about reminders."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing_portal.api.rendering import MoneyOut, money
from billing_portal.api.shapes import ExactMoneyIn, Prose, PublicId, StrictIn
from billing_portal.money import Money
from invoices.models import Invoice
from ledger.models import Allocation, Payment


class PaymentOut(serializers.Serializer):
    """Money that came in; ``unapplied`` is what no invoice has. In suspense it has no customer."""

    object = serializers.CharField(default="payment")
    id = serializers.CharField(source="public_id")
    customer = serializers.CharField()
    received_on = serializers.DateField()
    payer = serializers.CharField()
    amount = serializers.SerializerMethodField()
    unapplied = serializers.SerializerMethodField()

    @extend_schema_field(MoneyOut)
    def get_amount(self, payment: Payment) -> dict[str, str]:
        """Return what came in."""
        return money(Money.of_minor(payment.amount, payment.currency))

    @extend_schema_field(MoneyOut)
    def get_unapplied(self, payment: Payment) -> dict[str, str]:
        """Return what no invoice has."""
        left = int(payment.unapplied)  # type: ignore[attr-defined]  # annotated
        return money(Money.of_minor(left, payment.currency))


class PayerIn(StrictIn):
    """Whose a payment is: the customer's id in the firm's own system."""

    customer = serializers.CharField(max_length=120)


class PartIn(StrictIn):
    """So much for one invoice."""

    invoice = PublicId(Invoice.ID_PREFIX)
    amount = ExactMoneyIn()


class AllocationsIn(StrictIn):
    """What a payment pays."""

    parts = serializers.ListField(child=PartIn(), min_length=1, max_length=100)


class TakeBackIn(StrictIn):
    """Why an allocation, or what was said of a payer, is taken back."""

    reason = Prose(max_length=200)


class AllocationOut(serializers.Serializer):
    """So much of a payment went to an invoice; below zero when an earlier one was taken back."""

    object = serializers.CharField(default="allocation")
    entry = serializers.CharField(source="entry.public_id")
    invoice = serializers.SerializerMethodField()
    amount = serializers.SerializerMethodField()
    takes_back = serializers.CharField(
        source="takes_back.entry.public_id", default=None, allow_null=True
    )

    def get_invoice(self, row: Allocation) -> str:
        """Return the invoice's id."""
        found: str = self.context["invoices"][str(row.invoice)].public_id
        return found

    @extend_schema_field(MoneyOut)
    def get_amount(self, row: Allocation) -> dict[str, str]:
        """Return how much."""
        return money(Money.of_minor(row.amount, row.payment.currency))


class AllocationsOut(serializers.Serializer):
    """Where a payment went, oldest first; the next allocation names the ETag of this list."""

    object = serializers.CharField(default="list")
    data = AllocationOut(many=True)  # type: ignore[assignment]  # a field of that name


class ReminderOut(serializers.Serializer):
    """One step of the ladder for one invoice."""

    object = serializers.CharField(default="reminder")
    id = serializers.CharField(source="public_id")
    invoice = serializers.CharField(source="invoice.public_id")
    level = serializers.IntegerField()
    decided_on = serializers.DateField()
    state = serializers.CharField()
    message_id = serializers.CharField()
    open = MoneyOut(source="open_money")
