"""What is asked of reminders: which were sent, and which come next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import QuerySet

from billing_portal.money import Money
from dunning.models import Reminder, ReminderStep
from dunning.queries.payments import open_invoices
from dunning.schedule import LADDER, Step, step_due
from invoices.models import Invoice, Submission
from invoices.queries.uploads import unsettled_uploads
from ledger.queries import open_amounts


@dataclass(frozen=True)
class Due:
    """A reminder that is due: for which invoice, which step, and what is owed."""

    invoice: Invoice
    step: Step
    owed: Money
    due_on: date
    days_late: int


@dataclass(frozen=True)
class Held:
    """A reminder that would be due, were its invoice not with the carrier: it is held back."""

    due: Due
    upload: Submission


@dataclass(frozen=True)
class Forecast:
    """What is to be reminded of on a day, and what is held back; each oldest due first."""

    due: list[Due]
    held: list[Held]


def reminders() -> QuerySet[Reminder]:
    """Return the firm's reminders with what they name."""
    rows: QuerySet[Reminder] = Reminder.objects.select_related("invoice", "customer")
    return rows


def ladder() -> tuple[Step, ...]:
    """Return the firm's own steps, or the house's where it has none. One query."""
    rows = ReminderStep.objects.filter(is_active=True).order_by("level")
    own = tuple(Step(row.level, row.days_after_due) for row in rows)
    return own or LADDER


def due_reminders(on: date) -> list[Due]:
    """Return what is to be reminded of on a day, oldest due first; at most one step an invoice.

    Five queries.
    """
    return forecast(on).due


def forecast(on: date) -> Forecast:
    """Return what is to be reminded of on a day, and what is held back until a carrier has decided.

    An invoice whose credit note waits or is final is left alone. Five queries.
    """
    found = _due(on)
    uploads = unsettled_uploads(each.invoice.pk for each in found)
    return Forecast(
        due=[each for each in found if each.invoice.pk not in uploads],
        held=[Held(each, uploads[each.invoice.pk]) for each in found if each.invoice.pk in uploads],
    )


def numbers_and_owed(invoices: Collection[UUID]) -> list[tuple[str, int]]:
    """Return the numbers of invoices, and what is owed on each in minor units. Two queries."""
    owed = open_amounts(invoices)
    rows = Invoice.objects.filter(uid__in=invoices).order_by("number")
    return [(number, owed.get(uid, 0)) for uid, number in rows.values_list("uid", "number")]


def _due(on: date) -> list[Due]:
    credited = Invoice.objects.filter(kind=Invoice.Kind.CREDIT_NOTE).exclude(
        state=Invoice.State.VOID
    )
    left_alone = set(credited.values_list("corrects_id", flat=True))
    done: dict[int, dict[int, date]] = defaultdict(dict)
    rows = Reminder.objects.values_list("invoice_id", "level", "decided_on")
    for reminded, level, decided_on in rows:
        done[reminded][level] = decided_on
    steps = ladder()
    found = []
    for invoice in open_invoices():
        if invoice.due_on is None or invoice.pk in left_alone:
            continue
        step = step_due(invoice.due_on, on, done[invoice.pk], steps)
        if step is not None:
            owed = Money.of_minor(int(invoice.owed), invoice.currency)
            found.append(Due(invoice, step, owed, invoice.due_on, (on - invoice.due_on).days))
    return found
