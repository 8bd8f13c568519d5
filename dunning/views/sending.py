"""Sending what is due, in two steps: whom it would remind of what, then to do exactly that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from billing_portal.bounds import whole_number
from billing_portal.money import Money, total_of, written
from billing_portal.portal.answers import today_of, uid_or_none
from billing_portal.tenancy.actors import may
from billing_portal.tenancy.requests import FirmRequest
from dunning.actions.remind import remind_due
from dunning.models import Reminder
from dunning.queries.reminders import Due, due_reminders, numbers_and_owed
from invoices.models import Invoice

MOST_AT_ONCE = 200
_NAMED = 3

Step = tuple[UUID, int]


@require_http_methods(["GET", "HEAD", "POST"])
@may("dunning.edit")
def send(request: FirmRequest) -> HttpResponse:
    """Show whom it would remind of what; the second step reminds of exactly that. Ten queries."""
    if request.method == "POST":
        return _send(request, _seen(request.POST.getlist("pick")))
    due = due_reminders(today_of(request))
    listed = due[:MOST_AT_ONCE]
    context = {
        "listed": listed,
        "totals": _totals(listed),
        "customers": len({each.invoice.customer_id for each in listed}),
        "left": len(due) - len(listed),
        "crumbs": [(gettext("Reminders"), reverse("dunning:reminders"))],
    }
    return render(request, "dunning/send_reminders.html", context)


def _send(request: FirmRequest, seen: Collection[Step]) -> HttpResponse:
    """Remind of what was seen and is still due; say how many, and what was left out and why."""
    made = remind_due(on=today_of(request), by=request.actor, only=seen)
    queued = [each for each in made if each.state == Reminder.State.QUEUED]
    if queued:
        messages.success(request, _on_their_way(len(queued)))
    if len(queued) < len(made):
        messages.warning(request, _not_mailed(len(made) - len(queued)))
    left = {uid for uid, _ in set(seen) - {(each.invoice.uid, each.level) for each in made}}
    for said in _left_out(left):
        messages.warning(request, said)
    if not made and not left:
        messages.error(request, gettext("No reminder was chosen; nothing was sent."))
    return HttpResponseRedirect(reverse("dunning:reminders"), status=303)


def _seen(picks: Sequence[str]) -> set[Step]:
    """Return the invoices and steps that the first page listed; what names neither is passed."""
    found = set()
    for pick in picks:
        public_id, _, text = pick.partition(":")
        uid, level = uid_or_none(Invoice.ID_PREFIX, public_id), whole_number(text)
        if uid is not None and level is not None:
            found.add((uid, level))
    return found


def _totals(listed: Sequence[Due]) -> str:
    sums: dict[str, list[Money]] = defaultdict(list)
    for each in listed:
        sums[each.owed.currency].append(each.owed)
    return " + ".join(written(total_of(sums[currency], currency)) for currency in sorted(sums))


def _on_their_way(count: int) -> str:
    said = ngettext(
        "%(count)s reminder is on its way.", "%(count)s reminders are on their way.", count
    )
    return said % {"count": f"{count:,}"}


def _not_mailed(count: int) -> str:
    said = ngettext(
        "%(count)s could not be mailed, for want of an address: it is listed below.",
        "%(count)s could not be mailed, for want of an address: they are listed below.",
        count,
    )
    return said % {"count": f"{count:,}"}


def _left_out(left: Collection[UUID]) -> list[str]:
    """Say which invoices were left out: settled meanwhile, or reminded of or held back by now.

    Two queries.
    """
    if not left:
        return []
    found = numbers_and_owed(left)
    paid = [number for number, owed in found if owed <= 0]
    other = [number for number, owed in found if owed > 0]
    said = []
    if paid:
        said.append(
            gettext("Paid or credited meanwhile, and left out: %(named)s.")
            % {"named": _named(paid)}
        )
    if other:
        why = gettext("Reminded of already or held back, and left out: %(named)s.")
        said.append(why % {"named": _named(other)})
    return said


def _named(numbers: Sequence[str]) -> str:
    named = ", ".join(numbers[:_NAMED])
    beyond = len(numbers) - _NAMED
    if beyond <= 0:
        return named
    return gettext("%(named)s and %(count)s more") % {"named": named, "count": f"{beyond:,}"}
