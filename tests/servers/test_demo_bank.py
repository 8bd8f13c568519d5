"""The demo bank's statements add up, join, and say what its own book says."""

from __future__ import annotations

import urllib.error
import urllib.request
from decimal import Decimal

import pytest

from dunning.bank.camt import read_camt053
from tests.outside.bank.server import DemoBank

USD, EUR = "DE12500105170648489890", "DE91100000000123456789"


@pytest.fixture
def bank(tmp_path):
    with DemoBank(book=tmp_path / "bank.db", token="statement-token") as running:
        yield running


def pay(bank, amount, *remittance, day="2026-11-02", **more):
    return bank.pay(
        payer_name="Northfield Mutual",
        payer_account="DE02120300000000202051",
        amount=amount,
        remittance=list(remittance),
        booked_on=day,
        **more,
    )


def read(bank, day, account=""):
    (statement,) = read_camt053(bank.statement(day, account=account))
    return statement


def refusal(call, *arguments, **named):
    with pytest.raises(urllib.error.HTTPError) as refused:
        call(*arguments, **named)
    refused.value.close()
    return refused.value.code


def test_bank_statement_says_what_the_book_says(bank):
    single = pay(bank, "850.00", "Invoice HS-2026-0417", end_to_end_id="E-1", value_on="2026-11-03")
    pay(bank, "400.00", "HS-2026-0418 part payment", reference="RF18539007547034")
    pay(bank, "1275.50", "HS-2026-0419 HS-2026-0420", "HS-2026-0421")
    pay(bank, "33.33", "xyz")
    bank.ask("/_control/fees", {"amount": "7.60", "booked_on": "2026-11-02", "text": "Charges"})

    statement = read(bank, "2026-11-02")

    assert [(each.reference, str(each.amount)) for each in statement.entries] == [
        (each["reference"], each["amount"]) for each in bank.entries(USD)
    ]
    assert statement.opening == Decimal("125000.00")
    assert statement.closing == Decimal("127551.23")
    assert statement.entries[0].reference == single
    assert statement.entries[0].payments[0].end_to_end_ids == ("E-1",)
    assert statement.entries[1].payments[0].structured == ("RF18539007547034",)
    assert statement.entries[2].payments[0].unstructured == (
        "HS-2026-0419 HS-2026-0420",
        "HS-2026-0421",
    )
    assert (statement.entries[4].amount, statement.entries[4].text) == (Decimal("-7.60"), "Charges")


def test_bank_statements_of_following_days_join(bank):
    pay(bank, "850.00", day="2026-11-02")
    pay(bank, "1.01", day="2026-11-04")

    days = [read(bank, f"2026-11-{day:02d}") for day in (1, 2, 3, 4)]

    assert [each.sequence for each in days] == [731, 732, 733, 734]
    assert [each.opening for each in days[1:]] == [each.closing for each in days[:-1]]
    assert [len(each.entries) for each in days] == [0, 1, 0, 1]


def test_bank_bundles_payments_in_one_entry(bank):
    parts = [{"payer_name": name, "amount": "10.00"} for name in ("Halvorsen", "Brightwater")]
    bank.ask("/_control/batches", {"booked_on": "2026-11-02", "payments": parts})

    (entry,) = read(bank, "2026-11-02").entries

    assert entry.amount == Decimal("20.00")
    assert [each.debtor_name for each in entry.payments] == ["Halvorsen", "Brightwater"]


def test_bank_reverses_an_entry_once(bank):
    reference = pay(bank, "850.00", "HS-2026-0417")
    asked = {"reference": reference, "booked_on": "2026-11-05", "reason": "AC04"}
    bank.ask("/_control/reversals", asked)

    (entry,) = read(bank, "2026-11-05").entries

    assert (entry.amount, entry.is_reversal) == (Decimal("-850.00"), True)
    assert entry.payments[0].return_code == "AC04"
    assert refusal(bank.ask, "/_control/reversals", asked) == 409


def test_bank_books_nothing_on_a_day_whose_statement_was_given(bank):
    before = bank.statement("2026-11-02")

    assert refusal(pay, bank, "1.00") == 409
    assert refusal(pay, bank, "1.00", day="2026-10-30") == 409
    assert bank.entries() == []
    assert read_camt053(bank.statement("2026-11-02")) == read_camt053(before)


def test_bank_keeps_accounts_apart(bank):
    pay(bank, "850.00")
    pay(bank, "20.00", account=EUR, currency="EUR")

    assert read(bank, "2026-11-02", EUR).closing == Decimal("8220.50")
    assert read(bank, "2026-11-02", USD).closing == Decimal("125850.00")


@pytest.mark.parametrize(
    ("instruction", "status"),
    [
        ({"amount": "0"}, 400),
        ({"amount": "-5.00"}, 400),
        ({"amount": "1.001"}, 400),
        ({"amount": "NaN"}, 400),
        ({"amount": "lots"}, 400),
        ({"amount": "1.00", "currency": "EUR"}, 409),
        ({"amount": "1.00", "account": "DE00"}, 400),
        ({"amount": "1.00", "day": "someday"}, 400),
        ({"amount": "1.00", "day": "2020-01-01"}, 409),
    ],
)
def test_bank_refuses_a_bad_instruction(instruction, status, bank):
    assert refusal(pay, bank, **instruction) == status
    assert bank.entries() == []


def test_bank_gives_statements_only_for_the_token(bank):
    assert (
        refusal(urllib.request.urlopen, f"{bank.url}/statements/2026-11-02.xml", timeout=15) == 401
    )
    bank.token = "another"
    assert refusal(bank.statement, "2026-11-02") == 401


def test_bank_has_no_statement_from_before_the_account_was_opened(bank):
    assert refusal(bank.statement, "2024-10-31") == 404


def test_bank_keeps_its_book_over_a_restart(tmp_path):
    with DemoBank(book=tmp_path / "bank.db", token="t") as first:
        pay(first, "850.00", "HS-2026-0417")
        entries = first.entries()
        assert first.stop() == 0

    with DemoBank(book=tmp_path / "bank.db", token="t") as second:
        assert second.entries() == entries


def test_bank_names_an_account_without_iban_by_its_own_number(bank):
    opened = {
        "account": "400118220", "owner": "Firm", "currency": "USD", "opening": "10.00",
        "opened_on": "2026-11-01",
    }  # fmt: skip
    bank.ask("/_control/accounts", opened)
    bank.pay(
        payer_name="Granite", payer_account="88100234", amount="5.00", remittance="2026-00001",
        booked_on="2026-11-02", account="400118220",
    )  # fmt: skip

    file = bank.statement("2026-11-02", account="400118220")

    assert b"<Othr><Id>400118220</Id></Othr>" in file
    assert b"<IBAN>" not in file
    (statement,) = read_camt053(file)
    assert (statement.account, str(statement.closing)) == ("400118220", "15.00")
    assert statement.entries[0].payments[0].debtor_account == "88100234"
