"""Final invoices against their frozen facts, for ``ledger_verify``.

Rows are what pages and the API show, frozen bytes are what left the house: they say the same. What
is found is told in words without values, as narratives and amounts stay out of the trail.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from django.db.models import Q

from billing_portal.audit.models import AuditEvent
from billing_portal.ids import public_id
from billing_portal.money import minor_units
from customers.models import Customer
from invoices.documents.canonical import fingerprint
from invoices.models import FrozenInvoice, Invoice, InvoiceLine
from ledger.models import Account, Entry, Posting

_TOLD = 5
_BATCH = 500
_OF_INVOICE = {
    "kind": "kind",
    "number": "number",
    "issued_on": "day of issue",
    "due_on": "due day",
    "period_starts_on": "period",
    "period_ends_on": "period",
    "currency": "currency",
    "version": "version",
}
_MONEY_OF_INVOICE = {"net": "net_total", "tax": "tax_total", "total": "total"}
_OF_LINE = {
    "worked_on": "day of work",
    "task_code": "task code",
    "activity_code": "activity code",
    "expense_code": "expense code",
    "narrative": "narrative",
    "tax_category": "tax category",
}
_NUMBERS_OF_LINE = {"quantity": "units", "unit_price": "unit_price", "tax_rate": "tax_rate"}
_MONEY_OF_LINE = {"adjustment": "adjustment", "amount": "total", "tax_amount": "tax_amount"}


def facts_are_frozen() -> list[str]:
    """Every final invoice is frozen, and says what is frozen, booked and recorded of it.

    Seven queries for each 500 invoices, the bytes of every snapshot and every line once: a few
    seconds for 10,000 invoices.
    """
    final = Invoice.objects.filter(
        Q(state=Invoice.State.FINALIZED)
        | ~Q(number="")
        | Q(pk__in=FrozenInvoice.objects.values("invoice_id"))
    )
    keys = final.order_by("pk").values_list("pk", flat=True).iterator()
    batches = iter(lambda: list(islice(keys, _BATCH)), [])
    return list(islice((words for some in batches for words in _of_batch(some)), _TOLD))


def _of_batch(keys: list[int]) -> Iterator[str]:
    invoices = list(Invoice.objects.filter(pk__in=keys).order_by("pk"))
    frozen = {row.invoice_id: row for row in FrozenInvoice.objects.filter(invoice__in=keys)}
    lines: dict[int, list[InvoiceLine]] = defaultdict(list)
    for line in InvoiceLine.objects.filter(invoice__in=keys, is_released=False).order_by("number"):
        lines[line.invoice_id].append(line)
    for invoice in invoices:
        if invoice.state != Invoice.State.FINALIZED:
            yield f"{invoice} was final and is {invoice.get_state_display().lower()}."
        row = frozen.get(invoice.pk)
        if row is None:
            yield f"{invoice} is final and not frozen."
            continue
        plain = _plain(row)
        if plain is None:
            yield f"The frozen facts of {invoice} are not its own."
            continue
        yield from _invoice_off(invoice, plain)
        yield from _lines_off(invoice, lines[invoice.pk], plain)
    yield from _off_the_books(invoices)
    yield from _off_the_trail(invoices, frozen)


def _plain(row: FrozenInvoice) -> dict[str, Any] | None:
    """Return the members of a snapshot, or nothing when its bytes do not carry their hash."""
    content = bytes(row.content)
    if fingerprint(content) != row.sha256:
        return None
    try:
        plain = json.loads(content)
    except ValueError:
        return None
    return plain if isinstance(plain, dict) and isinstance(plain.get("lines"), list) else None


def _invoice_off(invoice: Invoice, plain: dict[str, Any]) -> Iterator[str]:
    places = minor_units(invoice.currency)
    off = [
        *(word for name, word in _OF_INVOICE.items() if _said(invoice, name) != plain.get(name)),
        *(
            name
            for name, frozen in _MONEY_OF_INVOICE.items()
            if getattr(invoice, name) != _minor(plain.get(frozen), places)
        ),
    ]
    if invoice.is_note and plain.get("reason", "") not in {"", invoice.reason}:
        off.append("reason")
    if off:
        yield f"{invoice} is not as it was frozen: {', '.join(dict.fromkeys(off))}."


def _lines_off(invoice: Invoice, lines: list[InvoiceLine], plain: dict[str, Any]) -> Iterator[str]:
    places = minor_units(invoice.currency)
    frozen = {str(each.get("number")): each for each in plain["lines"]}
    if [str(line.number) for line in lines] != list(frozen):
        yield f"{invoice} has other lines than were frozen."
        return
    for line in lines:
        each = frozen[str(line.number)]
        off = [
            *(word for name, word in _OF_LINE.items() if _said(line, name) != each.get(name)),
            *(
                name.replace("_", " ")
                for name, told in _NUMBERS_OF_LINE.items()
                if getattr(line, name) != _number(each.get(told))
            ),
            *(
                name.replace("_", " ")
                for name, told in _MONEY_OF_LINE.items()
                if getattr(line, name) != _minor(each.get(told), places)
            ),
        ]
        if off:
            yield f"{line} of {invoice} is not as it was frozen: {', '.join(off)}."


def _off_the_books(invoices: list[Invoice]) -> Iterator[str]:
    """Yield invoices of another day, customer or entry than were booked; one may be unbooked."""
    names = {_key(each): each for each in invoices}
    entries = {each.key: each for each in Entry.objects.filter(key__in=list(names))}
    owners = _owed_by([each.pk for each in entries.values()])
    uids = dict(
        Customer.objects.filter(pk__in={each.customer_id for each in invoices}).values_list(
            "pk", "uid"
        )
    )
    for key, invoice in names.items():
        entry = entries.get(key)
        if (entry.pk if entry else None) != invoice.entry_id:
            yield f"{invoice} names another entry than its own."
        elif entry is not None and entry.booked_on != invoice.issued_on:
            yield f"{invoice} was issued on another day than it was booked on."
        owner = owners.get(entry.pk) if entry else None
        if owner and owner != public_id(Customer.ID_PREFIX, uids[invoice.customer_id]):
            yield f"{invoice} was booked to another customer."


def _owed_by(entries: list[int]) -> dict[int, str]:
    """Return the owners of receivables that entries moved. Two queries.

    Accounts are looked up by key, not joined: a firm has one for each customer, and a plan that
    begins with them reads all that was ever posted.
    """
    postings = Posting.objects.filter(entry__in=entries).order_by("pk")
    moved = list(postings.values_list("entry_id", "account_id"))
    receivables = Account.objects.filter(pk__in={account for _, account in moved}, role="ar")
    owner = dict(receivables.values_list("pk", "owner"))
    return {entry: owner[account] for entry, account in moved if account in owner}


def _off_the_trail(invoices: list[Invoice], frozen: dict[int, FrozenInvoice]) -> Iterator[str]:
    """Yield invoices whose becoming final the trail tells otherwise, or not at all."""
    deeds = AuditEvent.objects.filter(
        action__in=["invoice.finalized", "credit_note.finalized"],
        subject_kind="invoice",
        subject_id__in=[each.public_id for each in invoices],
    )
    told = dict(deeds.order_by("pk").values_list("subject_id", "details"))
    for invoice in invoices:
        details = told.get(invoice.public_id)
        if details is None:
            yield f"The trail does not know that {invoice} became final."
            continue
        row = frozen.get(invoice.pk)
        if details.get("number") != invoice.number:
            yield f"{invoice} was recorded with another number."
        elif row is not None and details.get("frozen_sha256", row.sha256) != row.sha256:
            yield f"The frozen facts of {invoice} are not those that were recorded."


def notes_and_invoices_agree() -> list[str]:
    """A final credit note corrects a final invoice of the same customer, currency and total.

    One query, whatever the number of notes.
    """
    notes = Invoice.objects.finalized().filter(kind=Invoice.Kind.CREDIT_NOTE)
    wrong = notes.exclude(corrects__kind=Invoice.Kind.INVOICE).order_by("pk")
    told = [f"{note} corrects no invoice." for note in wrong[:_TOLD]]
    for note in notes.select_related("corrects").order_by("pk").iterator():
        corrected = note.corrects
        if corrected is None:
            continue
        facts = ("customer_id", "currency", "net", "tax", "total")
        is_same = all(getattr(note, name) == getattr(corrected, name) for name in facts)
        if corrected.state != Invoice.State.FINALIZED or not is_same:
            told.append(f"{note} does not agree with {corrected}, which it corrects.")
    return told[:_TOLD]


def _key(invoice: Invoice) -> str:
    return f"{'credit-note' if invoice.is_note else 'invoice'}:{invoice.uid}"


def _said(row: Invoice | InvoiceLine, name: str) -> Any:
    value = getattr(row, name)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _number(text: Any) -> Decimal | None:
    try:
        return Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        return None


def _minor(text: Any, places: int) -> Decimal | None:
    number = _number(text)
    return None if number is None else number.scaleb(places)
