"""The lines of bank statements: matched, received and paid from, all of a file in few statements.

Matching is tried on what is owed as anybody sees it; then the credit accounts of those who would
pay are locked, and where something was paid in between, it is looked at again. So a file is taken
whatever else happens at the same time: what is not owed any more stays unapplied.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from billing_portal.ids import uid_of
from billing_portal.money import Money
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.inserting import insert_many
from dunning.bank.matching import Confidence, Ground, Match, incoming, match
from dunning.bank.open_book import OpenBook, OpenItem
from dunning.bank.statements import BankEntry, BankPayment
from dunning.bank.statements import BankStatement as Read
from dunning.models import BankLine, BankStatement
from dunning.queries.payments import known_payers, open_items
from dunning.queries.verifying import lines_sha256
from invoices.models import Invoice
from ledger.actions.months import closed_days
from ledger.actions.payments import allocate_many
from ledger.actions.posting import lock_accounts
from ledger.actions.receiving import Received, receive_many
from ledger.models import Payment
from ledger.queries import owed_by

SOURCE = "camt.053"
_SURE = (Ground.REMITTANCE, Ground.REFERENCE)
_NO_REFERENCE = {"", "NONREF", "NOTPROVIDED", "NOT PROVIDED"}
_WENT_OUT: dict[str, Any] = {
    "payment_id": None,
    "confidence": "",
    "ground": "",
    "why": "Money that went out, or a reversal: kept here, not booked.",
    "suggestions": "[]",
}


@dataclass(frozen=True)
class Line:
    """One payment of a statement, as it will be kept.

    :ivar movement: what names it in any statement of the account; empty where the bank gives no
        reference of its own. Parts of a batch may share all of it, so they are counted.
    """

    statement: BankStatement
    number: int
    entry: BankEntry
    payment: BankPayment
    movement: str

    @property
    def amount(self) -> Money:
        """What it moved."""
        return Money(self.payment.amount, self.entry.currency)

    @property
    def came_in(self) -> bool:
        """Whether it is money received."""
        return self.payment.amount > 0 and not self.entry.is_reversal

    @property
    def remittance(self) -> str:
        """The payer's own words."""
        return " ".join((*self.payment.unstructured, *self.payment.structured))[:500]


@dataclass(frozen=True)
class Found:
    """What a line is for, and whether it is paid at once: the payer's own words decide."""

    match: Match
    is_sure: bool


def lines_of(statement: BankStatement, read: Read) -> list[Line]:
    """Return the lines of a statement that is about to be kept, in their order."""
    seen: Counter[str] = Counter()
    lines = []
    pairs = [(entry, payment) for entry in read.entries for payment in entry.payments]
    for number, (entry, payment) in enumerate(pairs, 1):
        reference, minor = payment.reference[:140], Money(payment.amount, entry.currency).minor
        movement = f"{statement.account}:{reference}:{entry.booked_on}:{minor}"
        seen[movement] += 1
        is_named = reference.upper() not in _NO_REFERENCE
        movement = f"{movement}:{seen[movement]}" if is_named else ""
        lines.append(Line(statement, number, entry, payment, movement))
    return lines


def keep_lines(lines: Sequence[Line], *, by: Actor, on: date) -> None:
    """Receive what came in, pay what it is surely for, and keep every line with its why."""
    came_in = [line for line in lines if line.came_in]
    found = _found(came_in)
    payments = _received(came_in, found, by=by, on=on)
    wishes = [
        (payment, _parts(each.match, payment.currency), payment.entry.booked_on)
        for payment, each in zip(payments, found, strict=True)
        if each.is_sure
    ]
    if wishes:
        allocate_many(wishes, by=by)
    outcomes = map(_outcome, payments, found)
    rows = [_row(line) | (next(outcomes) if line.came_in else _WENT_OUT) for line in lines]
    if rows:
        insert_many(BankLine, {name: [row[name] for row in rows] for name in rows[0]})


