"""What stands on paper: addresses, days and amounts as the firm's country writes them."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html import unescape

import pytest

from invoices.actions.render import page_of
from invoices.documents.paper import language_of, paper_of
from invoices.documents.snapshot import Address, InvoiceKind, LineKind
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
    assert "1/15/2026" in american
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
    assert "Filing fee 1 24.95 24.95 Total without a matter $24.95" in rest


def test_an_invoice_without_any_matter_has_neither_heading_nor_totals_of_matters():
    line = snapshots.expense(
        "1", kind=LineKind.OTHER, firm_matter_id="", client_matter_id="", matter_name=""
    )
    page = printed(between(HOME, HOME, line))

    assert "matter" not in page
    assert "Services" in page


def test_a_period_is_written_in_full_with_its_years():
    period = {"period_starts_on": date(2026, 12, 15), "period_ends_on": date(2027, 1, 15)}

    assert "Period December 15, 2026 – January 14, 2027" in printed(between(HOME, HOME, **period))  # noqa: RUF001 - as it is printed


def test_a_period_of_one_day_is_written_once():
    period = {"period_starts_on": date(2026, 10, 4), "period_ends_on": date(2026, 10, 5)}

    assert "Period October 4, 2026 Your number" in printed(between(HOME, HOME, **period))


def test_a_credit_note_names_what_it_credits_and_why():
    note = between(
        HOME,
        HOME,
        kind=InvoiceKind.CREDIT_NOTE,
        number="CN-2026-00001",
        corrects_number="2026-00040",
        corrects_issued_on=date(2026, 1, 30),
        reason="The work was done for another claim.",
    )
    page = printed(note)

    assert "Credit note CN-2026-00001" in page
    assert "Credits Invoice 2026-00040 of January 30, 2026" in page
    assert "Why it is credited The work was done for another claim." in page
    assert "There is nothing to pay on a credit note." in page
    assert "How to pay" not in page


def test_a_credit_note_of_before_prints_without_day_and_reason():
    page = printed(between(HOME, HOME, kind=InvoiceKind.CREDIT_NOTE, corrects_number="2026-00040"))

    assert "Credits Invoice 2026-00040 Period" in page
    assert "Why it is credited" not in page


def test_an_adjustment_of_a_line_is_said_in_words_and_one_of_all_has_no_quantity():
    page = printed(between(HOME, HOME))

    assert "Research standard of review less $70.00 2.0 350.00 630.00" in page
    assert "Agreed discount (30.00)" in page


def test_what_the_heading_of_the_only_matter_says_is_not_said_above_it():
    said = printed(between(HOME, HOME, snapshots.fee(), description="Kiesel v. Sand, Jan 2026"))
    usual = printed(between(HOME, HOME, description="Services of January 2026"))

    assert said.count("Kiesel v. Sand") == 2  # its heading and its total
    assert "Services of" not in usual
    assert "Services in January" in printed(between(HOME, HOME, snapshots.fee()))


def test_large_amounts_get_wider_columns():
    dear = snapshots.fee(
        unit_price=Decimal(600_000), adjustment=Decimal(0), total=Decimal(1_200_000)
    )

    assert 'class="paper-letter wide"' in page_of(between(HOME, HOME, dear))
    assert 'class="paper-letter"' in page_of(between(HOME, HOME))
