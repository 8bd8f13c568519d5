"""The audit log as a page: who, when, what, in words; narrowed, paged, and nobody else's."""

import re
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from types import SimpleNamespace

import pytest

from billing_portal.audit.models import AuditEvent, Seal
from billing_portal.audit.sealing import seal
from billing_portal.audit.trail import record
from billing_portal.money import Money
from billing_portal.periods import zone
from billing_portal.portal.details import in_words, read
from billing_portal.tenancy.actors import Actor, ActorKind, system
from ledger.actions.payments import allocate, receive
from ledger.actions.posting import Line, NewEntry, post
from ledger.models import Entry
from tests.customers.factories import CustomerFactory
from tests.factories import MembershipFactory, TenantFactory, UserFactory, actor
from tests.invoices import books
from tests.visiting import Visitor, links_of, text_of

LOG_QUERIES = 14  # nine of them for firm, session, member and scope
DAY = date(2026, 10, 15)
FIVE = Money(Decimal(5), "USD")
LINES = (Line("wip", FIVE, "cus_a"), Line("fees", -FIVE))
DANA = Actor(ActorKind.USER, 71, "Dana Whitlock")


@pytest.fixture
def ada(client, tenant):
    return Visitor(client, tenant)


def test_a_row_says_who_did_what_to_what_and_how(ada):
    customer = CustomerFactory.create(name="Northfield Mutual")
    told = {"starts_on": "2026-11-02", "ended": [3, 4], "rows": {"customer:c": "f00d" * 16}}
    record("bank_details.proposed", customer, by=DANA, **told)
    seal("audit")
    head = Seal.objects.get(chain="audit")

    page = ada.get("audit/")

    shown = text_of(page)
    assert "Dana Whitlock Person Proposed bank details Customer Northfield Mutual" in shown
    assert f"/t/{ada.firm.slug}/audit/?subject={customer.public_id}" in links_of(page)
    assert "Ended: 3, 4 Starts on: Nov 2, 2026" in shown
    assert "Last seal 1; 0 not sealed yet." in shown
    assert f'title="{head.hash}">1</span>' in page.content.decode()
    assert "{" not in shown
    assert "f00d" not in shown


def test_who_is_meant_is_said_by_name_and_no_number_of_theirs_is_shown(ada):
    member = UserFactory.create(name="Priya Shah")
    MembershipFactory.create(tenant=ada.firm, user=member, role="reviewer")
    told = {
        "proposed_by": f"user:{member.pk}",
        "signed_by": "user:987654",
        "user": member.public_id,
    }
    record("rate.approved", CustomerFactory.create(), by=DANA, **told)

    page = ada.get("audit/")

    assert "User: Priya Shah Signed by: Somebody Proposed by: Priya Shah" in text_of(page)
    assert f"/t/{ada.firm.slug}/people/{member.public_id}/" in links_of(page)
    assert f"user:{member.pk}" not in page.content.decode()
    assert "?actor=Dana%20Whitlock" in page.content.decode()


def test_a_person_of_another_firm_has_no_name_here(ada):
    stranger = MembershipFactory.create(tenant=TenantFactory.create(), role="owner").user
    record("role.proposed", CustomerFactory.create(), by=DANA, user=stranger.public_id)

    page = ada.get("audit/")

    assert f"User: {stranger.public_id}" in text_of(page)
    assert stranger.name not in page.content.decode()


def test_a_row_carries_the_id_of_its_request_until_and_after_it_is_sealed(ada, owner):
    (entry,) = post([NewEntry("charge", DAY, "k", LINES)], by=owner)
    answer = ada.post(f"ledger/entries/{entry.public_id}/reversal/", {"reason": "Wrong matter"})
    page = ada.get("audit/")

    event = AuditEvent.objects.get(action="entry.reversed")
    assert event.request_id == answer["Request-Id"]
    assert f'title="{event.request_id}">{event.request_id[-8:]}</code>' in page.content.decode()
    assert "Reason: Wrong matter" in text_of(page)
    assert "not yet" in text_of(page)
    mirror = Entry.objects.get(reverses=entry)
    assert f"/t/{ada.firm.slug}/ledger/entries/{mirror.public_id}/" in links_of(page)


def test_what_the_portal_does_by_itself_is_said_so_and_empty_details_are_left_out(ada, tenant):
    record("reminder.sent", tenant, by=system("postman"), code="", level=0)
    record("reminder.decided", tenant, by=system("operator"))

    page = ada.get("audit/")

    assert "The portal itself system:postman Sent a reminder" in text_of(page)
    assert "The operator system:operator Decided to send a reminder" in text_of(page)
    assert "Level: 0" in text_of(page)
    assert "Code:" not in text_of(page)
    assert 'title="reminder.sent"' in page.content.decode()


