"""A snapshot made fit for one format and one carrier, with every change to every text.

Only texts for people are made fit: description, narratives, names, addresses. Ids and codes are
never touched, because a portal compares them to the letter; the writer refuses them instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from invoices.documents.narrative import Substitution, fit
from invoices.ledes import fields as at
from invoices.ledes.fields import FORM_98BI, Form

if TYPE_CHECKING:
    from invoices.documents.snapshot import Address, InvoiceSnapshot, SnapshotLine
    from invoices.ledes.profile import Profile


@dataclass(frozen=True, slots=True)
class TextChange:
    """One change to one text. ``line`` is the line's number, empty for the invoice's own texts."""

    line: str
    field: str
    change: Substitution


@dataclass(frozen=True, slots=True)
class FittedSnapshot:
    """A copy whose texts can travel, and what was changed. The approved narratives are kept."""

    snapshot: InvoiceSnapshot
    changes: tuple[TextChange, ...]


def fit_for(snapshot: InvoiceSnapshot, form: Form, profile: Profile) -> FittedSnapshot:
    """Return a copy of the snapshot that the form can carry, and every change to a text.

    A line's approved narrative stays; the fitted one is its ``emitted_narrative``. Figures, dates,
    ids and codes are the same. Fitting a fitted copy changes no text.
    """
    fitting = _Fitting(form, profile)
    lines = tuple(fitting.line(each) for each in snapshot.lines)
    fitted = replace(
        snapshot,
        description=fitting.text("", at.INVOICE_DESCRIPTION, snapshot.description),
        lines=lines,
    )
    if form is FORM_98BI:
        fitted = fitting.parties(fitted)
    return FittedSnapshot(fitted, tuple(fitting.changes))


class _Fitting:
    """Fits texts to the columns of a form and keeps the changes."""

    def __init__(self, form: Form, profile: Profile) -> None:
        self.changes: list[TextChange] = []
        self._form = form
        self._columns = profile.columns(form)

    def text(self, line: str, index: int, text: str) -> str:
        column = self._columns[index]
        fitted = fit(text, longest=column.longest)
        for each in fitted.substitutions:
            self.changes.append(TextChange(line, column.name, each))
        return fitted.text

    def line(self, line: SnapshotLine) -> SnapshotLine:
        international = self._form is FORM_98BI
        return replace(
            line,
            emitted_narrative=self.text(line.number, at.LINE_DESCRIPTION, line.narrative),
            timekeeper_name=self.text(line.number, at.TIMEKEEPER_NAME, line.timekeeper_name),
            matter_name=self.text(line.number, at.MATTER_NAME, line.matter_name)
            if international
            else line.matter_name,
        )

    def parties(self, snapshot: InvoiceSnapshot) -> InvoiceSnapshot:
        firm, customer = snapshot.firm, snapshot.customer
        return replace(
            snapshot,
            firm=replace(
                firm,
                name=self.text("", at.LAW_FIRM_NAME, firm.name),
                address=self._address(firm.address, first=at.LAW_FIRM_ADDRESS_1),
            ),
            customer=replace(
                customer,
                name=self.text("", at.CLIENT_NAME, customer.name),
                address=self._address(customer.address, first=at.CLIENT_ADDRESS_1),
            ),
        )

    def _address(self, address: Address, *, first: int) -> Address:
        street, *rest = (*address.lines, "")
        lines = (
            self.text("", first, street),
            self.text("", first + 1, ", ".join(each for each in rest if each)),
        )
        return replace(
            address,
            lines=tuple(each for each in lines if each),
            city=self.text("", first + 2, address.city),
            region=self.text("", first + 3, address.region),
        )
