"""The hand that writes rows: it puts values into columns and refuses what a column cannot carry.

Nothing is repaired here. Texts are made fit before (see ``fitting``), where the change is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from billing_portal.errors import Refused
from invoices.documents.snapshot import InvoiceKind, InvoiceSnapshot, LineKind, SnapshotLine
from invoices.ledes import fields as at
from invoices.ledes.envelope import SEPARATOR, TERMINATOR

if TYPE_CHECKING:
    from datetime import date

    from invoices.ledes.fields import Form
    from invoices.ledes.profile import Profile

_UNFIT = re.compile(r"[^\x20-\x7e]|\||\[\]|^ | $")


class NotLedes(Refused):
    """A value cannot stand in its column: a character, a length, or nothing where it is needed."""

    code = "ledes.not_ledes"


class NotRepresentable(NotLedes):
    """The invoice says something for which the format has no column, such as tax or a currency."""

    code = "ledes.not_representable"


_LINE_TYPES = {
    LineKind.FEE: at.FEE,
    LineKind.EXPENSE: at.EXPENSE,
    LineKind.INVOICE_FEE_ADJUSTMENT: at.FEE_ADJUSTMENT,
    LineKind.INVOICE_EXPENSE_ADJUSTMENT: at.EXPENSE_ADJUSTMENT,
}


def line_type_of(line: SnapshotLine, profile: Profile) -> str:
    """Return F, E, IF or IE for a line.

    :raises NotRepresentable: when the line is neither fee nor expense and the profile names no
        type for such lines.
    """
    if line.kind is LineKind.OTHER:
        if not profile.other_lines_as:
            raise NotRepresentable(
                f"Line {line.number} is neither fee nor expense; LEDES has no type for it."
            )
        return profile.other_lines_as
    return _LINE_TYPES[line.kind]


def require_writable(snapshot: InvoiceSnapshot, profile: Profile) -> None:
    """Check what no flat LEDES format can say, whatever its columns.

    :raises NotRepresentable: when it is a credit note that the carrier does not take, or no line.
    """
    if snapshot.kind is InvoiceKind.CREDIT_NOTE and not profile.credit_notes:
        raise NotRepresentable(
            f"{snapshot.number} is a credit note; {profile.name} does not take them as LEDES."
        )
    if not snapshot.lines:
        raise NotRepresentable(f"Invoice {snapshot.number} has no lines; LEDES has rows only.")


class Hand:
    """Writes values as the columns of a form, for one carrier, and refuses what does not fit."""

    def __init__(self, form: Form, profile: Profile) -> None:
        self._columns = profile.columns(form)
        self._numbers: dict[tuple[int, str], str] = {}
        self._required = {
            line_type: [i for i, each in enumerate(self._columns) if line_type in each.required]
            for line_type in at.LINE_TYPES
        }

    def text(self, index: int, value: str) -> str:
        """Return the value unchanged.

        :raises NotLedes: when it is too long, or holds what would move the fields after it.
        """
        if len(value) > self._columns[index].longest:
            raise NotLedes(
                f"{self._columns[index].name} takes {self._columns[index].longest} characters; "
                f"{value[:40]!r} has {len(value)}."
            )
        if match := _UNFIT.search(value):
            raise NotLedes(f"{self._columns[index].name} cannot carry {match.group()!r}.")
        return value

    def day(self, value: date) -> str:
        """Return the date as YYYYMMDD."""
        return f"{value.year:04d}{value.month:02d}{value.day:02d}"

    def number(self, index: int, value: Decimal) -> str:
        """Return the number in plain digits, with two decimals at least where it is a quantity.

        :raises NotLedes: when it has more digits or decimals than the column.
        """
        key = (index, str(value))  # 100 and 100.00 are equal, and written differently
        known = self._numbers.get(key)
        if known is None:
            known = self._numbers[key] = self._number(index, value)
        return known

    def quantity(self, index: int, value: Decimal) -> str:
        """Return a quantity, price or rate with at least two decimals: 2 is 2.00."""
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and exponent > -2:  # noqa: PLR2004
            value = value.quantize(Decimal("0.01"))
        return self.number(index, value)

    def _number(self, index: int, value: Decimal) -> str:
        column = self._columns[index]
        text = format(value, "f")
        whole, _, part = text.removeprefix("-").partition(".")
        if len(whole) > column.digits or len(part) > column.decimals:
            raise NotLedes(
                f"{column.name} takes {column.digits} digits and {column.decimals} decimals; "
                f"{text} has more."
            )
        return text

    def row(self, line_type: str, texts: Sequence[str]) -> str:
        """Return the row with its terminator, without a line end.

        :raises NotLedes: when a column that such a line needs is empty.
        """
        for index in self._required[line_type]:
            if not texts[index]:
                raise NotLedes(
                    f"{self._columns[index].name} is empty on line {texts[at.LINE_ITEM_NUMBER]}; "
                    f"a line of type {line_type} needs it."
                )
        return SEPARATOR.join(texts) + TERMINATOR


def shared_texts(hand: Hand, snapshot: InvoiceSnapshot, total: Decimal) -> list[str]:
    """Return the 24 columns with what is the same on every row of the invoice, the rest empty."""
    texts = [""] * 24
    texts[at.INVOICE_DATE] = hand.day(snapshot.issued_on)
    texts[at.INVOICE_NUMBER] = hand.text(at.INVOICE_NUMBER, snapshot.number)
    texts[at.CLIENT_ID] = hand.text(at.CLIENT_ID, snapshot.customer.external_id)
    texts[at.INVOICE_TOTAL] = hand.number(at.INVOICE_TOTAL, total)
    texts[at.BILLING_START_DATE] = hand.day(snapshot.period_starts_on)
    texts[at.BILLING_END_DATE] = hand.day(snapshot.period_last_day)
    texts[at.INVOICE_DESCRIPTION] = hand.text(at.INVOICE_DESCRIPTION, snapshot.description)
    texts[at.LAW_FIRM_ID] = hand.text(at.LAW_FIRM_ID, snapshot.firm.ledes_id)
    return texts


_LINE_TEXTS = (
    (at.LAW_FIRM_MATTER_ID, "firm_matter_id"),
    (at.LINE_ITEM_NUMBER, "number"),
    (at.TASK_CODE, "task_code"),
    (at.EXPENSE_CODE, "expense_code"),
    (at.ACTIVITY_CODE, "activity_code"),
    (at.TIMEKEEPER_ID, "timekeeper_id"),
    (at.LINE_DESCRIPTION, "emitted_narrative"),
    (at.TIMEKEEPER_NAME, "timekeeper_name"),
    (at.CLASSIFICATION, "timekeeper_classification"),
    (at.CLIENT_MATTER_ID, "client_matter_id"),
)


def line_texts(
    hand: Hand, line: SnapshotLine, shared: Sequence[str], line_type: str, total: Decimal
) -> list[str]:
    """Return a row's columns: what the invoice shares and what the line says.

    On an IF or IE line units and cost mean nothing; they are left empty where they are zero.
    """
    if line.worked_on is None:
        raise NotLedes(f"Line {line.number} has no date; LEDES needs one.")
    if line.narrative.strip() and not line.emitted_narrative:
        raise NotLedes(f"The narrative of line {line.number} has not been made fit to travel.")
    texts = list(shared)
    for index, name in _LINE_TEXTS:
        texts[index] = hand.text(index, getattr(line, name))
    texts[at.LINE_TYPE] = line_type
    texts[at.LINE_DATE] = hand.day(line.worked_on)
    texts[at.ADJUSTMENT] = hand.number(at.ADJUSTMENT, line.adjustment)
    texts[at.LINE_TOTAL] = hand.number(at.LINE_TOTAL, total)
    priced = line_type in at.PRICED
    if priced or line.units:
        texts[at.UNITS] = hand.quantity(at.UNITS, line.units)
    if priced or line.unit_price:
        texts[at.UNIT_COST] = hand.quantity(at.UNIT_COST, line.unit_price)
    return texts


def file_of(first_line: str, form: Form, rows: Iterable[str], profile: Profile) -> bytes:
    """Return the file: first line, header, rows, each with its line end."""
    ending = profile.line_ending.value
    return (ending.join([first_line, form.header, *rows]) + ending).encode("ascii")
