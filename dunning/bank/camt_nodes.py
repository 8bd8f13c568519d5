"""Walking a camt message: elements by local name, with a place for every finding."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from lxml import etree

from billing_portal.bounds import DAYS_IN_WORDS, MOST_AT_A_BANK, is_a_day
from billing_portal.money import Money, UnknownCurrency
from billing_portal.texts import marked
from dunning.bank.findings import Finding, Severity

_AMOUNT = re.compile(r"(?=[0-9.]{1,19}\Z)[0-9]+(\.[0-9]{1,5})?", re.ASCII)
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T.*|Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII)


@dataclass
class Notes:
    """The findings of one reading, in the order of the file."""

    findings: list[Finding] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many findings there are up to now."""
        return len(self.findings)

    @property
    def errors(self) -> bool:
        """Whether anything stands against the file."""
        return self.errors_since(0)

    def errors_since(self, count: int) -> bool:
        """Return whether anything was found against the file after the first ``count`` findings."""
        return any(each.severity is Severity.ERROR for each in self.findings[count:])

    def error(self, rule: str, place: str, row: int, text: str) -> None:
        """Note what refuses the file."""
        self.findings.append(Finding(rule, place, row, Severity.ERROR, text))

    def warning(self, rule: str, place: str, row: int, text: str) -> None:
        """Note what a person may want to know."""
        self.findings.append(Finding(rule, place, row, Severity.WARNING, text))


@dataclass(frozen=True)
class Node:
    """An element, its place, and where to note what is wrong with it."""

    element: etree._Element
    place: str
    notes: Notes

    @property
    def name(self) -> str:
        """The element's name without its namespace."""
        return str(etree.QName(self.element).localname)

    def children(self, name: str) -> list[Node]:
        """Return the children of that name, in the order of the file."""
        return [
            self._below(each, name, number)
            for number, each in enumerate(self.element.iterchildren(f"{{*}}{name}"), start=1)
        ]

    def child(self, path: str) -> Node | None:
        """Return the first element along a path of names, or nothing."""
        here = self
        for name in path.split("/"):
            found = next(here.element.iterchildren(f"{{*}}{name}"), None)
            if found is None:
                return None
            here = here._below(found, name, 1)
        return here

    def _below(self, element: etree._Element, name: str, number: int) -> Node:
        return Node(element, f"{self.place}/{name}[{number}]".removeprefix("/"), self.notes)

    def text(self, path: str) -> str:
        """Return the trimmed text at a path; nothing where it is absent or holds elements."""
        found = self.child(path)
        return found.own_text if found is not None else ""

    @property
    def own_text(self) -> str:
        """The element's own text on one line, what is hidden marked; empty if it has elements."""
        return "" if len(self.element) else marked(self.element.text or "")

    def texts(self, *paths: str) -> tuple[str, ...]:
        """Return the texts of all elements at the paths, without the empty ones."""
        found: list[str] = []
        for path in paths:
            *parents, name = path.split("/")
            holders = [self]
            for parent in parents:
                holders = [each for holder in holders for each in holder.children(parent)]
            found += [each.own_text for holder in holders for each in holder.children(name)]
        return tuple(text for text in found if text)

    def required(self, path: str) -> str:
        """Return the text at a path, and note when there is none."""
        text = self.text(path)
        if not text:
            self.error("bank.missing", f"{path} is missing.")
        return text

    def amount_in(self, currency: str) -> Decimal | None:
        """Return the element's own text as an unsigned amount, or nothing after noting why not."""
        said = repr(self.own_text[:40])
        if not _AMOUNT.fullmatch(self.own_text):
            self.error("bank.amount", f"{said} is no amount.")
            return None
        amount = Decimal(self.own_text)
        try:
            minor = Money(amount, currency).minor
        except UnknownCurrency:
            self.error("bank.currency", f"{currency[:10]!r} is no currency that is known here.")
            return None
        except ValueError:
            self.error("bank.amount", f"{said} has more decimals than {currency} has.")
            return None
        if minor >= MOST_AT_A_BANK:
            self.error("bank.amount", f"{said} is more than an account can move or hold.")
            return None
        return amount

    def money(self) -> tuple[Decimal, str] | None:
        """Return the signed amount and its currency, or nothing after noting why not."""
        held = self.child("Amt")
        side = self.text("CdtDbtInd")
        if held is None:
            self.error("bank.amount", "The amount is empty.")
            return None
        currency = str(held.element.get("Ccy", ""))
        size = held.amount_in(currency)
        if side not in {"CRDT", "DBIT"}:
            self.error("bank.side", f"{side!r} is neither CRDT nor DBIT.")
            return None
        if size is None:
            return None
        return size if side == "CRDT" else -size, currency

    def day(self, path: str, *, required: bool) -> date | None:
        """Return the day at a path, as the bank's own calendar has it."""
        text = self.text(f"{path}/Dt") or self.text(f"{path}/DtTm")
        if not text and not required:
            return None
        return self._day_of(path, text)

    def day_of_moment(self, path: str) -> date | None:
        """Return the day of the moment at a path, nothing where there is none."""
        text = self.text(path)
        return self._day_of(path, text) if text else None

    def _day_of(self, path: str, text: str) -> date | None:
        found = _DAY.fullmatch(text)
        try:
            day = date.fromisoformat(found[1]) if found is not None else None
        except ValueError:
            day = None
        if day is not None and is_a_day(day):
            return day
        why = "is no date" if day is None else f"is not {DAYS_IN_WORDS}"
        self.error("bank.date", f"{path}: {text[:40]!r} {why}.")
        return None

    def error(self, rule: str, text: str) -> None:
        """Note what refuses the file."""
        self.notes.error(rule, self.place, self.element.sourceline or 0, text)

    def warn(self, rule: str, text: str) -> None:
        """Note what a person may want to know."""
        self.notes.warning(rule, self.place, self.element.sourceline or 0, text)
