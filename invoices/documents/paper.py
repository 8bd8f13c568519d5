"""An invoice as a page shows it: lines under their matters, who worked on it, taxes by rate."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.localedata import exists

from billing_portal.periods import Period
from invoices.documents.snapshot import (
    ADJUSTMENT_KINDS,
    Address,
    InvoiceKind,
    InvoiceSnapshot,
    LineKind,
    SnapshotLine,
    quantity,
)

_ZERO = Decimal(0)
_LONG = 1_200  # a narrative that may run over pages
_TITLES = {
    "PARTNR": "Partner",
    "OFCOUN": "Of counsel",
    "ASSOC": "Associate",
    "STFATT": "Staff attorney",
    "PARALG": "Paralegal",
    "LGLAST": "Legal assistant",
    "CLKSEC": "Clerk",
    "CONSLT": "Consultant",
    "EXPERT": "Expert",
    "INVSTG": "Investigator",
    "TRANSL": "Translator",
    "NBOTHR": "",
}
_WIDE_AMOUNT, _WIDE_PRICE = 1_000_000, 100_000  # from here on columns are wider
_PARTS = {LineKind.FEE: "fees", LineKind.EXPENSE: "expenses"}


@dataclass
class _Part:
    """The lines of one kind below a matter, in a table of their own."""

    kind: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    subtotal: Decimal = _ZERO
    has_codes: bool = False


@dataclass
class _Group:
    """The lines of one matter."""

    matter_name: str
    firm_matter_id: str
    client_matter_id: str
    by_kind: dict[str, _Part] = field(
        default_factory=lambda: {each: _Part(each) for each in (*_PARTS.values(), "others")}
    )
    subtotal: Decimal = _ZERO

    @property
    def heading(self) -> str:
        """What its lines stand under."""
        return self.matter_name if self.firm_matter_id else "Without a matter"

    @property
    def parts(self) -> list[_Part]:
        """Its tables: fees, expenses, others, as far as there are any."""
        return [part for part in self.by_kind.values() if part.lines]


@dataclass
class _Person:
    """What one timekeeper did. ``title`` is their classification in words, or its code."""

    id: str
    name: str
    title: str
    hours: Decimal = _ZERO
    amount: Decimal = _ZERO
    rates: set[Decimal] = field(default_factory=set)

    @property
    def rate(self) -> Decimal | None:
        """Their rate, where there was one only."""
        return next(iter(self.rates)) if len(self.rates) == 1 else None


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
        _place(group.by_kind[_PARTS.get(line.kind, "others")], line)
        if line.kind is LineKind.FEE:
            person = people.setdefault(
                line.timekeeper_id,
                _person(line),
            )
            person.hours += line.units
            person.amount += line.total
            person.rates.add(line.unit_price)
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
            "is_wide": any(map(_is_wide, snapshot.lines)),
            "timekeeper_summary": list(people.values()),
            "taxes": _taxes(snapshot),
            "corrects_number": snapshot.corrects_number,
            "corrects_issued_on": snapshot.corrects_issued_on,
            "reason": snapshot.reason,
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
        "description": _subject(snapshot),
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


def _is_wide(line: SnapshotLine) -> bool:
    return abs(line.total) >= _WIDE_AMOUNT or abs(line.unit_price) >= _WIDE_PRICE


def _subject(snapshot: InvoiceSnapshot) -> str:
    """Return what the invoice is about, where neither its period nor its only matter says so."""
    period = Period(snapshot.period_starts_on, snapshot.period_ends_on)
    if snapshot.description == f"Services of {period}":
        return ""
    names = {line.matter_name for line in snapshot.lines}
    is_said = len(names) == 1 and all(names) and snapshot.description.startswith(tuple(names))
    return "" if is_said else snapshot.description


def _address(address: Address, *, of: Address) -> list[str]:
    """Return the lines of an address; its country is named where the other party's is another."""
    place = ", ".join(part for part in (address.city, address.region) if part)
    names = Locale("en").territories
    is_abroad = address.country != of.country
    ending = names.get(address.country, address.country) if is_abroad else ""
    lines = (*address.lines, f"{place} {address.postcode}".strip(), ending)
    return [line for line in lines if line]


def _place(part: _Part, line: SnapshotLine) -> None:
    part.lines.append(_line(line))
    part.subtotal += line.total
    part.has_codes |= bool(line.task_code or line.activity_code)


def _person(line: SnapshotLine) -> _Person:
    title = line.timekeeper_classification
    return _Person(line.timekeeper_id, line.timekeeper_name, _TITLES.get(title, title))


def _line(line: SnapshotLine) -> dict[str, Any]:
    return {
        "on": line.worked_on,
        "timekeeper_id": line.timekeeper_id,
        "task_code": line.task_code,
        "activity_code": line.activity_code,
        "expense_code": line.expense_code,
        "narrative": line.narrative,
        "is_long": len(line.narrative) > _LONG,
        "is_priced": line.kind not in ADJUSTMENT_KINDS,
        "quantity": line.units,
        "rate": line.unit_price,
        "more": max(line.adjustment, _ZERO),
        "less": max(-line.adjustment, _ZERO),
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
