"""Credit notes: a final invoice is never edited; what was wrong is credited in full by a note.

One person asks, another approves; the database holds them to it too. The original's tax is used.
"""

from __future__ import annotations

from datetime import date

from django.db import IntegrityError, transaction

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.members.queries import own_refs
from billing_portal.money import Money
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id
from billing_portal.texts import refuse_hidden
from customers.models import Customer
from customers.queries import party_of
from invoices.actions.edit import locked
from invoices.actions.freeze import freeze
from invoices.actions.numbering import NOTES, take_numbers
from invoices.actions.refusals import BadLine, WrongState, must_be_a_day
from invoices.actions.render import render_documents_later
from invoices.models import Invoice, InvoiceLine
from ledger.actions.payments import take_back
from ledger.actions.posting import Line, NewEntry, lock_account, post
from ledger.queries import active_allocations, open_amounts

_SAME = (
    *("number", "kind", "matter", "timekeeper", "worked_on", "quantity", "unit_price"),
    *("adjustment", "amount", "task_code", "activity_code", "expense_code", "narrative"),
    *("tax_category", "tax_rate", "tax_amount", "tax_basis"),
)


class CreditedAlready(Refused):
    """An invoice is credited once."""

    code = "credit_notes.credited_already"


class OwnRequest(Refused):
    """Who asked for a credit note cannot approve it."""

    code = "credit_notes.own_request"


@transaction.atomic
def request_credit_note(invoice: Invoice, *, reason: str, by: Actor) -> Invoice:
    """Ask that a whole invoice be credited; nothing is booked before another person approves.

    :raises WrongState: when it is no final invoice.
    :raises CreditedAlready: when a note was asked for or made before.
    :raises BadLine: without a reason.
    :raises HiddenCharacter: for a character that cannot be seen.
    """
    by.must("credit_notes.request")
    if not reason.strip():
        raise BadLine("Say why it is credited.")
    refuse_hidden({"reason": reason}, prose=["reason"])
    invoice = Invoice.objects.select_for_update(of=("self",)).get(pk=invoice.pk)
    if invoice.state != Invoice.State.FINALIZED or invoice.kind != Invoice.Kind.INVOICE:
        raise WrongState("Only a final invoice is credited.")
    note = Invoice(
        kind=Invoice.Kind.CREDIT_NOTE,
        corrects=invoice,
        customer=invoice.customer,
        matter=invoice.matter,
        terms=invoice.terms,
        state=Invoice.State.IN_REVIEW,
        currency=invoice.currency,
        period_starts_on=invoice.period_starts_on,
        period_ends_on=invoice.period_ends_on,
        net=invoice.net,
        tax=invoice.tax,
        total=invoice.total,
        as_worked=invoice.net,
        reason=reason.strip()[:500],
        made_by=by.ref,
    )
    try:
        with transaction.atomic():
            note.save()
    except IntegrityError as error:
        raise CreditedAlready(
            f"{invoice} has a credit note already, which may still wait for its second person."
        ) from error
    lines = InvoiceLine.objects.filter(invoice=invoice, is_released=False).order_by("number")
    InvoiceLine.objects.bulk_create(
        InvoiceLine(invoice=note, corrects=line, **{name: getattr(line, name) for name in _SAME})
        for line in lines.select_related("matter", "timekeeper")
    )
    why = {"invoice": invoice.public_id, "reason": note.reason}
    record("credit_note.requested", note, by=by, **why, **told(note))
    publish("credit_note.requested", about=note.public_id, invoice_id=invoice.public_id)
    return note


