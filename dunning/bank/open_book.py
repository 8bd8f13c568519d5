"""What is owed, looked up by what payers write, and lowered as payments are put on it.

A file of a bank may hold thousands of payments and the firm thousands of open invoices: every look
is by an index, so that their product is never walked. Amounts are Decimal in major units.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from dunning.bank.exact_sums import MOST_ITEMS, exact_sums
from dunning.bank.remittance import letters_and_digits

_Key = tuple[Decimal, int, str]


@dataclass(frozen=True, slots=True)
class OpenItem:
    """What a customer owes on one invoice. ``open_amount`` is above zero, in major units."""

    id: str
    number: str
    customer: str
    due_on: date
    open_amount: Decimal
    currency: str
    reference: str = ""

    def __post_init__(self) -> None:
        if self.open_amount <= 0:
            raise ValueError(f"Open item {self.id} owes {self.open_amount}; it must be above zero.")


@dataclass(frozen=True, slots=True)
class KnownPayer:
    """The accounts and names under which a customer has paid before."""

    customer: str
    accounts: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


class OpenBook:
    """Open items, oldest due first, and who is known to pay them. The order given is no matter."""

    def __init__(self, items: Iterable[OpenItem], payers: Iterable[KnownPayer] = ()) -> None:
        ordered = sorted(items, key=lambda item: (item.due_on, item.number, item.id))
        self._order = {item.id: place for place, item in enumerate(ordered)}
        self._items: dict[str, OpenItem] = {}
        self._by_name: dict[str, dict[str, None]] = defaultdict(dict)
        self._by_customer: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        self._by_currency: dict[str, dict[str, None]] = defaultdict(dict)
        self._by_amount: dict[str, list[_Key]] = defaultdict(list)
        self._whole: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._by_whole: dict[tuple[str, Decimal], dict[str, None]] = defaultdict(dict)
        for item in ordered:
            self._put(item)
        self._lengths = sorted({len(name) for name in self._by_name})
        self._payers: dict[tuple[str, str], set[str]] = defaultdict(set)
        for payer in payers:
            for kind, texts in (("account", payer.accounts), ("name", payer.names)):
                for text in texts:
                    self._payers[kind, letters_and_digits(text)].add(payer.customer)

    def customer_of(self, account: str, name: str) -> str | None:
        """Return the one customer known by the payer's account, or else by the exact name."""
        found = self._known("account", account) or self._known("name", name)
        return next(iter(found)) if len(found) == 1 else None

    def perhaps_named_in(self, text: str) -> list[OpenItem]:
        """Return the items whose number's letters and digits are somewhere in a text."""
        bare = letters_and_digits(text)
        there = {
            key
            for length in self._lengths
            for start in range(len(bare) - length + 1)
            for key in self._by_name.get(bare[start : start + length], ())
            if letters_and_digits(self._items[key].number) in bare
        }
        return self._in_order(there)

    def referred_to(self, references: Iterable[str], currency: str) -> list[OpenItem]:
        """Return the items in a currency whose number or reference is one of some texts."""
        names = {letters_and_digits(each) for each in references} - {""}
        keys = {key for name in names for key in self._by_name.get(name, ())}
        return [item for item in self._in_order(keys) if item.currency == currency]

    def count_of(self, currency: str, customer: str | None) -> int:
        """Return how many items are open in a currency, of one customer or of all."""
        return len(self._held(currency, customer))

    def items_of(self, currency: str, customer: str | None) -> list[OpenItem]:
        """Return what is open in a currency, of one customer or of all."""
        return self._in_order(self._held(currency, customer))

    def sums_to(
        self, amount: Decimal, currency: str, customer: str | None, *, most: int
    ) -> tuple[int, list[list[OpenItem]]]:
        """Return how many sets of one customer's items come to an amount, and the first of them.

        Which sets are tried, ``exact_sums`` says.
        """
        if customer is not None or self.count_of(currency, None) <= MOST_ITEMS:
            found = exact_sums(amount, self.items_of(currency, customer))
            return len(found), found[:most]
        single = self._between(currency, amount, amount)
        owing = self._by_whole.get((currency, amount), {})
        whole = [self.items_of(currency, each) for each in owing]
        whole = [items for items in whole if len(items) > 1]
        whole.sort(key=lambda items: self._order[items[0].id])
        first = [[self._items[key]] for _, _, key in single[:most]]
        return len(single) + len(whole), [*first, *whole][:most]

    def nearly(self, amount: Decimal, currency: str, *, percent: int) -> list[OpenItem]:
        """Return items that differ from an amount by so much of themselves, nearest first."""
        share = Decimal(percent) / 100
        found = [
            (abs(open_amount - amount), place, key)
            for open_amount, place, key in self._between(
                currency, amount / (1 + share) - 1, amount / (1 - share) + 1
            )
            if abs(open_amount - amount) <= open_amount * share
        ]
        return [self._items[key] for _, _, key in sorted(found)]

    def take(self, allocations: Iterable[tuple[str, Decimal]]) -> None:
        """Lower what is open by what is put on it; nothing left is no open item any more."""
        for key, share in allocations:
            item = self._items[key]
            self._drop(item)
            left = item.open_amount - share
            if left > 0:
                self._put(replace(item, open_amount=left))

    def _known(self, kind: str, text: str) -> set[str]:
        name = letters_and_digits(text)
        return self._payers.get((kind, name), set()) if name else set()

    def _held(self, currency: str, customer: str | None) -> dict[str, None]:
        if customer is None:
            return self._by_currency.get(currency, {})
        return self._by_customer.get((currency, customer), {})

    def _in_order(self, keys: Iterable[str]) -> list[OpenItem]:
        return [self._items[key] for key in sorted(keys, key=self._order.__getitem__)]

    def _between(self, currency: str, least: Decimal, most: Decimal) -> list[_Key]:
        rows = self._by_amount.get(currency, [])
        first = bisect_left(rows, (least, -1, ""))
        return rows[first : bisect_right(rows, (most, len(self._order), ""))]

    def _put(self, item: OpenItem) -> None:
        for name in {letters_and_digits(item.number), letters_and_digits(item.reference)} - {""}:
            self._by_name[name][item.id] = None
        owner = (item.currency, item.customer)
        self._by_customer[owner][item.id] = None
        self._by_currency[item.currency][item.id] = None
        insort(self._by_amount[item.currency], (item.open_amount, self._order[item.id], item.id))
        self._items[item.id] = item
        self._owes(owner, item.open_amount)

    def _drop(self, item: OpenItem) -> None:
        for name in {letters_and_digits(item.number), letters_and_digits(item.reference)} - {""}:
            del self._by_name[name][item.id]
        owner = (item.currency, item.customer)
        del self._by_customer[owner][item.id]
        del self._by_currency[item.currency][item.id]
        rows = self._by_amount[item.currency]
        del rows[bisect_left(rows, (item.open_amount, self._order[item.id], item.id))]
        del self._items[item.id]
        self._owes(owner, -item.open_amount)

    def _owes(self, owner: tuple[str, str], more: Decimal) -> None:
        currency, customer = owner
        self._by_whole[currency, self._whole[owner]].pop(customer, None)
        self._whole[owner] += more
        self._by_whole[currency, self._whole[owner]][customer] = None
