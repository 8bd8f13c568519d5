"""What waits for a person, and what search finds."""

import pytest

from customers.views import inbox_items, search
from tests.customers.factories import CustomerFactory, MatterFactory, RateFactory
from tests.factories import MembershipFactory, actor

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def test_a_proposed_rate_waits_for_somebody_else(tenant, owner, second_owner):
    RateFactory.create(state="PROPOSED", decided_by="", proposed_by=owner.ref)

    assert inbox_items(owner) == []
    assert [item.verb for item in inbox_items(second_owner)] == ["Decide"]
    assert inbox_items(actor("biller", number=9)) == []


def test_an_approved_rate_waits_for_nobody(tenant, owner):
    RateFactory.create()

    assert inbox_items(owner) == []


@pytest.mark.parametrize("text", ["INS-77", "ins-7", "northf", "Northfield  Mutual"])
def test_search_finds_by_the_beginning_of_number_or_name(tenant, owner, text):
    CustomerFactory.create(external_id="INS-77", name="Northfield Mutual")
    CustomerFactory.create(external_id="X-1", name="Coastal Surety")

    assert [hit.title for hit in search(owner, text).hits] == ["Northfield Mutual"]


def test_search_finds_nothing_of_another_firm(tenant, neighbor, owner):
    with neighbor:
        MatterFactory.create(name="Alvarez v. Brightline", external_id="2026-1")

    assert search(owner, "alvarez").hits == []


def test_who_may_not_read_customers_finds_none(tenant):
    CustomerFactory.create(name="Northfield Mutual")

    assert search(actor("reviewer"), "northf").hits != []
    nobody = actor("reviewer").__class__(actor("reviewer").kind, 9, "Nobody")
    assert search(nobody, "northf").hits == []


def test_the_pages_show_both(client, tenant, owner):
    user = MembershipFactory.create(tenant=tenant, role="owner").user
    client.force_login(user, backend=BACKEND)
    RateFactory.create(state="PROPOSED", decided_by="", proposed_by="user:999999")
    CustomerFactory.create(name="Northfield Mutual")

    inbox = client.get(f"/t/{tenant.slug}/inbox/").content.decode()
    found = client.get(f"/t/{tenant.slug}/search/?q=north").content.decode()
    nothing = client.get(f"/t/{tenant.slug}/search/?q=zzz").content.decode()

    assert "Approve a rate" in inbox
    assert "Northfield Mutual" in found
    assert "Nothing was found" in nothing
