"""Shapes that every room's endpoints share: strict input, decimals as text."""

from __future__ import annotations

from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing_portal.bounds import DAYS_IN_WORDS, MOST_AT_A_BANK, is_a_day, is_plain_decimal
from billing_portal.ids import NotAnId, uid_of
from billing_portal.money import NotAnAmount, UnknownCurrency, amount_typed
from billing_portal.texts import HiddenCharacter, hidden_in, hidden_in_words, is_an_id


class Prose(serializers.CharField):
    """A text that may have several lines; every other text has one."""


class PlainTexts(serializers.Serializer):
    """Input whose texts hold no hidden character."""

    def to_internal_value(self, data: Any) -> Any:
        """Return typed values.

        :raises ValidationError: naming each text that holds one.
        """
        values = super().to_internal_value(data)
        found = {
            name: self._hidden_in(name, text)
            for name, text in values.items()
            if isinstance(text, str)
        }
        wrong = {name: [hidden_in_words(each)] for name, each in found.items() if each}
        if wrong:
            raise serializers.ValidationError(wrong, code=HiddenCharacter.code)
        return values

    def _hidden_in(self, name: str, text: str) -> str:
        is_prose = isinstance(self.fields[name], Prose)
        return hidden_in(text, is_prose=is_prose, is_id=not is_prose and is_an_id(name))


class StrictIn(PlainTexts):
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

        :raises ValidationError: for anything but a text of digits with at most one point.
        """
        if not isinstance(data, str):
            raise serializers.ValidationError("Write the number as a text.", code="text")
        if not is_plain_decimal(data):
            raise serializers.ValidationError(
                "Write digits, with a point before decimals.", code="number"
            )
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
