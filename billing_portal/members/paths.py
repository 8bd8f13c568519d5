"""Addresses outside the firms, asked for from inside one or not."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import get_script_prefix, reverse, set_script_prefix


def outside_firms(name: str, **named: Any) -> str:
    """Return the path of a page that lies outside the firms, without the firm's prefix."""
    before = get_script_prefix()
    set_script_prefix(before.split("/t/")[0].rstrip("/") + "/")
    try:
        return reverse(name, kwargs=named)
    finally:
        set_script_prefix(before)


def address_outside_firms(name: str, **named: Any) -> str:
    """Return the whole address of such a page at SITE_URL, whatever host a request names."""
    return f"{settings.SITE_URL.rstrip('/')}{outside_firms(name, **named)}"
