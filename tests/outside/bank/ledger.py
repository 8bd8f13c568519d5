"""The bank's own book: accounts, movements, and days that are closed once a statement was given."""

from __future__ import annotations

import json
import sqlite3
import threading
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
    iban TEXT PRIMARY KEY, owner TEXT NOT NULL, currency TEXT NOT NULL,
    opening TEXT NOT NULL, opened_on TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, reference TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL, amount TEXT NOT NULL, booked_on TEXT NOT NULL, value_on TEXT NOT NULL,
    reverses TEXT NOT NULL, text TEXT NOT NULL, payments TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS closed_days (
    account TEXT NOT NULL, day TEXT NOT NULL, PRIMARY KEY (account, day)
);
"""


class NotBooked(Exception):
    """The bank does not take this instruction."""


@dataclass(frozen=True)
class Account:
    """One account; the first statement is of the day on which it was opened."""

    iban: str
    owner: str
    currency: str
    opening: Decimal
    opened_on: date


@dataclass(frozen=True)
class Day:
    """What a statement of one day says."""

    account: Account
    day: date
    sequence: int
    opening: Decimal
    closing: Decimal
    entries: list[dict[str, Any]]


class Ledger:
    """Movements of all accounts. Amounts are signed: what comes in is above zero."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(_TABLES)

    def open_account(self, account: Account) -> None:
        """Open an account, unless it is open already."""
        with self._lock:
            self._connection.execute(
                "INSERT OR IGNORE INTO accounts VALUES (?, ?, ?, ?, ?)",
                [
                    *(account.iban, account.owner, account.currency),
                    *(str(account.opening), account.opened_on.isoformat()),
                ],
            )

    def accounts(self) -> list[Account]:
        """Return the accounts in the order of their opening."""
        with self._lock:
            rows = self._connection.execute("SELECT * FROM accounts ORDER BY rowid").fetchall()
        return [
            Account(
                row["iban"],
                row["owner"],
                row["currency"],
                Decimal(row["opening"]),
                date.fromisoformat(row["opened_on"]),
            )
            for row in rows
        ]

    def book(
        self,
        account: Account,
        *,
        kind: str,
        amount: Decimal,
        booked_on: date,
        value_on: date,
        payments: list[dict[str, Any]],
        text: str = "",
        reverses: str = "",
    ) -> str:
        """Write a movement down and return the bank's reference for it.

        :raises NotBooked: before the account was opened, or on a day that is closed.
        """
        with self._lock:
            if booked_on < account.opened_on or self._is_closed(account, booked_on):
                raise NotBooked(f"{booked_on} is closed for {account.iban}.")
            number = self._connection.execute("SELECT count(*) FROM entries").fetchone()[0] + 1
            reference = f"CTB{booked_on:%Y%m%d}{number:07d}"
            self._connection.execute(
                "INSERT INTO entries (account, reference, kind, amount, booked_on, value_on,"
                " reverses, text, payments) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    *(account.iban, reference, kind, str(amount)),
                    *(booked_on.isoformat(), value_on.isoformat(), reverses, text),
                    json.dumps(payments),
                ],
            )
        return reference

    def entries(self, account: str = "") -> list[dict[str, Any]]:
        """Return movements, oldest first, of one account or of all."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT * FROM entries WHERE ? IN ('', account) ORDER BY booked_on, id", [account]
            ).fetchall()
        return [{**dict(row), "payments": json.loads(row["payments"])} for row in rows]

    def statement(self, account: Account, day: date) -> Day | None:
        """Close a day and return its statement; nothing before the account was opened."""
        if day < account.opened_on:
            return None
        with self._lock:
            closed = account.opened_on
            while closed <= day:
                self._connection.execute(
                    "INSERT OR IGNORE INTO closed_days VALUES (?, ?)",
                    [account.iban, closed.isoformat()],
                )
                closed += timedelta(days=1)
            entries = self.entries(account.iban)
        before = [each for each in entries if each["booked_on"] < day.isoformat()]
        today = [each for each in entries if each["booked_on"] == day.isoformat()]
        opening = account.opening + sum((Decimal(each["amount"]) for each in before), Decimal(0))
        closing = opening + sum((Decimal(each["amount"]) for each in today), Decimal(0))
        sequence = (day - account.opened_on).days + 1
        return Day(account, day, sequence, opening, closing, today)

    def _is_closed(self, account: Account, day: date) -> bool:
        found = self._connection.execute(
            "SELECT 1 FROM closed_days WHERE account = ? AND day = ?",
            [account.iban, day.isoformat()],
        ).fetchone()
        return found is not None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
