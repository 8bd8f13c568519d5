"""The trial balance: what it shows, as of which day, and what it refuses."""

from datetime import UTC, date, datetime

import pytest
import time_machine

from billing_portal.audit.models import Seal
from billing_portal.audit.sealing import seal
from tests.ledger.booking import book
from tests.visiting import Visitor, links_of, signed_in, text_of


@pytest.fixture
def ada(client, tenant):
    return Visitor(client, tenant)


def test_the_trial_balance_shows_each_role_and_that_debits_equal_credits(ada, owner):
    book(owner, "1200.00")
    book(owner, "34.50", owner="cus_b")

    page = ada.get("ledger/")

    assert page.status_code == 200
    assert "1200 Unbilled work 1,234.50 4000 Fees 1,234.50 Total 1,234.50 1,234.50" in text_of(page)
    assert "Difference Debits equal credits 0.00" in text_of(page)


def test_each_currency_balances_by_itself(ada, owner):
    book(owner, "10.00")
    book(owner, "7", currency="JPY")

    shown = text_of(ada.get("ledger/"))

    assert "JPY Balances by account, in JPY" in shown
    assert "USD Balances by account, in USD" in shown
    assert shown.count("Debits equal credits") == 2
    assert "Difference Debits equal credits 0 USD" in shown


def test_a_role_leads_to_its_entries_up_to_the_day_shown(ada, owner):
    book(owner)

    links = links_of(ada.get("ledger/", {"on": "2026-10-31"}))

    assert f"/t/{ada.firm.slug}/ledger/entries/?role=wip&currency=USD&until=2026-10-31" in links


def test_balances_of_a_day_leave_out_what_came_later(ada, owner):
    book(owner, "5.00")
    book(owner, "900.00", booked_on=date(2026, 10, 16))

    assert "Total 5.00 5.00" in text_of(ada.get("ledger/", {"on": "2026-10-15"}))
    assert "Total 905.00 905.00" in text_of(ada.get("ledger/", {"on": "2026-10-16"}))


@pytest.fixture
def ahead(ada, owner):
    """Books with an entry of today and one of next month, at 8 p.m. of November 30 in New York."""
    assert ada.firm.time_zone == "America/New_York"
    with time_machine.travel(datetime(2026, 12, 1, 1, 0, tzinfo=UTC), tick=False):
        signed_in(ada.client, ada.user)  # the session is of that day, too
        book(owner, "5.00", booked_on=date(2026, 11, 30))
        book(owner, "900.00", booked_on=date(2026, 12, 1))
        yield ada


@pytest.mark.parametrize("asked", [{}, {"on": ""}, {"on": "2026-11-30"}])
def test_without_a_day_balances_stand_as_of_the_firms_today(ahead, asked):
    page = ahead.get("ledger/", asked)

    assert "Total 5.00 5.00" in text_of(page)
    assert "Some entries are dated later" in text_of(page)
    assert 'value="2026-11-30"' in page.content.decode()
    assert f"/t/{ahead.firm.slug}/ledger/?everything=1" in links_of(page)
    assert f"/t/{ahead.firm.slug}/ledger/trial-balance.csv?on=2026-11-30" in links_of(page)


def test_everything_that_is_booked_can_be_seen_and_taken_along(ahead):
    page = ahead.get("ledger/", {"everything": "1"})
    file = ahead.get("ledger/trial-balance.csv", {"everything": "1"})
    today = ahead.get("ledger/trial-balance.csv")

    assert "Total 905.00 905.00" in text_of(page)
    assert "All entries, those dated ahead too." in text_of(page)
    links = links_of(page)
    assert f"/t/{ahead.firm.slug}/ledger/entries/?role=wip&currency=USD" in links
    assert f"/t/{ahead.firm.slug}/ledger/" in links
    assert f"/t/{ahead.firm.slug}/ledger/trial-balance.csv?everything=1" in links
    assert "905.00" in file.content.decode()
    assert "905.00" not in today.content.decode()
    assert [each["Content-Disposition"].partition("=")[2] for each in (file, today)] == [
        '"trial-balance-all-entries.csv"', '"trial-balance-2026-11-30.csv"',
    ]  # fmt: skip


def test_a_day_before_everything_leads_to_all_entries(ahead):
    page = ahead.get("ledger/", {"on": "2026-01-31"})

    assert "Nothing is booked yet" in text_of(page)
    assert f"/t/{ahead.firm.slug}/ledger/?everything=1" in links_of(page)


@pytest.mark.parametrize("day", ["2026-02-30", "yesterday", "0001-01-01", "2026-10-15' or 1=1"])
@pytest.mark.parametrize("path", ["ledger/", "ledger/trial-balance.csv"])
def test_a_day_that_is_none_is_named_and_nothing_is_shown_for_it(ada, owner, path, day):
    book(owner)

    page = ada.get(path, {"on": day})

    assert page.status_code == 422
    assert "Please check what is marked" in text_of(page)
    assert "Unbilled work" not in text_of(page)


def test_before_the_first_entry_the_page_says_what_will_be_here(ada):
    assert "Nothing is booked yet" in text_of(ada.get("ledger/"))
    assert "Nothing is booked yet" in text_of(ada.get("ledger/entries/"))


def test_the_page_says_how_far_the_chain_is_sealed(ada, owner):
    book(owner)
    before = text_of(ada.get("ledger/"))
    seal("ledger")
    head = Seal.objects.get(chain="ledger")

    after = text_of(ada.get("ledger/"))

    assert "Last seal None yet Not sealed yet 1" in before
    assert f"All sealed Last seal 1 Hash {head.hash[:12]}… Not sealed yet 0" in after


def test_the_trial_balance_can_be_taken_along(ada, owner):
    book(owner, "1234.50")

    answer = ada.get("ledger/trial-balance.csv", {"on": "2026-10-31"})

    assert answer["Content-Disposition"] == 'attachment; filename="trial-balance-2026-10-31.csv"'
    assert answer.content.decode("utf-8-sig").splitlines() == [
        "Account,Name,Currency,Debit,Credit",
        "1200,Unbilled work,USD,1234.50,0.00",
        "4000,Fees,USD,0.00,1234.50",
    ]
