"""Shapes that every room's endpoints share: strict input, decimals as text."""

from __future__ import annotations

from datetime import date
from typing import Any

from rest_framework import serializers

from billing_portal.bounds import DAYS_IN_WORDS, is_a_day


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