def test_rows_stand_newest_first(ada, tenant):
    record("sample.noted", tenant, by=DANA)
    record("sample.erased", tenant, by=DANA)

    shown = text_of(ada.get("audit/"))

    assert shown.index("Sample erased") < shown.index("Sample noted")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"actor": "user:71"}, ["noted"]),
        ({"actor": "user:7"}, []),
        ({"actor": "dana whit"}, ["noted"]),
        ({"actor": "system:clock"}, ["erased", "kept"]),
        ({"action": "sample.kept"}, ["kept"]),
        ({"subject": "cus"}, ["erased"]),
        ({"subject": "cus", "action": "sample.kept"}, []),
        ({"since": "1999-01-01", "until": "2199-12-31"}, ["noted", "erased", "kept"]),
        ({"until": "1999-12-31"}, []),
    ],
)
def test_the_log_can_be_narrowed(ada, tenant, query, found):
    customer = CustomerFactory.create()
    record("sample.noted", tenant, by=DANA)
    record("sample.erased", customer, by=system("clock"))
    record("sample.kept", tenant, by=system("clock"))
    asked = {key: value.replace("cus", customer.public_id) for key, value in query.items()}

    shown = text_of(ada.get("audit/", asked))

    assert [name for name in ["noted", "erased", "kept"] if f"Sample {name}" in shown] == found
    assert ("No deed fits" in shown) is (found == [])


def test_days_are_the_firms(ada, tenant):
    record("sample.noted", tenant, by=DANA)
    event = AuditEvent.objects.get()
    tenant.time_zone = "Pacific/Kiritimati"
    tenant.save()
    there = event.recorded_at.astimezone(zone("Pacific/Kiritimati"))
    day = there.date()

    on_it = ada.get("audit/", {"since": day, "until": day})
    after = ada.get("audit/", {"since": day + timedelta(days=1)})
    before = ada.get("audit/", {"until": day - timedelta(days=1)})

    assert "Sample noted" in text_of(on_it)
    assert f"{there:%b} {there.day}, {there.year}, {there:%-I:%M:%S %p}" in text_of(on_it).replace(
        "\u202f", " "
    )
    assert "No deed fits" in text_of(after)
    assert "No deed fits" in text_of(before)


@pytest.mark.parametrize("day", ["soon", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_none_is_named(ada, tenant, day):
    record("sample.noted", tenant, by=DANA)

    page = ada.get("audit/", {"since": day})

    assert page.status_code == 422
    assert "Please check what is marked From :" in text_of(page)
    assert "Sample noted" not in text_of(page)


def test_the_log_pages_by_key_with_its_filters(ada, tenant):
    for number in range(51):
        record("sample.noted", tenant, by=DANA, number=number)
    record("sample.erased", tenant, by=DANA)

    first = ada.get("audit/", {"action": "sample.noted"})
    (following,) = [url for url in links_of(first) if "after=" in url]
    second = text_of(ada.get(following))

    assert "Number: 50" in text_of(first)
    assert "Number: 0" in second
    assert "Number: 1 " not in second
    assert "Sample erased" not in second


def test_before_the_first_deed_the_page_says_what_will_be_here(ada):
    assert "Nothing has been done yet" in text_of(ada.get("audit/"))


def test_htmx_gets_the_list_without_the_frame(ada, tenant):
    record("sample.noted", tenant, by=DANA)

    part = ada.get("audit/", **{"HX-Request": "true"}).content.decode()

    assert "Sample noted" in part
    assert "<html" not in part


@pytest.mark.parametrize("count", [1, 20])
def test_the_log_takes_as_many_queries_at_any_length(ada, count, django_assert_num_queries):
    for _ in range(count):
        record("sample.noted", CustomerFactory.create(), by=DANA)
    ada.get("inbox/")  # which notes in the session that somebody is there

    with django_assert_num_queries(LOG_QUERIES):
        ada.get("audit/")


@pytest.mark.parametrize("role", ["biller", "reviewer", "timekeeper"])
def test_who_may_not_read_the_log_is_refused(client, tenant, role):
    page = Visitor(client, tenant, role).get("audit/")

    assert page.status_code == 403
    assert "Read the audit log" in page.content.decode()


def test_an_auditor_reads_it(client, tenant):
    assert Visitor(client, tenant, "auditor").get("audit/").status_code == 200


def test_another_firms_deeds_are_not_seen(ada, neighbor):
    with neighbor as other:
        customer = CustomerFactory.create()
        record("sample.noted", customer, by=DANA)

    assert "Sample noted" not in text_of(ada.get("audit/", {"subject": customer.public_id}))
    assert ada.get(f"/t/{other.slug}/audit/").status_code == 404


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "yes"), (False, "no"), (None, "nothing"), ("", "nothing"), ([], "nothing"),
        (0, "0"), (7, "7"), ("Søren", "Søren"),
        ("2026-11-02", "Nov 2, 2026"), ("2026-13-45", "2026-13-45"), ("x2026-11-02", "x2026-11-02"),
    ],
)  # fmt: skip
def test_single_values_are_said_in_words(value, said):
    assert in_words(value) == said


