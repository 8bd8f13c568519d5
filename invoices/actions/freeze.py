"""Freezing: the facts of an invoice as canonical bytes, written in the transaction that ends it.

Every document is made from them and from nothing else. Surrogate ids stay out, so two runs over the
same work freeze the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from billing_portal.errors import Refused
from billing_portal.money import Money, minor_units
from billing_portal.tenancy.inserting import insert_many
from billing_portal.tenancy.models import Tenant
from customers.models import Customer, Matter
from customers.queries import Party
from invoices.documents.canonical import canonical_bytes, fingerprint
from invoices.documents.snapshot import (
    Address,
    CustomerParty,
    FirmParty,
    InvoiceKind,
    InvoiceSnapshot,
    LineKind,
    SnapshotLine,
    TaxTotal,
    quantity,
    require_sums,
)
from invoices.ledes.files import FORMS, write
from invoices.ledes.profile import Profile
from invoices.models import Charge, FrozenInvoice, Invoice, InvoiceLine
from invoices.queries.carriers import carrier_code_of, profiles_of


class NotInLedes(Refused):
    """The customer gets LEDES, and the format cannot say this invoice; nothing became final."""

    code = "invoices.not_in_ledes"


_KINDS = {Charge.Kind.TIME: LineKind.FEE, Charge.Kind.EXPENSE: LineKind.EXPENSE}


def freeze(
    invoices: Sequence[tuple[Invoice, Sequence[InvoiceLine], Party]], *, firm: Tenant
) -> list[str]:
    """Keep the snapshots of final invoices, and return their hashes for the trail, in order.

    One insert and one query, whatever the number.

    :raises DoesNotAddUp: when figures contradict each other: a bug, and nothing becomes final.
    :raises NotInLedes: when the customer gets LEDES, and the format cannot say the invoice as its
        carrier wants it.
    """
    contents = []
    profiles = profiles_of(invoice for invoice, _, _ in invoices if ledes_kinds_of(invoice))
    for invoice, lines, party in invoices:
        snapshot = snapshot_of(invoice, lines, party, firm)
        require_sums(snapshot)
        for kind in ledes_kinds_of(invoice):
            _must_go_into(kind, snapshot, profiles[carrier_code_of(invoice)])
        contents.append(canonical_bytes(snapshot))
    hashes = [fingerprint(content) for content in contents]
    insert_many(
        FrozenInvoice,
        {
            "invoice_id": [invoice.pk for invoice, _, _ in invoices],
            "content": contents,
            "sha256": hashes,
        },
    )
    return hashes


def ledes_kinds_of(invoice: Invoice) -> list[str]:
    """Return the LEDES files that an invoice leaves as; notes leave as none. No query with its
    terms.
    """
    if invoice.kind != Invoice.Kind.INVOICE or invoice.terms is None:
        return []
    return [kind for kind in FORMS if kind in invoice.terms.formats]


def _must_go_into(kind: str, snapshot: InvoiceSnapshot, profile: Profile) -> None:
    """Find out before anything is final what the file could not carry afterwards."""
    try:
        write(kind, snapshot, profile)
    except Refused as refusal:
        raise NotInLedes(f"Invoice for {snapshot.customer.name}: {refusal}") from refusal


def snapshot_of(
    invoice: Invoice, lines: Sequence[InvoiceLine], party: Party, firm: Tenant
) -> InvoiceSnapshot:
    """Return the facts of an invoice. No query, where lines come with what they name.

    :param lines: those billed, in the order of their numbers.
    """
    units = minor_units(invoice.currency)
    frozen = tuple(_line(line, invoice.currency) for line in lines)
    zero = Decimal(0)
    return InvoiceSnapshot(
        firm=_firm(firm),
        customer=_customer(invoice.customer, invoice.matter, party),
        kind=InvoiceKind(invoice.kind),
        number=invoice.number,
        issued_on=_given(invoice.issued_on),
        due_on=invoice.due_on,
        period_starts_on=invoice.period_starts_on,
        period_ends_on=invoice.period_ends_on,
        currency=invoice.currency,
        minor_units=units,
        description=_description(invoice),
        version=invoice.version,
        lines=frozen,
        net_total=sum((line.total for line in frozen), zero),
        tax_total=sum((line.tax_amount for line in frozen), zero),
        total=sum((line.total + line.tax_amount for line in frozen), zero),
        tax_totals=_tax_totals(lines, frozen),
        **_corrected(invoice),
        terms=_wordings(lines),
    )


def _corrected(note: Invoice) -> dict[str, Any]:
    """Return what a credit note says of the invoice that it corrects; nothing of an invoice."""
    if note.corrects is None:
        return {}
    return {
        "corrects_number": note.corrects.number,
        "corrects_issued_on": note.corrects.issued_on,
        "reason": note.reason,
    }


def _firm(firm: Tenant) -> FirmParty:
    return FirmParty(
        name=firm.name,
        ledes_id=firm.tax_id,
        tax_id=firm.tax_id,
        address=Address(
            lines=tuple(firm.address.splitlines()),
            city=firm.city,
            region=firm.region,
            postcode=firm.postal_code,
            country=firm.country,
        ),
        email=firm.email,
        remittance=firm.remittance,
    )


def _customer(customer: Customer, matter: Matter | None, party: Party) -> CustomerParty:
    at = party.address
    address = Address()
    if at is not None:
        address = Address(
            lines=tuple(line for line in (at.line_1, at.line_2) if line),
            city=at.city,
            region=at.region,
            postcode=at.postal_code,
            country=at.country,
        )
    own = matter.ledes_client_id if matter else ""
    return CustomerParty(
        name=customer.legal_name or customer.name,
        external_id=own or customer.ledes_client_id or customer.external_id,
        tax_id=party.tax_id,
        address=address,
        email=customer.invoice_email,
    )


def _line(line: InvoiceLine, currency: str) -> SnapshotLine:
    matter, keeper = line.matter, line.timekeeper
    is_of_invoice = line.kind == Charge.Kind.ADJUSTMENT and not line.quantity * line.unit_price
    return SnapshotLine(
        number=str(line.number),
        kind=_kind(line, is_of_invoice=is_of_invoice),
        units=quantity(line.quantity),
        unit_price=quantity(line.unit_price),
        adjustment=Money.of_minor(line.adjustment, currency).amount,
        total=Money.of_minor(line.amount, currency).amount,
        worked_on=line.worked_on,
        firm_matter_id=matter.external_id if matter else "",
        client_matter_id=matter.client_matter_id if matter else "",
        matter_name=matter.name if matter else "",
        task_code=line.task_code,
        activity_code=line.activity_code,
        expense_code=line.expense_code,
        timekeeper_id=keeper.external_id if keeper else "",
        timekeeper_name=keeper.name if keeper else "",
        timekeeper_classification=keeper.classification if keeper else "",
        narrative=line.narrative,
        tax_category=line.tax_category,
        tax_rate=quantity(line.tax_rate),
        tax_amount=Money.of_minor(line.tax_amount, currency).amount,
    )


def _kind(line: InvoiceLine, *, is_of_invoice: bool) -> LineKind:
    if is_of_invoice:
        cost = LineKind.INVOICE_EXPENSE_ADJUSTMENT
        return cost if line.expense_code else LineKind.INVOICE_FEE_ADJUSTMENT
    return _KINDS.get(Charge.Kind(line.kind), LineKind.OTHER)


def _tax_totals(
    lines: Sequence[InvoiceLine], frozen: Sequence[SnapshotLine]
) -> tuple[TaxTotal, ...]:
    sums: dict[tuple[str, str, Decimal], tuple[Decimal, Decimal]] = {}
    for line, each in zip(lines, frozen, strict=True):
        key = (str(line.tax_basis.get("jurisdiction", "")), each.tax_category, each.tax_rate)
        base, tax = sums.get(key, (Decimal(0), Decimal(0)))
        sums[key] = (base + each.total, tax + each.tax_amount)
    return tuple(
        TaxTotal(jurisdiction=place, category=category, rate=rate, base=base, tax=tax)
        for (place, category, rate), (base, tax) in sums.items()
    )


def _description(invoice: Invoice) -> str:
    """Return what is billed, the period in letters that every file can carry."""
    period = str(invoice.period).replace("\N{EN DASH}", "-")
    if invoice.matter is not None:
        return invoice.matter.invoice_description or f"{invoice.matter.name}, {period}"
    return f"Services of {period}"


def _wordings(lines: Sequence[InvoiceLine]) -> str:
    """Return what the tax law wants said on the invoice, each wording once."""
    said = dict.fromkeys(str(line.tax_basis.get("wording", "")) for line in lines)
    return " ".join(text for text in said if text)


def _given(day: date | None) -> date:
    if day is None:
        raise AssertionError("Only what has a day of issue is frozen.")
    return day
