"""How values look in JSON: money as text with its currency, dates ISO, moments in UTC."""

from __future__ import annotations

from typing import Any

from rest_framework.renderers import JSONRenderer

from billing_portal.money import Money


def as_json(data: Any) -> bytes:
    """Return the bytes that the API would send."""
    rendered: bytes = JSONRenderer().render(data)
    return rendered


def money(value: Money) -> dict[str, str]:
    """Return ``{"amount": "1234.50", "currency": "USD"}``; never a JSON number."""
    return {"amount": str(value.amount), "currency": value.currency}
