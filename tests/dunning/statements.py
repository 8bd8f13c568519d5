"""Statements of a bank, made by hand: whatever a test wants them to say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.outside.bank.ledger import Account, Day
from tests.outside.bank.statement_xml import statement_xml

IBAN = "DE89370400440532013000"


def paid(amount, words="", *, reference="", day="2026-11-05", name="Granite State Casualty"):
    """Return a movement: so much from one payer, with their words and the bank's reference."""
    payment = {
        "payer_name": name, "payer_account": "", "amount": str(amount), "remittance": [words],
        "reference": "", "end_to_end_id": "",
    }  # fmt: skip
    return {
        "amount": str(amount), "kind": "payment", "booked_on": day, "value_on": day,
        "reference": reference, "payments": [payment], "text": "",
    }  # fmt: skip


def statement(*entries, opening="1000.00", day="2026-11-05", iban=IBAN, number=5, named=""):
    """Return a file with one statement of an account in dollars."""
    account = Account(iban, "Arnesen Pike LLP", "USD", Decimal(opening), date(2026, 11, 1))
    moved = sum((Decimal(each["amount"]) for each in entries), Decimal(0))
    held = Day(
        account, date.fromisoformat(day), number, Decimal(opening), Decimal(opening) + moved,
        list(entries),
    )  # fmt: skip
    data = statement_xml(held, at="2026-11-06T06:00:00Z")
    old = f"<Id>{iban}-{day.replace('-', '')}</Id>"
    assert old.encode() in data
    return data.replace(old.encode(), f"<Id>{named}</Id>".encode()) if named else data


def joined(first, second):
    """Return one file with the statements of two."""
    start, end = b"<Stmt>", b"</BkToCstmrStmt>"
    more = second[second.index(start) : second.index(end)]
    return first.replace(end, more + end)
