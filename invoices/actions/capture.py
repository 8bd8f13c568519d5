"""Capture: work comes in, is priced, and stands in the books as unbilled work.

Idempotent by (source, key): the same charge sent twice is one charge and says so; the same key with
other content is a conflict. A batch answers row by row; a file is taken whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.db import transaction

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record_many
from billing_portal.errors import Refused, counted
from billing_portal.jobs.worker import progress
from billing_portal.money import Money
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.locks import one_at_a_time
from billing_portal.texts import refuse_hidden
from invoices.actions.rows import (
    CaptureAnswer,
    NewCharge,
    Priced,
    RowRefused,
    look_up,
    price_all,
    refusal_of,
    resolved,
)
from invoices.models import Charge
from ledger.actions.months import ClosedDays, closed_days
from ledger.actions.posting import Line, NewEntry, post

MOST = 1000
_MOST_NUMBER = Decimal(10) ** 9
_REVENUE = {Charge.Kind.EXPENSE: "recoveries"}


class RowsRefused(Refused):
    """A file holds rows that cannot be taken; nothing of it was.

    :ivar rows: the place of each such row among all, from 0, and its answer.
    """

    code = "charges.rows_refused"

    def __init__(self, answers: list[CaptureAnswer]) -> None:
        self.rows = [(index, answer) for index, answer in enumerate(answers) if answer.is_refused]
        self.answers = [answer for _, answer in self.rows]
        rows = counted(len(answers), "row")
        super().__init__(f"{len(self.answers):,} of {rows} cannot be taken; nothing was.")


class TooMany(Refused):
    """A batch has at most 1,000 rows."""

    code = "charges.too_many"


@transaction.atomic
def capture(source: str, rows: Sequence[NewCharge], *, by: Actor, on: date) -> list[CaptureAnswer]:
    """Take in a batch; answer each row in its place. About twenty-five queries, whatever the size.

    :param on: the day of capturing: work of a day whose books are closed is booked on it.
    :raises TooMany: for more than 1,000 rows.
    :raises HiddenCharacter: for a source with a character that cannot be seen.
    """
    by.must("charges.capture")
    refuse_hidden({"source": source})
    if len(rows) > MOST:
        raise TooMany(f"A batch has at most {MOST} rows.")
    return _capture(source, rows, by=by, on=on)


@transaction.atomic
def capture_file(
    source: str, rows: Sequence[NewCharge], *, by: Actor, on: date, is_whole: bool = True
) -> list[CaptureAnswer]:
    """Take in a file, all of it or nothing.

    :param is_whole: not when some of its rows could not be read: the others are only tried, so
        that all that stands against the file is told together.
    :raises RowsRefused: with every row that cannot be taken, and always when it is not whole;
        nothing is written then.
    """
    by.must("charges.capture")
    answers: list[CaptureAnswer] = []
    for start in range(0, len(rows), MOST):
        progress(done=start, total=len(rows))
        answers += _capture(source, rows[start : start + MOST], by=by, on=on)
    progress(done=len(rows), total=len(rows))
    if not is_whole or any(answer.is_refused for answer in answers):
        raise RowsRefused(answers)
    return answers


def _capture(source: str, rows: Sequence[NewCharge], *, by: Actor, on: date) -> list[CaptureAnswer]:
    one_at_a_time(f"capture:{source}")  # so that the same row twice is a duplicate
    prints = [row.fingerprint() for row in rows]
    before = _found(source, rows)
    answers = {
        index: _repeat(row, before[row.key], prints[index])
        for index, row in enumerate(rows)
        if row.key in before
    }
    fresh = _first_that_can_be_taken(rows, answers, on)
    taken = {
        charge.key: (prints[index], charge.public_id)
        for index, charge in _write(source, fresh, prints, by=by, on=on).items()
    }
    for index, row in enumerate(rows):
        if index in answers:
            continue
        fingerprint, known = taken[row.key]
        if index in fresh:
            answers[index] = CaptureAnswer(row.key, "accepted", known)
        elif fingerprint == prints[index]:
            answers[index] = CaptureAnswer(row.key, "duplicate", known)
        else:
            answers[index] = _conflict(row)
    return [answers[index] for index in range(len(rows))]


def _first_that_can_be_taken(
    rows: Sequence[NewCharge], answers: dict[int, CaptureAnswer], on: date
) -> dict[int, Priced]:
    """Return the first good row of each key, priced; bad rows before it are answered.

    A row that is refused does not stand in the way of the one below that was mended.
    """
    known = look_up(rows)
    fresh: dict[int, Priced] = {}
    waiting = [index for index in range(len(rows)) if index not in answers]
    while waiting:
        first_of: dict[str, int] = {}
        for index in waiting:
            first_of.setdefault(rows[index].key, index)
        tried: dict[int, Priced] = {}
        for index in first_of.values():
            try:
                tried[index] = resolved(rows[index], known, on=on)
            except RowRefused as no:
                answers[index] = refusal_of(rows[index], no)
        price_all(tried, answers)
        fresh |= tried
        settled = {rows[index].key for index in tried}
        waiting = [i for i in waiting if i not in answers and rows[i].key not in settled]
    return fresh


def _found(source: str, rows: Sequence[NewCharge]) -> dict[str, Charge]:
    keys = [row.key for row in rows]
    return {c.key: c for c in Charge.objects.filter(source=source, key__in=keys)}


def _repeat(row: NewCharge, charge: Charge, fingerprint: str) -> CaptureAnswer:
    if charge.fingerprint == fingerprint:
        return CaptureAnswer(row.key, "duplicate", charge.public_id)
    return _conflict(row, charge.public_id)


def _conflict(row: NewCharge, known: str = "") -> CaptureAnswer:
    where = "was captured before" if known else "stands above"
    detail = f"This key {where} with other content."
    return CaptureAnswer(row.key, "conflict", known, "charges.conflict", detail, "key")


def _write(
    source: str, fresh: dict[int, Priced], prints: list[str], *, by: Actor, on: date
) -> dict[int, Charge]:
    if not fresh:
        return {}
    charges = {index: _charge(source, priced, prints[index]) for index, priced in fresh.items()}
    closed = closed_days()
    moving = {index: charge for index, charge in charges.items() if charge.amount}
    entries = post([_entry(charge, closed, on) for charge in moving.values()], by=by)
    for charge, entry in zip(moving.values(), entries, strict=True):
        charge.entry = entry
    Charge.objects.bulk_create(list(charges.values()))
    record_many(
        "charge.captured", [(c, {"key": c.key, **told(c)}) for c in charges.values()], by=by
    )
    publish("charges.captured", about=f"charges:{source}", count=len(charges))
    return charges


def _charge(source: str, priced: Priced, fingerprint: str) -> Charge:
    row, answer = priced.row, priced.answer
    return Charge(
        source=source,
        key=row.key,
        fingerprint=fingerprint,
        kind=row.kind,
        customer=priced.customer,
        matter=priced.matter,
        timekeeper=priced.timekeeper,
        worked_on=row.worked_on,
        quantity=row.quantity,
        unit_price=priced.unit_price,
        adjustment=Money(row.adjustment, priced.customer.currency).minor,
        amount=priced.amount.minor,
        currency=priced.customer.currency,
        rate=answer.row if answer else None,
        priced_by=answer.precedence if answer else "The price came with the charge.",
        task_code=row.task_code,
        activity_code=row.activity_code,
        expense_code=row.expense_code,
        narrative=row.narrative,
    )


def _entry(charge: Charge, closed: ClosedDays, on: date) -> NewEntry:
    """Return the entry of unbilled work; late work of closed books is booked today."""
    is_late = closed.holds(charge.worked_on)
    matter = charge.matter.uid if charge.matter else None
    revenue = _REVENUE.get(Charge.Kind(charge.kind), "fees")
    return NewEntry(
        kind="charge",
        booked_on=on if is_late else charge.worked_on,
        effective_on=charge.worked_on,
        key=f"charge:{charge.uid}",
        source=charge.public_id,
        lines=(
            Line("wip", charge.total, charge.customer.public_id, charge=charge.uid, matter=matter),
            Line(revenue, -charge.total, charge.kind.lower(), charge=charge.uid, matter=matter),
        ),
    )
