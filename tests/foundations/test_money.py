"""Money is exact: nothing is lost in a split, and nothing passes through a float."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.money import (
    CurrencyMismatch,
    Money,
    UnknownCurrency,
    minor_units,
    total_of,
    written,
)

minors = st.integers(min_value=-(10**15), max_value=10**15)
currencies = st.sampled_from(["USD", "EUR", "JPY", "KWD", "CLF", "BGN"])


@given(minors, currencies, st.integers(min_value=1, max_value=99))
def test_split_loses_nothing(minor, currency, parts):
    shares = Money.of_minor(minor, currency).split(parts)

    assert total_of(shares, currency) == Money.of_minor(minor, currency)
    assert len(shares) == parts


@given(minors, st.lists(st.integers(min_value=0, max_value=1000), min_size=1).filter(any))
def test_split_by_weights_loses_nothing_and_strays_by_less_than_a_cent(minor, weights):
    shares = Money.of_minor(minor, "USD").split_by(weights)

    assert sum(share.minor for share in shares) == minor
    exact = [Decimal(minor) * weight / sum(weights) for weight in weights]
    assert all(abs(s.minor - e) < 1 for s, e in zip(shares, exact, strict=True))


@given(minors, currencies)
def test_minor_units_come_back_as_they_went_in(minor, currency):
    assert Money.of_minor(minor, currency).minor == minor


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        ("100.00", [1, 1, 1], ["33.34", "33.33", "33.33"]),
        ("0.02", [1, 1, 1], ["0.01", "0.01", "0.00"]),
        ("-0.01", [1, 1], ["-0.01", "0.00"]),
        ("10.00", [0, 3, 1], ["0.00", "7.50", "2.50"]),
    ],
)
def test_split_gives_odd_cents_by_largest_remainder_then_position(total, weights, parts):
    shares = Money(Decimal(total), "USD").split_by(weights)

    assert [str(share.amount) for share in shares] == parts


@pytest.mark.parametrize(
    ("value", "half_up", "half_even"),
    [
        ("0.005", "0.01", "0.00"),
        ("0.015", "0.02", "0.02"),
        ("2.675", "2.68", "2.68"),
        ("-0.005", "-0.01", "0.00"),
        ("-1.005", "-1.01", "-1.00"),
    ],
)
def test_rounded_is_half_away_from_zero_unless_told(value, half_up, half_even):
    money = Money(Decimal(value), "USD")

    assert money.rounded() == Money(Decimal(half_up), "USD")
    assert money.rounded(ROUND_HALF_EVEN) == Money(Decimal(half_even), "USD")


@pytest.mark.parametrize("value", ["-0.004", "0.004", "-0.00"])
def test_nothing_rounds_to_a_zero_without_a_minus(value):
    assert str(Money(Decimal(value), "USD").rounded()) == "0.00 USD"


def test_turning_the_sign_keeps_every_digit():
    amount = Decimal("1234567890123456789012345678.1234")  # more than the default context's 28

    assert (-Money(amount, "USD")).amount == amount.copy_negate()
    assert abs(Money(amount.copy_negate(), "USD")).amount == amount


@pytest.mark.parametrize(
    ("currency", "units"),
    [("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("BGN", 2), ("HRK", 2), ("UGX", 0)],
)
def test_minor_units_are_those_of_iso_4217_historic_ones_included(currency, units):
    assert minor_units(currency) == units


@pytest.mark.parametrize("code", ["XXX", "XAU", "usd", "", "US$"])
def test_a_code_that_is_no_money_is_refused(code):
    with pytest.raises(UnknownCurrency):
        Money(Decimal(1), code)


def test_two_currencies_never_meet():
    dollars, euros = Money(Decimal(1), "USD"), Money(Decimal(1), "EUR")

    for meet in (lambda: dollars + euros, lambda: dollars - euros, lambda: dollars < euros):
        with pytest.raises(CurrencyMismatch):
            meet()
    assert dollars != euros


@pytest.mark.parametrize("factor", [1.5, True, "2"])
def test_money_multiplies_with_decimal_and_int_only(factor):
    with pytest.raises(TypeError):
        Money(Decimal(1), "USD") * factor


@pytest.mark.parametrize("amount", [1, 1.0, "1"])
def test_an_amount_is_a_decimal(amount):
    with pytest.raises(TypeError):
        Money(amount, "USD")


@pytest.mark.parametrize("text", ["NaN", "Infinity"])
def test_an_amount_is_a_number(text):
    with pytest.raises(ValueError, match="number"):
        Money(Decimal(text), "USD")


def test_minor_refuses_what_was_not_rounded():
    with pytest.raises(ValueError, match="round it first"):
        _ = Money(Decimal("0.005"), "USD").minor


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_split_by_refuses_weights_that_say_nothing(weights):
    with pytest.raises(ValueError, match="Weights"):
        Money(Decimal(1), "USD").split_by(weights)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1234.5", "USD", "$1,234.50"),
        ("99", "JPY", "¥99"),
        ("-1", "EUR", "-€1.00"),
        ("1.5", "KWD", "KWD1.500"),
        ("10", "CAD", "CA$10.00"),
    ],
)
def test_letters_write_an_amount_with_the_places_of_its_currency(amount, currency, text):
    assert written(Money(Decimal(amount), currency)) == text
