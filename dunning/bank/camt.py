"""camt.053: the booked bank statement of ISO 20022, versions 2 to 8.

Source: ISO 20022 message definitions camt.053.001.02 to .08 (BankToCustomerStatement). Facts that
surprise: amounts have no sign, ``CdtDbtInd`` gives it, also on a reversal; only entries of status
BOOK count, and from version 8 (in some files 4) the status stands one element deeper; the
opening balance is OPBD or, just as good, the previous day's closing PRCD; from version 8 a party's
name stands inside ``Pty``. camt.052 (intraday) and camt.054 (notification) look alike, book
nothing, and are refused rather than read as a statement without movements.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

from lxml import etree

from dunning.bank.camt_entries import entry_of
from dunning.bank.camt_nodes import Node, Notes
from dunning.bank.findings import NotAStatement
from dunning.bank.other_kinds import WANTED, refuse_other_kinds
from dunning.bank.safe_xml import parsed
from dunning.bank.statements import BankEntry, BankStatement

VERSIONS = ("02", "03", "04", "05", "06", "07", "08")
_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.(05[234])\.001\.([0-9]{2})")
_OLDEST_DAYS = 400  # before the statement closes: a year and a month, whatever the bank mends
_LONGEST_ACCOUNT = 34  # of an IBAN, and of any other account of ISO 20022
_OTHERS = {
    "052": f"This is an intraday report (camt.052): its movements are not final. {WANTED}",
    "054": f"This is a notification (camt.054): no balances prove it complete. {WANTED}",
}


def read_camt053(data: bytes) -> tuple[BankStatement, ...]:
    """Return the statements of a file, each proven: opening plus entries is closing.

    Nothing is rounded. Several statements of one account in one file must join: the closing
    balance of one is the opening balance of the next.

    :raises NotAStatement: with every finding, when anything stands against any statement.
    """
    refuse_other_kinds(data)
    notes = Notes()
    root = Node(parsed(data), "", notes)
    message = _message(root)
    statements = [
        statement
        for each in (message.children("Stmt") if message else [])
        if (statement := _statement(each)) is not None
    ]
    if message and not message.children("Stmt"):
        message.error("bank.no_statement", "The message holds no statement.")
    _join(statements, notes)
    if notes.errors:
        raise NotAStatement(notes.findings)
    return tuple(statements)


def _message(root: Node) -> Node | None:
    named = _NAMESPACE.fullmatch(str(etree.QName(root.element).namespace or ""))
    if root.name != "Document" or named is None:
        root.error("bank.not_camt", f"The file is no camt message. {WANTED}")
        return None
    kind, version = named.groups()
    if kind in _OTHERS:
        root.error("bank.not_end_of_day", _OTHERS[kind])
        return None
    if version not in VERSIONS:
        root.error("bank.version", f"camt.053 version {version} is not known here.")
        return None
    message = root.child("BkToCstmrStmt")
    if message is None:
        root.error("bank.no_statement", "The message holds no statement.")
    return message


def _statement(node: Node) -> BankStatement | None:
    """Return one statement, or nothing after having noted why not."""
    before = node.notes.count
    name = node.required("Id")
    account = node.text("Acct/Id/IBAN") or node.text("Acct/Id/Othr/Id")
    if not account:
        node.error("bank.no_account", "The statement names no account.")
    if len(account) > _LONGEST_ACCOUNT:
        text = f"The account has {len(account):,} characters; {_LONGEST_ACCOUNT} are the most."
        node.error("bank.account", text)
    opening = _balance(node, ("OPBD", "PRCD"), "opening")
    closing = _balance(node, ("CLBD",), "closing")
    currency = _currency(node, opening, closing)
    read = [entry_of(each, currency=currency) for each in node.children("Ntry")]
    entries = tuple(each for each in read if each is not None)
    sequence = _sequence(node)
    if opening is None or closing is None or node.notes.errors_since(before):
        return None
    _prove(node, opening[0], closing[0], entries)
    _date(node, closing[2], entries)
    _note_repeated(node, entries)
    return BankStatement(
        id=name,
        account=account,
        currency=currency,
        sequence=sequence,
        opening=opening[0],
        opened_on=opening[2],
        closing=closing[0],
        closed_on=closing[2],
        entries=entries,
        findings=tuple(node.notes.findings[before:]),
    )


def _balance(node: Node, kinds: tuple[str, ...], what: str) -> tuple[Decimal, str, date] | None:
    """Return amount, currency and day of the first kind of balance that is there."""
    for kind in kinds:
        found = [each for each in node.children("Bal") if each.text("Tp/CdOrPrtry/Cd") == kind]
        if len(found) > 1:
            text = f"The statement has {len(found):,} {what} balances ({kind})."
            found[1].error("bank.balance_repeated", text)
            return None
        if found:
            return _amount_and_day(found[0])
    node.error("bank.no_balance", f"The statement has no {what} booked balance.")
    return None


def _currency(node: Node, *balances: tuple[Decimal, str, date] | None) -> str:
    """Return the account's currency, noting every balance that is in another one."""
    named = [balance[1] for balance in balances if balance is not None]
    currency = node.text("Acct/Ccy") or (named[0] if named else "")
    for other in named:
        if other != currency:
            text = f"A balance is in {other}, the account in {currency}."
            node.error("bank.currency_differs", text)
    return currency


