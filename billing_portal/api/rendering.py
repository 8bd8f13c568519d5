"""How values look in JSON: money as text with its currency, dates ISO, moments in UTC."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from billing_portal.money import Money


def as_json(data: Any) -> bytes:
    """Return the bytes that the API would send."""
    rendered: bytes = JSONRenderer().render(data)
    return rendered


def money(value: Money) -> dict[str, str]:
    """Return ``{"amount": "1234.50", "currency": "USD"}``; never a JSON number."""
    return {"amount": str(value.amount), "currency": value.currency}


class MoneyOut(serializers.Serializer):
    """An amount as text, with its currency."""

    amount = serializers.CharField(help_text="A decimal with all places of its currency.")
    currency = serializers.CharField(help_text="ISO 4217.")

    def to_representation(self, instance: Money) -> dict[str, str]:
        """Return amount and currency."""
        return money(instance)
