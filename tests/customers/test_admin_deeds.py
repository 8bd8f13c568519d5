"""What is done in the back office goes through actions, four eyes included."""

import re
from datetime import date

import pytest
from django.contrib.admin.models import LogEntry

from billing_portal.audit.models import AuditEvent
from billing_portal.money import CURRENCIES_IN_USE
from billing_portal.outbox.models import OutboxEvent
from billing_portal.tenancy.scope import tenant_scope
from customers.models import (
    AggregationSetting,
    BankDetails,
    Contact,
    Customer,
    Matter,
    PaymentMethod,
    Rate,
    Timekeeper,
)
from tests.customers.factories import (
    CustomerFactory,
    MatterFactory,
    PaymentMethodFactory,
    RateFactory,
)
from tests.customers.office import CUSTOMER
from tests.factories import MembershipFactory, UserFactory
from tests.visiting import office_key

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.customers.office")]


def test_a_customer_is_opened_by_the_action_and_leaves_its_trail(office, firm):
    user = office.enter("biller")

    answer = office.post("customer/add/", CUSTOMER)

    assert answer.status_code == 302
    with tenant_scope(firm.pk):
        customer = Customer.objects.get()
        assert (customer.name_key, customer.payment_terms_days) == ("harborline mutual", 45)
        event = AuditEvent.objects.get()
        assert (event.action, event.actor) == ("customer.opened", f"user:{user.pk}")
        assert OutboxEvent.objects.get().kind == "customer.opened"
    assert not LogEntry.objects.exists()


