"""One step of what takes two people: find the firm's row, do the deed, lead back to the list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse

from billing_portal.portal.answers import after
from billing_portal.portal.nouns import row_named
from billing_portal.tenancy.requests import FirmRequest

Deed = Callable[..., Any]


def moved(
    request: FirmRequest,
    rows: QuerySet[Any],
    public_id: str,
    deed: Deed,
    *,
    said: str,
    to: str = "people:people",
) -> HttpResponse:
    """Do something to one of the rows and lead on.

    :param rows: those of the firm.
    :param deed: takes the row, and ``by`` whom.
    :param to: the name of a page.
    :raises Http404: when it is none of the rows.
    """
    row = row_named(rows, public_id)
    return after(request, lambda: deed(row, by=request.actor), to=reverse(to), said=said)


def dated(deed: Deed) -> Deed:
    """Return a deed that is done at the moment when it is asked for."""
    return lambda row, *, by: deed(row, by=by, at=datetime.now(UTC))
