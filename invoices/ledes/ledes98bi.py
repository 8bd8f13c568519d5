"""LEDES 98BI V2: the 1998B of the rest of the world, with tax, currency and addresses.

Source: 98BI V2 field table (proposed 2004, ratified 2006), as published by e-billing vendors.
52 fields, the first 24 of them those of 1998B. Three facts that surprise: LINE_ITEM_TOTAL and
INVOICE_TOTAL include tax; a line has one tax, its rate a fraction from 0 to 1, and withholding has
no field; the published sample breaks its own tax arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import localcontext

from invoices.documents.snapshot import (
    EXACT,
    Address,
    InvoiceSnapshot,
    SnapshotLine,
    require_sums,
)
from invoices.ledes import fields as at
from invoices.ledes.fields import FORM_98BI
from invoices.ledes.profile import DEFAULT, Profile
from invoices.ledes.writing import (
    Hand,
    NotRepresentable,
    file_of,
    line_texts,
    line_type_of,
    require_writable,
    shared_texts,
)

OWN_ACCOUNT = "O"


def render(snapshot: InvoiceSnapshot, profile: Profile = DEFAULT) -> bytes:
    """Return the invoice as a LEDES 98BI file. Same snapshot and profile, same bytes.

    :raises DoesNotAddUp: when the snapshot's own figures disagree.
    :raises NotRepresentable: when it is of a kind that the format cannot say, or a tax rate is
        below 0 or above 1.
    :raises NotLedes: when a field holds a character, a length or nothing that it cannot carry.
    """
    return render_all([snapshot], profile)


def render_all(snapshots: Sequence[InvoiceSnapshot], profile: Profile = DEFAULT) -> bytes:
    """Return several invoices as one file, in the order given; raises what ``render`` raises."""
    with localcontext(EXACT):
        hand = Hand(FORM_98BI, profile)
        rows = [row for each in snapshots for row in _rows(hand, each, profile)]
    return file_of(profile.first_line_98bi, FORM_98BI, rows, profile)


def name_parts(name: str) -> tuple[str, str]:
    """Return the parts of "Surname, First"; without a comma, all of it is the surname."""
    surname, _, first = name.partition(",")
    return surname.strip(), first.strip()


def address_lines(address: Address) -> tuple[str, str]:
    """Return the two lines that the format has; what follows the first is joined by commas."""
    first, *rest = (*address.lines, "")
    return first, ", ".join(each for each in rest if each)


def _rows(hand: Hand, snapshot: InvoiceSnapshot, profile: Profile) -> Iterator[str]:
    require_sums(snapshot)
    require_writable(snapshot, profile)
    shared = shared_texts(hand, snapshot, snapshot.total) + [""] * 28
    _fill_invoice(hand, snapshot, shared)
    _fill_firm(hand, snapshot, shared)
    _fill_customer(hand, snapshot, shared)
    for line in snapshot.lines:
        line_type = line_type_of(line, profile)
        texts = line_texts(hand, line, shared, line_type, line.total + line.tax_amount)
        _fill_line(hand, line, texts)
        yield hand.row(line_type, texts)


def _fill_invoice(hand: Hand, snapshot: InvoiceSnapshot, texts: list[str]) -> None:
    tax = hand.number(at.INVOICE_TAX_TOTAL, snapshot.tax_total)
    texts[at.PO_NUMBER] = hand.text(at.PO_NUMBER, snapshot.po_number)
    texts[at.INVOICE_TAX_TOTAL] = texts[at.REPORTED_TAX_TOTAL] = tax
    texts[at.INVOICE_NET_TOTAL] = hand.number(at.INVOICE_NET_TOTAL, snapshot.net_total)
    currency = hand.text(at.INVOICE_CURRENCY, snapshot.currency)
    texts[at.INVOICE_CURRENCY] = texts[at.TAX_CURRENCY] = currency
    texts[at.ACCOUNT_TYPE] = OWN_ACCOUNT


def _fill_firm(hand: Hand, snapshot: InvoiceSnapshot, texts: list[str]) -> None:
    firm = snapshot.firm
    texts[at.LAW_FIRM_NAME] = hand.text(at.LAW_FIRM_NAME, firm.name)
    _fill_address(hand, firm.address, texts, first=at.LAW_FIRM_ADDRESS_1)


def _fill_customer(hand: Hand, snapshot: InvoiceSnapshot, texts: list[str]) -> None:
    customer = snapshot.customer
    texts[at.CLIENT_TAX_ID] = hand.text(at.CLIENT_TAX_ID, customer.tax_id)
    texts[at.CLIENT_NAME] = hand.text(at.CLIENT_NAME, customer.name)
    _fill_address(hand, customer.address, texts, first=at.CLIENT_ADDRESS_1)


def _fill_address(hand: Hand, address: Address, texts: list[str], *, first: int) -> None:
    """Fill the six columns of an address, which stand in the same order for firm and client."""
    parts = (
        *address_lines(address),
        address.city,
        address.region,
        address.postcode,
        address.country,
    )
    for index, part in enumerate(parts, start=first):
        texts[index] = hand.text(index, part)


def _fill_line(hand: Hand, line: SnapshotLine, texts: list[str]) -> None:
    if not 0 <= line.tax_rate <= 1:
        raise NotRepresentable(
            f"Line {line.number} has the tax rate {line.tax_rate}; LEDES takes a fraction."
        )
    surname, first = name_parts(line.timekeeper_name)
    texts[at.MATTER_NAME] = hand.text(at.MATTER_NAME, line.matter_name)
    texts[at.TIMEKEEPER_LAST_NAME] = hand.text(at.TIMEKEEPER_LAST_NAME, surname)
    texts[at.TIMEKEEPER_FIRST_NAME] = hand.text(at.TIMEKEEPER_FIRST_NAME, first)
    texts[at.TAX_RATE] = hand.quantity(at.TAX_RATE, line.tax_rate)
    texts[at.LINE_TAX_TOTAL] = hand.number(at.LINE_TAX_TOTAL, line.tax_amount)
    texts[at.TAX_TYPE] = hand.text(at.TAX_TYPE, line.tax_category)
