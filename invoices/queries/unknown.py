"""What a LEDES file names that the firm does not have, and where it names it first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from customers.queries import (
    customers_by_external_id,
    matters_by_external_id,
    timekeepers_by_external_id,
)
from invoices.documents.snapshot import LineKind
from invoices.ledes import fields
from invoices.ledes.findings import Finding, Severity
from invoices.ledes.reading import ParsedInvoice, ParsedLine

_FIELDS = {
    "customer": fields.CLIENT_ID,
    "matter": fields.LAW_FIRM_MATTER_ID,
    "timekeeper": fields.TIMEKEEPER_ID,
    "worked_on": fields.LINE_DATE,
    "quantity": fields.UNITS,
    "unit_price": fields.UNIT_COST,
    "adjustment": fields.ADJUSTMENT,
    "currency": fields.INVOICE_CURRENCY,
    "narrative": fields.LINE_DESCRIPTION,
}
_Places = dict[str, tuple[int, str]]


@dataclass(frozen=True)
class Unknown:
    """Ids that nobody at the firm has, each with its first row and with words to tell it by."""

    customers: _Places = field(default_factory=dict)
    matters: _Places = field(default_factory=dict)
    timekeepers: _Places = field(default_factory=dict)

    def is_named_by(self, invoice: ParsedInvoice, line: ParsedLine) -> bool:
        """Say whether a line cannot be taken before something is opened."""
        return (
            invoice.customer_id in self.customers
            or line.firm_matter_id in self.matters
            or (line.kind is LineKind.FEE and line.timekeeper_id in self.timekeepers)
        )

    def findings(self) -> list[Finding]:
        """Return one finding for each id, at its first row."""
        kinds = (
            ("customer", self.customers), ("matter", self.matters),
            ("timekeeper", self.timekeepers),
        )  # fmt: skip
        return [
            Finding(
                f"charges.unknown_{noun}",
                Severity.ERROR,
                f"The firm has no {noun} “{name}”{words}.",
                row,
                *place_of(noun),
            )
            for noun, places in kinds
            for name, (row, words) in places.items()
        ]


def unknown_in(invoices: Sequence[ParsedInvoice]) -> Unknown:
    """Return what the invoices of a file name that the firm does not have. Three queries."""
    customers: _Places = {}
    matters: _Places = {}
    keepers: _Places = {}
    for invoice in invoices:
        for line in invoice.lines:
            customers.setdefault(invoice.customer_id, (line.row, ""))
            of_client = f" of client “{invoice.customer_id}”"
            matters.setdefault(line.firm_matter_id, (line.row, of_client))
            if line.kind is LineKind.FEE:
                keepers.setdefault(line.timekeeper_id, (line.row, f" ({line.timekeeper_name})"))
    return Unknown(
        _without(customers, customers_by_external_id(customers)),
        _without(matters, matters_by_external_id(matters)),
        _without(keepers, timekeepers_by_external_id(keepers)),
    )


def place_of(column: str) -> tuple[int | None, str]:
    """Return the number and name of the field that holds a column of a charge."""
    at = _FIELDS.get(column)
    return (None, "") if at is None else (at + 1, fields.FORM_98BI.columns[at].name)


def _without(places: _Places, known: Iterable[str]) -> _Places:
    held = set(known)
    return {name: place for name, place in places.items() if name not in held}
