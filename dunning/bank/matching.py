"""Which open items an incoming payment is for: a proposal, and why.

The order is: invoice numbers in the payer's own words, an exact reference, an exact sum, and,
only where the payer is known, the oldest due first. What is ambiguous is proposed to nobody but
a person, with suggestions. Pure and deterministic: the order of the input does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from dunning.bank.exact_sums import MOST_ITEMS, exact_sums
from dunning.bank.remittance import items_named, letters_and_digits
from dunning.bank.statements import BankEntry, BankPayment

_MOST_SUGGESTIONS = 5


class Confidence(StrEnum):
    """How sure a proposal is: CERTAIN needs no person, LIKELY may be shown to one, ASK must be."""

    CERTAIN = "certain"
    LIKELY = "likely"
    ASK = "ask"


class Ground(StrEnum):
    """On what ground the items were found."""

    REMITTANCE = "remittance"
    REFERENCE = "reference"
    EXACT_SUM = "exact sum"
    OLDEST_DUE = "oldest due"
    NONE = "none"


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


@dataclass(frozen=True, slots=True)
class IncomingPayment:
    """Money that came in. ``amount`` is above zero, in major units."""

    amount: Decimal
    currency: str
    texts: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    payer_name: str = ""
    payer_account: str = ""

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise ValueError(f"A payment of {self.amount} did not come in.")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One way to allocate the payment that a person may choose."""

    allocations: tuple[tuple[str, Decimal], ...]
    why: str


@dataclass(frozen=True, slots=True)
class Match:
    """A proposal. Amounts allocated plus ``unapplied`` is the amount received, always."""

    allocations: tuple[tuple[str, Decimal], ...]
    unapplied: Decimal
    confidence: Confidence
    ground: Ground
    why: str
    customer: str | None = None
    suggestions: tuple[Suggestion, ...] = ()


def incoming(entry: BankEntry, payment: BankPayment) -> IncomingPayment:
    """Return what matching needs to know of one payment of a bank statement.

    :raises ValueError: when the payment went out.
    """
    return IncomingPayment(
        amount=payment.amount,
        currency=entry.currency,
        texts=(*payment.unstructured, *payment.structured),
        references=(*payment.structured, *payment.end_to_end_ids),
        payer_name=payment.debtor_name,
        payer_account=payment.debtor_account,
    )


def match(
    payment: IncomingPayment,
    items: Iterable[OpenItem],
    *,
    payers: Iterable[KnownPayer] = (),
) -> Match:
    """Propose what a payment is for. Nothing is rounded and nothing is paid twice."""
    everything = sorted(items, key=lambda item: (item.due_on, item.number, item.id))
    pool = [item for item in everything if item.currency == payment.currency]
    customer = _customer_of(payment, payers)
    named = items_named(payment.texts, everything)
    if named.unsure or any(item.currency != payment.currency for item in named.sure):
        return _ask(
            payment,
            "The payer's words may name these invoices, but not beyond doubt.",
            [_suggest(payment, [item], "Named, or nearly so.") for item in named.all_of(pool)],
            customer,
        )
    if named.sure:
        return _to_items(payment, named.sure, Ground.REMITTANCE, "named in the payment's text")
    referred = _referred_to(payment, pool)
    if referred:
        return _to_items(payment, referred, Ground.REFERENCE, "the payment's reference")
    return _by_amount(payment, pool, customer)


def _customer_of(payment: IncomingPayment, payers: Iterable[KnownPayer]) -> str | None:
    """Return the one customer known by the payer's account, or else by the exact name."""
    known = list(payers)
    account = letters_and_digits(payment.payer_account)
    name = letters_and_digits(payment.payer_name)
    by_account = {
        payer.customer
        for payer in known
        if account and account in {letters_and_digits(each) for each in payer.accounts}
    }
    by_name = {
        payer.customer
        for payer in known
        if name and name in {letters_and_digits(each) for each in payer.names}
    }
    found = by_account or by_name
    return found.pop() if len(found) == 1 else None


def _referred_to(payment: IncomingPayment, pool: Sequence[OpenItem]) -> list[OpenItem]:
    given = {letters_and_digits(reference) for reference in payment.references} - {""}
    return [
        item
        for item in pool
        if given & {letters_and_digits(item.reference), letters_and_digits(item.number)}
    ]


