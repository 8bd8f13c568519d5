"""The inbox: what waits beyond the first twenty of a kind is said, with where it is listed."""

from datetime import date
from decimal import Decimal

import pytest

from billing_portal.money import Money
from billing_portal.portal.inbox import InboxItem, shortened
from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.review import request_review
from ledger.actions.payments import receive
from tests.factories import TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.visiting import Visitor, links_of, signed_in, text_of

pytestmark = pytest.mark.django_db
FIFTH = date(2026, 11, 5)


def paid(firm, count):
    """Let so many payments come in that nobody knows the invoice of."""
    with tenant_scope(firm.pk):
        for key in range(count):
            receive(
                source="test", key=str(key), customer="", amount=Money(Decimal(1), "USD"),
                received_on=FIFTH, booked_on=FIFTH, bank="1", payer=f"Payer {key:03}", by=SYSTEM,
            )  # fmt: skip


@pytest.mark.parametrize(
    ("detail", "more", "rest"),
    [
        ("Row 3: no matter.", 0, ""),
        ("Row 3: no matter.", 6, "And 6 more."),
        ("Row 3: no matter", 6, "and 6 more"),
        ("Whose?", 6000, "And 6,000 more."),
    ],
)
def test_what_more_there_is_goes_on_where_the_detail_ends(detail, more, rest):
    item = InboxItem("k", "t", detail, "/x/", "x", "1", "Open", more=more)

    assert item.rest == rest


@pytest.mark.parametrize(
    ("waiting", "said"), [(20, None), (21, "And 1 more"), (119, "And 99 more"), (120, "And 99+")]
)
def test_payments_beyond_the_first_twenty_are_counted(client, firm, waiting, said):
    paid(firm, waiting)
    biller = Visitor(client, firm, "biller")

    page = biller.get("inbox/")

    shown = text_of(page)
    assert shown.count("Find what Payer") == 20
    assert (said or "Payer 019") in shown
    more = f"/t/{firm.slug}/payments/?state=unapplied"
    assert (more in links_of(page)) == (said is not None)
    assert said is None or shown.index("Payer 019") < shown.index(said)


def test_another_firms_payments_are_not_counted(client, firm):
    paid(TenantFactory.create(), 30)
    paid(firm, 3)

    page = Visitor(client, firm, "biller").get("inbox/")

    assert text_of(page).count("Find what Payer") == 3
    assert "more payments" not in text_of(page)


def test_the_inbox_takes_as_many_queries_for_more_payments(
    client, firm, django_assert_max_num_queries
):
    biller = Visitor(client, firm, "biller")
    paid(firm, 130)
    biller.get("inbox/")

    with django_assert_max_num_queries(40):
        biller.get("inbox/")


def test_the_list_of_unapplied_payments_says_how_many(client, firm):
    paid(firm, 60)
    biller = Visitor(client, firm, "biller")

    assert "Unapplied 60" in text_of(biller.get("payments/", {"state": "unapplied"}))


def test_drafts_beyond_the_first_twenty_are_counted(client, firm):
    with tenant_scope(firm.pk):
        reviewer = books.member("reviewer")
        for _ in range(22):
            books.captured(books.time_worked(books.matter_of(books.customer(reviewer=reviewer))))
        request_review(books.drafted(), by=SYSTEM)
    signed_in(client, books.user_of(reviewer))

    page = client.get(f"/t/{firm.slug}/inbox/")

    assert text_of(page).count("Review the draft for") == 20
    assert "And 2 more drafts to review" in text_of(page)
    assert "Mine to review 22" in text_of(client.get(f"/t/{firm.slug}/invoices/?state=mine"))


def item(number):
    return InboxItem(
        kind="key", title=str(number), detail="", url="/", icon="key", order=f"{number:03}", verb=""
    )


def test_a_list_at_hand_is_cut_in_the_same_words():
    few, many = [item(n) for n in range(20)], [item(n) for n in range(23)]

    cut = shortened(many, what="keys", url="/keys/")

    assert shortened(few, what="keys", url="/keys/") == few
    assert cut[:20] == many[:20]
    assert [(each.title, each.url) for each in cut[20:]] == [("And 3 more keys", "/keys/")]
    assert cut[19].order < cut[20].order < many[20].order
