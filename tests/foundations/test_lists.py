"""Lists in pages: by key both ways, filters as chips, ids that name nothing, safe files."""

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django import forms
from django.http import Http404
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.audit.models import AuditEvent
from billing_portal.audit.trail import record
from billing_portal.covers import covered, uncovered
from billing_portal.portal.downloads import csv_answer, harmless
from billing_portal.portal.lists import DayField, FilterForm, Filters, page_of, url_with
from billing_portal.portal.nouns import nouns_of, row_named
from billing_portal.tenancy.actors import Actor, ActorKind, system
from customers.models import Customer
from tests.customers.factories import CustomerFactory, MatterFactory
from tests.factories import actor
from tests.visiting import office_key

COUNT = 120


class Wanted(FilterForm):
    search = "who"

    who = forms.CharField(label="Who", required=False)
    kind = forms.ChoiceField(label="Kind", choices=[("", "All"), ("TIME", "Time")], required=False)
    since = DayField(label="From")


@pytest.fixture
def events(tenant):
    for _ in range(COUNT):
        record("sample.noted", tenant, by=system("test"))
    return list(AuditEvent.objects.order_by("-pk").values_list("pk", flat=True))


def shown(rf, url):
    page = page_of(AuditEvent.objects.all(), rf.get(url))
    return [row.pk for row in page.rows], page.pager


def test_pages_lead_from_the_newest_to_the_oldest_and_back(rf, events):
    first, pager = shown(rf, "/log/")
    second, between = shown(rf, pager.next_url)
    third, last = shown(rf, between.next_url)
    back, _ = shown(rf, last.previous_url)
    front, head = shown(rf, between.previous_url)

    assert first + second + third == events
    assert (back, front) == (second, first)
    assert (pager.previous_url, last.next_url, head.previous_url) == ("", "", "")
    assert head.next_url == pager.next_url


def test_a_page_has_as_many_rows_as_asked_for(rf, events):
    rows, pager = shown(rf, "/log/?rows=200")

    assert rows == events
    assert [(size.label, size.current) for size in pager.sizes] == [
        ("50", False), ("200", True), ("500", False)
    ]  # fmt: skip
    assert pager.summary == "All 120, newest first"


@pytest.mark.parametrize(("count", "said"), [(0, ""), (1, ""), (50, "All 50, newest first")])
def test_sizes_are_offered_only_where_another_shows_more(rf, events, count, said):
    few = AuditEvent.objects.filter(pk__in=events[:count])

    pager = page_of(few, rf.get("/log/")).pager

    assert (pager.summary, pager.sizes) == (said, [])
    assert page_of(AuditEvent.objects.all(), rf.get("/log/")).pager.sizes


@pytest.mark.parametrize(
    "query", ["after=x", "after=-1", "after=²", f"after={'9' * 40}", "rows=7", "before=1.5"]
)
def test_what_is_no_position_counts_as_not_given(rf, events, query):
    rows, _ = shown(rf, f"/log/?{query}")

    assert rows == events[:50]


def test_a_place_tells_no_number_and_is_good_for_its_own_list_only(rf, events):
    _, pager = shown(rf, "/log/")
    place = parse_qs(urlsplit(pager.next_url).query)["after"][0]

    elsewhere, _ = shown(rf, f"/other/?after={place}")
    by_number, _ = shown(rf, f"/log/?after={events[49]}")

    assert str(events[49]) not in place
    assert uncovered(place, of="/log/ ") == str(events[49])
    assert elsewhere == by_number == events[:50]


def test_beyond_the_last_row_there_is_nothing(rf, events):
    rows, pager = shown(rf, f"/log/?after={covered(str(events[-1]), of='/log/ ')}")

    assert rows == []
    assert (pager.previous_url, pager.next_url) == ("", "")


@pytest.mark.parametrize("rows", [50, 200])
def test_a_page_is_one_query(rf, events, rows, django_assert_num_queries):
    with django_assert_num_queries(1):
        page_of(AuditEvent.objects.all(), rf.get(f"/log/?rows={rows}"))


def test_an_address_keeps_its_filters_and_begins_anew(rf):
    request = rf.get("/log/?who=user:7&kind=TIME&after=5")

    assert url_with(request, kind="") == "/log/?who=user%3A7"
    assert url_with(request, rows="200") == "/log/?who=user%3A7&kind=TIME&rows=200"
    assert url_with(rf.get("/log/")) == "/log/"