@transaction.atomic
def approve_credit_note(
    note: Invoice, *, version_seen: int, by: Actor, on: date, today: date | None = None
) -> Invoice:
    """Make a credit note final: number, book, freeze. What was paid is unapplied again.

    Locks the customer and their credit account, so that no allocation comes in between.

    :param today: where a person names ``on``, the day it is.
    :raises BadDay: for a day out of bounds, or after ``today``.
    :raises OwnRequest: when the same person asked for it, or a key that they had asked for.
    :raises Stale: when it has changed since it was read.
    :raises WrongState: when it was decided on before.
    :raises PeriodClosed: when the books of ``on`` are closed.
    :raises BeforeLastNumber: when another note has a number of a later day than ``on``.
    """
    by.must("credit_notes.approve")
    must_be_a_day(on, today)
    Customer.objects.select_for_update().get(pk=note.customer_id)
    note = _waiting(note, version_seen)
    if note.made_by in own_refs(by):
        raise OwnRequest("Another person approves what you asked for.")
    owner = note.customer.public_id
    lock_account("credit", owner, note.currency)
    _give_back(note, by=by, on=on)
    entry = _entry(note, on)
    if entry.lines:
        (note.entry,) = post([entry], by=by)
    (note.number,) = take_numbers(1, NOTES, on=on)
    note.issued_on = note.due_on = on
    note.approved_by, note.state = by.ref, Invoice.State.FINALIZED
    note.save()
    lines = InvoiceLine.objects.filter(invoice=note).select_related("matter", "timekeeper")
    firm = Tenant.objects.get(pk=current_tenant_id())
    party = party_of(note.customer, on)
    (frozen,) = freeze([(note, list(lines.order_by("number")), party)], firm=firm)
    facts = {"number": note.number, "frozen_sha256": frozen}
    record("credit_note.finalized", note, by=by, **facts, **told(note))
    publish("credit_note.finalized", about=note.public_id, number=note.number)
    render_documents_later.enqueue(key=f"render:{note.uid}", invoice_id=note.pk)
    return note


@transaction.atomic
def reject_credit_note(note: Invoice, *, version_seen: int, by: Actor) -> Invoice:
    """Turn a request for a credit note down; the invoice may be credited another time.

    :raises Stale: when it has changed since it was read.
    :raises WrongState: when it was decided on before.
    """
    by.must("credit_notes.approve")
    note = _waiting(note, version_seen)
    note.state = Invoice.State.VOID
    note.version += 1
    note.save(update_fields=["state", "version"])
    record("credit_note.rejected", note, by=by, **told(note))
    publish("credit_note.rejected", about=note.public_id)
    return note


def _waiting(note: Invoice, version_seen: int) -> Invoice:
    note = locked(note, version_seen, Invoice.State.IN_REVIEW)
    if note.kind != Invoice.Kind.CREDIT_NOTE:
        raise WrongState("It is no credit note.")
    return note


def _give_back(note: Invoice, *, by: Actor, on: date) -> None:
    """Take back what paid the invoice: the money is its payments' again, to pay something else."""
    if note.corrects is None:
        raise AssertionError("A credit note corrects an invoice.")
    for allocation in active_allocations(note.corrects.uid):
        reason = f"Invoice {note.corrects.number} is credited."
        take_back(allocation, by=by, on=on, reason=reason)


def _entry(note: Invoice, on: date) -> NewEntry:
    """Return the entry: revenue and tax back, the receivable down as far as it is open."""
    corrected = note.corrects
    if corrected is None:
        raise AssertionError("A credit note corrects an invoice.")
    owner, currency = note.customer.public_id, note.currency
    matter = note.matter.uid if note.matter else None
    owed = open_amounts([corrected.uid]).get(corrected.uid, 0)
    lowered = min(max(owed, 0), note.total)
    taxes: dict[tuple[str, str], int] = {}
    for line in InvoiceLine.objects.filter(invoice=note).order_by("number"):
        code = f"{line.tax_category}@{line.tax_rate.normalize():f}"
        key = (str(line.tax_basis.get("jurisdiction", "")), code[:40])
        taxes[key] = taxes.get(key, 0) + line.tax_amount
    sides = [
        Line("credit_notes", note.net_money, owner, invoice=note.uid, matter=matter),
        *(
            Line("tax", Money.of_minor(minor, currency), place, invoice=note.uid, tax_code=code)
            for (place, code), minor in taxes.items()
        ),
        Line("ar", Money.of_minor(-lowered, currency), owner, invoice=corrected.uid, matter=matter),
        Line("credit", Money.of_minor(lowered - note.total, currency), owner, invoice=note.uid),
    ]
    return NewEntry(
        kind="credit_note",
        booked_on=on,
        key=f"credit-note:{note.uid}",
        source=note.public_id,
        reason=note.reason,
        correction_group=corrected.public_id,
        lines=tuple(side for side in sides if side.amount.minor),
    )
