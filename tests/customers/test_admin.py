"""The back office: a firm's window, with lists, search and history."""

import re

import pytest

from billing_portal.portal.office import site
from billing_portal.tenancy.scope import tenant_scope
from customers.models import (
    Customer,
)
from tests.customers.factories import (
    BankDetailsFactory,
    CustomerFactory,
    MatterFactory,
    PaymentMethodFactory,
    RateFactory,
    TermsFactory,
    TimekeeperFactory,
)
from tests.customers.office import CUSTOMER
from tests.visiting import links_of, office_key, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.customers.office")]
NOUNS = [
    *("customer", "matter", "timekeeper", "rate", "aggregationsetting", "paymentmethod"),
    *("bankdetails", "address", "taxidentity", "contact"),
]


@pytest.mark.parametrize("role", ["timekeeper", "service"])
def test_the_office_is_closed_to_who_may_not_enter(office, client, firm, role):
    office.enter(role)

    page = client.get(f"/t/{firm.slug}/admin/")

    assert page.status_code == 403
    assert "You need the permission “Enter the back office”." in page.content.decode()


def test_the_office_stands_in_the_portals_frame_and_leads_back(office, client, firm):
    office.enter("owner")

    for rest in ("", "customers/", "customers/customer/", "customers/customer/add/"):
        page = client.get(f"/t/{firm.slug}/admin/{rest}").content.decode()
        assert f'<a href="/t/{firm.slug}/">' in page
        assert "Back to the portal" in page
        assert "css/office.css" in page
        assert not re.findall(r"\sstyle=|<style|<script>", page)


def test_an_empty_list_says_whether_there_is_nothing_or_nothing_fits(office):
    office.enter("auditor")
    nothing = office.get("customer/").content.decode()
    unfit = office.get("customer/", {"q": "zzz"}).content.decode()
    filtered = office.get("customer/", {"state__exact": "CLOSED"}).content.decode()
    read_only = "Add customer" in nothing

    office.enter("owner")
    first_step = office.get("customer/").content.decode()

    assert ("Nothing here yet" in nothing, read_only) == (True, False)
    assert "Nothing fits" in unfit
    assert "Nothing fits" in filtered
    assert first_step.count("Add customer") == 2


@pytest.mark.parametrize(
    "asked",
    [
        {"currency__regex": "("},
        {"currency__regex": "(a+)+$"},
        {"name__icontains": "a"},
        {"name": "A"},
        {"state__in": "OPEN"},
        {"state__exact__regex": "("},
        {"tenant__slug": "other"},
        {"nothing": "1"},
    ],
)
def test_a_list_is_narrowed_by_what_it_offers_only(office, firm, asked):
    office.enter("owner")

    answer = office.get("customer/", asked)

    assert answer.status_code == 400
    assert "This cannot be understood" in text_of(answer)
    assert f"/t/{firm.slug}/inbox/" in links_of(answer)


@pytest.mark.parametrize("asked", [{"state__exact": "OPEN\x00"}, {"state__isnull": "x"}])
def test_an_offered_filter_takes_any_value(office, asked):
    office.enter("owner")

    assert office.get("customer/", asked).status_code in {200, 400}


def test_every_list_of_the_back_office_is_narrowed_by_its_own_filters(rf):
    request = rf.get("/")
    for shown in site._registry.values():
        lookups = {f"{name}__exact" for name in shown.list_filter}
        assert all(shown.lookup_allowed(each, "x", request) for each in lookups), shown
        assert not shown.lookup_allowed("pk__regex", "(", request), shown


def test_an_auditor_reads_the_office_and_changes_nothing(office, client, firm):
    office.enter("auditor")
    base = f"/t/{firm.slug}/admin/customers/customer/"

    assert client.get(base).status_code == 200
    assert client.get(f"{base}add/").status_code == 403
    assert client.post(f"{base}add/", {"name": "X", "external_id": "X"}).status_code == 403


def test_the_office_has_no_sign_in_of_its_own(office, client, firm):
    office.enter("owner")

    assert client.get(f"/t/{firm.slug}/admin/login/").status_code == 404
    assert client.get(f"/t/{firm.slug}/admin/password_change/").status_code == 404


def test_a_stranger_is_led_to_the_front_door(client, firm):
    assert client.get(f"/t/{firm.slug}/admin/").url.startswith("/accounts/login/")


