"""The carriers' own book: every file received, what was decided, and the bytes themselves.

SQLite, one file. Both sides' books are compared against it; nothing in it comes from the portal but
the bytes that were uploaded.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.outside.carrier.ledes_file import Reason

_TABLE = """
CREATE TABLE IF NOT EXISTS submissions (
    id INTEGER PRIMARY KEY,
    carrier TEXT NOT NULL,
    reference TEXT NOT NULL UNIQUE,
    file_name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes BLOB NOT NULL,
    invoices TEXT NOT NULL,
    status TEXT NOT NULL,
    reasons TEXT NOT NULL,
    reductions TEXT NOT NULL DEFAULT '[]',
    submitted_by TEXT NOT NULL,
    received_at TEXT NOT NULL,
    received REAL NOT NULL
)
"""
STATUSES = ("Accepted", "Rejected", "Under review", "Approved", "Sent to payment", "Paid")


class Book:
    """What the carriers wrote down. Safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(_TABLE)

    @property
    def lock(self) -> threading.RLock:
        """Held from the check for duplicates until the file is written down."""
        return self._lock

    def enter(
        self,
        *,
        carrier: str,
        prefix: str,
        file_name: str,
        data: bytes,
        invoices: Mapping[str, str],
        reasons: Sequence[Reason],
        by: str,
        at: str,
        seconds: float,
    ) -> str:
        """Write down one received file and return the reference number given to it."""
        with self._lock:
            taken = self._connection.execute(
                "SELECT count(*) FROM submissions WHERE carrier = ?", [carrier]
            ).fetchone()[0]
            reference = f"{prefix}-{at[:4]}-{taken + 1:06d}"
            self._connection.execute(
                "INSERT INTO submissions (carrier, reference, file_name, sha256, bytes, invoices,"
                " status, reasons, submitted_by, received_at, received)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    *(carrier, reference, file_name, hashlib.sha256(data).hexdigest(), data),
                    *(json.dumps(dict(invoices)), "Rejected" if reasons else "Accepted"),
                    *(json.dumps([asdict(reason) for reason in reasons]), by, at, seconds),
                ],
            )
        return reference

    def decide(
        self, reference: str, *, status: str, reductions: Sequence[Mapping[str, str]]
    ) -> bool:
        """Move an entry along, with reductions per line; return whether there is such an entry."""
        with self._lock:
            done = self._connection.execute(
                "UPDATE submissions SET status = ?, reductions = ? WHERE reference = ?",
                [status, json.dumps([dict(each) for each in reductions]), reference],
            )
        return done.rowcount == 1

    def is_accepted(self, carrier: str, invoice_number: str) -> bool:
        """Return whether a file with this invoice was taken before, and not rejected."""
        with self._lock:
            row = self._connection.execute(
                "SELECT EXISTS (SELECT 1 FROM submissions, json_each(submissions.invoices) AS each"
                " WHERE carrier = ? AND status <> 'Rejected' AND each.key = ?)",
                [carrier, invoice_number],
            ).fetchone()
        return bool(row[0])

    def entries(self, carrier: str = "") -> list[dict[str, Any]]:
        """Return what was received, oldest first, of one carrier or of all. Without the bytes."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT * FROM submissions WHERE ? IN ('', carrier) ORDER BY id", [carrier]
            ).fetchall()
        return [_entry(row) for row in rows]

    def found(self, carrier: str, wanted: str) -> list[dict[str, Any]]:
        """Return entries whose invoice, file name, reference or hash is the wanted text."""
        wanted = wanted.strip()
        return [
            entry
            for entry in self.entries(carrier)
            if wanted in {entry["file_name"], entry["sha256"], entry["reference"]}
            or wanted in entry["invoices"]
        ]

    def bytes_of(self, reference: str) -> bytes | None:
        """Return the very bytes received under a reference."""
        with self._lock:
            row = self._connection.execute(
                "SELECT bytes FROM submissions WHERE reference = ?", [reference]
            ).fetchone()
        return None if row is None else bytes(row["bytes"])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _entry(row: sqlite3.Row) -> dict[str, Any]:
    entry = {key: row[key] for key in row.keys() if key not in {"id", "bytes"}}  # noqa: SIM118
    for name in ("invoices", "reasons", "reductions"):
        entry[name] = json.loads(entry[name])
    return entry
