"""Finalizing: number, tax, book, freeze. From then on an invoice is a claim that never changes.

Set-based: however many invoices, they are numbered by one update of their series, booked by one
posting and frozen by one insert. Locks are taken in the house's order: customer, invoice, period,
number, outbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from django.db import connection, transaction

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record_named
from billing_portal.money import Money
from billing_portal.outbox.events import publish_many
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id
from customers.models import AggregationSetting, Customer, Matter, Timekeeper
from customers.queries import Party, parties_of
from invoices.actions.freeze import freeze
from invoices.actions.numbering import BILLS, take_numbers
from invoices.actions.refusals import (
    BeforeWork,
    IssuedOnAnotherDay,
    NotApproved,
    TaxChanged,
    must_be_a_day,
)
from invoices.actions.render import render_documents_later
from invoices.actions.taxing import apply_tax
from invoices.models import Charge, Invoice, InvoiceLine
from invoices.queries.attaching import attach
from invoices.queries.invoices import unapproved
from ledger.actions.months import must_be_after_closing
from ledger.actions.posting import Line, NewEntry, post

_TAX_FIELDS = ("tax_category", "tax_rate", "tax_amount", "tax_basis")
# One statement for any number of rows: a CASE for each column of each row is slow to parse.
_SAVE = """
update invoices_invoice i set state = %s, number = v.number, issued_on = v.issued_on,
  due_on = v.due_on, entry_id = v.entry_id, net = v.net, tax = v.tax, total = v.total
from unnest(%s::bigint[], %s::text[], %s::date[], %s::date[], %s::bigint[], %s::bigint[],
  %s::bigint[], %s::bigint[]) as v (id, number, issued_on, due_on, entry_id, net, tax, total)
where i.tenant_id = %s and i.id = v.id
"""


@transaction.atomic
def finalize(
    invoices: Sequence[Invoice], *, by: Actor, on: date, today: date | None = None
) -> list[Invoice]:
    """Turn approved invoices into claims, all or none, numbered in the given order.

    One that is final already is returned as it is, so that a repeat does no harm. At most 40
    queries, whatever the number.

    :param on: the day of issue: it names the number's year, the tax point and the booking day.
    :param today: where a person names ``on``, the day it is.
    :raises BadDay: for a day out of bounds, or after ``today``.
    :raises IssuedOnAnotherDay: when ``today`` is given and one was issued on another day.
    :raises BeforeWork: when one bills work of a later day than ``on``.
    :raises BeforeLastNumber: when the series has a number of a later day than ``on``.
    :raises NotApproved: when the review of one has not ended in approval.
    :raises TaxChanged: when the tax is no longer what was approved.
    :raises NoRate: when the table has no row for the place, category and day.
    :raises PeriodClosed: when the books of ``on`` are closed, or those of a later month.
    """
    by.must("invoices.finalize")
    must_be_a_day(on, today)
    ready, found = _locked(invoices)
    if today is not None:
        _must_be_issued_on(on, found)
    if not ready:
        return found
    must_be_after_closing([on])  # also for one that comes to nothing, which books nothing
    lines = _lines_of(ready)
    for invoice in ready:
        _must_be_after_its_work(invoice, lines[invoice.pk], on)
    firm = Tenant.objects.get(pk=current_tenant_id())
    parties = parties_of({each.customer_id: each.customer for each in ready}.values(), on)
    _tax_all(ready, lines, firm, parties, on)
    _book(ready, lines, by=by, on=on)
    numbers = take_numbers(len(ready), BILLS, on=on)
    for invoice, number in zip(ready, numbers, strict=True):
        invoice.number = number
    for invoice in ready:
        invoice.state = Invoice.State.FINALIZED
        invoice.issued_on = on
        invoice.due_on = on + timedelta(days=invoice.customer.payment_terms_days)
    _save(ready)
    facts = [(each, lines[each.pk], parties[each.customer_id]) for each in ready]
    frozen = freeze(facts, firm=firm)
    _tell(ready, frozen, by=by)
    render_documents_later.enqueue_many(
        [(f"render:{each.uid}", {"invoice_id": each.pk}) for each in ready], group=""
    )
    return found


def _tell(ready: list[Invoice], frozen: list[str], *, by: Actor) -> None:
    """Write down that invoices became final, each with the hash of what was frozen of it."""
    names = [(each.public_id, each) for each in ready]
    deeds = [
        (name, {"number": each.number, "frozen_sha256": sha256, **told(each)})
        for (name, each), sha256 in zip(names, frozen, strict=True)
    ]
    record_named("invoice.finalized", "invoice", deeds, by=by)
    publish_many(
        "invoice.finalized",
        [(name, {"version": each.version, "number": each.number}) for name, each in names],
    )


def _locked(invoices: Sequence[Invoice]) -> tuple[list[Invoice], list[Invoice]]:
    """Return those to finalize and all of them, in the given order, with their rows locked."""
    ids = list(dict.fromkeys(invoice.pk for invoice in invoices))
    owners = set(Invoice.objects.filter(pk__in=ids).values_list("customer_id", flat=True))
    customers = Customer.objects.select_for_update().filter(pk__in=owners).order_by("pk")
    by_key = {customer.pk: customer for customer in customers}
    rows = Invoice.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    known = {invoice.pk: invoice for invoice in rows}
    for invoice in known.values():
        invoice.customer = by_key[invoice.customer_id]
    attach(known.values(), matter=Matter, terms=AggregationSetting)
    found = [known[pk] for pk in ids if pk in known]
    ready = [invoice for invoice in found if invoice.state != Invoice.State.FINALIZED]
    for invoice in ready:
        if invoice.state != Invoice.State.APPROVED or invoice.kind != Invoice.Kind.INVOICE:
            raise NotApproved(
                f"{invoice} for {invoice.customer} is {invoice.get_state_display().lower()},"
                " not approved."
            )
    never = unapproved(ready)
    if never:
        raise NotApproved(f"No approval of {never[0]} for {never[0].customer}, as it is, is kept.")
    return ready, found


def _must_be_issued_on(on: date, invoices: Sequence[Invoice]) -> None:
    """Refuse to answer for a final invoice as if it had been issued on the day asked for."""
    for invoice in invoices:
        if invoice.issued_on not in {None, on}:
            raise IssuedOnAnotherDay(f"{invoice} was issued on {invoice.issued_on}, not on {on}.")


def _lines_of(invoices: Sequence[Invoice]) -> dict[int, list[InvoiceLine]]:
    """Return what each invoice bills, with what the lines name. Four queries."""
    lines: dict[int, list[InvoiceLine]] = {invoice.pk: [] for invoice in invoices}
    rows = InvoiceLine.objects.filter(invoice__in=list(lines), is_released=False)
    every = list(rows.order_by("invoice_id", "number"))
    attach(every, matter=Matter, timekeeper=Timekeeper)
    for line in every:
        lines[line.invoice_id].append(line)
    return lines


def _must_be_after_its_work(invoice: Invoice, lines: Sequence[InvoiceLine], on: date) -> None:
    """Refuse to issue a claim before its last work. Not the period's end: a bill may be early."""
    last = max((line.worked_on for line in lines), default=on)
    if on < last:
        raise BeforeWork(f"{invoice} for {invoice.customer} bills work of {last}, after {on}.")


