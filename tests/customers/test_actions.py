"""Customers, matters and timekeepers: opened, changed and closed, each with its trail."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.audit.models import AuditEvent
from billing_portal.errors import Refused, Stale
from billing_portal.outbox.models import OutboxEvent
from billing_portal.texts import HiddenCharacter
from customers.actions import checks
from customers.actions.customers import (
    HasOpenMatters,
    add_contact,
    change_customer,
    close_customer,
    end_contact,
    move_customer,
    open_customer,
    register_for_tax,
)
from customers.actions.matters import change_matter, close_matter, open_matter
from customers.actions.refusals import (
    BadValue,
    CardNumberRefused,
    Closed,
    ExternalIdMissing,
    ExternalIdTaken,
    NotAMember,
    Unknown,
)
from customers.actions.timekeepers import UserTaken, add_timekeeper, change_timekeeper
from customers.models import Contact, Customer, Matter, TaxIdentity, Timekeeper
from tests.customers.factories import CustomerFactory, MatterFactory, TimekeeperFactory
from tests.factories import MembershipFactory, UserFactory

DAY = date(2026, 3, 1)
VISA = "4111 1111 1111 1111"


def nothing_happened():
    return not AuditEvent.objects.exists() and not OutboxEvent.objects.exists()


def test_opening_a_customer_writes_keys_tax_trail_and_news(tenant, owner):
    customer = open_customer(
        external_id=" Ins-7", name="Granite  State", currency="USD", on=DAY, by=owner
    )

    assert (customer.external_id, customer.external_key) == (" Ins-7", "ins-7")
    assert customer.name_key == "granite state"
    assert TaxIdentity.objects.get(customer=customer).starts_on == DAY
    assert AuditEvent.objects.get().subject_id == customer.public_id
    assert OutboxEvent.objects.get().body["about"] == customer.public_id


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"external_id": "  "}, ExternalIdMissing),
        ({"external_id": "INS-0001"}, ExternalIdTaken),
        ({"currency": "XXX"}, BadValue),
        ({"currency": "DEM"}, BadValue),
        ({"time_zone": "Mars/Olympus"}, BadValue),
        ({"time_zone": "../etc/passwd"}, BadValue),
        ({"name": " "}, BadValue),
        ({"payment_terms_days": 366}, BadValue),
        ({"legal_name": f"Card {VISA}"}, CardNumberRefused),
    ],
)
def test_opening_a_customer_refuses(tenant, owner, values, refusal):
    CustomerFactory.create(external_id="ins-0001")
    said = {"external_id": "INS-2", "name": "Granite", "currency": "USD"} | values

    with pytest.raises(refusal):
        open_customer(on=DAY, by=owner, **said)

    assert Customer.objects.count() == 1
    assert nothing_happened()


def test_the_neighbor_may_use_the_same_id(tenant, neighbor, owner):
    said = {"external_id": "INS-1", "name": "Granite", "currency": "USD", "on": DAY, "by": owner}
    open_customer(**said)
    with neighbor:
        open_customer(**said)

        assert Customer.objects.count() == 1


def test_a_change_counts_the_version_and_names_what_differs(tenant, owner):
    customer = CustomerFactory.create(name="Granite")

    changed = change_customer(customer, version_seen=1, by=owner, name="Granite State")

    assert (changed.version, changed.name_key) == (2, "granite state")
    assert AuditEvent.objects.get().details == {"name": "Granite State"}
    assert OutboxEvent.objects.get().body["fields"] == ["name"]


def test_a_change_of_nothing_leaves_version_and_trail_alone(tenant, owner):
    customer = CustomerFactory.create(name="Granite")

    same = change_customer(customer, version_seen=1, by=owner, name="Granite")

    assert same.version == 1
    assert nothing_happened()


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"version_seen": 7}, Stale),
        ({"external_id": "TAKEN"}, ExternalIdTaken),
        ({"carrier_code": "5555-5555-5555-4444"}, CardNumberRefused),
    ],
)
def test_a_change_of_a_customer_refuses(tenant, owner, values, refusal):
    CustomerFactory.create(external_id="taken")
    customer = CustomerFactory.create()

    with pytest.raises(refusal):
        change_customer(customer, **({"version_seen": 1, "by": owner} | values))

    customer.refresh_from_db()
    assert customer.version == 1
    assert nothing_happened()


def test_a_change_of_the_currency_is_a_bug(tenant, owner):
    with pytest.raises(TypeError, match="currency"):
        change_customer(
            CustomerFactory.create(),
            version_seen=1,
            by=owner,
            currency="EUR",  # type: ignore[call-arg]  # what is tested
        )


def test_another_firms_customer_is_unknown(tenant, neighbor, owner):
    with neighbor:
        theirs = CustomerFactory.create()

    with pytest.raises(Unknown):
        change_customer(theirs, version_seen=1, by=owner, name="Ours now")


def test_a_customer_is_closed_once_its_matters_are(tenant, owner):
    matter = MatterFactory.create()
    with pytest.raises(HasOpenMatters):
        close_customer(matter.customer, version_seen=1, by=owner)

    close_matter(matter, on=DAY, version_seen=1, by=owner)
    closed = close_customer(matter.customer, version_seen=1, by=owner)

    assert closed.state == Customer.State.CLOSED
    for deed in (
        lambda: change_customer(closed, version_seen=2, by=owner, name="New"),
        lambda: move_customer(closed, starts_on=DAY, by=owner, line_1="1 Main St", city="Salem"),
        lambda: register_for_tax(closed, starts_on=DAY, status="EXEMPT", by=owner),
        lambda: add_contact(closed, name="Rosa Lindt", by=owner),
        lambda: open_matter(closed, opened_on=DAY, by=owner, external_id="1", name="A v. B"),
        lambda: close_customer(closed, version_seen=2, by=owner),
    ):
        with pytest.raises(Closed):
            deed()


def test_reverse_charge_needs_a_tax_id(tenant, owner):
    customer = CustomerFactory.create()

    with pytest.raises(BadValue):
        register_for_tax(customer, starts_on=DAY, status="REVERSE_CHARGE", by=owner)
    with pytest.raises(BadValue):
        register_for_tax(customer, starts_on=DAY, status="FREE", by=owner)

    assert not TaxIdentity.objects.exists()


def test_an_address_has_a_line_and_a_city(tenant, owner):
    with pytest.raises(BadValue):
        move_customer(CustomerFactory.create(), starts_on=DAY, by=owner, line_1="1 Main St")


def test_a_contact_ends_once(tenant, owner):
    contact = add_contact(CustomerFactory.create(), name="Rosa Lindt", by=owner)

    end_contact(contact, on=DAY, by=owner)

    assert Contact.objects.get().ended_on == DAY
    with pytest.raises(Closed):
        end_contact(contact, on=DAY, by=owner)


def test_a_matter_is_opened_changed_and_closed(tenant, owner):
    user = MembershipFactory.create(tenant=tenant).user
    matter = open_matter(
        CustomerFactory.create(),
        opened_on=DAY,
        by=owner,
        external_id="2026-1",
        name="Park v. Tidewater",
        responsible=user,
    )

    change_matter(matter, version_seen=1, by=owner, client_matter_id="CLM1")
    closed = close_matter(matter, on=DAY, version_seen=2, by=owner)

    assert (closed.state, closed.closed_on, closed.version) == ("CLOSED", DAY, 3)
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["matter.opened", "matter.changed", "matter.closed"]
    with pytest.raises(Closed):
        change_matter(matter, version_seen=3, by=owner, name="Reopened")


def test_the_trail_keeps_no_narrative(tenant, owner):
    matter = MatterFactory.create()

    change_matter(matter, version_seen=1, by=owner, invoice_description="Defense of Mr. Park.")

    assert AuditEvent.objects.get().details == {"invoice_description": "changed"}


def test_a_matter_refuses_strangers_taken_ids_and_days_before_it_opened(tenant, owner):
    matter = MatterFactory.create(external_id="2026-1")
    said = {"opened_on": DAY, "by": owner, "name": "A v. B"}

    with pytest.raises(NotAMember):
        open_matter(matter.customer, external_id="2", responsible=UserFactory.create(), **said)
    with pytest.raises(ExternalIdTaken):
        open_matter(matter.customer, external_id="2026-1", **said)
    with pytest.raises(BadValue):
        open_matter(matter.customer, external_id="3", **(said | {"name": ""}))
    with pytest.raises(BadValue):
        close_matter(matter, on=date(2026, 1, 4), version_seen=1, by=owner)
    with pytest.raises(Stale):
        close_matter(matter, on=DAY, version_seen=2, by=owner)

    assert Matter.objects.count() == 1
    assert nothing_happened()


def test_somebody_whose_role_is_not_approved_is_no_member(tenant, owner):
    proposed = MembershipFactory.create(tenant=tenant, approved_by="").user

    with pytest.raises(NotAMember):
        checks.refuse_strangers(proposed)


@pytest.mark.parametrize(
    "values",
    [
        {"name": "Declan Byrne"},
        {"name": "Byrne,"},
        {"classification": "LAWYER"},
        {"state": "ON_LEAVE"},
        {"level": VISA},
        {"external_id": ""},
    ],
)
def test_a_timekeeper_refuses(tenant, owner, values):
    said = {"external_id": "DB", "name": "Byrne, Declan", "classification": "ASSOC"} | values

    with pytest.raises(Refused):
        add_timekeeper(by=owner, **said)

    assert not Timekeeper.objects.exists()
    assert nothing_happened()


def test_a_user_keeps_time_under_one_name(tenant, owner):
    user = MembershipFactory.create(tenant=tenant).user
    TimekeeperFactory.create(user=user)
    other = TimekeeperFactory.create()

    with pytest.raises(UserTaken):
        change_timekeeper(other, version_seen=1, by=owner, user=user)


def test_a_timekeeper_is_changed_and_leaves(tenant, owner):
    timekeeper = TimekeeperFactory.create(level="Associate")

    change_timekeeper(timekeeper, version_seen=1, by=owner, level="Partner")
    left = change_timekeeper(timekeeper, version_seen=2, by=owner, state="LEFT")

    assert (left.level, left.state, left.version) == ("Partner", "LEFT", 3)
    with pytest.raises(Stale):
        change_timekeeper(timekeeper, version_seen=2, by=owner, level="Counsel")


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "paid by 5500-0000-0000-0004 in May",
        "3782 822463 10005",
        "6011000990139424",
        "2223003122003222",
        "3530111333300000",
    ],
)
def test_a_card_number_is_found_in_a_text(text):
    assert checks.has_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "DE89370400440532013000",
        "GB29NWBK60161331926819",
        "claim 2026-00017",
        "+1 617 555 0134",
        "pm_4111111111111111x",
        "1234567890123452",
    ],
)
def test_what_is_no_card_number_passes(text):
    assert not checks.has_card_number(text)


@given(st.text(alphabet="0123456789", min_size=15, max_size=15), st.sampled_from(" -"))
def test_of_ten_last_digits_exactly_one_makes_a_card_number(digits, gap):
    head = f"4{digits[1:]}"
    grouped = gap.join(head[i : i + 4] for i in range(0, 15, 4))

    found = [last for last in "0123456789" if checks.has_card_number(grouped + last)]

    assert len(found) == 1


HIDDEN = [
    "Granite\r\nBcc: thief@elsewhere.test",
    "Granite \u202eLLP",
    "Gra\u200fnite",
    "Granite\x00",
]


@pytest.mark.parametrize("name", HIDDEN)
def test_no_name_holds_what_cannot_be_seen(tenant, owner, name):
    customer = CustomerFactory.create()
    deeds = [
        lambda: open_customer(external_id="I-1", name=name, currency="USD", on=DAY, by=owner),
        lambda: change_customer(customer, version_seen=1, legal_name=name, by=owner),
        lambda: move_customer(customer, starts_on=DAY, line_1=name, city="Boise", by=owner),
        lambda: add_contact(customer, name=name, by=owner),
        lambda: open_matter(customer, external_id="M-1", name=name, opened_on=DAY, by=owner),
        lambda: add_timekeeper(external_id="T-1", name=name, by=owner),
    ]
    for deed in deeds:
        with pytest.raises(HiddenCharacter, match="hidden character"):
            deed()
    assert nothing_happened()


@pytest.mark.parametrize("name", ["Société Générale", "מנורה מבטחים", "東京海上", "O'Neil & Søn"])
def test_names_of_every_script_are_taken(tenant, owner, name):
    assert (
        open_customer(external_id="I-1", name=name, currency="USD", on=DAY, by=owner).name == name
    )
