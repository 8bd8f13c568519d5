"""What stands on paper: addresses, days and amounts as the firm's country writes them."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html import unescape

import pytest

from invoices.actions.render import page_of
from invoices.documents.paper import language_of, paper_of
from invoices.documents.snapshot import Address, LineKind
from tests.invoices import snapshots

HOME = Address(lines=("1 Main Street",), city="Albany", region="NY", postcode="12207", country="US")
ABROAD = Address(lines=("Hauptplatz 2",), city="Linz", postcode="4020", country="AT")


def printed(snapshot):
    """Return the page's words, apart by one space."""
    text = re.sub(r"<head>.*</head>|<[^>]*>", " ", page_of(snapshot), flags=re.DOTALL)
    return " ".join(unescape(text).split())


def between(firm, customer, *lines, **changes):
    """Return an invoice of a firm at one address to a customer at another."""
    return snapshots.invoice(
        *lines,
        firm=replace(snapshots.FIRM, address=firm),
        customer=replace(snapshots.CUSTOMER, address=customer),
        **changes,
    )


def test_a_country_is_named_in_words_when_it_is_another_than_the_firms():
    invoice = paper_of(between(HOME, ABROAD))["invoice"]

    assert invoice["firm"]["address_lines"] == [
        "1 Main Street",
        "Albany, NY 12207",
        "United States",
    ]
    assert invoice["customer"]["address_lines"] == ["Hauptplatz 2", "Linz 4020", "Austria"]


@pytest.mark.parametrize("home", [HOME, ABROAD])
def test_no_country_is_named_at_home(home):
    invoice = paper_of(between(home, home))["invoice"]

    assert len(invoice["firm"]["address_lines"]) == 2
    assert invoice["customer"]["address_lines"] == invoice["firm"]["address_lines"]


@pytest.mark.parametrize(
    ("country", "language"),
    [("US", "en-us"), ("", "en-us"), ("GB", "en-gb"), ("DE", "en-de"), ("JP", "en-001")],
)
def test_the_english_is_that_of_the_firms_country(country, language):
    assert language_of(country) == language


def test_days_are_written_as_at_the_firms_home():
    days = {"issued_on": date(2026, 11, 2), "due_on": date(2026, 12, 2)}
    american = printed(between(HOME, ABROAD, **days))
    british = printed(between(replace(HOME, country="GB"), ABROAD, **days))

    assert "Issued November 2, 2026" in american
    assert "1/15/26" in american
    assert "Issued 2 November 2026" in british
    assert "15/01/2026" in british


def test_yen_have_no_decimals_anywhere():
    fee = snapshots.fee(unit_price=Decimal(30000), adjustment=Decimal(0), total=Decimal(60000))
    page = printed(between(HOME, HOME, fee, currency="JPY", minor_units=0))

    assert "30,000 60,000" in page
    assert "¥60,000" in page
    assert ".00" not in page


def test_what_has_no_matter_stands_last_with_a_total_of_its_own():
    loose = snapshots.expense("1", firm_matter_id="", client_matter_id="", matter_name="")
    page = printed(between(HOME, HOME, loose, snapshots.fee("2")))

    matter, _, rest = page.partition("Total of Kiesel v. Sand $630.00")
    assert "Filing fee" not in matter
    assert rest.startswith(" Without a matter Expenses")
    assert "Filing fee 1.0 24.95 24.95 Total without a matter $24.95" in rest


def test_an_invoice_without_any_matter_has_neither_heading_nor_totals_of_matters():
    line = snapshots.expense(
        "1", kind=LineKind.OTHER, firm_matter_id="", client_matter_id="", matter_name=""
    )
    page = printed(between(HOME, HOME, line))

    assert "matter" not in page
    assert "Services" in page
