"""Charges over REST: batches answered row by row, files taken whole or not at all."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from billing_portal.api.asking import answered_by_row, by, today, typed
from billing_portal.api.parsing import FileAsItIs, file_of
from billing_portal.api.rendering import MoneyOut
from billing_portal.api.schema import rows_of
from billing_portal.api.shapes import DecimalText, PlainTexts
from billing_portal.api.views import NounViewSet, one_of
from billing_portal.imports.api import FileImportOut, taken_in
from customers.models import lookup_key
from invoices.actions import capture as capturing
from invoices.actions.rows import CaptureAnswer, NewCharge
from invoices.models import Charge


class ChargeIn(serializers.Serializer):
    """One row of a batch."""

    key = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=Charge.Kind.choices)
    customer = serializers.CharField(max_length=40)
    worked_on = serializers.DateField()
    quantity = DecimalText(max_digits=13, decimal_places=4)
    unit_price = DecimalText(max_digits=13, decimal_places=4, required=False, allow_null=True)
    adjustment = DecimalText(max_digits=13, decimal_places=4, required=False)
    currency = serializers.CharField(max_length=3, required=False)
    matter = serializers.CharField(max_length=40, required=False)
    timekeeper = serializers.CharField(max_length=40, required=False)
    task_code = serializers.CharField(max_length=20, required=False)
    activity_code = serializers.CharField(max_length=20, required=False)
    expense_code = serializers.CharField(max_length=20, required=False)
    narrative = serializers.CharField(max_length=15_000, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse fields that nobody would read."""
        strange = sorted(set(self.initial_data) - set(self.fields))
        if strange:
            raise serializers.ValidationError(dict.fromkeys(strange, "There is no such field."))
        return attrs


class ChargesIn(PlainTexts):
    """A batch: where it comes from, and up to 1,000 rows, each typed by itself."""

    source = serializers.CharField(max_length=40)  # type: ignore[assignment]  # a field of that name
    rows = serializers.ListField(
        child=serializers.DictField(), min_length=1, max_length=capturing.MOST
    )


class ChargeOut(serializers.Serializer):
    """A charge as the outside sees it; the narrative is not told."""

    object = serializers.CharField(default="charge")
    id = serializers.CharField(source="public_id")
    source = serializers.CharField()  # type: ignore[assignment]  # a field of that name
    key = serializers.CharField()
    kind = serializers.CharField()
    customer = serializers.CharField(source="customer.external_id")
    matter = serializers.CharField(source="matter.external_id", default=None, allow_null=True)
    timekeeper = serializers.CharField(
        source="timekeeper.external_id", default=None, allow_null=True
    )
    worked_on = serializers.DateField()
    quantity = serializers.CharField()
    unit_price = serializers.CharField()
    amount = MoneyOut(source="total")
    priced_by = serializers.CharField()


class CaptureRowOut(serializers.Serializer):
    """What came of one row of a batch."""

    index = serializers.IntegerField()
    key = serializers.CharField()
    status = serializers.CharField(help_text="accepted, duplicate, conflict or refused")
    id = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()
    column = serializers.CharField()


class CountsOut(serializers.Serializer):
    """How many rows came to what."""

    counts = serializers.DictField(child=serializers.IntegerField())


class ChargesOut(CountsOut):
    """What came of all rows of a batch, in their order."""

    results = CaptureRowOut(many=True)


class TakenInOut(CountsOut):
    """What a LEDES file brought."""

    customers = serializers.IntegerField()
    matters = serializers.IntegerField()
    timekeepers = serializers.IntegerField()
    findings = serializers.ListField(child=serializers.DictField())


class CsvFile(FileAsItIs):
    """A file for the form reader."""

    media_type = "text/csv"


class LedesText(FileAsItIs):
    """A LEDES file for its reader."""

    media_type = "text/plain"


class ChargeViewSet(NounViewSet):
    """Capture charges and read them."""

    permissions: ClassVar = {
        "list": "charges.read",
        "retrieve": "charges.read",
        "batches": "charges.capture",
        "files": "charges.capture",
        "ledes_files": "charges.capture",
    }
    filters: ClassVar = {
        "source": one_of("source"),
        "kind": one_of("kind"),
        "customer": lambda value: {"customer__external_key": lookup_key(value)},
    }
    id_prefix = Charge.ID_PREFIX
    serializer_class = ChargeOut

    def get_queryset(self) -> QuerySet[Charge]:
        """Return the firm's charges with what they name."""
        return Charge.objects.select_related("customer", "matter", "timekeeper")

    @extend_schema(
        request=rows_of("ChargeBatchIn", ChargeIn, source=serializers.CharField(max_length=40)),
        responses=ChargesOut,
    )
    @action(detail=False, methods=["post"])
    def batches(self, request: Request) -> Response:
        """Capture a batch; each row is answered: accepted, duplicate, conflict or refused.

        Repeating it does no harm: what was accepted is then a duplicate.
        """
        asked = typed(ChargesIn, request.data)

        def deed(rows: list[dict[str, Any]]) -> list[CaptureAnswer]:
            charges = [NewCharge(**row) for row in rows]
            return capturing.capture(asked["source"], charges, by=by(request), on=today(request))

        return Response(answered_by_row(asked["rows"], ChargeIn, deed, _untyped))

    @extend_schema(request={"text/csv": bytes}, responses={201: CountsOut, 202: FileImportOut})
    @action(detail=False, methods=["post"], parser_classes=[CsvFile])
    def files(self, request: Request) -> Response:
        """Capture a CSV file, all of it or nothing; every finding has row, column and rule.

        A large one, of more than 1,000 rows or five million bytes, is left to a job and answered
        with 202 and where what comes of it is read; so is a small one while a large one waits.
        Sent again while it waits, it is the same one.
        """
        return taken_in(request, "csv", file_of(request), name="charges.csv")

    @extend_schema(request={"text/plain": bytes}, responses={201: TakenInOut, 202: FileImportOut})
    @action(detail=False, methods=["post"], url_path="ledes-files", parser_classes=[LedesText])
    def ledes_files(self, request: Request) -> Response:
        """Take in a LEDES 1998B or 98BI file, all of it or nothing; findings name row and field.

        Customers, matters and timekeepers that the firm does not have are opened if the key may
        edit customers, and otherwise named as findings. A large file, of more than 1,000 rows or
        five million bytes, is left to a job and answered with 202.
        """
        return taken_in(request, "ledes", file_of(request), name="charges.ledes")


def _untyped(row: serializers.Serializer) -> CaptureAnswer:
    column, error = next(iter(row.errors.items()))
    detail = str(error[0]) if isinstance(error, list) else str(error)
    key = str(row.initial_data.get("key", ""))[:120]
    return CaptureAnswer(key, "refused", "", "charges.value", detail, column)
