from __future__ import annotations

from decimal import Decimal

import pytest

from invoices.ledes.profile import (
    DEFAULT,
    BadProfile,
    CodePolicy,
    LineEnding,
    Profile,
    TaxIn1998B,
    as_json,
    profile_from,
)

EVERYTHING = Profile(
    name="Kiesel",
    version=3,
    longest={"LINE_ITEM_DESCRIPTION": 1_024},
    required={"CLIENT_MATTER_ID": ("F", "E"), "LAW_FIRM_MATTER_ID": ()},
    digits={"INVOICE_TOTAL": 14},
    decimals={"INVOICE_TOTAL": 2},
    line_ending=LineEnding.LF,
    money_decimals=4,
    tolerance=Decimal("0.01"),
    currencies=("USD", "EUR"),
    tax_in_1998b=TaxIn1998B.NET,
    codes=CodePolicy.KNOWN_ONLY,
    extra_codes=("X101",),
    severities={"F03": "warning", "M01.line_total": "off"},
    adjustment_lines=2,
    negative_units=False,
    credit_notes=True,
    other_lines_as="E",
    first_line_98bi="LEDES98BI V5[]",
)


@pytest.mark.parametrize("profile", [DEFAULT, EVERYTHING])
def test_a_profile_comes_back_from_its_json(profile):
    assert profile_from(as_json(profile)) == profile


def test_json_tells_only_what_deviates():
    assert as_json(DEFAULT) == '{"name": "standard", "version": 1}'


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "[]",
        "{}",
        '{"name": 1}',
        '{"name": "x", "color": "red"}',
        '{"name": "x", "longest": {"NO_SUCH_FIELD": 3}}',
        '{"name": "x", "longest": {"CLIENT_ID": "3"}}',
        '{"name": "x", "longest": {"CLIENT_ID": 0}}',
        '{"name": "x", "digits": {"INVOICE_TOTAL": 19}}',
        '{"name": "x", "decimals": {"INVOICE_TOTAL": 19}}',
        '{"name": "x", "decimals": {"INVOICE_TOTAL": -1}}',
        '{"name": "x", "money_decimals": 19}',
        '{"name": "x", "required": {"CLIENT_ID": ["Q"]}}',
        '{"name": "x", "required": {"CLIENT_ID": "F"}}',
        '{"name": "x", "severities": {"F01": "fatal"}}',
        '{"name": "x", "tolerance": 0.01}',
        '{"name": "x", "tolerance": "much"}',
        '{"name": "x", "tolerance": "-1"}',
        '{"name": "x", "tolerance": "NaN"}',
        '{"name": "x", "line_ending": "CR"}',
        '{"name": "x", "codes": "some"}',
        '{"name": "x", "other_lines_as": "IF"}',
        '{"name": "x", "credit_notes": 1}',
        '{"name": "x", "version": true}',
        '{"name": "x", "currencies": "USD"}',
    ],
)
def test_what_is_no_profile_is_refused(stored):
    with pytest.raises(BadProfile) as refused:
        profile_from(stored)

    assert refused.value.code == "ledes.bad_profile"