def _charges_of(lines: dict[int, list[InvoiceLine]]) -> dict[int | None, UUID]:
    keys = [line.charge_id for each in lines.values() for line in each if line.charge_id]
    return dict(Charge.objects.filter(pk__in=keys).values_list("pk", "uid"))


def _tax_all(
    invoices: Sequence[Invoice],
    lines: dict[int, list[InvoiceLine]],
    firm: Tenant,
    parties: dict[int, Party],
    on: date,
) -> None:
    """Tax each invoice for good, and save the lines on which that is not what was quoted."""
    every = [line for each in invoices for line in lines[each.pk]]
    quoted = {line.pk: _tax_of(line) for line in every}
    for invoice in invoices:
        _tax(invoice, lines[invoice.pk], firm, parties[invoice.customer_id], on)
    moved = [line for line in every if _tax_of(line) != quoted[line.pk]]
    if moved:
        InvoiceLine.objects.bulk_update(moved, _TAX_FIELDS, batch_size=500)


def _tax_of(line: InvoiceLine) -> tuple[object, ...]:
    return tuple(getattr(line, name) for name in _TAX_FIELDS)


def _tax(
    invoice: Invoice, lines: Sequence[InvoiceLine], firm: Tenant, party: Party, on: date
) -> None:
    approved = invoice.tax
    apply_tax(invoice, lines, firm=firm, party=party, tax_point=on)
    if invoice.tax != approved:
        raise TaxChanged(
            f"The tax of {invoice} for {invoice.customer} is {invoice.tax_money} on {on}; approved"
            f" was {Money.of_minor(approved, invoice.currency)}. Reopen it and have it approved."
        )


def _book(
    invoices: Sequence[Invoice], lines: dict[int, list[InvoiceLine]], *, by: Actor, on: date
) -> None:
    """Book each claim: receivable against unbilled work and tax; nothing moved, no entry."""
    uids = _charges_of(lines)
    wanted = [(each, _entry(each, lines[each.pk], uids, on)) for each in invoices]
    moving = [(invoice, entry) for invoice, entry in wanted if entry.lines]
    entries = post([entry for _, entry in moving], by=by)
    for (invoice, _), entry in zip(moving, entries, strict=True):
        invoice.entry = entry


def _entry(
    invoice: Invoice, lines: Sequence[InvoiceLine], uids: dict[int | None, UUID], on: date
) -> NewEntry:
    owner, currency = invoice.customer.public_id, invoice.currency
    sides = [
        Line(
            "ar",
            invoice.total_money,
            owner,
            invoice=invoice.uid,
            matter=invoice.matter.uid if invoice.matter else None,
        )
    ]
    sides += [
        Line(
            "wip",
            Money.of_minor(-line.amount, currency),
            owner,
            invoice=invoice.uid,
            charge=uids.get(line.charge_id),
            matter=line.matter.uid if line.matter else None,
        )
        for line in lines
    ]
    taxes: dict[tuple[str, str], int] = {}
    for line in lines:
        code = (
            line.tax_basis["jurisdiction"],
            f"{line.tax_category}@{line.tax_rate.normalize():f}",
        )
        taxes[code] = taxes.get(code, 0) + line.tax_amount
    sides += [
        Line(
            *("tax", Money.of_minor(-minor, currency), jurisdiction),
            invoice=invoice.uid,
            tax_code=code[:40],
        )
        for (jurisdiction, code), minor in taxes.items()
    ]
    return NewEntry(
        kind="invoice",
        booked_on=on,
        key=f"invoice:{invoice.uid}",
        source=invoice.public_id,
        lines=tuple(side for side in sides if side.minor),
    )


def _save(invoices: Sequence[Invoice]) -> None:
    rows = [
        (
            each.pk,
            each.number,
            each.issued_on,
            each.due_on,
            each.entry_id,
            each.net,
            each.tax,
            each.total,
        )
        for each in invoices
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, [Invoice.State.FINALIZED, *columns, current_tenant_id()])
