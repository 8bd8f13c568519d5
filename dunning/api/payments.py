"""Payments, bank files and reminders over REST."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    inline_serializer,
)
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from billing_portal.api.asking import by, today
from billing_portal.api.parsing import FileAsItIs, file_of
from billing_portal.api.problems import Malformed, not_taken
from billing_portal.api.rendering import MoneyOut, money
from billing_portal.api.views import NounViewSet, one_of
from billing_portal.money import Money
from dunning.actions.bank_files import import_bank_file
from dunning.bank.findings import NotAStatement
from dunning.models import Reminder
from dunning.queries.payments import payments
from dunning.queries.reminders import reminders
from ledger.models import Payment

_LONGEST_NAME = 160


class PaymentOut(serializers.Serializer):
    """Money that came in; ``unapplied`` is what no invoice has."""

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


class PaymentViewSet(NounViewSet):
    """Read payments."""

    permissions: ClassVar = {"list": "payments.read", "retrieve": "payments.read"}
    filters: ClassVar = {"customer": one_of("customer")}
    id_prefix = Payment.ID_PREFIX
    serializer_class = PaymentOut

    def get_queryset(self) -> QuerySet[Payment]:
        """Return the firm's payments."""
        return payments()


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


class ReminderViewSet(NounViewSet):
    """Read reminders."""

    permissions: ClassVar = {"list": "dunning.read", "retrieve": "dunning.read"}
    filters: ClassVar = {"state": one_of("state")}
    id_prefix = Reminder.ID_PREFIX
    serializer_class = ReminderOut

    def get_queryset(self) -> QuerySet[Reminder]:
        """Return the firm's reminders."""
        return reminders()


class XmlFile(FileAsItIs):
    """A file for the bank's reader."""

    media_type = "application/xml"


class BankFileViewSet(viewsets.ViewSet):
    """Take bank files in."""

    permissions: ClassVar = {"create": "payments.import"}
    parser_classes = (XmlFile,)

    @extend_schema(
        request={"application/xml": bytes},
        responses={
            201: inline_serializer(
                "BankFileOut",
                {"object": serializers.CharField(), "id": serializers.CharField()},
            )
        },
        parameters=[OpenApiParameter("name", str, description="The name of the file.")],
    )
    def create(self, request: Request) -> Response:
        """Import a camt.053 file, all of it or nothing; every finding has place and row."""
        try:
            file = import_bank_file(
                file_of(request), name=_name(request), by=by(request), on=today(request)
            )
        except NotAStatement as no:
            errors = [
                {
                    "rule": each.rule,
                    "place": each.place,
                    "row": each.row,
                    "severity": str(each.severity),
                    "text": each.text,
                }
                for each in no.findings
            ]
            return not_taken(request, no, errors)
        return Response({"object": "bank_file", "id": file.public_id}, status=201)


def _name(request: Request) -> str:
    name = request.query_params.get("name") or "statement.xml"
    if len(name) > _LONGEST_NAME:
        raise Malformed(f"name has at most {_LONGEST_NAME} characters.", parameter="name")
    return name