def test_the_front_page_is_headed_by_the_firm_and_links_within_it(office, client, firm):
    office.enter("biller")

    page = client.get(f"/t/{firm.slug}/admin/").content.decode()

    assert firm.name in page
    assert f'href="/t/{firm.slug}/admin/customers/customer/"' in page
    assert "Recent actions" not in page


@pytest.mark.parametrize("noun", NOUNS)
def test_every_list_and_empty_form_opens(office, noun):
    office.enter("owner")

    assert office.get(f"{noun}/").status_code == 200
    assert office.get(f"{noun}/add/").status_code == 200


@pytest.mark.parametrize(
    ("noun", "made"),
    [
        ("customer", CustomerFactory),
        ("matter", MatterFactory),
        ("timekeeper", TimekeeperFactory),
        ("rate", RateFactory),
        ("aggregationsetting", TermsFactory),
        ("paymentmethod", PaymentMethodFactory),
        ("bankdetails", BankDetailsFactory),
    ],
)
def test_every_row_opens_here_and_is_unknown_to_the_neighbor(office, firm, neighbor, noun, made):
    with tenant_scope(firm.pk):
        ours = office_key(made.create())
    with neighbor:
        theirs = office_key(made.create())
    office.enter("owner")

    assert office.get(f"{noun}/{ours}/change/").status_code == 200
    assert office.get(f"{noun}/{theirs}/change/").status_code == 404
    assert office.post(f"{noun}/{theirs}/change/", {}).status_code == 404
    assert office.get(f"{noun}/{theirs}/history/").status_code == 404
    assert office.get(f"{noun}/{ours}/delete/").status_code == 403


def test_search_finds_by_the_beginning_of_name_or_id(office, firm):
    with tenant_scope(firm.pk):
        CustomerFactory.create(name="Élan Marine", external_id="X-1")
        CustomerFactory.create(name="Granite State", external_id="elan-7")
        CustomerFactory.create(name="Other", external_id="X-2")
    office.enter("biller")

    def found(words):
        return {row.name for row in office.get("customer/", {"q": words}).context["cl"].result_list}

    assert found("ÉLAN mar") == {"Élan Marine"}
    assert found("ELAN") == {"Granite State"}
    assert found("nobody") == set()


def test_the_autocomplete_offers_this_firms_customers_only(office, client, firm, neighbor):
    with tenant_scope(firm.pk):
        CustomerFactory.create(name="Granite ours")
    with neighbor:
        CustomerFactory.create(name="Granite theirs")
    office.enter("biller")
    asked = {"app_label": "customers", "model_name": "matter", "field_name": "customer"}

    answer = client.get(f"/t/{firm.slug}/admin/autocomplete/", asked | {"term": "granite"})

    assert [row["text"] for row in answer.json()["results"]] == ["Granite ours"]


def test_the_history_is_the_audit_trail_for_who_may_read_it(office, firm):
    user = office.enter("owner")
    office.post("customer/add/", CUSTOMER)
    with tenant_scope(firm.pk):
        customer = Customer.objects.get()

    page = office.get(f"customer/{office_key(customer)}/history/").content.decode()

    assert "customer.opened" in page
    assert user.name in page

    office.enter("biller")
    form = office.get(f"customer/{office_key(customer)}/change/").content.decode()
    assert office.get(f"customer/{office_key(customer)}/history/").status_code == 403
    assert "History" not in form


def test_a_row_is_named_by_a_covered_key_wherever_a_page_leads_to_it(office, firm, neighbor):
    with tenant_scope(firm.pk):
        ours = CustomerFactory.create()
    with neighbor:
        theirs = CustomerFactory.create()
    office.enter("owner")
    own = f"customer/{office_key(ours)}/change/"

    listed = office.get("customer/").content.decode()
    by_number = office.get(f"customer/{ours.pk}/change/?_popup=1")

    assert own in listed
    assert f"customer/{ours.pk}/" not in listed
    assert by_number.status_code == 302
    assert by_number.url.endswith(f"{own}?_popup=1")
    assert office.get(own).status_code == 200
    assert office.get(f"customer/{theirs.pk}/change/").status_code == 404
    assert office.get("customer/nothing/change/").status_code == 404


@pytest.mark.parametrize("rows", [1, 12])
def test_the_list_of_matters_takes_as_many_queries_for_one_as_for_many(
    office, firm, django_assert_max_num_queries, rows
):
    with tenant_scope(firm.pk):
        MatterFactory.create_batch(rows)
    office.enter("biller")
    office.get("matter/")

    with django_assert_max_num_queries(11):
        office.get("matter/")
