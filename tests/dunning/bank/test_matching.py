"""What a payment is for, and that not a cent is lost or made on the way to saying so."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunning.bank.camt import read_camt053
from dunning.bank.matching import (
    Confidence,
    Ground,
    IncomingPayment,
    incoming,
)
from dunning.bank.matching import match as match_in
from dunning.bank.open_book import KnownPayer, OpenBook, OpenItem

OWN = Path(__file__).parents[2] / "data" / "bank"
NORTHFIELD = KnownPayer("northfield", frozenset({"000 123 456"}), frozenset({"Northfield Mutual"}))


def item(number, amount, *, customer="northfield", due="2026-11-30", currency="USD", reference=""):
    return OpenItem(
        id=f"item-{number}",
        number=number,
        customer=customer,
        due_on=date.fromisoformat(due),
        open_amount=Decimal(amount),
        currency=currency,
        reference=reference,
    )


def payment(amount, *texts, references=(), name="", account="", currency="USD"):
    return IncomingPayment(Decimal(amount), currency, texts, references, name, account)


def match(payment, items, *, payers=()):
    return match_in(payment, OpenBook(items, payers))


FIRST = item("HS-2026-0417", "850.00", due="2026-11-30")
SECOND = item("HS-2026-0418", "300.00", due="2026-12-31")
OTHER = item("HS-2026-0500", "120.00", customer="halvorsen", due="2026-10-31")


@pytest.mark.parametrize(
    "text",
    [
        "HS-2026-0417",
        "Inv. HS-2026-0417, thank you",
        "hs 2026 0417",
        "HS20260417",
        "Payment of HS/2026/0417.",
        "HS-2026-\n0417",
        "HS-20 26-0417",
        "RE:HS-2026-0417/OCT",
    ],
)
def test_match_finds_an_invoice_number_however_it_is_spaced(text):
    found = match(payment("850.00", text), [FIRST, SECOND, OTHER])

    assert found.allocations == (("item-HS-2026-0417", Decimal("850.00")),)
    assert (found.unapplied, found.confidence) == (Decimal(0), Confidence.CERTAIN)
    assert (found.ground, found.customer) == (Ground.REMITTANCE, "northfield")
    assert found.why == (
        "HS-2026-0417: named in the payment's text; the amount is exactly what is open."
    )


@pytest.mark.parametrize(
    "text",
    [
        "HS-2026-04170",
        "1HS-2026-0417",
        "HS-2026-0417-2",
        "HS-2026-041",
        "HS-2025-0417",
        "2026 0417",
    ],
)
def test_match_does_not_take_a_longer_or_shorter_number_for_the_invoice(text):
    found = match(payment("77.00", text), [FIRST])

    assert (found.allocations, found.confidence) == ((), Confidence.ASK)


def test_match_prefers_the_longer_of_two_numbers_in_one_place():
    short = item("0417", "850.00")

    found = match(payment("850.00", "HS-2026-0417"), [short, FIRST])

    assert found.allocations == (("item-HS-2026-0417", Decimal("850.00")),)


def test_match_asks_when_a_broken_line_may_name_either_of_two_invoices():
    shorter, longer = item("HS2026041", "10.00"), item("HS20260417", "20.00")

    found = match(payment("500.00", "HS2026 041 7"), [shorter, longer])

    assert (found.confidence, found.allocations) == (Confidence.ASK, ())
    assert {each.allocations[0][0] for each in found.suggestions} == {
        "item-HS2026041",
        "item-HS20260417",
    }


def test_match_spreads_a_bundle_over_all_invoices_it_names():
    found = match(payment("1150.00", "HS-2026-0418 + HS-2026-0417"), [SECOND, FIRST, OTHER])

    assert found.allocations == (
        ("item-HS-2026-0417", Decimal("850.00")),
        ("item-HS-2026-0418", Decimal("300.00")),
    )
    assert found.confidence is Confidence.CERTAIN


def test_match_puts_a_part_payment_on_the_invoice_it_names():
    found = match(payment("200.00", "HS-2026-0417"), [FIRST, SECOND])

    assert found.allocations == (("item-HS-2026-0417", Decimal("200.00")),)
    assert (found.unapplied, found.confidence) == (Decimal(0), Confidence.LIKELY)
    assert "650.00 stays open" in found.why


def test_match_puts_a_short_bundle_on_the_oldest_due_first():
    found = match(payment("1000.00", "HS-2026-0417 HS-2026-0418"), [SECOND, FIRST])

    assert found.allocations == (
        ("item-HS-2026-0417", Decimal("850.00")),
        ("item-HS-2026-0418", Decimal("150.00")),
    )
    assert found.confidence is Confidence.LIKELY


def test_match_leaves_what_is_too_much_unapplied():
    found = match(payment("900.00", "HS-2026-0417"), [FIRST, SECOND], payers=[NORTHFIELD])

    assert found.allocations == (("item-HS-2026-0417", Decimal("850.00")),)
    assert (found.unapplied, found.confidence) == (Decimal("50.00"), Confidence.LIKELY)


def test_match_asks_when_invoices_of_two_customers_are_named_and_the_amount_differs():
    found = match(payment("900.00", "HS-2026-0417, HS-2026-0500"), [FIRST, OTHER])

    assert (found.confidence, found.allocations) == (Confidence.ASK, ())
    assert found.unapplied == Decimal("900.00")
    assert "several customers" in found.why


def test_match_asks_when_the_invoice_named_is_in_another_currency():
    found = match(payment("850.00", "HS-2026-0417", currency="EUR"), [FIRST])

    assert (found.confidence, found.allocations) == (Confidence.ASK, ())


@pytest.mark.parametrize(
    ("amount", "text", "why"),
    [
        ("850.00", "HS-2026-0417 and HS-2026-9999", "HS-2026-9999 is in the text too"),
        ("3.00", "HS-2026-0417 and 2026-99999", "2026-99999 is in the text too"),
        ("850.00", "HS-2026-0417, account 4711-0815", "4711-0815 is in the text too"),
        ("5.00", "not for HS-2026-0417 but refund", "the text says more"),
        ("200.00", "HS-2026-0417 less 2%", "the text says more"),
        ("200.00", "HS-2026-0417 \ufffd", "the text says more"),
        ("900.00", "HS-2026-0417 rest for the dinner", "the text says more"),
        ("1000.00", "HS-2026-0417 not HS-2026-0418", "the text says more"),
    ],
)
def test_match_asks_when_the_text_names_more_or_says_more(amount, text, why):
    found = match(payment(amount, text), [FIRST, SECOND], payers=[NORTHFIELD])

    assert (found.confidence, found.allocations) == (Confidence.ASK, ())
    assert why in found.why
    assert [each.why for each in found.suggestions] == [
        f"{found.why.split(':')[0]}: named in the payment's text."
    ]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("850.00", "HS-2026-0417 for services rendered in Main Street 12"),
        ("850.00", "HS-2026-0417 of 2026-11-05, USD 850.00"),
        ("850.00", "HS-2026-0417 dated 05.11.2026, 850,00 EUR"),
        ("200.00", "Part payment of invoice no. HS-2026-0417, thank you"),
        ("200.00", "HS-2026-0417 first half"),
        ("200.00", "200.00 for HS-2026-0417 (October 2026)"),
        ("200", "HS-2026-0417: $200"),
        ("1150.00", "HS-2026-0417 850.00 + HS-2026-0418 300.00"),
        ("850.00", "HS-2026-0417\nRF18539007547034"),
    ],
)
def test_match_needs_nobody_for_days_amounts_and_harmless_words(amount, text):
    found = match(payment(amount, text), [FIRST, SECOND])

    assert found.ground is Ground.REMITTANCE
    assert found.allocations


def test_match_asks_when_a_reference_fits_and_the_text_is_of_something_else():
    found = match(payment("5.00", "refund 2026-99999", references=("HS-2026-0417",)), [FIRST])

    assert (found.confidence, found.allocations) == (Confidence.ASK, ())
    assert "2026-99999 is in the text too, and is no open invoice" in found.why


def test_match_takes_an_exact_reference_when_no_text_helps():
    referred = item("HS-2026-0419", "75.00", reference="RF18 5390 0754 7034")

    found = match(payment("75.00", references=("RF18539007547034",)), [FIRST, referred])

    assert found.allocations == (("item-HS-2026-0419", Decimal("75.00")),)
    assert (found.ground, found.confidence) == (Ground.REFERENCE, Confidence.CERTAIN)


def test_match_takes_the_only_exact_sum_of_a_known_payer():
    third = item("HS-2026-0430", "41.00")

    found = match(
        payment("891.00", "thank you", account="000123456"),
        [FIRST, SECOND, third, OTHER],
        payers=[NORTHFIELD],
    )

    assert dict(found.allocations) == {
        "item-HS-2026-0417": Decimal("850.00"),
        "item-HS-2026-0430": Decimal("41.00"),
    }
    assert (found.ground, found.confidence) == (Ground.EXACT_SUM, Confidence.LIKELY)


def test_match_asks_when_two_sets_come_to_the_amount():
    twin = item("HS-2026-0431", "300.00", due="2026-12-15")

    found = match(payment("300.00", name="NORTHFIELD MUTUAL"), [SECOND, twin], payers=[NORTHFIELD])

    assert (found.confidence, found.allocations) == (Confidence.ASK, ())
    assert [each.allocations[0][0] for each in found.suggestions] == [
        "item-HS-2026-0431",
        "item-HS-2026-0418",
    ]
    assert found.why == "2 sets of open items come to exactly 300.00."


def test_match_puts_a_known_payers_money_on_the_oldest_due_first():
    found = match(payment("900.00", name="Northfield Mutual"), [SECOND, FIRST], payers=[NORTHFIELD])

    assert found.allocations == (
        ("item-HS-2026-0417", Decimal("850.00")),
        ("item-HS-2026-0418", Decimal("50.00")),
    )
    assert (found.ground, found.confidence) == (Ground.OLDEST_DUE, Confidence.LIKELY)


def test_match_never_guesses_for_an_unknown_payer():
    found = match(payment("845.00", "services", name="A. Stranger"), [FIRST, SECOND, OTHER])

    assert (found.confidence, found.allocations) == (Confidence.ASK, ())
    assert [each.why for each in found.suggestions] == ["Nearly the amount."]


def test_match_asks_when_a_strangers_bundle_fits_by_chance():
    found = match(payment("1150.00"), [FIRST, SECOND, OTHER])

    assert (found.confidence, found.allocations) == (Confidence.ASK, ())
    assert len(found.suggestions[0].allocations) == 2


def test_match_does_not_know_a_payer_by_a_name_that_two_customers_share():
    twins = [
        KnownPayer("a", names=frozenset({"Smith"})),
        KnownPayer("b", names=frozenset({"Smith"})),
    ]

    found = match(payment("5.00", name="Smith"), [item("HS-1", "9.00", customer="a")], payers=twins)

    assert (found.confidence, found.customer) == (Confidence.ASK, None)


def test_match_tries_no_sets_beyond_twelve_items():
    many = [item(f"HS-2026-{number:04d}", f"{number}.00") for number in range(1, 31)]

    whole = match(payment("465.00", name="Northfield Mutual"), many, payers=[NORTHFIELD])
    pair = match(payment("31.00", name="Northfield Mutual"), many, payers=[NORTHFIELD])

    assert (whole.ground, len(whole.allocations)) == (Ground.EXACT_SUM, 30)
    assert pair.ground is Ground.OLDEST_DUE


def test_match_of_a_bank_statements_payment_finds_its_invoice():
    (statement,) = read_camt053((OWN / "camt053.v2.day.xml").read_bytes())
    entry = statement.entries[0]

    found = match(incoming(entry, entry.payments[0]), [FIRST, SECOND])

    assert found.allocations == (("item-HS-2026-0417", Decimal("850.00")),)


def test_incoming_refuses_money_that_went_out():
    (statement,) = read_camt053((OWN / "camt053.v2.day.xml").read_bytes())
    fee = statement.entries[1]

    with pytest.raises(ValueError, match="did not come in"):
        incoming(fee, fee.payments[0])


def test_an_open_item_owes_something():
    with pytest.raises(ValueError, match="must be above zero"):
        item("HS-1", "0.00")


cents = st.integers(1, 50_000).map(lambda number: Decimal(number) / 100)
open_items = st.lists(
    st.tuples(
        cents, st.sampled_from(["a", "b"]), st.integers(1, 28), st.sampled_from(["USD", "EUR"])
    ),
    max_size=14,
).map(
    lambda rows: [
        item(f"HS-{number:04d}", amount, customer=who, due=f"2026-11-{day:02d}", currency=currency)
        for number, (amount, who, day, currency) in enumerate(rows)
    ]
)
words = st.lists(
    st.one_of(st.integers(0, 14).map(lambda number: f"HS-{number:04d}"), st.text(max_size=8)),
    max_size=4,
).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(cents, words, open_items, st.sampled_from(["", "Anna"]), st.randoms(use_true_random=False))
def test_match_neither_loses_nor_makes_money_and_does_not_depend_on_order(
    amount, text, items, name, shuffler
):
    payers = [KnownPayer("a", names=frozenset({"Anna"}))]
    asked = IncomingPayment(amount, "USD", (text,), (), name)
    shuffled = list(items)
    shuffler.shuffle(shuffled)

    found = match(asked, items, payers=payers)

    by_id = {each.id: each for each in items}
    assert sum((share for _, share in found.allocations), Decimal(0)) + found.unapplied == amount
    assert found.unapplied >= 0
    assert len({key for key, _ in found.allocations}) == len(found.allocations)
    for key, share in found.allocations:
        assert 0 < share <= by_id[key].open_amount
        assert by_id[key].currency == "USD"
    assert (found.confidence is Confidence.ASK) == (found.allocations == ())
    assert match(asked, shuffled, payers=payers) == found
