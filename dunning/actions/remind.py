"""Reminding: an overdue invoice is written about once a step, however often a process crashes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.template.loader import render_to_string

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record, record_many
from billing_portal.jobs.queries import without_live_job
from billing_portal.jobs.queue import job
from billing_portal.money import Money, written
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor, system
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id, tenant_scope
from dunning.models import Reminder
from dunning.queries.reminders import Due, due_reminders
from invoices.actions.deliver import (
    NoMailAddress,
    address_of,
    attempt,
    footer_of,
    how_to_pay,
    in_letters,
    replies_to,
    send_now,
    sender_of,
)
from invoices.gateways import mail
from ledger.queries import open_amounts

POSTMAN = system("postman")
_ATTEMPTS = 6
_State = Reminder.State
_ORDINALS = {1: "First reminder", 2: "Second reminder", 3: "Last reminder"}


@transaction.atomic
def remind_due(
    *, on: date, by: Actor, only: Collection[tuple[UUID, int]] | None = None
) -> list[Reminder]:
    """Write to the customers whose invoices are due for their next step; return what was decided.

    Asked for twice, or by two processes at once, each step happens once: it is a unique row. About
    ten queries and those of the addresses.

    :param only: the invoices and steps that a person has seen and confirmed: what became due
        meanwhile is left for the next time, and what is not due any more is left out.
    """
    by.must("dunning.edit")
    found = due_reminders(on)
    if only is not None:
        found = [due for due in found if (due.invoice.uid, due.step.level) in only]
    wanted = [_reminder(due, on) for due in found]
    Reminder.objects.bulk_create(wanted, ignore_conflicts=True)
    made = list(
        Reminder.objects.filter(uid__in=[each.uid for each in wanted]).select_related("invoice")
    )
    deeds = [(each, {"level": each.level, **told(each)}) for each in made]
    record_many("reminder.decided", deeds, by=by)
    queued = [each for each in made if each.state == _State.QUEUED]
    send_reminder_later.enqueue_many(
        [(f"remind:{each.uid}", {"reminder_id": each.pk}) for each in queued], group=""
    )
    return made


def _reminder(due: Due, on: date) -> Reminder:
    invoice = due.invoice
    reminder = Reminder(
        invoice=invoice,
        customer=invoice.customer,
        level=due.step.level,
        open_amount=due.owed.minor,
        currency=due.owed.currency,
        due_on=due.due_on,
        decided_on=on,
    )
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2]
    reminder.message_id = f"{reminder.public_id}@{domain}"
    try:
        reminder.recipient = address_of(invoice.customer)
    except NoMailAddress as no:
        reminder.state, reminder.error_code, reminder.error_text = _State.FAILED, no.code, str(no)
    return reminder


@job(
    title="Mail a reminder",
    queue="mail",
    timeout=90,
    max_attempts=_ATTEMPTS,
    backoff=10,
    scoped=False,
)
def send_reminder_later(*, tenant_id: int, reminder_id: int) -> None:
    """Mail a reminder. Twice does no harm: what was sent stays, and a repeat is the same mail.

    What is owed is read again first: an invoice paid meanwhile is skipped.

    :raises MailDown, MailUnknown: when it is to be tried again, which the job does.
    """
    with tenant_scope(tenant_id):
        message = _begin(reminder_id)
    if message is None:
        return
    mailed = attempt(lambda: send_now(message), most=_ATTEMPTS)
    with tenant_scope(tenant_id):
        _end(reminder_id, mailed.state, mailed.code, mailed.text)
    if mailed.error is not None:
        raise mailed.error


@transaction.atomic
def settle_reminders() -> int:
    """End reminders that no job will bring on: failed, or unknown where they may have left."""
    waiting = Reminder.objects.filter(state__in=(_State.QUEUED, _State.SENDING))
    found = without_live_job(waiting, send_reminder_later.name, "reminder_id")
    rows = list(found.select_for_update(of=("self",)).order_by("pk"))
    for each in rows:
        ended = _State.UNKNOWN if each.state == _State.SENDING else _State.FAILED
        _end(each.pk, ended, "deliveries.job_failed", "It ended without a word.")
    return len(rows)


def _begin(reminder_id: int) -> mail.OutgoingMail | None:
    reminder = Reminder.objects.select_for_update(of=("self",)).get(pk=reminder_id)
    if reminder.state in {_State.SENT, _State.FAILED, _State.SKIPPED}:
        return None
    invoice = reminder.invoice
    owed = open_amounts([invoice.uid]).get(invoice.uid, 0)
    if owed <= 0:
        _end(reminder_id, _State.SKIPPED, "", "It was paid meanwhile.")
        return None
    reminder.state = _State.SENDING
    reminder.attempts += 1
    reminder.version += 1
    reminder.save(update_fields=["state", "attempts", "version"])
    firm = Tenant.objects.get(pk=current_tenant_id())
    context = letter_context(firm, reminder, Money.of_minor(owed, reminder.currency))
    return mail.OutgoingMail(
        message_id=reminder.message_id,
        sender=sender_of(firm),
        recipients=(reminder.recipient,),
        headers=replies_to(firm),
        subject=render_to_string("mail/base_subject.txt", context).strip(),
        text=render_to_string("mail/base.txt", context),
        html=render_to_string("mail/base.html", context),
        written_at=reminder.queued_at.astimezone(UTC),
    )


def letter_context(firm: Tenant, reminder: Reminder, owed: Money) -> dict[str, Any]:
    """Return what a reminder says: number, days, what is owed and how to pay; no narratives."""
    invoice, due_on = reminder.invoice, in_letters(reminder.due_on, firm)
    heading = _ORDINALS.get(reminder.level, f"Reminder {reminder.level}")
    facts = [
        ("Invoice", invoice.number),
        ("Was due", due_on),
        ("Still to pay", written(owed)),
    ]
    if owed != invoice.total_money:
        facts.insert(2, ("Invoiced", written(invoice.total_money)))
    return {
        "firm": firm,
        "subject": f"{heading}: invoice {invoice.number}, {written(owed)} open",
        "heading": heading,
        "preheader": f"Invoice {invoice.number} was due on {due_on}.",
        "paragraphs": [
            f"Our invoice {invoice.number} for {reminder.customer} was due on {due_on}.",
            f"{written(owed)} is still to be paid.",
            "If you have paid it in the last few days, thank you: there is nothing more to do.",
            *how_to_pay(firm, invoice),
        ],
        "facts": facts,
        "footer": footer_of(firm),
    }


def _end(reminder_id: int, state: str, code: str = "", text: str = "") -> None:
    reminder = Reminder.objects.select_for_update(of=("self",)).get(pk=reminder_id)
    reminder.state, reminder.error_code, reminder.error_text = state, code, text[:500]
    reminder.version += 1
    fields = ["state", "error_code", "error_text", "version"]
    if state == _State.SENT:
        reminder.sent_at = Now()
        fields.append("sent_at")
    reminder.save(update_fields=fields)
    if state in {_State.SENT, _State.FAILED, _State.SKIPPED}:
        record(f"reminder.{state.lower()}", reminder, by=POSTMAN, code=code, **told(reminder))
        publish(
            f"reminder.{state.lower()}",
            about=reminder.invoice.public_id,
            reminder_id=reminder.public_id,
            level=reminder.level,
        )
