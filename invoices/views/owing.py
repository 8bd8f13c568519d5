"""What a page says of a final invoice's money: what is open, what paid it, what reminded of it.

All of it is asked; nothing of it is a state of the invoice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils.module_loading import import_string

from billing_portal.money import Money
from billing_portal.portal.nouns import Noun, nouns_of
from billing_portal.portal.remarks import Remark
from billing_portal.tenancy.actors import Actor
from invoices.models import Invoice
from invoices.queries.paying import allocations_to
from ledger.queries import open_amounts

_MOST = 50


@dataclass(frozen=True)
class Applied:
    """So much of a payment: on which day it came in, and when it was taken back, if it was."""

    payment: str
    received_on: date
    amount: Money
    back_on: date | None


@dataclass(frozen=True)
class Owing:
    """How a final invoice stands.

    :ivar open: what is owed on it; Nnone for a credit note.
    :ivar marks: states to be shown beside that of the invoice.
    :ivar payments: what was applied to it; None for who may not read payments. Likewise
        ``reminders``.
    :ivar nouns: names and pages of payments, by public id.
    :ivar entry_url: where the entry is that booked it; empty for who may not read the ledger.
    """

    open: Money | None
    days_late: int
    marks: list[str]
    payments: list[Applied] | None
    has_more: bool
    reminders: list[Remark] | None
    nouns: dict[str, Noun]
    entry_url: str


def owing(invoice: Invoice, actor: Actor, *, note: Invoice | None, on: date) -> Owing | None:
    """Return how a final invoice or note stands, as far as the reader may know; else None.

    Four queries at most, whatever the number of payments and reminders; none for a credit note.

    :param note: the credit note that was asked for or made.
    """
    if invoice.state != Invoice.State.FINALIZED:
        return None
    entry = invoice.entry.public_id if invoice.entry else ""
    payments = None
    if actor.may("payments.read") and not invoice.is_note:
        payments = _payments(invoice)
    shown = payments[:_MOST] if payments is not None else None
    nouns = nouns_of(actor, [*(each.payment for each in shown or ()), entry])
    left, days_late = _left(invoice, on)
    reminded = import_string(settings.INVOICE_REMINDERS)
    return Owing(
        open=left,
        days_late=days_late,
        marks=_marks(invoice, left, note, is_late=days_late > 0) if left is not None else [],
        payments=shown,
        has_more=payments is not None and len(payments) > _MOST,
        reminders=None if invoice.is_note else reminded(actor, invoice.public_id),
        nouns=nouns,
        entry_url=nouns.get(entry, Noun()).url,
    )


def _left(invoice: Invoice, on: date) -> tuple[Money | None, int]:
    """Return what is owed on a bill, and for how many days it has been late. One query."""
    if invoice.is_note:
        return None, 0
    left = Money.of_minor(open_amounts([invoice.uid]).get(invoice.uid, 0), invoice.currency)
    is_late = invoice.due_on is not None and left.amount > 0 and invoice.due_on < on
    return left, (on - invoice.due_on).days if is_late and invoice.due_on else 0


def _payments(invoice: Invoice) -> list[Applied]:
    return [
        Applied(
            payment=each.payment.public_id,
            received_on=each.payment.received_on,
            amount=Money.of_minor(each.amount, each.payment.currency),
            back_on=each.back_on,
        )
        for each in allocations_to(invoice, limit=_MOST + 1)
    ]


def _marks(invoice: Invoice, left: Money, note: Invoice | None, *, is_late: bool) -> list[str]:
    """Return the states that the list shows, too; overdue and partly paid may both be true."""
    if note is not None and note.state == Invoice.State.FINALIZED:
        return ["CREDITED"]
    if not left:
        return ["PAID"]
    is_partly_paid = left != invoice.total_money
    return ["OVERDUE"] * is_late + ["PARTLY_PAID"] * is_partly_paid