def test_filters_become_chips_that_take_them_away(rf):
    request = rf.get("/log/?who=user:7&kind=TIME&since=2026-11-02")
    filters = Filters(request, Wanted(request.GET), "log")

    assert [(chip.label, chip.url) for chip in filters.chips] == [
        ("Who: user:7", "/log/?kind=TIME&since=2026-11-02"),
        ("Kind: Time", "/log/?who=user%3A7&since=2026-11-02"),
        ("From: Nov 2, 2026", "/log/?who=user%3A7&kind=TIME"),
    ]
    assert (filters.name, filters.text, filters.placeholder) == ("who", "user:7", "Who")
    assert [bound.name for bound in filters.form] == ["kind", "since"]
    assert filters.is_wrong is False


@pytest.mark.parametrize("day", ["2026-13-01", "tomorrow", "0001-01-01", "9999-12-31", "2026-11"])
def test_a_day_that_is_none_is_named_and_narrows_nothing(rf, day):
    request = rf.get("/log/", {"since": day, "who": "user:7"})
    asked = Wanted(request.GET)

    assert asked.given() == {}
    assert list(asked.errors) == ["since"]
    assert Filters(request, asked, "log").is_wrong is True


def test_a_row_is_found_by_its_public_id(tenant):
    customer = CustomerFactory.create()

    assert row_named(Customer.objects.all(), customer.public_id) == customer


@pytest.mark.parametrize("wrong", ["", "cus_", "cus_x", "nothing", "../etc", "cus_" + "z" * 26])
def test_an_id_that_names_nothing_is_nowhere(tenant, wrong):
    with pytest.raises(Http404):
        row_named(Customer.objects.all(), wrong)


def test_another_nouns_or_firms_id_is_nowhere_too(tenant, neighbor):
    matter = MatterFactory.create()
    with neighbor:
        theirs = CustomerFactory.create()

    for text in [matter.public_id, theirs.public_id]:
        with pytest.raises(Http404):
            row_named(Customer.objects.all(), text)


def test_rooms_name_their_nouns_to_those_who_may_read_them(tenant, neighbor, owner):
    matter = MatterFactory.create(customer__name="Northfield Mutual", external_id="2026-7")
    customer = matter.customer
    with neighbor:
        theirs = CustomerFactory.create()
    asked = [customer.public_id, matter.public_id, theirs.public_id, "cus_a", "xyz_1", ""]

    known = nouns_of(owner, asked)
    unlinked = nouns_of(actor("timekeeper"), asked)

    assert {name: noun.label for name, noun in known.items()} == {
        customer.public_id: "Northfield Mutual",
        matter.public_id: f"2026-7 {matter.name}",
    }
    page = f"/admin/customers/customer/{office_key(customer)}/change/"
    assert known[customer.public_id].url == page
    assert {noun.url for noun in unlinked.values()} == {""}
    assert nouns_of(Actor(ActorKind.USER, 9, "Nobody"), asked) == {}


@pytest.mark.parametrize("count", [1, 5])
def test_naming_takes_a_query_for_each_kind(tenant, owner, count, django_assert_num_queries):
    ids = [CustomerFactory.create().public_id for _ in range(count)]

    with django_assert_num_queries(1):
        assert len(nouns_of(owner, ids)) == count


@given(st.text(), st.sampled_from(["=", "+", "-", "@", "\t", "\r", "\n", " =", "\uff1d"]))
def test_no_text_in_a_file_begins_a_formula(text, start):
    assert harmless(start + text) == f"'{start}{text}"


@pytest.mark.parametrize("text", ["", "Northfield Mutual", "'tis", "a=b", "2026-11-02", "Søren"])
def test_other_texts_stay_as_they_are(text):
    assert harmless(text) == text


def test_numbers_stay_numbers():
    assert [harmless(Decimal("-12.50")), harmless(-7), harmless("-12.50")] == [
        "-12.50",
        "-7",
        "'-12.50",
    ]


def test_a_file_is_saved_under_its_name():
    answer = csv_answer("fees.csv", ["Who", "USD"], [["=1+1", Decimal("-3.00")], ["Søren", 4]])

    assert answer["Content-Disposition"] == 'attachment; filename="fees.csv"'
    assert answer.content.decode("utf-8-sig") == "Who,USD\r\n'=1+1,-3.00\r\nSøren,4\r\n"
