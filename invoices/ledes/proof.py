"""Proof of bill: the emitted bytes, read again, say what the snapshot says, line by line.

Rule M04. Nothing of the writer is used: figures are compared as numbers, dates as dates and texts
to the letter, with what the reader finds in the bytes. Sent = approved is proved here; = booked is
proved by whoever compares ``Proof.total`` with the ledger's entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from typing import TYPE_CHECKING

from invoices.documents.canonical import canonical_bytes, fingerprint
from invoices.documents.snapshot import LineKind
from invoices.ledes import fields as at
from invoices.ledes.check import check
from invoices.ledes.fields import FORM_98BI
from invoices.ledes.findings import Finding, Severity, errors_of, in_order
from invoices.ledes.profile import DEFAULT, Profile

if TYPE_CHECKING:
    from invoices.documents.snapshot import InvoiceSnapshot, SnapshotLine
    from invoices.ledes.rows import Row

_ZERO = Decimal(0)
_Expected = str | Decimal | date


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a file says what its snapshot says.

    :ivar lines: how many lines the snapshot has.
    :ivar lines_tied: how many of them the file repeats in every field.
    :ivar total: sum of the line totals in the file, in the invoice's currency.
    :ivar sha256: of the emitted bytes, hexadecimal.
    :ivar fitted_sha256: of the canonical bytes of the snapshot as made fit for the format, which is
        not the one that was frozen where a text had to change; hexadecimal.
    :ivar findings: every mismatch (M04), and what blocks the file by form or arithmetic.
    """

    lines: int
    lines_tied: int
    total: Decimal
    currency: str
    sha256: str
    fitted_sha256: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether every line is tied, every sum agrees and nothing is left over."""
        return not self.findings and self.lines_tied == self.lines

    def as_json(self) -> dict[str, object]:
        """Return the proof as plain values for JSON."""
        return {
            "ok": self.ok,
            "lines": self.lines,
            "lines_tied": self.lines_tied,
            "total": format(self.total, "f"),
            "currency": self.currency,
            "sha256": self.sha256,
            "fitted_sha256": self.fitted_sha256,
            "findings": [each.as_json() for each in self.findings],
        }


def prove(data: bytes, snapshot: InvoiceSnapshot, profile: Profile = DEFAULT) -> Proof:
    """Tie the emitted bytes of one invoice to the snapshot they were made from.

    Never raises: what does not match is among the findings, and then the proof is not ok.
    """
    checked = check(data, profile)
    blocking = [
        each for each in errors_of(checked.findings) if each.rule.startswith(("F01", "F05", "M"))
    ]
    tie = _Tie(snapshot, profile, international=checked.file.form is FORM_98BI)
    tied = 0
    for row, line in zip_longest(checked.file.rows, snapshot.lines):
        tied += tie.line(row, line)
    total = sum((row.numbers.get(at.LINE_TOTAL, _ZERO) for row in checked.file.rows), _ZERO)
    tie.total(total)
    return Proof(
        lines=len(snapshot.lines),
        lines_tied=tied,
        total=total,
        currency=snapshot.currency,
        sha256=fingerprint(data),
        fitted_sha256=fingerprint(canonical_bytes(snapshot)),
        findings=in_order([*blocking, *tie.findings]),
    )


class _Tie:
    """Compares rows with lines and keeps what does not match."""

    def __init__(self, snapshot: InvoiceSnapshot, profile: Profile, *, international: bool) -> None:
        self.findings: list[Finding] = []
        self._snapshot = snapshot
        self._profile = profile
        self._international = international
        self._columns = FORM_98BI.columns
        self._shared = dict(self._invoice())

    def line(self, row: Row | None, line: SnapshotLine | None) -> bool:
        """Compare one row with one line; either may be missing."""
        if row is None or line is None:
            if line is not None:
                text = f"Line {line.number} of the snapshot is not in the file."
                self.findings.append(Finding("M04.line_missing", Severity.ERROR, text))
            if row is not None:
                text = "The row has no line in the snapshot."
                self.findings.append(Finding("M04.row_added", Severity.ERROR, text, row.number))
            return False
        before = len(self.findings)
        for index, expected in (*self._shared.items(), *self._line(line)):
            self._compare(row, index, expected)
        return len(self.findings) == before

    def total(self, total: Decimal) -> None:
        """Compare the sum of the file's lines with the snapshot's total."""
        expected = self._snapshot.total if self._international else self._snapshot.net_total
        if total != expected:
            text = f"The file's lines come to {total:f}; the snapshot says {expected:f}."
            self.findings.append(Finding("M04.total", Severity.ERROR, text))

    def _compare(self, row: Row, index: int, expected: _Expected) -> None:
        found: _Expected | None
        if isinstance(expected, Decimal):
            found = row.numbers.get(index)
            matches = found == expected or (found is None and not expected and not row.texts[index])
        elif isinstance(expected, date):
            found = row.dates.get(index)
            matches = found == expected
        else:
            found = row.texts[index]
            matches = found == expected.strip(" ")
        if not matches:
            name = self._columns[index].name
            says = f"the snapshot says {str(expected)[:80]!r}"
            text = f"The file says {row.texts[index][:80]!r}; {says}."
            self.findings.append(
                Finding("M04.mismatch", Severity.ERROR, text, row.number, index + 1, name)
            )

    def _invoice(self) -> Iterator[tuple[int, _Expected]]:
        snapshot = self._snapshot
        yield at.INVOICE_DATE, snapshot.issued_on
        yield at.INVOICE_NUMBER, snapshot.number
        yield at.CLIENT_ID, snapshot.customer.external_id
        yield at.BILLING_START_DATE, snapshot.period_starts_on
        yield at.BILLING_END_DATE, snapshot.period_last_day
        yield at.INVOICE_DESCRIPTION, snapshot.description
        yield at.LAW_FIRM_ID, snapshot.firm.ledes_id
        if not self._international:
            yield at.INVOICE_TOTAL, snapshot.net_total
            return
        yield at.INVOICE_TOTAL, snapshot.total
        yield at.INVOICE_TAX_TOTAL, snapshot.tax_total
        yield at.INVOICE_NET_TOTAL, snapshot.net_total
        yield at.INVOICE_CURRENCY, snapshot.currency
        yield at.CLIENT_TAX_ID, snapshot.customer.tax_id
        yield at.PO_NUMBER, snapshot.po_number
        yield at.LAW_FIRM_NAME, snapshot.firm.name
        yield at.CLIENT_NAME, snapshot.customer.name

    def _line(self, line: SnapshotLine) -> Iterator[tuple[int, _Expected]]:
        yield at.LAW_FIRM_MATTER_ID, line.firm_matter_id
        yield at.LINE_ITEM_NUMBER, line.number
        yield at.LINE_TYPE, self._line_type(line)
        yield at.UNITS, line.units
        yield at.ADJUSTMENT, line.adjustment
        yield at.LINE_DATE, line.worked_on or date.min
        yield at.TASK_CODE, line.task_code
        yield at.EXPENSE_CODE, line.expense_code
        yield at.ACTIVITY_CODE, line.activity_code
        yield at.TIMEKEEPER_ID, line.timekeeper_id
        yield at.LINE_DESCRIPTION, line.emitted_narrative
        yield at.UNIT_COST, line.unit_price
        yield at.TIMEKEEPER_NAME, line.timekeeper_name
        yield at.CLASSIFICATION, line.timekeeper_classification
        yield at.CLIENT_MATTER_ID, line.client_matter_id
        if not self._international:
            yield at.LINE_TOTAL, line.total
            return
        yield at.LINE_TOTAL, line.total + line.tax_amount
        yield at.TAX_RATE, line.tax_rate
        yield at.LINE_TAX_TOTAL, line.tax_amount
        yield at.TAX_TYPE, line.tax_category
        yield at.MATTER_NAME, line.matter_name

    def _line_type(self, line: SnapshotLine) -> str:
        return {
            LineKind.FEE: "F",
            LineKind.EXPENSE: "E",
            LineKind.INVOICE_FEE_ADJUSTMENT: "IF",
            LineKind.INVOICE_EXPENSE_ADJUSTMENT: "IE",
            LineKind.OTHER: self._profile.other_lines_as,
        }[line.kind]
