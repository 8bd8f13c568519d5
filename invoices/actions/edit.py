"""Editing a draft: lines change with reasons, and what they lose or gain is booked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import uuid4

from django.db import transaction

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.bounds import MOST_HOURS, MOST_IN_A_LINE, is_more_than_a_day
from billing_portal.errors import Stale
from billing_portal.money import Money
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor, ActorKind
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id
from billing_portal.texts import refuse_hidden
from customers.actions.checks import has_card_number
from customers.queries import party_of
from invoices import codes
from invoices.actions.refusals import BadLine, NothingChanged, NotYours, TooManyHours, WrongState
from invoices.actions.taxing import apply_tax
from invoices.models import EDITABLE, Charge, Invoice, InvoiceLine, LineEdit, RunItem
from ledger.actions.posting import Line, NewEntry, post
from ledger.models import Entry

_State = Invoice.State
_REVENUE = {Charge.Kind.EXPENSE: "recoveries"}
_MOST_QUANTITY = Decimal(10) ** 9
_LONGEST_NARRATIVE = 15_000


@transaction.atomic
def edit_line(
    line: InvoiceLine,
    *,
    version_seen: int,
    changes: Mapping[str, Any],
    reason_code: str,
    by: Actor,
    on: date,
    reason: str = "",
) -> Invoice:
    """Change how a line is billed, with a reason; how it was worked stays on its charge.

    Its amount is quantity times price, rounded once, half away from zero, plus the adjustment; what
    it loses or gains is booked on ``on``. Each edit makes one version. About thirty queries.

    :param changes: new values by the names in ``EDITABLE``; ``adjustment`` is in minor units.
    :raises Stale: when the invoice has changed since it was read.
    :raises NotYours: when another reviewer is assigned.
    :raises WrongState: when it is approved or final.
    :raises NothingChanged: when the line is as the changes say already.
    :raises BadLine: for a value or sum that cannot be.
    :raises TooManyHours: for more hours than a charge of time can have.
    :raises HiddenCharacter: for a text with a character that cannot be seen.
    :raises PeriodClosed: when the books of ``on`` are closed.
    """
    invoice = locked(line.invoice, version_seen, _State.DRAFT, _State.IN_REVIEW)
    require_may_edit(invoice, by)
    line = InvoiceLine.objects.select_related("charge", "matter").get(pk=line.pk)
    if line.is_released:
        raise WrongState("The line is billed no more.")
    before, amount_before = {name: getattr(line, name) for name in EDITABLE}, line.amount
    _change(line, changes, reason_code, reason)
    changed = {
        name: [str(before[name]), str(getattr(line, name))]
        for name in EDITABLE
        if getattr(line, name) != before[name]
    }
    if not changed:
        raise NothingChanged("The line says that already.")
    retotal(invoice, line)
    delta = line.amount - amount_before
    entry = book_change(line, delta, amount_before, by=by, on=on, reason=reason)
    line.save()
    invoice.version += 1
    invoice.save(update_fields=["version", "net", "tax", "total"])
    edit = LineEdit(line=line, invoice=invoice, changes=changed, amount_before=amount_before)
    edit.reason_code, edit.reason, edit.entry = reason_code, reason, entry
    _keep(edit, by)
    return invoice


def _keep(edit: LineEdit, by: Actor) -> None:
    """Write the edit down: its row, the trail without narratives, the news."""
    invoice, line = edit.invoice, edit.line
    edit.version, edit.amount_after = invoice.version, line.amount
    edit.edited_by, edit.edited_by_name = by.ref, by.name
    edit.save(force_insert=True)
    record(
        "invoice.line_edited",
        invoice,
        by=by,
        line=line.number,
        fields=list(edit.changes),
        minor=[edit.amount_before, edit.amount_after],
        reason_code=edit.reason_code,
        **told(edit),
    )
    publish("invoice.edited", about=invoice.public_id, version=invoice.version, line=line.number)


@transaction.atomic
def discard(invoice: Invoice, *, version_seen: int, reason: str, by: Actor, on: date) -> Invoice:
    """Throw a draft away: its work is unbilled again, as it was worked; write-downs are undone.

    Its run item is parked, so that it can be drafted again from there.

    :raises Stale: when it has changed since it was read.
    :raises WrongState: when it is approved or final.
    :raises HiddenCharacter: for a character that cannot be seen.
    """
    by.must("invoices.edit")
    refuse_hidden({"reason": reason}, prose=["reason"])
    if not reason.strip():
        raise BadLine("Say why it is thrown away.")
    invoice = locked(invoice, version_seen, _State.DRAFT, _State.IN_REVIEW)
    require_may_edit(invoice, by)
    for line in InvoiceLine.objects.filter(invoice=invoice).select_related("charge", "matter"):
        if line.charge is not None and not line.is_released:
            back = line.charge.amount - line.amount
            book_change(line, back, line.amount, by=by, on=on, reason=reason)
    InvoiceLine.objects.filter(invoice=invoice).update(is_released=True)
    invoice.state, invoice.reason = _State.VOID, reason.strip()[:500]
    invoice.version += 1
    invoice.save(update_fields=["state", "reason", "version"])
    if invoice.run_item is not None:
        RunItem.objects.filter(pk=invoice.run_item.pk).update(
            outcome=RunItem.Outcome.PARKED,
            code="invoices.discarded",
            reason=f"Its draft was thrown away: {reason.strip()}"[:500],
        )
    record("invoice.discarded", invoice, by=by, reason=reason, **told(invoice))
    publish("invoice.discarded", about=invoice.public_id, version=invoice.version)
    return invoice


def may_edit(invoice: Invoice, by: Actor) -> bool:
    """Say whether an actor may edit an invoice: a reviewer only what they review. No query."""
    is_theirs = by.kind is ActorKind.USER and by.id == invoice.reviewer_id
    return by.may("invoices.edit") and (is_theirs or by.may("invoices.edit_for_others"))


def require_may_edit(invoice: Invoice, by: Actor) -> None:
    """Pass who may edit an invoice.

    :raises NotYours: when it is assigned to another reviewer.
    """
    by.must("invoices.edit")
    if not may_edit(invoice, by):
        raise NotYours(f"{invoice.reviewer or 'Nobody'} reviews this invoice.")


def locked(invoice: Invoice, version_seen: int, *allowed: str) -> Invoice:
    """Return the invoice as the database has it now, locked, at the version that was seen.

    :raises Stale: when it has changed since.
    :raises WrongState: when it is in none of the states allowed.
    """
    invoice = (
        Invoice.objects.select_for_update(of=("self",))
        .select_related("customer", "reviewer")
        .get(pk=invoice.pk)
    )
    if invoice.version != version_seen:
        raise Stale(version_seen, invoice.version)
    if invoice.state not in allowed:
        raise WrongState(f"It is {invoice.get_state_display().lower()}; that cannot be done now.")
    return invoice


def _change(line: InvoiceLine, changes: Mapping[str, Any], reason_code: str, reason: str) -> None:
    """Set the new values and the amount they make."""
    strange = sorted(set(changes) - set(EDITABLE))
    if strange:
        raise BadLine(f"A line has no {', '.join(strange)} that could be edited.")
    if reason_code not in LineEdit.Reason.values:
        raise BadLine("An edit needs a reason.")
    for name, value in changes.items():
        setattr(line, name, value)
    _must_make_sense(line, reason)
    exact = Money(line.quantity * line.unit_price, line.invoice.currency)
    line.amount = exact.rounded(ROUND_HALF_UP).minor + line.adjustment
    if max(abs(line.amount), abs(line.adjustment)) >= MOST_IN_A_LINE:
        raise BadLine("It comes to more than a line can.")


def _must_make_sense(line: InvoiceLine, reason: str) -> None:
    texts = {"narrative": line.narrative, "reason": reason}
    refuse_hidden(texts, prose=list(texts))
    if has_card_number(line.narrative) or has_card_number(reason):
        raise BadLine("A text holds what looks like a card number.")
    if len(line.narrative) > _LONGEST_NARRATIVE:
        raise BadLine(f"A narrative has at most {_LONGEST_NARRATIVE} letters.")
    for number in (line.quantity, line.unit_price):
        if not number.is_finite() or abs(number) >= _MOST_QUANTITY:
            raise BadLine(f"{number} is out of range.")
    if line.kind == Charge.Kind.TIME:
        _must_fit_into_a_day(line.quantity)
    for name in codes.CODES:
        if not codes.is_code(getattr(line, name)):
            raise BadLine(f"A code has {codes.IN_WORDS}.")


def _must_fit_into_a_day(hours: Decimal) -> None:
    if hours < 0:
        raise BadLine("Hours are not below zero.")
    if is_more_than_a_day(hours):
        raise TooManyHours(f"One line of time has at most {MOST_HOURS} hours.")


def retotal(invoice: Invoice, edited: InvoiceLine | None) -> None:
    """Quote the tax anew and set the totals; other lines' tax is saved where it moved."""
    lines = list(InvoiceLine.objects.filter(invoice=invoice, is_released=False).order_by("number"))
    lines = [edited if edited is not None and each.pk == edited.pk else each for each in lines]
    before = {each.pk: each.tax_amount for each in lines}
    apply_tax(
        invoice,
        lines,
        firm=Tenant.objects.get(pk=current_tenant_id()),
        party=party_of(invoice.customer, invoice.period_ends_on),
        tax_point=invoice.period_ends_on,
    )
    if invoice.total < 0:
        raise BadLine("The invoice would come to less than nothing.")
    moved = [each for each in lines if each.tax_amount != before[each.pk]]
    if moved:
        InvoiceLine.objects.bulk_update(moved, ["tax_rate", "tax_amount", "tax_basis"])


