"""Months of the books: which are open, and closing one by two people."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from billing_portal.audit.queries import chain_state
from billing_portal.members.queries import names_of_actors
from billing_portal.portal.answers import after, today_of
from billing_portal.portal.inbox import InboxItem, shortened
from billing_portal.portal.proving import stepped_up
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from ledger import queries
from ledger.actions import closing
from ledger.models import AccountingPeriod

_State = AccountingPeriod.State
_MOST = 240


@require_safe
@may("ledger.read")
def periods(request: FirmRequest) -> HttpResponse:
    """List the last twenty years of months, newest first, with what may be done. Four queries."""
    months = list(AccountingPeriod.objects.order_by("-starts_on")[:_MOST])
    named = {ref for row in months for ref in (row.close_requested_by, row.closed_by) if ref}
    closes = request.actor.may("ledger.close")
    today = today_of(request)
    rows = [
        {
            "period": row,
            "may_request": closes and row.state == _State.OPEN and row.ends_on <= today,
            "may_withdraw": closes and row.state == _State.SOFT_CLOSED,
            "may_close": closes
            and row.state == _State.SOFT_CLOSED
            and row.close_requested_by != request.actor.ref,
            "is_running": row.ends_on > today,
            "last_day": row.ends_on - timedelta(days=1),
        }
        for row in months
    ]
    shown = {
        "rows": rows,
        "who": names_of_actors(sorted(named)),
        "chain": chain_state(queries.CHAIN),
        "crumbs": [(gettext("Ledger"), reverse("ledger:trial_balance"))],
    }
    return render(request, "ledger/periods.html", shown)


@require_POST
@may("ledger.close")
@stepped_up
def move_period(request: FirmRequest, month: str, deed: str) -> HttpResponse:
    """Ask to close a month, take that back, or close what somebody else asked to close."""
    row, by = _named(month), request.actor
    deeds = {
        "close-request": (
            lambda: closing.request_close(row, by=by, on=today_of(request)),
            gettext("Another person closes %(month)s."),
        ),
        "reopening": (
            lambda: closing.withdraw_close(row, by=by),
            gettext("%(month)s is open again."),
        ),
        "close": (
            lambda: closing.close(row, by=by, at=datetime.now(UTC)),
            gettext("%(month)s is closed for ever."),
        ),
    }
    if deed not in deeds:
        raise Http404
    action, said = deeds[deed]
    return after(request, action, to=reverse("ledger:periods"), said=said % {"month": row})


def inbox_items(actor: Actor) -> list[InboxItem]:
    """Return months that another person asked to close. One query."""
    if not actor.may("ledger.close"):
        return []
    waiting = AccountingPeriod.objects.filter(state=_State.SOFT_CLOSED)
    rows = waiting.exclude(close_requested_by=actor.ref).order_by("starts_on")[:_MOST]
    items = [
        InboxItem(
            kind="period",
            title=gettext("Close the books of %(month)s") % {"month": row},
            detail=gettext("It takes adjustments only until then."),
            url=reverse("ledger:periods"),
            icon="lock",
            order=f"{row.ends_on}:{row.pk}",
            verb=gettext("Open"),
            why=gettext("Somebody else asked for it."),
        )
        for row in rows
    ]
    return shortened(items, what=gettext("months to close"), url=reverse("ledger:periods"))


def _named(month: str) -> AccountingPeriod:
    """Return the firm's period that starts with a month such as 2026-10.

    :raises Http404: when there is none.
    """
    try:
        starts_on = date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise Http404 from error
    row: AccountingPeriod | None = AccountingPeriod.objects.filter(starts_on=starts_on).first()
    if row is None:
        raise Http404
    return row