def _amount_and_day(balance: Node) -> tuple[Decimal, str, date] | None:
    money = balance.money()
    day = balance.day("Dt", required=True)
    if money is None or day is None:
        return None
    return money[0], money[1], day


def _sequence(node: Node) -> int | None:
    """Return the electronic sequence number, or the legal one; nothing where there is neither."""
    for name in ("ElctrncSeqNb", "LglSeqNb"):
        text = node.text(name)
        if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
            return int(text)
        if text:
            node.error("bank.sequence", f"{text!r} is no sequence number.")
            return None
    return None


def _prove(node: Node, opening: Decimal, closing: Decimal, entries: tuple[BankEntry, ...]) -> None:
    total = sum((entry.amount for entry in entries), Decimal(0))
    if opening + total != closing:
        text = f"{opening:,} plus entries of {total:,} is {opening + total:,}, not {closing:,}."
        node.error("bank.does_not_add_up", text)


def _date(node: Node, closed_on: date, entries: tuple[BankEntry, ...]) -> None:
    """Note every entry booked on a day that is not the statement's."""
    first, last = closed_on - timedelta(days=_OLDEST_DAYS), closed_on
    # Some banks write any period: one that does not hold the closing day says nothing.
    since = node.day_of_moment("FrToDt/FrDtTm") or date.min
    until = node.day_of_moment("FrToDt/ToDtTm") or date.max
    if since <= closed_on <= until:
        first = max(first, since)
    places = {each.place: each for each in node.children("Ntry")}
    for entry in entries:
        if not first <= entry.booked_on <= last:
            text = f"The entry is booked on {entry.booked_on}, not from {first} to {last}."
            places[entry.place].error("bank.booked_outside", text)


def _note_repeated(node: Node, entries: tuple[BankEntry, ...]) -> None:
    seen: set[tuple[str, Decimal, date | None]] = set()
    for entry in entries:
        key = (entry.reference, entry.amount, entry.value_on)
        if entry.reference and key in seen:
            text = f"{entry.place} repeats reference {entry.reference} with amount and value date."
            node.warn("bank.reference_repeated", text)
        seen.add(key)


def _join(statements: list[BankStatement], notes: Notes) -> None:
    """Note where two statements of one account in one file do not join."""
    last: dict[tuple[str, str], BankStatement] = {}
    for number, statement in enumerate(statements, start=1):
        key = (statement.account, statement.currency)
        before = last.get(key)
        if before is not None and before.closing != statement.opening:
            text = f"It opens with {statement.opening}, {before.id} closed with {before.closing}."
            notes.error("bank.does_not_join", f"Stmt[{number}]", 0, text)
        last[key] = statement
