"""A row holds from its first day to the day before its end, and no two rows contradict."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoices.tax.default_rates import ROWS, default_table
from invoices.tax.tables import NoRate, TaxRow, TaxTable, Treatment


def row(**changed):
    facts: dict[str, Any] = {
        "jurisdiction": "DE",
        "category": "standard",
        "rate": Decimal("0.19"),
        "from_on": date(2021, 1, 1),
        "name": "VAT",
        "source": "a law",
        "edition": "1",
    }
    return TaxRow(**facts | changed)


@pytest.mark.parametrize(
    ("on", "rate"),
    [
        (date(2020, 6, 30), "0.19"),
        (date(2020, 7, 1), "0.16"),
        (date(2020, 12, 31), "0.16"),
        (date(2021, 1, 1), "0.19"),
        (date(2026, 11, 20), "0.19"),
    ],
)
def test_the_tax_point_decides_on_the_german_rate(on, rate):
    assert default_table().in_force(("DE",), "standard", on).rate == Decimal(rate)


@pytest.mark.parametrize(
    ("country", "category", "rate"),
    [
        ("DE", "reduced", "0.07"),
        ("AT", "standard", "0.20"),
        ("AT", "reduced", "0.10"),
        ("FR", "standard", "0.20"),
        ("FR", "reduced", "0.055"),
        ("GB", "standard", "0.20"),
        ("GB", "reduced", "0.05"),
        ("GB", "zero", "0"),
        ("GB", "exempt", "0"),
    ],
)
def test_the_first_rows_hold_the_published_rates(country, category, rate):
    found = default_table().in_force((country,), category, date(2026, 11, 20))

    assert found.rate == Decimal(rate)


@settings(deadline=None)
@given(st.sampled_from(ROWS))
def test_every_row_is_found_on_its_edges_only(shipped):
    table = TaxTable((shipped,))
    last_day = (shipped.to_on or date.max) - timedelta(days=1)
    asked = (shipped.jurisdiction,), shipped.category

    assert table.in_force(*asked, shipped.from_on) is shipped
    assert table.in_force(*asked, last_day) is shipped
    with pytest.raises(NoRate):
        table.in_force(*asked, shipped.from_on - timedelta(days=1))


def test_every_shipped_row_names_its_source_and_waits_for_approval():
    assert all(shipped.source and shipped.edition for shipped in ROWS)
    assert {shipped.approved_by for shipped in ROWS} == {""}
    assert all(shipped.wording for shipped in ROWS if shipped.treatment is not Treatment.TAXED)


def test_a_region_wins_over_its_country():
    table = TaxTable((row(jurisdiction="PT"), row(jurisdiction="PT-20", rate=Decimal("0.16"))))

    assert table.in_force(("PT-20", "PT"), "standard", date(2026, 1, 1)).rate == Decimal("0.16")
    assert table.in_force(("PT-30", "PT"), "standard", date(2026, 1, 1)).rate == Decimal("0.19")


@pytest.mark.parametrize(
    ("places", "category", "on"),
    [
        (("DE",), "standard", date(2006, 12, 31)),
        (("DE",), "books", date(2026, 1, 1)),
        (("US-HI", "US"), "legal-services", date(2026, 1, 1)),
    ],
)
def test_a_gap_is_refused_and_never_bridged(places, category, on):
    with pytest.raises(NoRate, match=f"No tax rate is in force for {category} in {places[0]} on"):
        default_table().in_force(places, category, on)


@pytest.mark.parametrize("to_on", [None, date(2024, 1, 2)])
def test_two_rows_for_one_day_are_refused(to_on):
    rows = row(to_on=to_on), row(from_on=date(2024, 1, 1))

    with pytest.raises(ValueError, match="Two rows for standard in DE on 2024-01-01"):
        TaxTable(rows)


def test_rows_that_touch_are_no_contradiction():
    earlier, later = row(to_on=date(2024, 1, 1)), row(from_on=date(2024, 1, 1))

    assert TaxTable((later, earlier)).rows == (earlier, later)


@pytest.mark.parametrize(
    "changed",
    [
        {"rate": Decimal("-0.01")},
        {"rate": Decimal("NaN")},
        {"rate": Decimal(0)},
        {"treatment": Treatment.EXEMPT},
        {"treatment": Treatment.REVERSE_CHARGE, "rate": Decimal(0)},
        {"treatment": Treatment.OUTSIDE_SCOPE, "rate": Decimal(0)},
        {"to_on": date(2021, 1, 1)},
    ],
)
def test_a_row_that_says_nothing_sensible_is_refused(changed):
    with pytest.raises(ValueError, match=r"rate|row|scope"):
        row(**changed)


def test_a_rate_is_never_a_float():
    with pytest.raises(TypeError, match="Decimal"):
        row(rate=0.19)


@pytest.mark.parametrize(("on", "stale"), [(date(2027, 6, 30), False), (date(2027, 7, 1), True)])
def test_a_table_is_stale_from_its_review_date_on(on, stale):
    assert default_table().is_stale(on) is stale


def test_a_table_without_a_review_date_is_never_stale():
    assert not TaxTable(()).is_stale(date.max)
