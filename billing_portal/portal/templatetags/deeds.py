"""How the details of a deed are read: ``{% load deeds %}`` wherever the audit trail is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from babel.dates import format_date
from django import template
from django.utils.translation import get_language, gettext, to_locale

from billing_portal.portal.templatetags.portal import words

register = template.Library()

_HASHES = frozenset({"rows", "news"})  # which verifying reads, and nobody else
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@register.filter
def facts(details: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return of a deed's details what people read, by name."""
    return [(name, value) for name, value in details.items() if name not in _HASHES]


@register.filter
def in_words(value: Any) -> str:
    """Return a JSON value as a reader says it; days are written in the reader's way."""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if value is None or value in ("", [], {}):
        return gettext("nothing")
    if isinstance(value, dict):
        return ", ".join(f"{words(name)}: {in_words(part)}" for name, part in value.items())
    if isinstance(value, list):
        between = "; " if any(isinstance(part, list | dict) for part in value) else ", "
        return between.join(in_words(part) for part in value)
    return _day(str(value)) if _DAY.fullmatch(str(value)) else str(value)


def _day(text: str) -> str:
    """Return a day as written here; what only looks like one stays as it is."""
    try:
        value = date.fromisoformat(text)
    except ValueError:
        return text
    return str(format_date(value, "medium", locale=to_locale(get_language() or "en-us")))
