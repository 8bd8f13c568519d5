"""What is asked of the room: the right row, at a known cost, of this firm only."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from billing_portal.money import Money
from billing_portal.periods import Cadence
from billing_portal.tenancy.scope import NoTenant
from customers import queries
from customers.models import Address, Customer, Matter, TaxIdentity
from tests.customers.factories import (
    CustomerFactory,
    MatterFactory,
    RateFactory,
    TermsFactory,
    TimekeeperFactory,
)
from tests.factories import MembershipFactory, UserFactory

DAY = date(2026, 3, 1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def work(tenant):
    return TimekeeperFactory.create(level="Associate"), MatterFactory.create()


def test_rates_are_found_from_the_matters_card_down_to_the_firms(work):
    timekeeper, matter = work
    cards = [{"matter": matter}, {"customer": matter.customer}, {}]
    whom = [{"timekeeper": timekeeper}, {"level": "Associate"}, {}]
    rows = [RateFactory.create(**card, **person) for card in cards for person in whom]
    answered = []

    for row in rows:
        answered.append(queries.rate_in_force(timekeeper, matter, DAY).row)
        row.__class__.objects.filter(pk=row.pk).update(ends_on=date(2026, 2, 1))

    assert answered == rows
    with pytest.raises(queries.NoRate):
        queries.rate_in_force(timekeeper, matter, DAY)


def test_the_answer_says_which_row_applied(work):
    timekeeper, matter = work
    RateFactory.create(customer=matter.customer, level="Associate", amount=Decimal("312.5"))

    answer = queries.rate_in_force(timekeeper, matter, DAY)

    assert answer.rate == Money(Decimal("312.5"), "USD")
    assert answer.precedence == (
        f"The rate for level Associate on the card of {matter.customer.name}."
    )


def test_a_rate_holds_from_its_first_day_to_the_day_before_its_end(work):
    RateFactory.create(starts_on=date(2026, 2, 1), ends_on=DAY)
    asks = [
        queries.RateAsk(work[0], work[1], day)
        for day in (date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28), DAY)
    ]

    found = [answer is not None for answer in queries.rates_in_force(asks)]

    assert found == [False, True, True, False]


def test_rates_of_other_currencies_people_and_proposals_do_not_count(work):
    timekeeper, matter = work
    RateFactory.create(amount_currency="EUR")
    RateFactory.create(level="Partner")
    RateFactory.create(matter=MatterFactory.create())
    RateFactory.create(state="PROPOSED", decided_by="")
    RateFactory.create(state="REJECTED")

    with pytest.raises(queries.NoRate):
        queries.rate_in_force(timekeeper, matter, DAY)


def test_a_timekeeper_without_level_gets_no_rate_of_a_level(tenant):
    RateFactory.create(level="Associate", amount=Decimal(400))
    RateFactory.create(amount=Decimal(150))

    answer = queries.rate_in_force(TimekeeperFactory.create(level=""), MatterFactory.create(), DAY)

    assert answer.rate.amount == 150


@pytest.mark.parametrize("asked", [1, 25])
def test_rates_take_one_query_for_one_and_for_many(tenant, django_assert_num_queries, asked):
    RateFactory.create()
    people = TimekeeperFactory.create_batch(asked)
    asks = [queries.RateAsk(person, MatterFactory.create(), DAY) for person in people]

    with django_assert_num_queries(1):
        answers = queries.rates_in_force(asks)

    assert len([answer for answer in answers if answer]) == asked


def test_no_ask_takes_no_query(tenant, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert queries.rates_in_force([]) == []


def test_the_neighbors_rates_do_not_count(work, neighbor):
    with neighbor:
        RateFactory.create()

    with pytest.raises(queries.NoRate):
        queries.rate_in_force(work[0], work[1], DAY)


def test_a_rate_card_lists_what_holds_on_it(work):
    timekeeper, matter = work
    for_anybody = RateFactory.create(matter=matter)
    own = RateFactory.create(matter=matter, timekeeper=timekeeper)
    RateFactory.create(matter=matter, level="Partner", ends_on=date(2026, 2, 1))
    RateFactory.create()

    assert queries.rate_card(on=DAY, matter=matter) == [own, for_anybody]


def test_the_newest_terms_that_have_started_hold(tenant):
    customer = CustomerFactory.create()
    TermsFactory.create(customer=customer, starts_on=date(2026, 1, 1))
    TermsFactory.create(customer=customer, starts_on=DAY)
    corrected = TermsFactory.create(customer=customer, starts_on=DAY, cadence="SEMIMONTHLY")
    TermsFactory.create(customer=customer, starts_on=date(2026, 4, 1))

    assert queries.aggregation_of(customer, DAY) == corrected
    with pytest.raises(queries.NoTerms):
        queries.aggregation_of(customer, date(2025, 12, 31))


def test_a_matters_terms_go_before_its_customers(tenant):
    matter, plain = MatterFactory.create_batch(2, customer=CustomerFactory.create())
    general = TermsFactory.create(customer=matter.customer)
    own = TermsFactory.create(customer=matter.customer, matter=matter)

    assert queries.aggregation_of(matter.customer, DAY, matter=matter) == own
    assert queries.aggregation_of(matter.customer, DAY, matter=plain) == general
    assert queries.aggregation_of(matter.customer, DAY) == general
    assert queries.aggregations_of([matter.customer], DAY) == {
        (matter.customer_id, None): general,
        (matter.customer_id, matter.pk): own,
    }


@pytest.mark.parametrize("length", [1, 20])
def test_billable_customers_take_two_queries(tenant, django_assert_num_queries, length):
    TermsFactory.create_batch(length)

    with django_assert_num_queries(2):
        found = queries.billable_customers(DAY)
        names = [(row.customer.name, row.matter, row.terms.payment_method) for row in found]

    assert len(names) == length


def test_billable_are_active_customers_whose_terms_in_force_have_the_cadence(tenant):
    changed = TermsFactory.create(cadence="MONTHLY").customer
    TermsFactory.create(customer=changed, starts_on=DAY, cadence="SEMIMONTHLY")
    monthly = TermsFactory.create(cadence="MONTHLY")
    TermsFactory.create(customer=CustomerFactory.create(state="CLOSED"))
    TermsFactory.create(starts_on=date(2026, 3, 2))

    found = queries.billable_customers(DAY, cadence=Cadence.MONTHLY)

    assert found == [queries.Billable(monthly.customer, None, monthly)]


def test_the_neighbors_customers_are_not_billable(tenant, neighbor):
    with neighbor:
        TermsFactory.create()

    assert queries.billable_customers(DAY) == []


@pytest.mark.parametrize("length", [1, 20])
def test_parties_take_two_queries(tenant, django_assert_num_queries, length):
    customers = CustomerFactory.create_batch(length)

    with django_assert_num_queries(2):
        assert len(queries.parties_of(customers, DAY)) == length


def test_a_party_is_where_and_what_it_was_on_the_day(tenant):
    customer = CustomerFactory.create()
    said = {"customer": customer, "line_1": "1 Main St"}
    salem = Address.objects.create(starts_on=date(2026, 1, 1), city="Salem", **said)
    boston = Address.objects.create(starts_on=DAY, city="Boston", **said)
    TaxIdentity.objects.create(customer=customer, starts_on=DAY, status="EXEMPT", tax_id="E-1")

    assert queries.party_of(customer, date(2025, 1, 1)).address == salem
    assert queries.party_of(customer, date(2026, 2, 28)).address == salem
    assert queries.party_of(customer, DAY) == queries.Party(customer, boston, "E-1", "EXEMPT")
    assert queries.party_of(CustomerFactory.create(), DAY).tax_status == "TAXABLE"


@pytest.mark.parametrize("length", [1, 30])
def test_looking_up_by_outside_ids_takes_one_query(tenant, django_assert_num_queries, length):
    matters = MatterFactory.create_batch(length)
    people = TimekeeperFactory.create_batch(length)

    with django_assert_num_queries(4):
        customers = queries.customers_by_external_id(
            [matter.customer.external_id.lower() for matter in matters] + ["nobody"]
        )
        found = queries.matters_by_external_id([matter.external_id for matter in matters])
        names = [matter.customer.name for matter in found.values()]
        keepers = queries.timekeepers_by_external_id([person.external_id for person in people])
        by_ids = queries.matters_by_ids([matter.pk for matter in matters])

    assert len(customers) == len(names) == len(keepers) == len(by_ids) == length
    assert "nobody" not in customers


def test_the_neighbors_ids_are_unknown(tenant, neighbor):
    with neighbor:
        matter = MatterFactory.create(external_id="2026-1")
        customer = CustomerFactory.create(external_id="INS-1")

    assert queries.customer_by_external_id("INS-1") is None
    assert queries.matters_by_external_id(["2026-1"]) == {}
    assert queries.matters_by_ids([matter.pk]) == {}
    assert not Customer.objects.filter(pk=customer.pk).exists()


def test_chainable_filters_stay_in_the_firm(tenant, neighbor):
    with neighbor:
        MatterFactory.create()
    matter = MatterFactory.create()
    MatterFactory.create(state="CLOSED", closed_on=DAY)
    CustomerFactory.create(state="CLOSED")

    assert list(Matter.objects.open()) == [matter]
    assert Customer.objects.active().count() == 2


def test_a_search_by_the_beginning_of_a_name_is_answered_by_the_index(tenant):
    CustomerFactory.create_batch(3)
    rows = Customer.objects.filter(name_key__gte="gran", name_key__lt="gran\U0010ffff")
    rows = rows.order_by("name_key", "pk")  # as the lists do

    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off; set local enable_sort = off")
    plan = rows.explain()

    assert "customer_by_name" in plan
    assert "Index Cond" in plan
    assert "name_key" in plan.split("Index Cond")[1].splitlines()[0]


def test_nothing_is_asked_outside_a_firm(db):
    with pytest.raises(NoTenant):
        queries.billable_customers(DAY)


def test_members_are_who_holds_an_approved_role_here(tenant, neighbor):
    ours = MembershipFactory.create(tenant=tenant).user
    both = MembershipFactory.create(tenant=tenant).user
    MembershipFactory.create(tenant=neighbor.firm, user=both, approved_by="")
    MembershipFactory.create(tenant=tenant, approved_by="")
    MembershipFactory.create(tenant=neighbor.firm)
    MembershipFactory.create(tenant=tenant, user=UserFactory.create(is_active=False))

    assert set(queries.members()) == {ours, both}
    assert queries.members_by_email([ours.email.upper(), ""]) == {ours.email: ours}
