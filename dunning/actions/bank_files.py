"""Bank files: taken in whole or not at all, each payment once, and matched as far as it is sure.

What the payer's own words name is allocated at once; the rest is received, and waits for a person
with suggestions and their why. Money that went out is kept with the file and not booked here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date

from django.db import transaction

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.jobs.worker import progress
from billing_portal.money import Money
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from billing_portal.texts import refuse_hidden
from dunning.actions.bank_accounts import normalized
from dunning.actions.bank_lines import Line, keep_lines, lines_of, sha256_of
from dunning.bank.camt import read_camt053
from dunning.bank.statements import BankStatement as Read
from dunning.bank.statements import may_follow
from dunning.models import BankAccount, BankFile, BankStatement
from dunning.queries.payments import last_statements, movement_there, statements_there


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


@transaction.atomic
def import_bank_file(data: bytes, *, name: str, by: Actor, on: date) -> BankFile:
    """Import a camt.053 file: statements, lines, payments received, and what is surely paid.

    Some sixty queries, whatever the number of payments. Files of one account wait for each other.

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
    own = _locked_accounts(statements)
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
    kept, lines = _kept(file, statements, own, on)
    _must_be_new(lines)
    progress(total=len(lines), stage="matching")
    keep_lines(lines, by=by, on=on)
    progress(done=len(lines))
    facts = {"sha256": sha256, "statements": len(kept)}
    record("bank_file.imported", file, by=by, **facts, **told(file, *kept))
    publish("bank_file.imported", about=file.public_id)
    return file


def _locked_accounts(statements: Sequence[Read]) -> dict[str, BankAccount]:
    """Return the firm's accounts that statements are of, locked in the order of their keys.

    Files of one account come one after another: each sees what the one before it brought.
    """
    named = {normalized(each.account) for each in statements}
    rows = BankAccount.objects.select_for_update(no_key=True).filter(account__in=named)
    return {row.account: row for row in rows.order_by("pk")}


def _kept(
    file: BankFile, statements: Sequence[Read], own: dict[str, BankAccount], on: date
) -> tuple[list[BankStatement], list[Line]]:
    """Keep the statements, each after the last one of its account, with their lines to be kept.

    Three queries.
    """
    last = last_statements(own)
    known = statements_there(own, [read.id[:60] for read in statements])
    kept, lines = [], []
    for read in statements:
        account = _must_be_ours(read, own)
        if read.closed_on > on:
            raise NotYet(f"{read.id} ends on {read.closed_on}; nothing of it has happened yet.")
        if (account, read.id[:60]) in known:
            raise KnownStatement(
                f"Statement {read.id} was imported before; nothing was booked again."
            )
        row = BankStatement(
            file=file,
            account=account,
            place=1,
            statement_id=read.id[:60],
            sequence=read.sequence,
            currency=read.currency,
            opening=Money(read.opening, read.currency).minor,
            closing=Money(read.closing, read.currency).minor,
            opened_on=read.opened_on,
            closed_on=read.closed_on,
        )
        if account in last:
            _must_follow(last[account], row)
            row.place = last[account].place + 1
        last[account] = row
        known.add((account, row.statement_id))
        own_lines = lines_of(row, read)
        row.lines_sha256 = sha256_of(own_lines)
        kept.append(row)
        lines += own_lines
    return list(BankStatement.objects.bulk_create(kept)), lines


def _must_be_ours(read: Read, own: dict[str, BankAccount]) -> str:
    account = own.get(normalized(read.account))
    if account is None:
        raise UnknownAccount(
            f"{read.account} is no account of the firm. It is named in the back office first."
        )
    if account.currency != read.currency:
        raise UnknownAccount(
            f"{account} is in {account.currency}, the statement in {read.currency}."
        )
    return str(account.account)


def _must_follow(before: BankStatement, row: BankStatement) -> None:
    """Refuse what does not come right after the last statement: by balance, day or number."""
    if before.closing != row.opening:
        opening = Money.of_minor(row.opening, row.currency)
        last = Money.of_minor(before.closing, before.currency)
        raise Gap(f"{row.account} opens with {opening}; the last statement closed with {last}.")
    if row.closed_on < before.closed_on:
        raise Gap(
            f"{row.statement_id} ends before {before.statement_id}, which was imported already."
        )
    if before.sequence is None or row.sequence is None:
        return
    is_new_year = row.closed_on.year != before.closed_on.year
    if not may_follow(row.sequence, before.sequence, is_new_year=is_new_year):
        raise Gap(
            f"{row.statement_id} is number {row.sequence}; the last was number {before.sequence}."
        )


def _must_be_new(lines: Sequence[Line]) -> None:
    """Refuse a movement that another statement brought, by the bank's own reference to it."""
    told: dict[str, Line] = {}
    for line in lines:
        if line.movement and line.movement in told:
            raise _brought_before(line, told[line.movement].statement)
        told[line.movement] = line
    before = movement_there([movement for movement in told if movement])
    if before is not None:
        raise _brought_before(told[before.movement], before.statement)


def _brought_before(line: Line, statement: BankStatement) -> KnownStatement:
    reference = line.payment.reference
    return KnownStatement(
        f"Movement {reference} came with statement {statement.statement_id} before."
    )
