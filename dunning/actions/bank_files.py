"""Bank files: taken in whole or not at all, each payment once, and matched as far as it is sure.

What the payer's own words name is allocated at once; the rest is received, and waits for a person
with suggestions and their why. Money that went out is kept with the file and not booked here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.ids import uid_of
from billing_portal.money import Money
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from billing_portal.texts import refuse_hidden
from dunning.actions.bank_accounts import normalized
from dunning.bank.camt import read_camt053
from dunning.bank.matching import Confidence, Ground, Match, OpenItem, incoming, match
from dunning.bank.statements import BankEntry, BankPayment
from dunning.bank.statements import BankStatement as Read
from dunning.models import BankAccount, BankFile, BankLine, BankStatement
from dunning.queries.payments import known_payers, last_statement, open_items
from invoices.models import Invoice
from ledger.actions.months import ClosedDays, closed_days
from ledger.actions.payments import allocate, receive
from ledger.models import Payment

SOURCE = "camt.053"
_SURE = (Ground.REMITTANCE, Ground.REFERENCE)
_NO_REFERENCE = {"NONREF", "NOTPROVIDED", "NOT PROVIDED"}
_WENT_OUT = "Money that went out, or a reversal: kept here, not booked."


class KnownFile(Refused):
    """These very bytes were imported before."""

    code = "bank.known_file"


class KnownStatement(Refused):
    """Another file brought this statement before."""

    code = "bank.known_statement"


class UnknownAccount(Refused):
    """The statement is of an account, or in a currency, that the firm has not named as its own."""

    code = "bank.unknown_account"


class NotYet(Refused):
    """The statement ends on a day that has not come."""

    code = "bank.not_yet"


class Gap(Refused):
    """The statement does not follow the last one of its account: by balance, number or day."""

    code = "bank.gap"


@dataclass
class _Desk:
    """What matching knows while a file is worked through: open amounts go down as it goes."""

    items: list[OpenItem]
    payers: list[Any]
    closed: ClosedDays

    def took(self, allocations: Sequence[tuple[str, Decimal]]) -> None:
        """Lower what is open by what was allocated."""
        taken = dict(allocations)
        left = []
        for item in self.items:
            open_amount = item.open_amount - taken.get(item.id, Decimal(0))
            if open_amount > 0:
                left.append(_with(item, open_amount))
        self.items = left


@transaction.atomic
def import_bank_file(data: bytes, *, name: str, by: Actor, on: date) -> BankFile:
    """Import a camt.053 file: statements, lines, payments received, and what is surely paid.

    :param on: the day of importing: lines of closed books are booked on it.
    :raises NotAStatement: with all findings, when the file is none that adds up.
    :raises HiddenCharacter: for a file's name with a character that cannot be seen.
    :raises KnownFile: when it was imported before.
    :raises KnownStatement: when one of its statements was.
    :raises NotYet: when a statement ends after ``on``.
    :raises UnknownAccount: when a statement is of no account of the firm.
    :raises Gap: when a statement does not follow the last one of its account.
    """
    by.must("payments.import")
    refuse_hidden({"name": name})
    statements = read_camt053(data)
    sha256 = hashlib.sha256(data).hexdigest()
    if BankFile.objects.filter(sha256=sha256).exists():
        raise KnownFile("This file was imported before; nothing was booked again.")
    file: BankFile = BankFile.objects.create(
        name=name[:160],
        sha256=sha256,
        content=data,
        imported_by=by.ref,
        imported_by_name=by.name,
    )
    desk = _Desk(open_items(), known_payers(), closed_days())
    taken = [_take_in(file, statement, desk, by=by, on=on) for statement in statements]
    facts = {"sha256": sha256, "statements": len(taken)}
    record("bank_file.imported", file, by=by, **facts, **told(file, *taken))
    publish("bank_file.imported", about=file.public_id)
    return file


def _take_in(file: BankFile, read: Read, desk: _Desk, *, by: Actor, on: date) -> BankStatement:
    _must_be_ours(read)
    if read.closed_on > on:
        raise NotYet(f"{read.id} ends on {read.closed_on}; nothing of it has happened yet.")
    known = BankStatement.objects.filter(account=read.account, statement_id=read.id[:60])
    if known.exists():
        raise KnownStatement(f"Statement {read.id} was imported before; nothing was booked again.")
    opening = Money(read.opening, read.currency)
    before = last_statement(read.account)
    if before is not None:
        _must_follow(before, read, opening)
    statement: BankStatement = BankStatement.objects.create(
        file=file,
        account=read.account,
        statement_id=read.id[:60],
        sequence=read.sequence,
        currency=read.currency,
        opening=opening.minor,
        closing=Money(read.closing, read.currency).minor,
        opened_on=read.opened_on,
        closed_on=read.closed_on,
    )
    _must_be_new(read)
    pairs = [(entry, payment) for entry in read.entries for payment in entry.payments]
    for number, (entry, payment) in enumerate(pairs, 1):
        _line(statement, number, entry, payment, desk, by=by, on=on)
    return statement


def _must_be_ours(read: Read) -> None:
    own = BankAccount.objects.filter(account=normalized(read.account)).first()
    if own is None:
        raise UnknownAccount(
            f"{read.account} is no account of the firm. It is named in the back office first."
        )
    if own.currency != read.currency:
        raise UnknownAccount(f"{own} is in {own.currency}, the statement in {read.currency}.")


def _must_be_new(read: Read) -> None:
    """Refuse a movement that another statement brought, by the bank's own reference to it."""
    told = {
        (payment.reference[:140], Money(payment.amount, entry.currency).minor, entry.booked_on)
        for entry in read.entries
        for payment in entry.payments
        if payment.reference and payment.reference.upper() not in _NO_REFERENCE
    }
    before = BankLine.objects.filter(
        statement__account=read.account, reference__in={reference for reference, _, _ in told}
    ).values_list("reference", "amount", "booked_on", "statement__statement_id")
    for reference, amount, booked_on, statement in before:
        if (reference, amount, booked_on) in told:
            raise KnownStatement(f"Movement {reference} came with statement {statement} before.")