def test_what_the_action_refuses_is_shown_on_the_form_with_the_input_kept(office, firm):
    with tenant_scope(firm.pk):
        CustomerFactory.create(external_id="ins-9")
    office.enter("biller")

    answer = office.post("customer/add/", CUSTOMER | {"legal_name": "Harborline SE"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "There is a customer INS-9 already." in page
    assert 'value="Harborline SE"' in page
    with tenant_scope(firm.pk):
        assert Customer.objects.count() == 1
        assert not AuditEvent.objects.exists()


def test_a_card_number_in_a_form_is_refused_and_nowhere_kept(office, firm):
    with tenant_scope(firm.pk):
        customer = CustomerFactory.create()
    office.enter("biller")
    form = {"customer": customer.pk, "kind": "CHECK", "label": "4111 1111 1111 1111"}

    answer = office.post("paymentmethod/add/", form)

    assert answer.status_code == 422
    assert "There is a card number in “label”." in answer.content.decode()
    with tenant_scope(firm.pk):
        assert not PaymentMethod.objects.exists()


def test_a_customer_is_changed_once_for_each_version_shown(office, firm):
    with tenant_scope(firm.pk):
        customer = CustomerFactory.create(external_id="INS-9")
    office.enter("biller")
    form = {name: value for name, value in CUSTOMER.items() if name not in {"on", "currency"}}

    first = office.post(f"customer/{office_key(customer)}/change/", form | {"version": "1"})
    second = office.post(
        f"customer/{office_key(customer)}/change/", form | {"version": "1", "name": "Other"}
    )

    assert (first.status_code, second.status_code) == (302, 422)
    assert "it is at version 2 now" in second.content.decode()
    with tenant_scope(firm.pk):
        customer.refresh_from_db()
        assert (customer.name, customer.version) == ("Harborline Mutual", 2)


def test_matters_timekeepers_contacts_and_terms_are_made_by_their_actions(office, firm):
    user = office.enter("owner")
    with tenant_scope(firm.pk):
        customer = CustomerFactory.create()

    office.post(
        "matter/add/",
        {
            "customer": customer.pk,
            "external_id": "2026-1",
            "name": "Park v. Tidewater",
            "responsible": user.pk,
            "opened_on": "2026-02-01",
        },
    )
    office.post(
        "timekeeper/add/",
        {
            "external_id": "EA",
            "name": "Dubois, Élise",
            "classification": "PARTNR",
            "state": "ACTIVE",
            "user": user.pk,
        },
    )
    office.post(
        "contact/add/",
        {"customer": customer.pk, "name": "Rosa Lindt", "purpose": "CLAIMS"},
    )
    office.post(
        "aggregationsetting/add/",
        {
            "customer": customer.pk,
            "starts_on": "2026-02-01",
            "cadence": "SEMIMONTHLY",
            "anchor": "15",
            "grouping": "BY_MATTER",
            "minimum_0": "25.00",
            "minimum_1": "USD",
            "grace_hours": "24",
            "formats": ["pdf", "ledes1998b"],
            "reviewer": user.pk,
        },
    )

    with tenant_scope(firm.pk):
        assert Matter.objects.get().responsible_id == user.pk
        assert Timekeeper.objects.get().user_id == user.pk
        assert Contact.objects.get().purpose == "CLAIMS"
        terms = AggregationSetting.objects.get()
        assert (terms.anchor, terms.least.minor, terms.formats) == (15, 2500, ["pdf", "ledes1998b"])
        assert terms.time_zone == customer.time_zone


def test_only_members_of_the_firm_are_offered_as_people(office, neighbor):
    stranger = MembershipFactory.create(
        tenant=neighbor.firm, user=UserFactory.create(name="Strange Neighbor")
    ).user
    office.enter("owner")

    page = office.get("matter/add/").content.decode()

    assert stranger.name not in page


def test_a_rate_needs_two_people_in_the_office_too(office, firm):
    office.enter("owner")
    form = {"starts_on": "2026-02-01", "amount_0": "250.00", "amount_1": "USD"}
    proposed = office.post("rate/add/", form)
    with tenant_scope(firm.pk):
        rate = Rate.objects.get()
    approve = {"action": "approve", "_selected_action": [rate.pk]}

    own = office.post("rate/", approve, follow=True)

    assert proposed.status_code == 302
    assert "another person approves it" in own.content.decode()
    with tenant_scope(firm.pk):
        assert Rate.objects.get().state == "PROPOSED"

    office.enter("owner")
    office.post("rate/", approve)

    with tenant_scope(firm.pk):
        assert Rate.objects.get().state == "APPROVED"


def test_a_biller_proposes_but_does_not_approve(office, firm):
    with tenant_scope(firm.pk):
        rate = RateFactory.create(state="PROPOSED", decided_by="")
    office.enter("biller")

    office.post("rate/", {"action": "approve", "_selected_action": [rate.pk]})

    with tenant_scope(firm.pk):
        assert Rate.objects.get().state == "PROPOSED"


def test_bank_details_are_proposed_without_ever_showing_the_account(office, firm):
    with tenant_scope(firm.pk):
        method = PaymentMethodFactory.create()
    office.enter("owner")
    form = {"payment_method": method.pk, "holder": "Granite", "account": "DE89370400440532013000"}

    office.post("bankdetails/add/", form)

    with tenant_scope(firm.pk):
        details = BankDetails.objects.get()
    page = office.get(f"bankdetails/{office_key(details)}/change/").content.decode()
    assert details.account_ending == "3000"
    assert "DE8937040044" not in page
    assert "3000" in page


def test_closing_in_bulk_closes_what_may_be_and_says_what_may_not(office, firm):
    with tenant_scope(firm.pk):
        free = CustomerFactory.create()
        busy = MatterFactory.create().customer
    office.enter("biller")
    chosen = {"action": "close", "_selected_action": [free.pk, busy.pk]}

    page = office.post("customer/", chosen, follow=True).content.decode()

    assert "1 open matter still" in page
    with tenant_scope(firm.pk):
        states = dict(Customer.objects.values_list("pk", "state"))
    assert states == {free.pk: "CLOSED", busy.pk: "ACTIVE"}


def test_a_refused_row_ends_on_its_day_only_once(office, firm):
    with tenant_scope(firm.pk):
        method = PaymentMethodFactory.create(ended_on=date(2026, 1, 1))
    office.enter("biller")

    page = office.post(
        "paymentmethod/", {"action": "end", "_selected_action": [method.pk]}, follow=True
    )

    assert "ended on 2026-01-01" in page.content.decode()


@pytest.mark.parametrize(
    ("noun", "field"), [("matter", "customer"), ("rate", "matter"), ("address", "customer")]
)
@pytest.mark.parametrize("key", ["x", "²", "9" * 30])
def test_a_tampered_key_is_an_error_on_the_form(office, noun, field, key):
    office.enter("owner")

    page = office.post(f"{noun}/add/", {field: key})

    assert page.status_code == 200
    assert field in page.context["adminform"].form.errors


def test_a_minimum_without_a_currency_is_an_error_on_the_form(office):
    office.enter("owner")

    page = office.post("aggregationsetting/add/", {"minimum_0": "1", "minimum_1": ""})

    assert page.status_code == 200
    assert "minimum" in page.context["adminform"].form.errors
    bare = office.post("aggregationsetting/add/", {"minimum_0": "", "minimum_1": "USD"})
    assert "minimum" not in bare.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("customer/add/", "currency"),
        ("rate/add/", "amount_1"),
        ("aggregationsetting/add/", "minimum_1"),
    ],
)
def test_forms_offer_every_currency_in_use_the_most_used_first(office, page, name):
    office.enter("owner")

    body = office.get(page).content.decode()

    (options,) = re.findall(rf'<select name="{name}".*?</select>', body, re.DOTALL)
    offered = [each for each in re.findall(r'value="([A-Z]*)"', options) if each]
    assert offered == list(CURRENCIES_IN_USE)
    assert offered[:3] == ["USD", "EUR", "GBP"]
    assert {"INR", "BRL", "ZAR", "KWD"} < set(offered)
    assert not {"DEM", "HRK", "BGN"} & set(offered)


def test_a_rate_in_any_currency_in_use_can_be_proposed(office, firm):
    office.enter("owner")

    page = office.post(
        "rate/add/",
        {"level": "senior", "starts_on": "2026-01-01", "amount_0": "9000", "amount_1": "INR"},
    )

    assert page.status_code == 302
    with tenant_scope(firm.pk):
        assert Rate.objects.values_list("amount_currency", flat=True).get() == "INR"
