"""Addresses in the words of the firm's own system: from the day they are told, once."""

from datetime import date

from billing_portal.tenancy.actors import system
from customers.actions.upserts import upsert_customers
from customers.models import Address, Customer

ROW = {
    "external_id": "INS-1",
    "name": "Granite State Casualty",
    "currency": "USD",
    "address": {"line_1": "1 Main Street", "city": "Albany", "region": "NY"},
}
FIRST, LATER = date(2026, 10, 1), date(2026, 11, 1)


def tell(row, on):
    return [answer.status for answer in upsert_customers([row], on=on, by=system("test"))]


def test_a_new_customer_comes_with_an_address(tenant):
    assert tell(ROW, FIRST) == ["created"]
    assert (Address.objects.get().city, Address.objects.get().starts_on) == ("Albany", FIRST)


def test_the_same_address_again_changes_nothing(tenant):
    tell(ROW, FIRST)
    assert tell(ROW, LATER) == ["unchanged"]
    assert Address.objects.count() == 1


def test_another_address_holds_from_the_day_it_is_told(tenant):
    tell(ROW, FIRST)
    moved = ROW | {"address": {"line_1": "2 Lake Street", "city": "Buffalo", "region": "NY"}}
    assert tell(moved, LATER) == ["updated"]
    known = list(Address.objects.order_by("starts_on").values_list("city", "starts_on"))
    assert known == [("Albany", FIRST), ("Buffalo", LATER)]


def test_a_row_with_a_bad_address_is_refused_whole(tenant):
    assert tell(ROW | {"address": {"line_1": "", "city": ""}}, FIRST) == ["refused"]
    assert Customer.objects.count() == 0
