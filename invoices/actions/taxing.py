"""Tax of an invoice's lines: a quote on the draft, for good when it becomes final.

The table is the shipped one; rows that nobody has approved say so on each line (``confidence``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from billing_portal.money import Money
from billing_portal.tenancy.models import Tenant
from customers.models import TaxIdentity
from customers.queries import Party
from invoices.actions.refusals import NoAddress
from invoices.models import Charge, Invoice, InvoiceLine
from invoices.tax.default_rates import default_table
from invoices.tax.determine import LineTax, TaxableLine, determine
from invoices.tax.rounding import POLICIES
from invoices.tax.rules import Place, Places, TaxStatus

POLICY = POLICIES["rate-group/1"]
_TABLE = default_table()
_LEGAL = {Charge.Kind.TIME, Charge.Kind.EXPENSE}


def apply_tax(
    invoice: Invoice, lines: Sequence[InvoiceLine], *, firm: Tenant, party: Party, tax_point: date
) -> None:
    """Set the tax of lines and the totals of their invoice, without saving. No query.

    :param lines: those that are billed, in the order of their numbers.
    :raises NoAddress: when nobody knows where the customer is.
    :raises NoRate: when the table has no row for the place, category and day.
    """
    ordered = sorted(lines, key=lambda each: each.number)
    asked = [
        taxable(each.number, each.amount, invoice.currency, category_of(each.kind, each.matter_id))
        for each in ordered
    ]
    taxes = taxes_of(asked, invoice.currency, firm=firm, party=party, tax_point=tax_point)
    for line, tax in zip(ordered, taxes, strict=True):
        line.tax_category = tax.category
        line.tax_rate = tax.rate
        line.tax_amount = tax.tax.minor
        line.tax_basis = basis_of(tax)
    invoice.net = sum(line.amount for line in lines)
    invoice.tax = sum(line.tax_amount for line in lines)
    invoice.total = invoice.net + invoice.tax


def taxes_of(
    lines: Sequence[TaxableLine], currency: str, *, firm: Tenant, party: Party, tax_point: date
) -> list[LineTax]:
    """Return what lines bear, in the order of their numbers. No query.

    :raises NoAddress: when nobody knows where the customer is.
    :raises NoRate: when the table has no row for the place, category and day.
    """
    at = party.address
    if at is None:
        raise NoAddress(f"{party.customer} has no address, so its tax cannot be determined.")
    return determine(
        lines,
        places=Places(
            firm=Place(firm.country, firm.region if firm.country == "US" else ""),
            customer=Place(at.country, at.region if at.country == "US" else ""),
        ),
        customer_tax_status=status_of(party),
        tax_point=tax_point,
        currency=currency,
        table=_TABLE,
        policy=POLICY,
    )


def taxable(number: int, minor: int, currency: str, category: str) -> TaxableLine:
    """Return what a line of an invoice contributes to its tax.

    :param minor: its amount in minor units, net.
    """
    amount = Money.of_minor(minor, currency)
    return TaxableLine(key=str(number), number=number, amount=amount, category=category)


def category_of(kind: str, matter_id: int | None) -> str:
    """Return the taxability code of a line: what is done for a matter is legal work."""
    return "legal-services" if kind in _LEGAL or matter_id is not None else "standard"


def status_of(party: Party) -> TaxStatus:
    """Return what the tax rules call this customer; an id that nobody checked is unverified."""
    if party.tax_status == TaxIdentity.Status.EXEMPT:
        return TaxStatus.EXEMPT
    if party.tax_status == TaxIdentity.Status.REVERSE_CHARGE:
        return TaxStatus.VAT_ID_UNVERIFIED
    return TaxStatus.BUSINESS if party.tax_id else TaxStatus.CONSUMER


def basis_of(tax: LineTax) -> dict[str, Any]:
    """Return every input of why a line bears its tax, as it is kept with the line."""
    return {
        "jurisdiction": tax.jurisdiction,
        "treatment": str(tax.treatment),
        "rule": tax.rule,
        "wording": tax.wording,
        "source": tax.source,
        "edition": tax.edition,
        "confidence": str(tax.confidence),
        "policy": tax.policy,
    }
