"""Every line gets its tax, the rule behind it, and cents that add up."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing_portal.money import Money, UnknownCurrency, total_of
from invoices.tax.default_rates import ROWS, default_table
from invoices.tax.determine import Confidence, TaxableLine, determine, group_taxes
from invoices.tax.rounding import POLICIES
from invoices.tax.rules import Place, Places, TaxStatus
from invoices.tax.tables import NoRate, TaxRow, TaxTable, Treatment

VECTORS = json.loads((Path(__file__).parents[2] / "data/money/rounding.json").read_text())
DAY = date(2026, 11, 20)
APPROVED = TaxTable(tuple(replace(row, approved_by="Tax desk") for row in ROWS))
GERMANY, AUSTRIA, BRITAIN = Place("DE"), Place("AT"), Place("GB")
NEW_YORK, SWITZERLAND = Place("US", "NY"), Place("CH")


def line(number=1, amount="100.00", category="legal-services", currency="EUR"):
    return TaxableLine(
        key=f"line-{number}",
        number=number,
        amount=Money(Decimal(amount), currency),
        category=category,
    )


def ask(*lines, firm=GERMANY, customer=GERMANY, status=TaxStatus.BUSINESS, **changed):
    facts = {
        "places": Places(firm=firm, customer=customer),
        "customer_tax_status": status,
        "tax_point": DAY,
        "currency": "EUR",
        "table": APPROVED,
        "policy": POLICIES["rate-group/1"],
    }
    return determine(lines, **facts | changed)


def flat_table(percent):
    return TaxTable(
        (
            TaxRow(
                jurisdiction="DE",
                category="standard",
                rate=Decimal(percent) / 100,
                from_on=date(2000, 1, 1),
                name="VAT",
                source="a vector",
                edition="1",
            ),
        )
    )


amounts = st.integers(-1_000_000, 1_000_000).map(lambda minor: Money.of_minor(minor, "EUR"))
documents = st.lists(
    st.tuples(amounts, st.sampled_from(["standard", "reduced", "legal-services"])), max_size=25
).map(
    lambda rows: [
        TaxableLine(key=f"line-{number}", number=number, amount=amount, category=category)
        for number, (amount, category) in enumerate(rows, 1)
    ]
)
policies = st.sampled_from(list(POLICIES.values()))


@settings(deadline=None, max_examples=150)
@given(documents, policies, st.booleans())
def test_lines_groups_and_document_agree(lines, policy, inclusive):
    taxes = ask(*lines, policy=policy, inclusive=inclusive)

    groups = group_taxes(taxes)
    for amount in ("base", "tax"):
        of_lines = total_of([getattr(each, amount) for each in taxes], "EUR")
        assert total_of([getattr(each, amount) for each in groups], "EUR") == of_lines
    billed = total_of([each.amount for each in lines], "EUR")
    borne = total_of([each.base + each.tax if inclusive else each.base for each in taxes], "EUR")
    assert borne == billed


@settings(deadline=None, max_examples=150)
@given(documents)
def test_a_group_bears_its_base_times_its_rate_rounded_once(lines):
    for group in group_taxes(ask(*lines)):
        assert group.tax == (group.base * group.rate).rounded()


@settings(deadline=None, max_examples=150)
@given(documents, policies, st.booleans())
def test_a_credit_note_of_the_whole_takes_back_each_cent(lines, policy, inclusive):
    credited = [replace(each, amount=-each.amount) for each in lines]

    billed = ask(*lines, policy=policy, inclusive=inclusive)
    taken_back = ask(*credited, policy=policy, inclusive=inclusive)

    assert [(-each.base, -each.tax) for each in taken_back] == [(e.base, e.tax) for e in billed]


@settings(deadline=None, max_examples=50)
@given(documents, policies, st.randoms(use_true_random=False))
def test_the_order_in_which_lines_arrive_changes_nothing(lines, policy, chance):
    shuffled = list(lines)
    chance.shuffle(shuffled)

    assert ask(*shuffled, policy=policy) == ask(*lines, policy=policy)


@pytest.mark.parametrize("case", VECTORS["tax_inclusive"], ids=lambda case: case["gross"])
@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.name)
def test_inclusive_prices_are_taken_apart_and_never_put_together_again(case, policy):
    (found,) = ask(
        line(amount=case["gross"], category="standard"),
        table=flat_table(case["rate_percent"]),
        policy=policy,
        inclusive=True,
    )

    assert found.base == Money(Decimal(case["net"]), "EUR")
    assert found.tax == Money(Decimal(case["tax_by_subtraction"]), "EUR")


@pytest.mark.parametrize(
    ("policy", "tax"), [("line/1", "1.00"), ("rate-group/1", "0.95"), ("document/1", "0.95")]
)
def test_the_policy_decides_what_a_hundred_small_lines_bear(policy, tax):
    lines = [line(number, "0.05") for number in range(1, 101)]

    taxes = ask(*lines, policy=POLICIES[policy])

    assert total_of([each.tax for each in taxes], "EUR") == Money(Decimal(tax), "EUR")
    assert {each.policy for each in taxes} == {policy}


def test_one_rate_is_one_group_whatever_the_category():
    (group,) = group_taxes(ask(line(1, "0.33"), line(2, "0.66", category="standard")))

    assert group.tax == Money(Decimal("0.19"), "EUR")


def test_a_currency_without_cents_rounds_to_whole_units():
    (found,) = ask(line(amount="1003", currency="JPY"), currency="JPY")

    assert found.tax == Money(Decimal(191), "JPY")


def test_a_line_says_every_input_of_why():
    (found,) = ask(line())

    assert (found.key, found.number, found.jurisdiction, found.category) == (
        "line-1",
        1,
        "DE",
        "legal-services",
    )
    assert (found.treatment, found.rate, found.rule) == (
        Treatment.TAXED,
        Decimal("0.19"),
        "table",
    )
    assert (found.base, found.tax) == (
        Money(Decimal("100.00"), "EUR"),
        Money(Decimal("19.00"), "EUR"),
    )
    assert found.source
    assert found.edition
    assert found.confidence is Confidence.CONFIRMED


@pytest.mark.parametrize(
    ("on", "tax"), [("2020-06-30", "19.00"), ("2020-07-01", "16.00"), ("2021-01-01", "19.00")]
)
def test_a_credit_note_at_the_old_tax_point_uses_the_old_rate(on, tax):
    (found,) = ask(line(amount="-100.00"), tax_point=date.fromisoformat(on))

    assert found.tax == Money(Decimal(f"-{tax}"), "EUR")


@pytest.mark.parametrize(
    ("firm", "customer", "status", "rule", "treatment"),
    [
        (GERMANY, GERMANY, TaxStatus.VAT_ID_VALID, "table", Treatment.TAXED),
        (GERMANY, AUSTRIA, TaxStatus.VAT_ID_VALID, "eu.reverse_charge", Treatment.REVERSE_CHARGE),
        (GERMANY, AUSTRIA, TaxStatus.VAT_ID_INVALID, "table", Treatment.TAXED),
        (GERMANY, AUSTRIA, TaxStatus.BUSINESS, "table", Treatment.TAXED),
        (GERMANY, AUSTRIA, TaxStatus.CONSUMER, "table", Treatment.TAXED),
        (GERMANY, AUSTRIA, TaxStatus.EXEMPT, "customer.exempt", Treatment.EXEMPT),
        (GERMANY, NEW_YORK, TaxStatus.BUSINESS, "eu.export_to_business", Treatment.OUTSIDE_SCOPE),
        (
            GERMANY,
            SWITZERLAND,
            TaxStatus.CONSUMER,
            "eu.export_to_consumer",
            Treatment.OUTSIDE_SCOPE,
        ),
        (BRITAIN, GERMANY, TaxStatus.BUSINESS, "uk.export_to_business", Treatment.OUTSIDE_SCOPE),
        (BRITAIN, GERMANY, TaxStatus.CONSUMER, "uk.export_to_consumer", Treatment.OUTSIDE_SCOPE),
        (BRITAIN, BRITAIN, TaxStatus.BUSINESS, "table", Treatment.TAXED),
        (NEW_YORK, GERMANY, TaxStatus.CONSUMER, "us.export", Treatment.OUTSIDE_SCOPE),
        (NEW_YORK, NEW_YORK, TaxStatus.CONSUMER, "table", Treatment.EXEMPT),
        (Place("US", "CA"), NEW_YORK, TaxStatus.BUSINESS, "table", Treatment.EXEMPT),
    ],
)
def test_the_parties_decide_who_is_taxed(firm, customer, status, rule, treatment):
    (found,) = ask(line(), firm=firm, customer=customer, status=status)

    assert (found.rule, found.treatment) == (rule, treatment)
    assert bool(found.tax) is (treatment is Treatment.TAXED)
    assert bool(found.wording) is (treatment is not Treatment.TAXED)


def test_reverse_charge_carries_its_wording_and_the_place_of_the_customer():
    (found,) = ask(line(), customer=AUSTRIA, status=TaxStatus.VAT_ID_VALID)

    assert found.jurisdiction == "AT"
    assert found.wording == (
        "Reverse charge: the customer owes the VAT (article 196, Directive 2006/112/EC)."
    )


def test_american_sales_tax_goes_by_the_state_of_the_customer():
    (found,) = ask(line(), firm=Place("US", "CA"), customer=NEW_YORK)

    assert found.jurisdiction == "US-NY"
    assert found.wording == "No sales tax: legal services are not taxable."


def test_other_services_to_a_consumer_abroad_are_taxed_where_the_firm_is():
    (german,) = ask(line(category="standard"), customer=SWITZERLAND, status=TaxStatus.CONSUMER)
    (british,) = ask(
        line(category="standard"), firm=BRITAIN, customer=GERMANY, status=TaxStatus.CONSUMER
    )

    assert (german.jurisdiction, german.rate) == ("DE", Decimal("0.19"))
    assert (british.jurisdiction, british.rate) == ("GB", Decimal("0.20"))


@pytest.mark.parametrize(
    ("on", "rule"),
    [(date(2020, 12, 31), "eu.reverse_charge"), (date(2021, 1, 1), "eu.export_to_business")],
)
def test_the_kingdom_left_the_union_on_a_day(on, rule):
    (found,) = ask(line(), customer=BRITAIN, status=TaxStatus.VAT_ID_VALID, tax_point=on)

    assert found.rule == rule


@pytest.mark.parametrize("status", [TaxStatus.VAT_ID_UNVERIFIED, TaxStatus.VAT_ID_STALE])
def test_a_vat_id_that_could_not_be_checked_is_provisional_and_never_invalid(status):
    (found,) = ask(line(), customer=AUSTRIA, status=status)

    assert found.rule == "eu.reverse_charge"
    assert found.confidence is Confidence.PROVISIONAL


def test_rows_that_nobody_approved_are_flagged():
    (found,) = ask(line(), table=default_table())

    assert found.confidence is Confidence.UNAPPROVED


def test_a_table_past_its_review_date_is_flagged():
    (found,) = ask(line(), table=default_table(), tax_point=date(2027, 7, 1))

    assert found.confidence is Confidence.STALE


@pytest.mark.parametrize(
    ("category", "treatment"),
    [("zero", Treatment.ZERO_RATED), ("exempt", Treatment.EXEMPT)],
)
def test_zero_and_exempt_lines_take_no_odd_cent(category, treatment):
    lines = [line(number, "0.13", "standard") for number in range(1, 6)]

    *_, free = ask(
        *lines,
        line(6, category=category),
        firm=BRITAIN,
        customer=BRITAIN,
        policy=POLICIES["document/1"],
    )

    assert (free.treatment, free.tax) == (treatment, Money.zero("EUR"))


def test_a_line_without_a_rate_in_force_is_refused():
    with pytest.raises(NoRate, match="books in DE on November 20, 2026") as refusal:
        ask(line(1), line(2, category="books"))

    assert refusal.value.code == "tax.no_rate"


def test_no_lines_bear_no_tax():
    assert ask() == []
    assert group_taxes([]) == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([line(currency="USD")], "USD, not EUR"),
        ([line(amount="0.005")], "round it first"),
        ([line(1), replace(line(2), key="line-1")], "key"),
        ([line(1), replace(line(1), key="other")], "number"),
    ],
)
def test_lines_that_contradict_the_question_are_bugs(lines, said):
    with pytest.raises(ValueError, match=said):
        ask(*lines)


def test_an_unknown_currency_is_a_bug():
    with pytest.raises(UnknownCurrency):
        ask(currency="XXX")
