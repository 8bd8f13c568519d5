"""What goes over the wire: ``…In`` types what comes, ``…Out`` shows what is."""

from __future__ import annotations

from typing import Any, cast

from rest_framework import serializers

from billing_portal.api.rendering import MoneyOut
from billing_portal.api.shapes import DecimalText, Prose, StrictIn
from billing_portal.money import Money, UnknownCurrency
from billing_portal.portal.signatures import names_of
from customers.models import CLASSIFICATIONS, Timekeeper


class MoneyIn(StrictIn):
    """An amount as text, with its currency."""

    amount = DecimalText(max_digits=14, decimal_places=4, coerce_to_string=False)
    currency = serializers.CharField(min_length=3, max_length=3)

    def to_internal_value(self, data: Any) -> Money:
        """Return money.

        :raises ValidationError: for a number in place of a text, or an unknown currency.
        """
        if isinstance(data, dict) and not isinstance(data.get("amount"), str):
            raise serializers.ValidationError({"amount": ["Write the amount as a text."]})
        values = super().to_internal_value(data)
        try:
            return Money(values["amount"], values["currency"])
        except UnknownCurrency as error:
            raise serializers.ValidationError({"currency": ["There is no such one."]}) from error


class CustomerPatchIn(StrictIn):
    """What may change of a customer."""

    external_id = serializers.CharField(max_length=60, required=False)
    name = serializers.CharField(max_length=120, required=False)
    legal_name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    time_zone = serializers.CharField(max_length=60, required=False)
    invoice_email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    sends_pdf = serializers.BooleanField(required=False)
    uploads_ledes = serializers.BooleanField(required=False)
    carrier_code = serializers.CharField(max_length=40, required=False, allow_blank=True)
    ledes_client_id = serializers.CharField(max_length=20, required=False, allow_blank=True)
    payment_terms_days = serializers.IntegerField(min_value=0, max_value=365, required=False)


class AddressIn(StrictIn):
    """Where a customer is; ``country`` in two letters."""

    line_1 = serializers.CharField(max_length=120)
    line_2 = serializers.CharField(max_length=120, required=False, allow_blank=True)
    city = serializers.CharField(max_length=80)
    region = serializers.CharField(max_length=60, required=False, allow_blank=True)
    postal_code = serializers.CharField(max_length=20, required=False, allow_blank=True)
    country = serializers.RegexField("^[A-Z]{2}$", required=False)


class CustomerIn(CustomerPatchIn):
    """A customer as the firm's own system knows it."""

    external_id = serializers.CharField(max_length=60)
    currency = serializers.CharField(min_length=3, max_length=3, required=False)
    address = AddressIn(required=False)


class MatterPatchIn(StrictIn):
    """What may change of a matter."""

    external_id = serializers.CharField(max_length=20, required=False)
    client_matter_id = serializers.CharField(max_length=20, required=False, allow_blank=True)
    name = serializers.CharField(max_length=160, required=False)
    carrier_code = serializers.CharField(max_length=40, required=False, allow_blank=True)
    ledes_client_id = serializers.CharField(max_length=20, required=False, allow_blank=True)
    invoice_description = Prose(max_length=2000, required=False, allow_blank=True)


class MatterIn(MatterPatchIn):
    """A matter as the firm's own system knows it."""

    external_id = serializers.CharField(max_length=20)
    customer_external_id = serializers.CharField(max_length=60, required=False)
    opened_on = serializers.DateField(required=False)
    responsible_email = serializers.EmailField(max_length=254, required=False, allow_blank=True)


class TimekeeperIn(StrictIn):
    """A timekeeper as the firm's own system knows them."""

    external_id = serializers.CharField(max_length=20)
    name = serializers.CharField(max_length=30, required=False, help_text="Surname, First.")
    classification = serializers.ChoiceField(choices=CLASSIFICATIONS, required=False)
    level = serializers.CharField(max_length=30, required=False, allow_blank=True)
    state = serializers.ChoiceField(choices=Timekeeper.State.values, required=False)


