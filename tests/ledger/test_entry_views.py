"""Entries of the books on their pages: what they show, to whom, and what they refuse."""

from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest

from billing_portal import ids
from billing_portal.audit.models import AuditEvent, Seal
from billing_portal.audit.sealing import seal
from billing_portal.money import Money
from billing_portal.periods import zone
from billing_portal.tenancy.actors import Actor, ActorKind
from ledger.actions.payments import receive
from ledger.actions.posting import entry_lines, reverse
from ledger.models import Entry
from ledger.models.chart import ROLES
from tests.customers.factories import CustomerFactory
from tests.factories import UserFactory
from tests.ledger.booking import DAY, book
from tests.visiting import Visitor, links_of, text_of

LIST_QUERIES = 15  # nine of them for firm, session, member and scope


@pytest.fixture
def ada(client, tenant):
    return Visitor(client, tenant)


def test_entries_stand_newest_first_with_what_they_move(ada, owner):
    book(owner, "5.00", source="chg_first")
    book(owner, "7.00", source="chg_second", reason="Late work")

    shown = text_of(ada.get("ledger/entries/"))

    assert shown.index("chg_second Late work") < shown.index("chg_first")
    assert "$7.00" in shown
    assert shown.count("Not sealed yet") == 2


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"kind": "charge"}, ["a", "b"]),
        ({"kind": "payment"}, ["c"]),
        ({"source": "chg_b"}, ["b"]),
        ({"role": "wip"}, ["a", "b"]),
        ({"role": "wip", "owner": "cus_b"}, ["b"]),
        ({"role": "wip", "currency": "jpy"}, ["b"]),
        ({"role": "wip", "owner": "cus_a", "currency": "JPY"}, []),
        ({"since": "2026-10-16"}, ["b", "c"]),
        ({"until": "2026-10-16", "since": "2026-10-16"}, ["b"]),
    ],
)
def test_entries_can_be_narrowed(ada, owner, query, found):
    book(owner, source="chg_a")
    book(owner, "7", source="chg_b", owner="cus_b", currency="JPY", booked_on=date(2026, 10, 16))
    book(owner, source="chg_c", kind="payment", role="cash", owner="", booked_on=date(2026, 11, 1))

    shown = ada.get("ledger/entries/", query).content.decode()

    assert [name for name in "abc" if f"<code>chg_{name}</code>" in shown] == found
    assert ("No entry fits" in shown) is (found == [])


def test_of_chosen_accounts_the_list_shows_what_each_entry_left_there(ada, owner):
    book(owner, "5.00")

    assert "$5.00" in text_of(ada.get("ledger/entries/", {"role": "wip"}))
    assert "($5.00)" in text_of(ada.get("ledger/entries/", {"role": "fees"}))


def test_a_filter_that_cannot_be_read_is_named_and_nothing_is_listed(ada, owner):
    book(owner)

    page = ada.get("ledger/entries/", {"since": "soon", "role": "nothing"})

    assert page.status_code == 422
    assert "Booked from : Write a real day as YYYY-MM-DD." in text_of(page)
    assert "chg_1" not in text_of(page)


def test_entries_page_by_key(ada, owner):
    for number in range(51):
        book(owner, source=f"chg_{number}")

    first = ada.get("ledger/entries/", {"kind": "charge"})
    (following,) = [url for url in links_of(first) if "after=" in url]
    second = ada.get(following)

    assert "50 shown, newest first" in text_of(first)
    assert "chg_0" not in text_of(first)
    assert "1 shown, newest first" in text_of(second)
    assert "chg_0" in text_of(second)
    assert "Kind: Charge" in text_of(second)


def test_htmx_gets_the_list_without_the_frame(ada, owner):
    book(owner)

    part = ada.get("ledger/entries/", **{"HX-Request": "true"}).content.decode()

    assert "chg_1" in part
    assert "<html" not in part


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_takes_as_many_queries_at_any_length(ada, owner, count, django_assert_num_queries):
    for _ in range(count):
        book(
            owner,
            owner=CustomerFactory.create().public_id,
            source=CustomerFactory.create().public_id,
        )

    ada.get("inbox/")  # which notes in the session that somebody is there

    with django_assert_num_queries(LIST_QUERIES):
        ada.get("ledger/entries/", {"role": "wip"})


def test_an_entry_shows_its_lines_and_who_when_and_why(ada, tenant):
    user = UserFactory.create(name="Dana Whitlock")
    dana = Actor(ActorKind.USER, user.pk, user.name)
    customer = CustomerFactory.create(name="Northfield Mutual")
    entry = book(
        dana,
        "418.50",
        owner=customer.public_id,
        reason="Deposition",
        effective_on=date(2026, 9, 30),
    )
    about = entry_lines(entry)[0].charge
    assert about is not None
    charge = ids.public_id("chg", about)

    page = ada.get(f"ledger/entries/{entry.public_id}/")

    shown = text_of(page)
    assert f"1 1200 Unbilled work Northfield Mutual {charge} $418.50 2 4000 Fees $418.50" in shown
    assert "Reason Deposition Booked on Oct 15, 2026 (October 2026, open)" in shown
    assert "Happened on Sep 30, 2026 Late" in shown
    assert "By Dana Whitlock Recorded" in shown
    assert f"Recorded as user:{user.pk}" in shown
    assert f"Key {entry.key}" in shown
    assert (
        f"/t/{tenant.slug}/ledger/entries/?role=wip&owner={customer.public_id}&currency=USD"
        in links_of(page)
    )


