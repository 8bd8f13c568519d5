"""Reminders: what went out, and what would go out next, to whom and why."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from billing_portal.ids import uid_of
from billing_portal.portal.answers import today_of
from billing_portal.portal.lists import page_of
from billing_portal.portal.nouns import Noun
from billing_portal.portal.remarks import Remark
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from dunning.models import Reminder
from dunning.queries import reminders as asked_of
from invoices.models import Invoice, Submission

_MOST = 100


@require_safe
@may("dunning.read")
def reminders(request: FirmRequest) -> HttpResponse:
    """Show what is due today and tomorrow, what is held back, and what went out. Twelve queries."""
    today = today_of(request)
    now, then = asked_of.forecast(today), asked_of.forecast(today + timedelta(days=1))
    known = {(due.invoice.pk, due.step.level) for due in now.due}
    tomorrow = [due for due in then.due if (due.invoice.pk, due.step.level) not in known]
    context = {
        "page": page_of(asked_of.reminders(), request),
        "due": now.due[:_MOST],
        "due_count": len(now.due),
        "held": [(each, _why(each.upload)) for each in now.held[:_MOST]],
        "tomorrow": tomorrow[:_MOST],
        "unlisted": sum(max(0, len(rows) - _MOST) for rows in (now.due, tomorrow)),
        "held_unlisted": max(0, len(now.held) - _MOST),
        "ladder": asked_of.ladder(),
        "may_send": request.actor.may("dunning.edit"),
    }
    return render(request, "dunning/reminders.html", context)


def _why(upload: Submission) -> str:
    """Say what an invoice waits for at its carrier."""
    said = {
        Submission.State.UNSURE: gettext("Nobody can tell yet whether %(carrier)s has it."),
        Submission.State.NEEDS_PERSON: gettext("Its upload to %(carrier)s waits for a person."),
        Submission.State.REJECTED: gettext("%(carrier)s rejected it; that is not resolved yet."),
        Submission.State.CONFIRMED: gettext("%(carrier)s is reviewing it."),
    }
    on_its_way = gettext("Its upload to %(carrier)s is on its way.")
    return said.get(Submission.State(upload.state), on_its_way) % {"carrier": upload.carrier}


def reminders_named(actor: Actor, ids: list[str]) -> dict[str, Noun]:
    """Return what reminders are called by public id; they stand in a list. One query."""
    if not actor.may("dunning.read"):
        return {}
    uids = [uid_of(Reminder.ID_PREFIX, text) for text in ids]
    rows = Reminder.objects.filter(uid__in=uids).select_related("invoice")
    return {
        row.public_id: Noun(f"{row.level} of {row.invoice.number}", reverse("dunning:reminders"))
        for row in rows
    }


def of_reminders(actor: Actor, keys: list[int]) -> dict[int, Noun]:
    """Return the invoices that reminders are of, by the reminder's key. One query."""
    if not actor.may("invoices.read"):
        return {}
    rows = Reminder.objects.filter(pk__in=keys).select_related("invoice")
    return {
        row.pk: Noun(str(row.invoice), reverse("invoices:invoice", args=[row.invoice.public_id]))
        for row in rows
    }


def reminders_of(actor: Actor, invoice: str) -> list[Remark] | None:
    """Return the reminders of an invoice, by its public id; None for who may not read them.

    One query: an invoice has one a step of the ladder at most.
    """
    if not actor.may("dunning.read"):
        return None
    rows = Reminder.objects.filter(invoice__uid=uid_of(Invoice.ID_PREFIX, invoice))
    return [
        Remark(
            on=row.decided_on,
            what=f"Reminder {row.level}",
            state=row.state,
            detail=row.recipient,
            url=reverse("dunning:reminders"),
        )
        for row in rows.order_by("level")
    ]