def _found(lines: Sequence[Line]) -> list[Found]:
    """Return what each line is for; the accounts that decide over what is paid are locked then."""
    if not lines:
        return []
    items, payers = open_items(), known_payers()
    matches = _look(lines, OpenBook(items, payers))
    paying = {
        (each.customer or "", line.entry.currency)
        for line, each in zip(lines, matches, strict=True)
        if _is_sure(each)
    }
    lock_accounts({("credit", *owner) for owner in paying})
    if not _are_still_owed(items, matches):
        matches = _look(lines, OpenBook(open_items(), payers))
    return [
        Found(each, _is_sure(each) and (each.customer or "", line.entry.currency) in paying)
        for line, each in zip(lines, matches, strict=True)
    ]


def _look(lines: Sequence[Line], book: OpenBook) -> list[Match]:
    """Match in the order of the file: what is open goes down as it goes."""
    found = []
    for line in lines:
        each = match(incoming(line.entry, line.payment), book)
        if _is_sure(each):
            book.take(each.allocations)
        found.append(each)
    return found


def _are_still_owed(items: Sequence[OpenItem], found: Sequence[Match]) -> bool:
    """Say whether what would be paid is owed as it was when it was matched. One query."""
    named = {key for each in found if _is_sure(each) for key, _ in each.allocations}
    said = {
        (uid_of(Invoice.ID_PREFIX, item.id), item.customer, item.currency): Money(
            item.open_amount, item.currency
        ).minor
        for item in items
        if item.id in named
    }
    owed = owed_by(invoice for invoice, _, _ in said)
    return all(owed.get(key, 0) == minor for key, minor in said.items())


def _received(
    lines: Sequence[Line], found: Sequence[Found], *, by: Actor, on: date
) -> list[Payment]:
    """Book what came in; lines of closed books on the day of importing."""
    closed = closed_days()
    told = [
        Received(
            key=f"{line.statement.account}:{line.statement.statement_id}:{line.number}",
            customer=each.match.customer or "",
            amount=line.amount,
            received_on=line.entry.booked_on,
            booked_on=on if closed.holds(line.entry.booked_on) else line.entry.booked_on,
            bank=line.statement.account,
            payer=line.payment.debtor_name[:140],
            remittance=line.remittance,
        )
        for line, each in zip(lines, found, strict=True)
    ]
    return receive_many(SOURCE, told, by=by) if told else []


def _row(line: Line) -> dict[str, Any]:
    """Return what the bank says of a line, by column."""
    return {
        "statement_id": line.statement.pk,
        "number": line.number,
        "booked_on": line.entry.booked_on,
        "amount": line.amount.minor,
        "currency": line.entry.currency,
        "reference": line.payment.reference[:140],
        "movement": line.movement,
        "payer": line.payment.debtor_name[:140],
        "payer_account": line.payment.debtor_account[:40],
        "remittance": line.remittance,
        "codes": " ".join(code.code for code in line.entry.codes)[:200],
        "is_reversal": line.entry.is_reversal,
    }


def sha256_of(lines: Sequence[Line]) -> str:
    """Return the hash of what the bank says of a statement's lines, for its statement to tell."""
    return lines_sha256([SimpleNamespace(**_row(line)) for line in lines])


def _outcome(payment: Payment, found: Found) -> dict[str, Any]:
    """Return what came of a line that came in, by column."""
    return {
        "payment_id": payment.pk,
        "confidence": str(found.match.confidence),
        "ground": str(found.match.ground),
        "why": found.match.why[:500],
        "suggestions": json.dumps(_suggestions(found)),
    }


def _parts(found: Match, currency: str) -> list[tuple[UUID, Money]]:
    return [
        (uid_of(Invoice.ID_PREFIX, item), Money(share, currency))
        for item, share in found.allocations
    ]


def _is_sure(found: Match) -> bool:
    """Say whether the payer's own words decide, so that nobody need be asked."""
    if not found.allocations or found.customer is None:
        return False
    return found.confidence is Confidence.CERTAIN or (
        found.confidence is Confidence.LIKELY and found.ground in _SURE
    )


def _suggestions(found: Found) -> list[dict[str, Any]]:
    told = found.match
    proposed = [] if found.is_sure or not told.allocations else [(told.allocations, told.why)]
    proposed += [(each.allocations, each.why) for each in told.suggestions]
    return [
        {"why": why, "parts": [[item, str(share)] for item, share in parts]}
        for parts, why in proposed
    ]
