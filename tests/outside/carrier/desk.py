"""What stands behind every layout: one visit, the faults switched on, and the taking of a file."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tests.outside.carrier.accounts import Accounts, Session
from tests.outside.carrier.book import Book
from tests.outside.carrier.ledes_file import read
from tests.outside.carrier.master import Carrier
from tests.outside.carrier.rules import audit, invoices_of
from tests.outside.web import Request, Response, Upload, moment


@dataclass(frozen=True)
class Faults:
    """What is wrong with a carrier's site at the moment. ``lose_answers`` counts down."""

    down: bool = False
    slow_seconds: float = 0.0
    changed_page: bool = False
    code_wanted: bool = False
    captcha_wanted: bool = False
    lose_answers: int = 0
    redirect_to: str = ""


@dataclass
class Desk:
    """The carriers, their book, their visitors and their troubles."""

    carriers: dict[str, Carrier]
    book: Book
    accounts: Accounts = field(default_factory=Accounts)
    _faults: dict[str, Faults] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def faults_of(self, carrier: str) -> Faults:
        """Return what is wrong with a carrier's site at the moment."""
        return self._faults.get(carrier, Faults())

    def set_faults(self, carrier: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Switch faults on or off; return them all.

        :raises TypeError: when there is no such fault.
        """
        with self._lock:
            self._faults[carrier] = replace(self.faults_of(carrier), **changes)
            return asdict(self._faults[carrier])

    def reset(self) -> None:
        """Switch every fault off and forget sessions and locks. The book stays."""
        with self._lock:
            self._faults.clear()
        self.accounts.reset()

    def loses_this_answer(self, carrier: str) -> bool:
        """Return whether the answer to this upload is to be lost, and count it."""
        with self._lock:
            faults = self.faults_of(carrier)
            if faults.lose_answers < 1:
                return False
            self._faults[carrier] = replace(faults, lose_answers=faults.lose_answers - 1)
            return True

    def receive(self, carrier: Carrier, upload: Upload, *, by: str) -> str:
        """Read and check an uploaded file, write it down, and return its reference."""
        lines, reasons = read(upload.data)
        with self.book.lock:
            reasons += audit(
                carrier,
                upload.name,
                lines,
                is_accepted=lambda number: self.book.is_accepted(carrier.key, number),
            )
            return self.book.enter(
                carrier=carrier.key,
                prefix=carrier.prefix,
                file_name=upload.name,
                data=upload.data,
                invoices={
                    number: rows[0]["INVOICE_TOTAL"] for number, rows in invoices_of(lines).items()
                },
                reasons=reasons,
                by=by,
                at=moment(),
                seconds=time.time(),
            )


@dataclass(frozen=True)
class Visit:
    """One request to one carrier's site."""

    desk: Desk
    carrier: Carrier
    request: Request
    session: Session
    session_key: str
    path: str

    def at(self, path: str) -> str:
        """Return the address of a page of this carrier."""
        return f"/{self.carrier.key}{path}"

    def name(self, field_name: str) -> str:
        """Return a form field's name, which is another one after the site was rebuilt."""
        changed = self.desk.faults_of(self.carrier.key).changed_page
        return f"x-{field_name}-v2" if changed else field_name

    def value(self, field_name: str) -> str:
        """Return what was typed into a field."""
        return self.request.form.get(self.name(field_name), "")

    @property
    def is_own_form(self) -> bool:
        """Whether the form that was sent was made for this session."""
        return self.request.form.get("form_token") == self.session.form_token

    def entries(self, wanted: str = "") -> list[dict[str, Any]]:
        """Return this carrier's entries with the status a visitor sees now, newest first."""
        book = self.desk.book
        found = book.found(self.carrier.key, wanted) if wanted else book.entries(self.carrier.key)
        return [self._as_seen(entry) for entry in reversed(found)]

    def _as_seen(self, entry: dict[str, Any]) -> dict[str, Any]:
        age = time.time() - entry["received"]
        if age < self.carrier.validation_seconds:
            return {**entry, "status": "Validating", "reasons": [], "reductions": []}
        return entry

    def take_upload(self, field_name: str) -> str | Response:
        """Write the uploaded file down; return its reference, or a cut answer if that is lost."""
        upload = self.request.uploads[self.name(field_name)]
        reference = self.desk.receive(self.carrier, upload, by=self.session.user)
        if self.desk.loses_this_answer(self.carrier.key):
            return Response(cut=True)
        return reference

    @property
    def has_upload(self) -> bool:
        """Whether a file with a name came with the form."""
        return any(upload.name for upload in self.request.uploads.values())