class RateIn(StrictIn):
    """A rate to propose; on the firm's card unless a matter or customer is named."""

    amount = MoneyIn()
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(required=False, allow_null=True)
    level = serializers.CharField(max_length=30, required=False, allow_blank=True)
    matter_external_id = serializers.CharField(max_length=20, required=False)
    customer_external_id = serializers.CharField(max_length=60, required=False)
    timekeeper_external_id = serializers.CharField(max_length=20, required=False)


class CustomerOut(serializers.Serializer):
    """A customer."""

    id = serializers.CharField(source="public_id")
    external_id = serializers.CharField()
    name = serializers.CharField()
    legal_name = serializers.CharField()
    currency = serializers.CharField()
    time_zone = serializers.CharField()
    invoice_email = serializers.CharField()
    sends_pdf = serializers.BooleanField()
    uploads_ledes = serializers.BooleanField()
    carrier_code = serializers.CharField()
    ledes_client_id = serializers.CharField()
    payment_terms_days = serializers.IntegerField()
    state = serializers.CharField()
    version = serializers.IntegerField()


class MatterOut(serializers.Serializer):
    """A matter."""

    id = serializers.CharField(source="public_id")
    customer_id = serializers.CharField(source="customer.public_id")
    external_id = serializers.CharField()
    client_matter_id = serializers.CharField()
    name = serializers.CharField()
    responsible = serializers.CharField(source="responsible.name", default=None, allow_null=True)
    opened_on = serializers.DateField()
    closed_on = serializers.DateField(allow_null=True)
    state = serializers.CharField()
    carrier_code = serializers.CharField()
    ledes_client_id = serializers.CharField()
    invoice_description = serializers.CharField()
    version = serializers.IntegerField()


class TimekeeperOut(serializers.Serializer):
    """A timekeeper."""

    id = serializers.CharField(source="public_id")
    external_id = serializers.CharField()
    name = serializers.CharField()
    classification = serializers.CharField()
    level = serializers.CharField()
    state = serializers.CharField()
    version = serializers.IntegerField()


class SignedBy(serializers.CharField):
    """The name of who signed."""

    def to_representation(self, value: Any) -> str:
        """Return the name, empty while nobody has signed."""
        names: dict[str, str] | None = self.context.get("signers")
        return (names_of([value]) if names is None else names).get(value, "")


class SignedRows(serializers.ListSerializer):
    """Rows in a list, with who signed all of them asked for at once."""

    def to_representation(self, data: Any) -> Any:
        """Return the rows."""
        rows = list(data)
        refs = [ref for row in rows for ref in (row.proposed_by, row.decided_by)]
        cast(dict[str, Any], self.context)["signers"] = names_of(refs)
        return super().to_representation(rows)


class RateOut(serializers.Serializer):
    """A rate, with who proposed and who decided."""

    id = serializers.CharField(source="public_id")
    matter_id = serializers.CharField(source="matter.public_id", default=None, allow_null=True)
    customer_id = serializers.CharField(source="customer.public_id", default=None, allow_null=True)
    timekeeper_id = serializers.CharField(
        source="timekeeper.public_id", default=None, allow_null=True
    )
    level = serializers.CharField()
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(allow_null=True)
    amount = MoneyOut(source="price")
    state = serializers.CharField()
    proposed_by = SignedBy()
    decided_by = SignedBy()

    class Meta:
        list_serializer_class = SignedRows


class RowsIn(serializers.Serializer):
    """Rows to take over, at most 500."""

    rows = serializers.ListField(child=serializers.DictField(), max_length=500)


class RowOut(serializers.Serializer):
    """What came of one row."""

    index = serializers.IntegerField()
    status = serializers.CharField(help_text="created, updated, unchanged or refused")
    external_id = serializers.CharField()
    id = serializers.CharField()
    version = serializers.IntegerField(allow_null=True)
    code = serializers.CharField()
    detail = serializers.CharField()


class RowsOut(serializers.Serializer):
    """What came of all rows, in their order, and how many of each."""

    counts = serializers.DictField(child=serializers.IntegerField())
    results = RowOut(many=True)
