"""Which open items an incoming payment is for: a proposal, and why.

The order is: invoice numbers in the payer's own words, an exact reference, an exact sum, and,
only where the payer is known, the oldest due first. What is ambiguous is proposed to nobody but
a person, with suggestions: so is a text with a number that is no open invoice, and one that says
more than numbers where the amount is not what is open. Pure and deterministic: the order of the
items does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from dunning.bank.exact_sums import MOST_ITEMS
from dunning.bank.open_book import OpenBook, OpenItem
from dunning.bank.remittance import items_named, letters_and_digits, other_numbers, says_more
from dunning.bank.statements import BankEntry, BankPayment

_MOST_SUGGESTIONS = 5
_NEARLY = 2  # per cent
_LONGEST_TOKEN = 40


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


_HOW = {
    Ground.REMITTANCE: "named in the payment's text",
    Ground.REFERENCE: "the payment's reference",
}


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


def match(payment: IncomingPayment, book: OpenBook) -> Match:
    """Propose what a payment is for. Nothing is rounded and nothing is paid twice."""
    customer = book.customer_of(payment.payer_account, payment.payer_name)
    named = items_named(payment.texts, book.perhaps_named_in("\n".join(payment.texts)))
    if named.unsure or any(item.currency != payment.currency for item in named.sure):
        perhaps = [
            item for item in (*named.sure, *named.unsure) if item.currency == payment.currency
        ]
        return _ask(
            payment,
            "The payer's words may name these invoices, but not beyond doubt.",
            [_suggest(payment, [item], "Named, or nearly so.") for item in perhaps],
            customer,
        )
    if named.sure:
        return _to_items(payment, named.sure, Ground.REMITTANCE, named.rest, customer)
    referred = book.referred_to(payment.references, payment.currency)
    if referred:
        rest = _rest(payment, referred)
        return _to_items(payment, referred, Ground.REFERENCE, rest, customer)
    return _by_amount(payment, book, customer)


def _rest(payment: IncomingPayment, found: Sequence[OpenItem]) -> str:
    """Return the payment's texts but for those that are the reference itself."""
    given = {letters_and_digits(text) for item in found for text in (item.reference, item.number)}
    return "\n".join(
        text for text in payment.texts if letters_and_digits(text) not in given
    ).upper()


def _doubt(payment: IncomingPayment, found: Sequence[OpenItem], rest: str) -> str:
    """Return why a person must read the text although it names open invoices, or nothing."""
    amounts = [payment.amount, *(item.open_amount for item in found)]
    unknown = other_numbers(rest, amounts)
    if unknown:
        return f"but {unknown[0][:_LONGEST_TOKEN]} is in the text too, and is no open invoice"
    if _sum(found) != payment.amount and says_more(rest, amounts):
        return "but the amount is another, and the text says more than numbers"
    return ""


def _to_items(
    payment: IncomingPayment,
    found: Sequence[OpenItem],
    ground: Ground,
    rest: str,
    customer: str | None,
) -> Match:
    """Allocate to items that the payer pointed at, oldest due first; never to any other."""
    owed, how, doubt = _sum(found), _HOW[ground], _doubt(payment, found, rest)
    numbers = ", ".join(item.number for item in found)
    customers = {item.customer for item in found}
    if doubt:
        suggestion = _suggest(payment, found, f"{numbers}: {how}.")
        return _ask(payment, f"{numbers}: {how}, {doubt}.", [suggestion], customer)
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


def _by_amount(payment: IncomingPayment, book: OpenBook, customer: str | None) -> Match:
    count = book.count_of(payment.currency, customer)
    sets, found = book.sums_to(payment.amount, payment.currency, customer, most=_MOST_SUGGESTIONS)
    if sets == 1:
        return _exact(payment, found[0], count, customer)
    if found:
        why = f"{sets} sets of open items come to exactly {payment.amount}."
        suggestions = [_suggest(payment, each, "Comes to the exact amount.") for each in found]
        return _ask(payment, why, suggestions, customer)
    if customer is not None and count:
        own = book.items_of(payment.currency, customer)
        why = "The payer is known; nothing fits the amount, so the oldest due comes first."
        return _allocated(payment, own, Confidence.LIKELY, Ground.OLDEST_DUE, why)
    if customer is not None:
        why = "The payer is known and owes nothing in this currency."
        return _ask(payment, why, [], customer)
    # Bank charges and slips of the pen.
    near = book.nearly(payment.amount, payment.currency, percent=_NEARLY)[:_MOST_SUGGESTIONS]
    suggestions = [_suggest(payment, [item], "Nearly the amount.") for item in near]
    return _ask(payment, "Nothing tells who paid or what for.", suggestions, None)


def _exact(
    payment: IncomingPayment,
    found: Sequence[OpenItem],
    count: int,
    customer: str | None,
) -> Match:
    numbers = ", ".join(item.number for item in found)
    why = f"{numbers}: together exactly the amount received"
    if customer is None and (len(found) > 1 or count > MOST_ITEMS):
        suggestion = _suggest(payment, found, "Comes to the exact amount.")
        return _ask(payment, f"{why}, but the payer is not known.", [suggestion], None)
    if count > MOST_ITEMS:
        why += f", though not every set of {count:,} open items was tried"
    return _allocated(payment, found, Confidence.LIKELY, Ground.EXACT_SUM, f"{why}.")


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