def test_an_entry_shows_its_seal_once_it_has_one(ada, owner):
    book(owner)
    entry = book(owner)
    path = f"ledger/entries/{entry.public_id}/"
    before = text_of(ada.get(path))
    seal("ledger")
    first, second = Seal.objects.filter(chain="ledger").order_by("seq")

    after = text_of(ada.get(path))

    assert "Not sealed yet. The sealer numbers and hashes it within seconds." in before
    assert f"Number 2 Hash {second.hash} Before it {first.hash}" in after


def test_reversing_asks_for_a_reason_and_leads_to_the_mirror(ada, owner):
    entry = book(owner, "40.00", named={})

    answer = ada.post(f"ledger/entries/{entry.public_id}/reversal/", {"reason": "Wrong matter"})

    mirror = Entry.objects.get(reverses=entry)
    assert answer.url == f"/t/{ada.firm.slug}/ledger/entries/{mirror.public_id}/"
    assert (mirror.reason, mirror.actor) == ("Wrong matter", f"user:{ada.user.pk}")
    page = ada.get(answer.url)
    assert "Reverses Charge , Oct 15, 2026" in text_of(page)
    assert f"/t/{ada.firm.slug}/ledger/entries/{entry.public_id}/" in links_of(page)
    page = ada.get(f"ledger/entries/{entry.public_id}/")
    undone = text_of(page)
    assert "Reversed by Reversal ," in undone
    assert answer.url in links_of(page)
    assert "Reverse it" not in undone
    assert text_of(ada.get("ledger/entries/")).count("Reversed") == 1


def test_reversing_without_a_reason_changes_nothing(ada, owner):
    entry = book(owner)

    page = ada.post(f"ledger/entries/{entry.public_id}/reversal/", {"reason": " "})

    assert page.status_code == 422
    assert "Reason : This field is required." in text_of(page)
    assert Entry.objects.count() == 1


def test_what_the_books_refuse_is_shown_on_the_page(ada, owner):
    entry = book(owner, named={})
    reverse(entry, by=owner, on=DAY, reason="Wrong matter")
    deeds = AuditEvent.objects.count()

    page = ada.post(f"ledger/entries/{entry.public_id}/reversal/", {"reason": "Again"})

    assert page.status_code == 422
    assert "was reversed before." in text_of(page)
    assert (Entry.objects.count(), AuditEvent.objects.count()) == (2, deeds)


@pytest.mark.parametrize("named", ["charge", "invoice", "payment"])
def test_an_entry_of_a_document_is_not_reversed_here(ada, owner, named):
    entry = book(owner, named={named: uuid4()})

    page = ada.post(f"ledger/entries/{entry.public_id}/reversal/", {"reason": "Oops"})

    assert "Credit the invoice, take the allocation back, or edit the line." in text_of(page)
    assert "Reverse it" not in text_of(ada.get(f"ledger/entries/{entry.public_id}/"))
    assert Entry.objects.count() == 1


def test_a_payments_entry_is_not_reversed_here(ada, owner):
    payment = receive(
        source="camt.053",
        key="1",
        customer="cus_a",
        amount=Money(Decimal(5), "USD"),
        received_on=DAY,
        booked_on=DAY,
        bank="main",
        by=owner,
    )

    page = ada.post(f"ledger/entries/{payment.entry.public_id}/reversal/", {"reason": "Oops"})

    assert "Credit the invoice, take the allocation back, or edit the line." in text_of(page)


@pytest.mark.parametrize("role", ["biller", "auditor"])
def test_who_may_only_read_sees_no_way_to_reverse(client, tenant, owner, role):
    entry = book(owner)
    reader = Visitor(client, tenant, role)

    page = reader.get(f"ledger/entries/{entry.public_id}/")
    refused = reader.post(f"ledger/entries/{entry.public_id}/reversal/", {"reason": "No"})

    assert page.status_code == 200
    assert "Reverse it" not in text_of(page)
    assert refused.status_code == 403
    assert Entry.objects.count() == 1


@pytest.mark.parametrize("path", ["", "entries/", "trial-balance.csv", "entries/{id}/"])
@pytest.mark.parametrize("role", ["reviewer", "timekeeper"])
def test_who_may_not_read_the_ledger_is_refused(client, tenant, owner, role, path):
    entry = book(owner)

    page = Visitor(client, tenant, role).get("ledger/" + path.format(id=entry.public_id))

    assert page.status_code == 403
    assert "Read the ledger" in page.content.decode()


def test_another_firms_entry_is_nowhere(ada, neighbor, owner):
    with neighbor:
        theirs = book(owner, source="chg_theirs")
    mine = book(owner)

    for public_id in [theirs.public_id, "ent_x", mine.public_id.replace("ent_", "chg_")]:
        assert ada.get(f"ledger/entries/{public_id}/").status_code == 404
        answer = ada.post(f"ledger/entries/{public_id}/reversal/", {"reason": "No"})
        assert answer.status_code == 404
    assert "chg_theirs" not in text_of(ada.get("ledger/entries/"))
    assert "Total 12.50 12.50" in text_of(ada.get("ledger/"))


def test_a_session_opens_no_other_firms_books(ada, neighbor, owner):
    with neighbor:
        entry = book(owner)

    for path in ["", "entries/", f"entries/{entry.public_id}/"]:
        assert ada.get(f"/t/{neighbor.firm.slug}/ledger/{path}").status_code == 404


def test_moments_are_the_firms(ada, owner):
    entry = book(owner)
    local = entry.recorded_at.astimezone(zone(ada.firm.time_zone))

    shown = ada.get(f"ledger/entries/{entry.public_id}/").content.decode()

    assert f"{local:%b} {local.day}, {local.year}, {local:%I:%M}".replace(", 0", ", ") in shown


def test_every_role_of_the_chart_can_be_chosen(ada):
    page = ada.get("ledger/entries/").content.decode()

    assert all(f'<option value="{role}">' in page for role in ROLES)
