"""Taking in a LEDES file as work: its people, matters and lines become charges to be billed here.

All of it or nothing. What the firm knows already is not changed; what it does not know is opened
where that is wanted and the actor may, and otherwise named, each once.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial

from django.db import transaction

from billing_portal.audit.trail import record
from billing_portal.errors import Refused, counted
from billing_portal.tenancy.actors import Actor, MissingPermission
from billing_portal.tenancy.locks import one_at_a_time
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id
from customers.actions.customers import open_customer
from customers.actions.matters import open_matter
from customers.actions.timekeepers import add_timekeeper
from customers.models import CLASSIFICATIONS, Customer, lookup_key
from customers.queries import (
    customers_by_external_id,
    matters_by_external_id,
    timekeepers_by_external_id,
)
from invoices.actions.capture import RowsRefused, capture_file
from invoices.actions.rows import NewCharge
from invoices.documents.snapshot import LineKind
from invoices.ledes import fields
from invoices.ledes.check import check
from invoices.ledes.findings import Finding, Severity, errors_of, in_order
from invoices.ledes.reading import ParsedInvoice, ParsedLine, invoices_in
from invoices.models import Charge
from invoices.queries.unknown import Unknown, place_of, unknown_in

SOURCE = "ledes"
_KINDS = {LineKind.FEE: Charge.Kind.TIME, LineKind.EXPENSE: Charge.Kind.EXPENSE}
_UNKNOWN_CLASS = "NBOTHR"


class NotTakenIn(Refused):
    """The file has errors; nothing of it was taken in.

    :ivar findings: every finding, warnings too.
    """

    code = "ledes.not_taken_in"

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        errors = counted(len(errors_of(self.findings)), "error")
        super().__init__(f"The LEDES file has {errors}; nothing of it was taken in.")


@dataclass(frozen=True)
class TakenIn:
    """What came of a file."""

    invoices: int
    charges: Counter[str]
    customers: int
    matters: int
    timekeepers: int
    findings: tuple[Finding, ...]


@transaction.atomic
def take_in_ledes(data: bytes, *, by: Actor, on: date, opens_unknown: bool = True) -> TakenIn:
    """Capture the lines of a 1998B or 98BI file as charges, each once.

    A line is known by its invoice's number and its own, so the same work in another file, with a
    line break more, is duplicates; a line that says something else by then is refused.

    Lines keep their units, price, adjustment, codes and words. Some 20 queries, those of opening
    what is new, and those of capturing.

    :param on: the day of taking in; a new customer is known from it.
    :param opens_unknown: open customers, matters and timekeepers that the firm does not have, if
        the actor may edit customers.
    :raises NotTakenIn: with all findings, when one of them is an error, a line cannot be taken,
        such as one of a closed matter, or something is unknown and not opened.
    """
    by.must("charges.capture")
    checked = check(data)
    if errors_of(checked.findings):
        raise NotTakenIn(checked.findings)
    invoices = invoices_in(checked.file)
    one_at_a_time(f"capture:{SOURCE}")  # so that whoever comes second finds who was opened
    customers = matters = keepers = 0
    unknown = Unknown()
    if opens_unknown and by.may("customers.edit"):
        opening = _Opening()
        customers = _customers(invoices, opening, by=by, on=on)
        opening.must_be_all()  # matters are their customers'
        matters = _matters(invoices, opening, by=by)
        keepers = _timekeepers(invoices, opening, by=by)
        opening.must_be_all()
    else:
        unknown = unknown_in(invoices)
    counts = _capture(invoices, unknown, by=by, on=on)
    sha256 = hashlib.sha256(data).hexdigest()
    firm = Tenant.objects.get(pk=current_tenant_id())
    record("ledes.taken_in", firm, by=by, sha256=sha256, charges=dict(counts))
    return TakenIn(len(invoices), counts, customers, matters, keepers, checked.findings)


def _capture(
    invoices: Sequence[ParsedInvoice], unknown: Unknown, *, by: Actor, on: date
) -> Counter[str]:
    """Capture all lines; where something is unknown the others are tried, to tell all at once."""
    pairs = [(invoice, line) for invoice in invoices for line in invoice.lines]
    pairs = [pair for pair in pairs if not unknown.is_named_by(*pair)]
    missing = unknown.findings()
    rows = [_charge(invoice, line) for invoice, line in pairs]
    try:
        answers = capture_file(SOURCE, rows, by=by, on=on, is_whole=not missing)
    except RowsRefused as no:
        against = _against(no, [line for _, line in pairs])
        raise NotTakenIn(in_order([*missing, *against])) from no
    return Counter(answer.status for answer in answers)


class _Opening:
    """Opening what a file names: what cannot be is told together, each by the row that names it."""

    def __init__(self) -> None:
        self.against: list[Finding] = []

    def __call__(self, deed: Callable[[], object], row: int, at: int) -> None:
        """Open one thing, or keep what stands against it."""
        try:
            deed()
        except MissingPermission:
            raise
        except Refused as no:
            field = fields.FORM_98BI.columns[at].name
            self.against.append(Finding(no.code, Severity.ERROR, str(no), row, at + 1, field))

    def must_be_all(self) -> None:
        """Pass when nothing stood against anything.

        :raises NotTakenIn: otherwise, with all of it.
        """
        if self.against:
            raise NotTakenIn(in_order(self.against))


def _customers(invoices: Sequence[ParsedInvoice], opening: _Opening, *, by: Actor, on: date) -> int:
    known = customers_by_external_id({each.customer_id for each in invoices})
    missing = {
        lookup_key(each.customer_id): each for each in invoices if each.customer_id not in known
    }
    for invoice in missing.values():
        deed = partial(
            open_customer,
            external_id=invoice.customer_id,
            name=f"Client {invoice.customer_id}",
            currency=invoice.currency,
            ledes_client_id=invoice.customer_id,
            on=on,
            by=by,
        )
        opening(deed, invoice.lines[0].row, fields.CLIENT_ID)
    return len(missing)


def _matters(invoices: Sequence[ParsedInvoice], opening: _Opening, *, by: Actor) -> int:
    wanted: dict[str, tuple[ParsedInvoice, ParsedLine]] = {}
    for invoice in invoices:
        for line in invoice.lines:
            wanted.setdefault(line.firm_matter_id, (invoice, line))
    known = matters_by_external_id(wanted)
    owners: dict[str, Customer] = customers_by_external_id({i.customer_id for i in invoices})
    missing = {name: pair for name, pair in wanted.items() if name not in known}
    for name, (invoice, line) in missing.items():
        deed = partial(
            open_matter,
            owners[invoice.customer_id],
            external_id=name,
            client_matter_id=line.client_matter_id,
            name=line.matter_name or f"Matter {name}",
            invoice_description=invoice.description,
            opened_on=min(each.worked_on for each in invoice.lines),
            by=by,
        )
        opening(deed, line.row, fields.LAW_FIRM_MATTER_ID)
    return len(missing)


def _timekeepers(invoices: Sequence[ParsedInvoice], opening: _Opening, *, by: Actor) -> int:
    wanted = {keeper.id: keeper for invoice in invoices for keeper in invoice.timekeepers}
    rows: dict[str, int] = {}
    for invoice in invoices:
        for line in invoice.lines:
            rows.setdefault(line.timekeeper_id, line.row)
    known = timekeepers_by_external_id(wanted)
    missing = [keeper for name, keeper in wanted.items() if name not in known]
    for keeper in missing:
        named = keeper.classification.upper()
        deed = partial(
            add_timekeeper,
            external_id=keeper.id,
            name=keeper.name,
            classification=named if named in CLASSIFICATIONS else _UNKNOWN_CLASS,
            by=by,
        )
        opening(deed, rows[keeper.id], fields.TIMEKEEPER_NAME)
    return len(missing)


def _charge(invoice: ParsedInvoice, line: ParsedLine) -> NewCharge:
    kind = _KINDS.get(line.kind, Charge.Kind.ADJUSTMENT)
    is_of_invoice = kind == Charge.Kind.ADJUSTMENT
    return NewCharge(
        key=f"{invoice.customer_id}:{invoice.number}:{line.number.zfill(6)}",
        kind=kind,
        customer=invoice.customer_id,
        matter=line.firm_matter_id,
        timekeeper=line.timekeeper_id if kind == Charge.Kind.TIME else "",
        worked_on=line.worked_on,
        quantity=Decimal(0) if is_of_invoice else line.units,
        unit_price=Decimal(0) if is_of_invoice else line.unit_price,
        adjustment=line.total if is_of_invoice else line.adjustment,
        currency=invoice.currency,
        task_code=line.task_code,
        activity_code=line.activity_code,
        expense_code=line.expense_code,
        narrative=line.narrative,
    )


def _against(refused: RowsRefused, lines: Sequence[ParsedLine]) -> list[Finding]:
    """Return what stands against lines that LEDES allows and the firm does not."""
    return [
        Finding(answer.code, Severity.ERROR, answer.detail, lines[i].row, *place_of(answer.column))
        for i, answer in refused.rows
    ]