def _must_follow(before: BankStatement, read: Read, opening: Money) -> None:
    """Refuse what leaves a statement out. Numbers may begin anew, as many banks do each year."""
    if before.closing != opening.minor:
        last = Money.of_minor(before.closing, before.currency)
        raise Gap(f"{read.account} opens with {opening}; the last statement closed with {last}.")
    if read.closed_on < before.closed_on:
        raise Gap(f"{read.id} ends before {before.statement_id}, which was imported already.")
    numbers = (before.sequence, read.sequence)
    if None not in numbers and read.sequence > before.sequence + 1:  # type: ignore[operator]  # both are there
        raise Gap(f"{read.id} is number {read.sequence}; the last was number {before.sequence}.")


def _line(
    statement: BankStatement,
    number: int,
    entry: BankEntry,
    payment: BankPayment,
    desk: _Desk,
    *,
    by: Actor,
    on: date,
) -> None:
    amount = Money(payment.amount, entry.currency)
    line = BankLine(
        statement=statement,
        number=number,
        booked_on=entry.booked_on,
        amount=amount.minor,
        currency=entry.currency,
        reference=payment.reference[:140],
        payer=payment.debtor_name[:140],
        payer_account=payment.debtor_account[:40],
        remittance=" ".join((*payment.unstructured, *payment.structured))[:500],
        codes=" ".join(code.code for code in entry.codes)[:200],
        is_reversal=entry.is_reversal,
    )
    if amount.minor <= 0 or entry.is_reversal:
        line.why = _WENT_OUT
        line.save(force_insert=True)
        return
    found = match(incoming(entry, payment), desk.items, payers=desk.payers)
    line.payment = _received(line, found, desk, by=by, on=on)
    line.confidence, line.ground, line.why = found.confidence, found.ground, found.why[:500]
    line.suggestions = _suggestions(found)
    line.save(force_insert=True)
    if _is_sure(found):
        booked_on = line.payment.entry.booked_on
        allocate(
            line.payment,
            [
                (uid_of(Invoice.ID_PREFIX, item), Money(share, entry.currency))
                for item, share in found.allocations
            ],
            by=by,
            on=booked_on,
        )
        desk.took(found.allocations)


def _received(line: BankLine, found: Match, desk: _Desk, *, by: Actor, on: date) -> Payment:
    statement = line.statement
    is_closed = desk.closed.holds(line.booked_on)
    return receive(
        source=SOURCE,
        key=f"{statement.account}:{statement.statement_id}:{line.number}",
        customer=found.customer or "",
        amount=line.money,
        received_on=line.booked_on,
        booked_on=on if is_closed else line.booked_on,
        bank=statement.account,
        payer=line.payer,
        remittance=line.remittance,
        by=by,
    )


def _is_sure(found: Match) -> bool:
    """Say whether the payer's own words decide, so that nobody need be asked."""
    if not found.allocations or found.customer is None:
        return False
    return found.confidence is Confidence.CERTAIN or (
        found.confidence is Confidence.LIKELY and found.ground in _SURE
    )


def _suggestions(found: Match) -> list[dict[str, Any]]:
    proposed = [] if _is_sure(found) or not found.allocations else [(found.allocations, found.why)]
    proposed += [(each.allocations, each.why) for each in found.suggestions]
    return [
        {"why": why, "parts": [[item, str(share)] for item, share in parts]}
        for parts, why in proposed
    ]


def _with(item: OpenItem, open_amount: Decimal) -> OpenItem:
    return OpenItem(
        id=item.id,
        number=item.number,
        customer=item.customer,
        due_on=item.due_on,
        open_amount=open_amount,
        currency=item.currency,
        reference=item.reference,
    )
