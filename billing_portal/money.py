"""Money: an exact amount of one currency, split without loss and rounded on purpose only.

Amounts are Decimal; whole minor units (cents) are what tables and the ledger hold. Minor units are
ISO 4217's, currencies of the past included, because last year's invoice must still be printed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from functools import total_ordering

from babel.numbers import format_currency

_EXACT = Context(prec=60)
_WITHOUT_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_WITH_THREE = "BHD IQD JOD KWD LYD OMR TND"
_WITH_FOUR = "CLF UYW"
_WITH_TWO = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN "
    "BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK "
    "LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK "
    "NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD "
    "SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD "
    "XCG YER ZAR ZMW ZWG"
)
_PAST_WITHOUT_DECIMALS = "ITL ESP BEF LUF PTE"
_PAST_WITH_TWO = "ANG ATS BGN CUC CYP DEM EEK FIM FRF GRD HRK IEP LTL LVL MTL NLG SIT SKK SLL"
_OF_THE_PAST = {
    **dict.fromkeys(_PAST_WITHOUT_DECIMALS.split(), 0),
    **dict.fromkeys(_PAST_WITH_TWO.split(), 2),
}
_MOST_USED = "USD EUR GBP CHF CAD AUD NZD JPY SEK NOK DKK PLN"
_MINOR_UNITS = {
    **_OF_THE_PAST,
    **dict.fromkeys(_WITHOUT_DECIMALS.split(), 0),
    **dict.fromkeys(_WITH_TWO.split(), 2),
    **dict.fromkeys(_WITH_THREE.split(), 3),
    **dict.fromkeys(_WITH_FOUR.split(), 4),
}
CURRENCIES_IN_USE = tuple(
    dict.fromkeys([*_MOST_USED.split(), *sorted(set(_MINOR_UNITS) - set(_OF_THE_PAST))])
)
"""What something new can be agreed in: the most used first, the others by their codes."""

_TYPED = re.compile(r"(?:[0-9]{1,15}|[1-9][0-9]{0,2}(?:,[0-9]{3}){1,4})(?:\.[0-9]{1,4})?")


class NotAnAmount(ValueError):
    """A typed text is no amount of the currency; the message says how one is written."""


class CurrencyMismatch(ValueError):
    """Amounts of two currencies met in one sum or comparison: a bug, so it crashes."""


class UnknownCurrency(ValueError):
    """The code names no currency that money can be counted in."""


def minor_units(currency: str) -> int:
    """Return how many decimals a currency has (ISO 4217): 2 for USD, 0 for JPY, 3 for KWD.

    :raises UnknownCurrency: for a code that is none, such as XXX or XAU.
    """
    try:
        return _MINOR_UNITS[currency]
    except KeyError:
        raise UnknownCurrency(currency) from None


def must_be_in_use(currency: str) -> None:
    """Pass when something new can be agreed in a currency.

    :raises UnknownCurrency: for a code that is none, or that is of the past.
    """
    if currency not in CURRENCIES_IN_USE:
        raise UnknownCurrency(currency)


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency; it may have more decimals than the currency until rounded.

    Adding, subtracting and comparing need one currency. It multiplies with Decimal and int, never
    with float.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError("An amount is a Decimal.")
        if not self.amount.is_finite():
            raise ValueError("An amount is a number.")
        minor_units(self.currency)

    @classmethod
    def of_minor(cls, minor: int, currency: str) -> Money:
        """Return the amount of so many cents (or whatever the currency's smallest unit is)."""
        return cls(Decimal(minor).scaleb(-minor_units(currency), _EXACT), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Return nothing, in a currency, with its usual decimals."""
        return cls.of_minor(0, currency)

    @property
    def minor(self) -> int:
        """The amount in whole minor units.

        :raises ValueError: when it has more decimals than the currency: round first.
        """
        shifted = self.amount.scaleb(minor_units(self.currency), _EXACT)
        whole = int(shifted)
        if whole != shifted:
            raise ValueError(f"{self} has a fraction of a minor unit; round it first.")
        return whole

    def rounded(self, mode: str = ROUND_HALF_UP) -> Money:
        """Return the amount in the currency's decimals, half away from zero unless told."""
        step = Decimal(1).scaleb(-minor_units(self.currency))
        amount = self.amount.quantize(step, rounding=mode, context=_EXACT)
        return Money(amount or abs(amount), self.currency)  # no minus zero

    def split(self, parts: int) -> list[Money]:
        """Split into equal parts that add up exactly; the first parts take the odd minor units.

        :raises ValueError: for less than one part, or an unrounded amount.
        """
        return self.split_by([1] * parts)

    def split_by(self, weights: Sequence[Decimal | int]) -> list[Money]:
        """Split in proportion by largest remainder, ties by position; the parts add up exactly.

        :param weights: not negative, not all zero.
        :raises ValueError: for such weights, or an unrounded amount.
        """
        total = sum((Fraction(weight) for weight in weights), Fraction(0))
        if total <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("Weights are positive.")
        whole, sign = abs(self.minor), -1 if self.amount < 0 else 1
        shares = [Fraction(weight) * whole / total for weight in weights]
        floors = [share.numerator // share.denominator for share in shares]
        order = sorted(range(len(shares)), key=lambda i: (floors[i] - shares[i], i))
        for i in order[: whole - sum(floors)]:
            floors[i] += 1
        return [Money.of_minor(sign * minor, self.currency) for minor in floors]

    def __add__(self, other: Money) -> Money:
        return Money(_EXACT.add(self.amount, self._same(other)), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(_EXACT.subtract(self.amount, self._same(other)), self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        if isinstance(factor, bool) or not isinstance(factor, Decimal | int):
            raise TypeError("Money multiplies with Decimal and int only.")
        return Money(_EXACT.multiply(self.amount, Decimal(factor)), self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(_EXACT.minus(self.amount), self.currency)

    def __abs__(self) -> Money:
        return Money(_EXACT.abs(self.amount), self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same(self, other: Money) -> Decimal:
        if not isinstance(other, Money):
            raise TypeError("Money goes with money only.")
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
        return other.amount


def written(money: Money) -> str:
    """Return an amount as a letter says it, such as $1,234.50, with all places of its currency."""
    text: str = format_currency(
        money.amount, money.currency, locale="en_US", decimal_quantization=False
    )
    return text


def total_of(amounts: Sequence[Money], currency: str) -> Money:
    """Return the sum of amounts of one currency; of none, zero."""
    return sum(amounts, Money.zero(currency))


def amount_typed(text: str, currency: str) -> Money:
    """Return the amount that somebody typed: ``1234.5`` or ``1,234.50``, never a guess.

    A comma stands between thousands only, and there are at most the currency's decimals.

    :raises NotAnAmount: for every other text.
    """
    places = minor_units(currency)
    found = Money(Decimal(text.replace(",", "")), currency) if _TYPED.fullmatch(text) else None
    if found is None or len(text.partition(".")[2]) > places:
        example = Money.of_minor(123450, currency).amount
        raise NotAnAmount(f"Write an amount such as {example:,}, with {places} decimals at most.")
    return found.rounded()
