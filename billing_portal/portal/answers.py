"""What pages share when they do something: a deed and what is said of it, days, ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponseRedirect

from billing_portal.errors import Refused
from billing_portal.ids import NotAnId, uid_of
from billing_portal.periods import local_day
from billing_portal.tenancy.actors import MissingPermission
from billing_portal.tenancy.requests import FirmRequest
from billing_portal.texts import HiddenCharacter


def after(
    request: HttpRequest,
    deed: Callable[[], Any],
    *,
    to: str,
    said: str = "",
    labels: Mapping[str, str] | None = None,
) -> HttpResponseRedirect:
    """Do something and lead on; what a rule refuses is said there, and nothing was done.

    :param labels: what the page calls values that a refusal may name.
    :raises MissingPermission: as the deed does; it is a page of its own.
    """
    try:
        with transaction.atomic():
            deed()
    except MissingPermission:
        raise
    except Refused as refusal:
        messages.error(request, in_words_of_page(refusal, labels or {}))
    else:
        if said:
            messages.success(request, said)
    return HttpResponseRedirect(to, status=303)


def in_words_of_page(refusal: Refused, labels: Mapping[str, str]) -> str:
    """Return what a refusal says, naming a value by the label that the page gives it."""
    if isinstance(refusal, HiddenCharacter) and refusal.name in labels:
        return refusal.under(labels[refusal.name])
    return str(refusal)


def today_of(request: FirmRequest) -> date:
    """Return the firm's day."""
    return local_day(datetime.now(UTC), request.tenant.time_zone)


def uid_or_none(prefix: str, public_id: str) -> Any:
    """Return the UUID that a path names, or None when it names nothing of that noun."""
    try:
        return uid_of(prefix, public_id)
    except NotAnId:
        return None


def day_or_none(text: str) -> date | None:
    """Return a date that somebody typed, or None."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
