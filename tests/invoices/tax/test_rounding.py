"""Lines, groups and the document agree to the cent, under every policy."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing_portal.money import Money
from invoices.tax.rounding import POLICIES, RoundingScope, half_up, rounded_shares

VECTORS = json.loads((Path(__file__).parents[2] / "data/money/rounding.json").read_text())
taxes = st.lists(
    st.tuples(st.fractions(-10_000, 10_000, max_denominator=10_000), st.sampled_from("ABC")),
    max_size=30,
)
by_line_number = settings(deadline=None, max_examples=200)


def _minor(amount):
    return Money(Decimal(amount), "USD").minor


@pytest.mark.parametrize(
    ("exact", "whole"), [("0.5", 1), ("-0.5", -1), ("1.5", 2), ("0.49", 0), ("-2.5", -3), ("0", 0)]
)
def test_a_half_goes_away_from_zero(exact, whole):
    assert half_up(Fraction(exact)) == whole


@by_line_number
@given(taxes)
def test_shares_of_a_group_add_up_to_the_rounded_group(lines):
    exact, groups = [tax for tax, _ in lines], [group for _, group in lines]

    shares = rounded_shares(exact, groups, RoundingScope.RATE_GROUP)

    for group in set(groups):
        members = [at for at, other in enumerate(groups) if other == group]
        assert sum(shares[at] for at in members) == half_up(sum(exact[at] for at in members))


@by_line_number
@given(taxes)
def test_shares_of_a_document_add_up_to_the_rounded_document(lines):
    exact, groups = [tax for tax, _ in lines], [group for _, group in lines]

    shares = rounded_shares(exact, groups, RoundingScope.DOCUMENT)

    assert sum(shares) == half_up(sum(exact, Fraction(0)))


@by_line_number
@given(taxes, st.sampled_from(RoundingScope))
def test_no_share_strays_by_a_whole_cent_and_whole_cents_stay(lines, scope):
    exact = [tax for tax, _ in lines]

    shares = rounded_shares(exact, [group for _, group in lines], scope)

    assert all(abs(share - tax) < 1 for share, tax in zip(shares, exact, strict=True))


@by_line_number
@given(taxes, st.sampled_from(RoundingScope))
def test_turning_every_sign_turns_every_share(lines, scope):
    exact, groups = [tax for tax, _ in lines], [group for _, group in lines]

    taken_back = rounded_shares([-tax for tax in exact], groups, scope)

    assert taken_back == [-share for share in rounded_shares(exact, groups, scope)]


@pytest.mark.parametrize("case", VECTORS["line_vs_group"], ids=lambda case: case["name"])
def test_line_and_rate_group_differ_as_published(case):
    rate = Fraction(case["rate_percent"]) / 100
    exact = [_minor(net) * rate for net in case["net_lines"]] * case["times"]
    groups = ["S"] * len(exact)

    per_line = rounded_shares(exact, groups, RoundingScope.LINE)
    per_group = rounded_shares(exact, groups, RoundingScope.RATE_GROUP)

    assert sum(per_line) == _minor(case["tax_if_rounded_per_line"])
    assert sum(per_group) == _minor(case["tax_if_rounded_per_rate_group"])


@pytest.mark.parametrize("case", VECTORS["gobl_published"], ids=lambda case: case["total"])
def test_a_negative_document_rounds_as_published(case):
    (tax,) = rounded_shares(
        [_minor(case["total"]) * Fraction(19, 100)], ["S"], RoundingScope.RATE_GROUP
    )

    assert tax == _minor(case["tax_19"])
    assert tax + _minor(case["total"]) == _minor(case["payable"])


def test_odd_cents_go_to_the_largest_remainders_then_the_first_lines():
    exact = [Fraction("6.27"), Fraction("6.27"), Fraction("6.27"), Fraction("0.90")]

    shares = rounded_shares(exact, ["S"] * 4, RoundingScope.RATE_GROUP)

    assert shares == [7, 6, 6, 1]


def test_policies_are_found_by_the_name_they_are_kept_under():
    assert {name: policy.scope for name, policy in POLICIES.items()} == {
        "line/1": RoundingScope.LINE,
        "rate-group/1": RoundingScope.RATE_GROUP,
        "document/1": RoundingScope.DOCUMENT,
    }