def _to_items(
    payment: IncomingPayment, found: Sequence[OpenItem], ground: Ground, how: str
) -> Match:
    """Allocate to items that the payer pointed at, oldest due first; never to any other."""
    owed = _sum(found)
    numbers = ", ".join(item.number for item in found)
    customers = {item.customer for item in found}
    if owed == payment.amount:
        why = f"{numbers}: {how}; the amount is exactly what is open."
        return _allocated(payment, found, Confidence.CERTAIN, ground, why)
    if len(customers) > 1:
        why = f"{numbers}: {how}; they belong to several customers and the amount differs."
        return _ask(payment, why, [_suggest(payment, found, "Oldest due first.")], None)
    short = owed - payment.amount
    if short < 0:
        why = f"{numbers}: {how}; {-short} more came in than is open on them."
    elif len(found) == 1:
        why = f"{numbers}: {how}; a part payment, {short} stays open."
    else:
        why = f"{numbers}: {how}; {short} too little, put on the oldest due first."
    return _allocated(payment, found, Confidence.LIKELY, ground, why)


def _by_amount(payment: IncomingPayment, pool: Sequence[OpenItem], customer: str | None) -> Match:
    own = [item for item in pool if item.customer == customer] if customer is not None else pool
    found = exact_sums(payment.amount, own)
    if len(found) == 1:
        return _exact(payment, found[0], own, customer)
    if found:
        why = f"{len(found)} sets of open items come to exactly {payment.amount}."
        suggestions = [_suggest(payment, each, "Comes to the exact amount.") for each in found]
        return _ask(payment, why, suggestions, customer)
    if customer is not None and own:
        why = "The payer is known; nothing fits the amount, so the oldest due comes first."
        return _allocated(payment, own, Confidence.LIKELY, Ground.OLDEST_DUE, why)
    if customer is not None:
        why = "The payer is known and owes nothing in this currency."
        return _ask(payment, why, [], customer)
    return _ask(payment, "Nothing tells who paid or what for.", _nearly(payment, pool), None)


def _exact(
    payment: IncomingPayment,
    found: Sequence[OpenItem],
    own: Sequence[OpenItem],
    customer: str | None,
) -> Match:
    numbers = ", ".join(item.number for item in found)
    why = f"{numbers}: together exactly the amount received"
    if customer is None and (len(found) > 1 or len(own) > MOST_ITEMS):
        suggestion = _suggest(payment, found, "Comes to the exact amount.")
        return _ask(payment, f"{why}, but the payer is not known.", [suggestion], None)
    if len(own) > MOST_ITEMS:
        why += f", though not every set of {len(own)} open items was tried"
    return _allocated(payment, found, Confidence.LIKELY, Ground.EXACT_SUM, f"{why}.")


def _nearly(payment: IncomingPayment, pool: Sequence[OpenItem]) -> list[Suggestion]:
    """Suggest single items within two per cent of the amount: bank charges and slips of the pen."""
    near = [
        item for item in pool if abs(item.open_amount - payment.amount) * 50 <= item.open_amount
    ]
    near.sort(key=lambda item: abs(item.open_amount - payment.amount))
    return [_suggest(payment, [item], "Nearly the amount.") for item in near]


def _allocated(
    payment: IncomingPayment,
    found: Sequence[OpenItem],
    confidence: Confidence,
    ground: Ground,
    why: str,
) -> Match:
    allocations = _spread(payment.amount, found)
    customers = {item.customer for item in found}
    return Match(
        allocations=allocations,
        unapplied=payment.amount - sum((share for _, share in allocations), Decimal(0)),
        confidence=confidence,
        ground=ground,
        why=why,
        customer=customers.pop() if len(customers) == 1 else None,
    )


def _ask(
    payment: IncomingPayment, why: str, suggestions: Sequence[Suggestion], customer: str | None
) -> Match:
    return Match(
        allocations=(),
        unapplied=payment.amount,
        confidence=Confidence.ASK,
        ground=Ground.NONE,
        why=why,
        customer=customer,
        suggestions=tuple(suggestions[:_MOST_SUGGESTIONS]),
    )


def _suggest(payment: IncomingPayment, found: Sequence[OpenItem], why: str) -> Suggestion:
    return Suggestion(_spread(payment.amount, found), why)


def _spread(amount: Decimal, found: Sequence[OpenItem]) -> tuple[tuple[str, Decimal], ...]:
    """Put the amount on the items in their order, none getting more than is open on it."""
    shares = []
    for item in found:
        share = min(amount, item.open_amount)
        if share > 0:
            shares.append((item.id, share))
        amount -= share
    return tuple(shares)


def _sum(found: Sequence[OpenItem]) -> Decimal:
    return sum((item.open_amount for item in found), Decimal(0))
