"""An invoice as a page shows it: lines under their matters, who worked on it, taxes by rate."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.localedata import exists

from invoices.documents.snapshot import (
    Address,
    InvoiceKind,
    InvoiceSnapshot,
    LineKind,
    SnapshotLine,
    quantity,
)

_ZERO = Decimal(0)


@dataclass
class _Group:
    """The lines of one matter."""

    matter_name: str
    firm_matter_id: str
    client_matter_id: str
    fees: list[dict[str, Any]] = field(default_factory=list)
    expenses: list[dict[str, Any]] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)
    subtotal: Decimal = _ZERO

    @property
    def heading(self) -> str:
        """What its lines stand under."""
        return self.matter_name if self.firm_matter_id else "Without a matter"


@dataclass
class _Person:
    """What one timekeeper did."""

    id: str
    name: str
    classification: str
    hours: Decimal = _ZERO
    amount: Decimal = _ZERO


def paper_of(snapshot: InvoiceSnapshot) -> dict[str, Any]:
    """Return what the template of a printed invoice needs, and nothing that was not frozen."""
    groups: dict[str, _Group] = {}
    people: dict[str, _Person] = {}
    for line in snapshot.lines:
        group = groups.setdefault(
            line.firm_matter_id,
            _Group(line.matter_name, line.firm_matter_id, line.client_matter_id),
        )
        group.subtotal += line.total
        _place(group, line).append(_line(line))
        if line.kind is LineKind.FEE:
            person = people.setdefault(
                line.timekeeper_id,
                _Person(line.timekeeper_id, line.timekeeper_name, line.timekeeper_classification),
            )
            person.hours += line.units
            person.amount += line.total
    ordered = sorted(groups.values(), key=lambda group: not group.firm_matter_id)
    is_note = snapshot.kind is InvoiceKind.CREDIT_NOTE
    return {
        "title": title_of(snapshot),
        "total_label": "Credited" if is_note else "Amount due",
        "language": language_of(snapshot.firm.address.country),
        "paper": "letter" if snapshot.firm.address.country == "US" else "a4",
        "invoice": {
            **_head(snapshot),
            "groups": ordered,
            "is_by_matter": any(group.firm_matter_id for group in ordered),
            "timekeeper_summary": list(people.values()),
            "taxes": _taxes(snapshot),
            "corrects_number": snapshot.corrects_number,
            "terms": snapshot.terms,
        },
    }


def title_of(snapshot: InvoiceSnapshot) -> str:
    """Return what the document is called."""
    return "Credit note" if snapshot.kind is InvoiceKind.CREDIT_NOTE else "Invoice"


def language_of(country: str) -> str:
    """Return the English that a firm's documents are written in: dates and amounts as at home.

    ``en-us`` for the United States and where no country is known, ``en-gb`` for the United Kingdom;
    where English has no form of its own, the one of the world.
    """
    country = country.upper() or "US"
    return f"en-{country.lower()}" if exists(f"en_{country}") else "en-001"


def _head(snapshot: InvoiceSnapshot) -> dict[str, Any]:
    firm, customer = snapshot.firm, snapshot.customer
    return {
        "number": snapshot.number,
        "issued_on": snapshot.issued_on,
        "due_on": None if snapshot.kind is InvoiceKind.CREDIT_NOTE else snapshot.due_on,
        "period_starts_on": snapshot.period_starts_on,
        "period_last_day": snapshot.period_last_day,
        "currency": snapshot.currency,
        "description": snapshot.description,
        "net_total": snapshot.net_total,
        "tax_total": snapshot.tax_total,
        "total": snapshot.total,
        "firm": {
            "name": firm.name,
            "tax_id": firm.tax_id,
            "email": firm.email,
            "address_lines": _address(firm.address, of=customer.address),
            "remittance_lines": []
            if snapshot.kind is InvoiceKind.CREDIT_NOTE
            else firm.remittance.splitlines(),
        },
        "customer": {
            "name": customer.name,
            "client_id": customer.external_id,
            "tax_id": customer.tax_id,
            "address_lines": _address(customer.address, of=firm.address),
        },
    }


def _address(address: Address, *, of: Address) -> list[str]:
    """Return the lines of an address; its country is named where the other party's is another."""
    place = ", ".join(part for part in (address.city, address.region) if part)
    names = Locale("en").territories
    is_abroad = address.country != of.country
    ending = names.get(address.country, address.country) if is_abroad else ""
    lines = (*address.lines, f"{place} {address.postcode}".strip(), ending)
    return [line for line in lines if line]


def _place(group: _Group, line: SnapshotLine) -> list[dict[str, Any]]:
    if line.kind is LineKind.FEE:
        return group.fees
    return group.expenses if line.kind is LineKind.EXPENSE else group.others


def _line(line: SnapshotLine) -> dict[str, Any]:
    return {
        "on": line.worked_on,
        "timekeeper_id": line.timekeeper_id,
        "task_code": line.task_code,
        "activity_code": line.activity_code,
        "expense_code": line.expense_code,
        "narrative": line.narrative,
        "quantity": line.units,
        "rate": line.unit_price,
        "adjustment": line.adjustment,
        "amount": line.total,
    }


def _taxes(snapshot: InvoiceSnapshot) -> list[dict[str, Any]]:
    """Return the taxes that are due; what is exempt or outside is said in words."""
    return [
        {
            "name": "Sales tax" if each.jurisdiction.startswith("US") else "VAT",
            "rate": f"{quantity(each.rate * 100):f}",
            "base": each.base,
            "amount": each.tax,
        }
        for each in snapshot.tax_totals
        if each.tax or each.rate
    ]
