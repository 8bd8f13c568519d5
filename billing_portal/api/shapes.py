"""Shapes that every room's endpoints share: strict input, decimals as text."""

from __future__ import annotations

from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing_portal.bounds import DAYS_IN_WORDS, MOST_AT_A_BANK, is_a_day
from billing_portal.ids import NotAnId, uid_of
from billing_portal.money import NotAnAmount, UnknownCurrency, amount_typed


class StrictIn(serializers.Serializer):
    """Input that names nothing unknown: a misspelled field is told, not dropped."""

    def to_internal_value(self, data: Any) -> Any:
        """Return typed values.

        :raises ValidationError: naming every unknown field and every bad value.
        """
        strange = set(data) - set(self.fields) if isinstance(data, dict) else set()
        if strange:
            raise serializers.ValidationError(
                {name: ["There is no such field."] for name in sorted(strange)}, code="unknown"
            )
        return super().to_internal_value(data)


class DecimalText(serializers.DecimalField):
    """A decimal written as text: a JSON number may have passed through a float."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the decimal.

        :raises ValidationError: for anything but a text.
        """
        if not isinstance(data, str):
            raise serializers.ValidationError("Write the number as a text.", code="text")
        return super().to_internal_value(data)


class Day(serializers.DateField):
    """A day on which something can be billed."""

    def to_internal_value(self, value: Any) -> date:
        """Return the day.

        :raises ValidationError: for no day, or one out of bounds.
        """
        day: date = super().to_internal_value(value)
        if not is_a_day(day):
            raise serializers.ValidationError(f"Write {DAYS_IN_WORDS}.", code="bounds")
        return day


@extend_schema_field(str)
class PublicId(serializers.Field):
    """A public id in a body, typed as the key behind it."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix

    def to_internal_value(self, data: Any) -> Any:
        """Return the UUID.

        :raises ValidationError: for a malformed id, or one of another noun.
        """
        try:
            return uid_of(self.prefix, str(data))
        except NotAnId as error:
            raise serializers.ValidationError(
                f"Write an id that begins with {self.prefix}_.", code="id"
            ) from error


class ExactMoneyIn(StrictIn):
    """An amount above zero as text, with its currency: exact in the currency's decimals."""

    amount = serializers.CharField(max_length=20)
    currency = serializers.CharField(max_length=3)

    def validate(self, attrs: dict[str, str]) -> Any:
        """Return the money.

        :raises ValidationError: for no currency, no amount, zero, or too many decimals.
        """
        try:
            found = amount_typed(attrs["amount"], attrs["currency"])
        except UnknownCurrency as error:
            raise serializers.ValidationError({"currency": str(error)}, code="currency") from error
        except NotAnAmount as error:
            raise serializers.ValidationError({"amount": str(error)}, code="amount") from error
        if not 0 < found.minor < MOST_AT_A_BANK:
            raise serializers.ValidationError({"amount": "Above zero, please."}, code="bounds")
        return found
