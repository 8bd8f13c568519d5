from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoices.documents.snapshot import (
    DoesNotAddUp,
    LineKind,
    money,
    priced,
    quantity,
    require_sums,
)
from tests.invoices.snapshots import discount, expense, fee, invoice, invoices, scaled, taxed


def test_an_invoice_whose_figures_agree_passes():
    require_sums(invoice(taxed(fee()), taxed(expense()), discount()))


def test_an_adjustment_line_is_worth_its_adjustment_whatever_its_units():
    require_sums(invoice(discount(units=Decimal(7), unit_price=Decimal(11))))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"net_total": Decimal("0.01")}, "the net total says 0.01 and comes to 630.00"),
        ({"tax_total": Decimal(1)}, "the tax total says 1.00 and comes to 0.00"),
        ({"total": Decimal(629)}, "the total says 629.00 and comes to 630.00"),
    ],
)
def test_a_wrong_total_is_refused_by_name(changes, says):
    with pytest.raises(DoesNotAddUp, match=says) as refused:
        require_sums(invoice(fee(), **changes))

    assert refused.value.code == "documents.does_not_add_up"


def test_a_wrong_line_is_refused_by_number():
    with pytest.raises(DoesNotAddUp, match=r"line 9 says 629\.99 and comes to 630\.00"):
        require_sums(invoice(fee("9", total=Decimal("629.99"))))


def test_every_wrong_figure_is_named_at_once():
    wrong = invoice(fee(total=Decimal(1)), fee("2", total=Decimal(2)), total=Decimal(9))

    with pytest.raises(DoesNotAddUp) as refused:
        require_sums(wrong)

    assert str(refused.value).count(" and comes to ") == 3


def test_taxes_by_jurisdiction_must_come_to_the_tax_total():
    right = invoice(taxed(fee()))
    wrong = replace(right, tax_totals=(replace(right.tax_totals[0], tax=Decimal(1)),))

    with pytest.raises(DoesNotAddUp, match=r"tax by jurisdiction says 1\.00 and comes to 126\.00"):
        require_sums(wrong)


def test_amounts_stand_at_the_scale_of_the_currency():
    snapshot = invoice(fee(units=Decimal("2.5000"), total=Decimal("805.0")))

    assert str(snapshot.lines[0].total) == "805.00"
    assert str(snapshot.lines[0].units) == "2.5"
    assert str(snapshot.net_total) == "805.00"


def test_an_amount_finer_than_its_currency_is_a_fault():
    with pytest.raises(ValueError, match=r"0\.005 is finer than 2 decimals"):
        invoice(fee(adjustment=Decimal("0.005")))


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_finite_number_is_no_amount_and_no_quantity(amount):
    with pytest.raises(ValueError, match="is not an amount"):
        money(Decimal(amount), 2)
    with pytest.raises(ValueError, match="is not a quantity"):
        quantity(Decimal(amount))


def test_there_is_no_minus_zero():
    assert str(money(Decimal("-0"), 2)) == "0.00"
    assert str(quantity(Decimal("-0.00"))) == "0"


def test_a_price_is_rounded_half_up_once():
    assert priced(Decimal("0.33"), Decimal("100.05"), 2) == Decimal("33.02")
    assert priced(Decimal("0.5"), Decimal("0.01"), 2) == Decimal("0.01")
    assert priced(Decimal(1), Decimal("2.5"), 0) == Decimal(3)


def test_the_last_day_of_a_period_is_the_day_before_its_end():
    assert invoice().period_last_day == date(2026, 1, 31)


def test_quantities_have_no_exponent():
    assert str(quantity(Decimal("1E+3"))) == "1000"


@settings(deadline=None)
@given(scaled(-(10**12), 10**12, 4))
def test_trimming_a_quantity_keeps_its_value(number):
    assert quantity(number) == number


@settings(deadline=None, max_examples=50)
@given(invoices(), st.integers(1, 10_000))
def test_any_moved_cent_is_found(snapshot, cents):
    last = snapshot.lines[-1]
    moved = replace(last, total=last.total + Decimal(cents).scaleb(-2))

    require_sums(snapshot)
    with pytest.raises(DoesNotAddUp):
        require_sums(replace(snapshot, lines=(*snapshot.lines[:-1], moved)))


def test_a_line_of_another_kind_is_priced_like_any_other():
    require_sums(invoice(fee(kind=LineKind.OTHER)))