def told(details, *, role="owner", subject="firm"):
    """Return what a deed with such details tells, as the text of a page."""
    (facts,), _ = read([SimpleNamespace(details=details, subject_id=subject)], actor(role))
    return "; ".join(unescape(re.sub("<[^>]*>", "", f"{name}: {value}")) for name, value in facts)


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"ended": ["a", 1]}, "Ended: a, 1"),
        ({"sums": [["x", 5], ["y", 70_000]]}, "Sums: x, 5; y, 70,000"),
        ({"terms": {"from": "A", "due_on": None}}, "Terms: From: A, Due on: nothing"),
        ({"amount": "450.00 USD"}, "Amount: $450.00"),
        ({"amount": "450.00 XXX"}, "Amount: 450.00 XXX"),
        ({"minor": 898200, "currency": "USD"}, "Amount: $8,982.00"),
        ({"minor": [500, 45], "currency": "JPY"}, "Amount: ¥500 → ¥45"),
        ({"minor": 898200}, "Amount: 898,200 in minor units"),
        ({"minor": 5, "currency": "XXX"}, "Amount: 5 in minor units; Currency: XXX"),
        ({"currency": "USD"}, "Currency: USD"),
        ({"parts": "?"}, "Paid: ?"),
        ({"scopes": ["payments.read", "x.y"]}, "Scopes: Read payments, x.y"),
        ({"sha256": "0123456789abcdef" * 4}, "SHA-256: 0123456789ab…"),
        ({"reason": "<b>1</b>", "rows": {"a": "b"}, "code": ""}, "Reason: <b>1</b>"),
    ],
)
def test_details_are_said_in_words(tenant, details, said):
    assert told(details) == said


def test_amounts_are_in_the_currency_of_what_the_deed_is_about(tenant):
    invoice = books.finalized(reviewer=books.member("reviewer"))
    payment = receive(
        source="test", key="1", customer=invoice.customer.public_id, amount=FIVE, payer="Granite",
        received_on=DAY, booked_on=date(2026, 11, 2), bank="1", by=books.SYSTEM,
    )  # fmt: skip
    parts = {"parts": [[str(invoice.uid), 898200], ["0" * 8 + "-0000" * 3 + "-" + "0" * 12, 5]]}

    assert told({"minor": [500, 45]}, subject=invoice.public_id) == "Amount: $5.00 → $0.45"
    shown = told(parts, subject=payment.public_id)
    assert shown.startswith("Paid: Invoice 2026-00001 $8,982.00; inv_")
    assert shown.endswith(" $0.05")
    assert told(parts, subject=payment.public_id, role="timekeeper").endswith("5 in minor units")


def test_the_log_names_what_a_payment_paid_and_how_much(ada, tenant):
    invoice = books.finalized(reviewer=books.member("reviewer"))
    payment = receive(
        source="test", key="1", customer=invoice.customer.public_id, amount=FIVE, payer="Granite",
        received_on=DAY, booked_on=date(2026, 11, 2), bank="1", by=books.SYSTEM,
    )  # fmt: skip
    allocate(payment, [(invoice.uid, FIVE)], by=books.SYSTEM, on=date(2026, 11, 2))

    page = ada.get("audit/", {"subject": payment.public_id})

    shown = text_of(page)
    assert "Paid: Invoice 2026-00001 $5.00" in shown
    assert "Amount: $5.00" in shown
    assert "Minor" not in shown
    assert str(invoice.uid) not in shown
    assert f"/t/{ada.firm.slug}/invoices/{invoice.public_id}/" in links_of(page)


def test_a_neighbors_things_have_no_names_in_details(tenant, neighbor):
    with neighbor:
        theirs = books.finalized(reviewer=books.member("reviewer"))

    assert told({"invoice": theirs.public_id}) == f"Invoice: {theirs.public_id}"
