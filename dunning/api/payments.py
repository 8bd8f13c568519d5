"""Payments, bank files and reminders over REST."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from billing_portal.api.asking import by, today, typed, uid_in_path, wrong_at
from billing_portal.api.idempotency import idempotent
from billing_portal.api.parsing import FileAsItIs, file_of
from billing_portal.api.problems import Malformed
from billing_portal.api.rendering import MoneyOut
from billing_portal.api.schema import IF_MATCH
from billing_portal.api.versions import etag, version_seen
from billing_portal.api.views import EndpointViewSet, NounViewSet, one_of
from billing_portal.imports.api import FileImportOut, taken_in
from billing_portal.texts import HiddenCharacter, hidden_in, hidden_in_words
from dunning.actions.allocations import NoSuchPayer, allocate_by_hand, name_payer_by_hand
from dunning.api import shapes
from dunning.models import Reminder
from dunning.queries.payments import allocations_of, invoices_by_uid, invoices_there, payments
from dunning.queries.reminders import reminders
from ledger.actions.payments import take_back, take_payer_back
from ledger.models import Allocation, Entry, Payment

_LONGEST_NAME = 160


class PaymentViewSet(NounViewSet):
    """Read payments, say whose they are, and pay invoices from them."""

    permissions: ClassVar = {
        "list": "payments.read",
        "retrieve": "payments.read",
        "payer": "payments.import",
        "payer_reversal": "payments.import",
        "allocations": "payments.read",
        "allocate": "payments.import",
        "reversal": "payments.import",
    }
    filters: ClassVar = {"customer": one_of("customer")}
    id_prefix = Payment.ID_PREFIX
    serializer_class = shapes.PaymentOut

    def get_queryset(self) -> QuerySet[Payment]:
        """Return the firm's payments; they are listed as recorded, so that none is missed."""
        return payments()

    @extend_schema(request=shapes.PayerIn, responses=shapes.PaymentOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def payer(self, request: Request, **_: Any) -> Response:
        """Say which customer a payment in suspense is from."""
        payment, asked = self.get_object(), typed(shapes.PayerIn, request.data)
        try:
            name_payer_by_hand(payment, asked["customer"], by=by(request), on=today(request))
        except NoSuchPayer as no:
            raise wrong_at(("customer",), words=str(no), code=no.code) from no
        return self.shown(self.get_object())

    @extend_schema(request=shapes.TakeBackIn, responses=shapes.PaymentOut)
    @action(detail=True, methods=["post"], url_path="payer/reversal")
    @idempotent
    def payer_reversal(self, request: Request, **_: Any) -> Response:
        """Take back whose a payment is, while it pays nothing; it stands in suspense again."""
        payment, asked = self.get_object(), typed(shapes.TakeBackIn, request.data)
        take_payer_back(payment, by=by(request), on=today(request), reason=asked["reason"])
        return self.shown(self.get_object())

    @extend_schema(responses=shapes.AllocationsOut)
    @action(detail=True, methods=["get"])
    def allocations(self, request: Request, **_: Any) -> Response:
        """Show where a payment went, what was taken back too."""
        return _allocations(self.get_object())

    @extend_schema(
        request=shapes.AllocationsIn,
        responses={201: shapes.AllocationsOut},
        parameters=[IF_MATCH],
    )
    @allocations.mapping.post
    @idempotent
    def allocate(self, request: Request, **_: Any) -> Response:
        """Pay invoices from a payment, all of the parts or none; If-Match names the list read."""
        payment, seen = self.get_object(), version_seen(request)
        asked = typed(shapes.AllocationsIn, request.data)
        parts = [(each["invoice"], each["amount"]) for each in asked["parts"]]
        _must_be_there([invoice for invoice, _ in parts])
        allocate_by_hand(payment, parts, seen=seen, by=by(request), on=today(request))
        return _allocations(payment, status=201)

    @extend_schema(request=shapes.TakeBackIn, responses={201: shapes.AllocationsOut})
    @action(detail=True, methods=["post"], url_path="allocations/<str:entry>/reversal")
    @idempotent
    def reversal(self, request: Request, entry: str, **_: Any) -> Response:
        """Take an allocation back; the money is the customer's credit again."""
        payment = self.get_object()
        reason = typed(shapes.TakeBackIn, request.data)["reason"]
        rows = Allocation.objects.filter(
            payment=payment, entry__uid=uid_in_path(Entry.ID_PREFIX, entry)
        )
        row = rows.select_related("payment", "entry").first()
        if row is None:
            raise Http404
        take_back(row, by=by(request), on=today(request), reason=reason)
        return _allocations(payment, status=201)


def _must_be_there(named: list[UUID]) -> None:
    """Pass when the firm has every invoice that a body names.

    :raises ValidationError: at the place of each that it has not.
    """
    known = invoices_there(named)
    strange = [("parts", place, "invoice") for place, uid in enumerate(named) if uid not in known]
    if strange:
        raise wrong_at(*strange, words="There is no such invoice.")


def _allocations(payment: Payment, status: int = 200) -> Response:
    rows = allocations_of(payment)
    context = {"invoices": invoices_by_uid(rows)}
    data = shapes.AllocationOut(rows, many=True, context=context).data
    answer = Response({"object": "list", "data": data}, status=status)
    answer["ETag"] = etag(len(rows))
    return answer


class ReminderViewSet(NounViewSet):
    """Read reminders."""

    permissions: ClassVar = {"list": "dunning.read", "retrieve": "dunning.read"}
    filters: ClassVar = {"state": one_of("state")}
    id_prefix = Reminder.ID_PREFIX
    serializer_class = shapes.ReminderOut

    def get_queryset(self) -> QuerySet[Reminder]:
        """Return the firm's reminders."""
        return reminders()


class XmlFile(FileAsItIs):
    """A file for the bank's reader."""

    media_type = "application/xml"


class BankFileViewSet(EndpointViewSet):
    """Take bank files in."""

    permissions: ClassVar = {"create": "payments.import"}
    parser_classes = (XmlFile,)

    @extend_schema(
        request={"application/xml": bytes},
        responses={
            201: inline_serializer(
                "BankFileOut",
                {
                    "object": serializers.CharField(),
                    "id": serializers.CharField(),
                    "payments": serializers.IntegerField(help_text="How many came in."),
                    "received": MoneyOut(
                        many=True, help_text="What they come to, in each currency."
                    ),
                    "allocated": MoneyOut(
                        many=True,
                        help_text="How much of that was paid to invoices named beyond doubt.",
                    ),
                    "waiting": serializers.IntegerField(
                        help_text="Payments of which something waits for a person."
                    ),
                    "went_out": serializers.IntegerField(
                        help_text="Money that went out, and reversals: kept, and not booked."
                    ),
                },
            ),
            202: FileImportOut,
        },
        parameters=[OpenApiParameter("name", str, description="The name of the file.")],
    )
    def create(self, request: Request) -> Response:
        """Import a camt.053 file, all of it or nothing; every finding has place and row.

        A large one, of more than 1,000 payments or a million bytes, is left to a job and answered
        with 202 and where what comes of it is read. Sent again while it waits, it is the same one.
        """
        return taken_in(request, "bank", file_of(request), name=_name(request))


def _name(request: Request) -> str:
    name = request.query_params.get("name") or "statement.xml"
    if len(name) > _LONGEST_NAME:
        raise Malformed(f"name has at most {_LONGEST_NAME} characters.", parameter="name")
    if found := hidden_in(name):
        raise wrong_at(("name",), words=hidden_in_words(found, "name"), code=HiddenCharacter.code)
    return name