def book_change(
    line: InvoiceLine, delta: int, before: int, *, by: Actor, on: date, reason: str
) -> Entry | None:
    """Book what a line loses as written down, and what it gains above its charge as revenue."""
    charge = line.charge
    if charge is None or not delta:
        return None
    down = max(0, charge.amount - before - delta) - max(0, charge.amount - before)
    up = max(0, before + delta - charge.amount) - max(0, before - charge.amount)
    about: dict[str, Any] = {
        "charge": charge.uid,
        "matter": line.matter.uid if line.matter else None,
        "invoice": line.invoice.uid,
    }
    owner, currency = line.invoice.customer.public_id, line.invoice.currency
    revenue = _REVENUE.get(Charge.Kind(charge.kind), "fees")
    sides = (
        ("write_downs", charge.kind.lower(), down),
        (revenue, charge.kind.lower(), -up),
        ("wip", owner, up - down),
    )
    booked = NewEntry(
        kind="write_down" if up - down < 0 else "write_up",
        booked_on=on,
        key=f"line-edit:{uuid4()}",
        source=line.invoice.public_id,
        reason=reason,
        lines=tuple(
            Line(role, Money.of_minor(minor, currency), name, **about)
            for role, name, minor in sides
            if minor
        ),
    )
    (entry,) = post([booked], by=by)
    return entry
