"""Invoices are found by their exact total, in the search of every page and in the list."""

from decimal import Decimal

import pytest

from billing_portal.money import Money
from billing_portal.tenancy.scope import tenant_scope
from invoices.models import Invoice
from invoices.queries.amounts import coming_to, open_at
from ledger.actions.payments import allocate, receive
from tests.factories import TenantFactory
from tests.invoices import books
from tests.invoices.books import NOVEMBER, SYSTEM
from tests.visiting import Visitor, text_of

pytestmark = pytest.mark.django_db
BOXES = ["search/", "invoices/"]


@pytest.fixture
def invoice(firm):
    """A draft of 3,282.50 dollars."""
    with tenant_scope(firm.pk):
        draft = books.a_draft(hours=("16.4125",))
        assert draft.total_money.amount == Decimal("3282.50")
        return draft


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("text", ["3282.50", "3282.5", "3,282.50", "$3,282.50", " $ 3282.50 "])
def test_an_invoice_is_found_by_its_total(client, firm, invoice, box, text):
    found = Visitor(client, firm, "biller").get(box, {"q": text})

    assert invoice.public_id in found.content.decode()


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("text", ["3282.51", "3282", "328250", "32,82.50", "3282.500"])
def test_another_amount_does_not_find_it(client, firm, invoice, box, text):
    found = Visitor(client, firm, "biller").get(box, {"q": text})

    assert invoice.public_id not in found.content.decode()


@pytest.mark.parametrize("box", BOXES)
def test_another_firm_finds_nothing_by_it(client, invoice, box):
    found = Visitor(client, TenantFactory.create()).get(box, {"q": "3282.50"})

    assert found.status_code == 200
    assert invoice.public_id not in found.content.decode()


@pytest.mark.parametrize("text", ["2026-00001", "Draft 7K3F9Q", "Harborline", ""])
def test_a_text_that_is_no_amount_walks_through_no_totals(
    firm, invoice, text, django_assert_num_queries
):
    with tenant_scope(firm.pk), django_assert_num_queries(0):  # it is known to find nothing
        assert list(Invoice.objects.filter(coming_to(text) | open_at(text))) == []


@pytest.fixture
def partly_paid(firm):
    """A final invoice of 700 dollars on which 417.50 are open."""
    with tenant_scope(firm.pk):
        final = books.finalized(reviewer=books.member("reviewer"))
        paid = Money(Decimal("282.50"), "USD")
        payment = receive(
            source="test", key="p1", customer=final.customer.public_id, amount=paid, by=SYSTEM,
            received_on=NOVEMBER, booked_on=NOVEMBER, bank="main",
        )  # fmt: skip
        allocate(payment, [(final.uid, paid)], by=SYSTEM, on=NOVEMBER)
        return final


@pytest.mark.parametrize(
    ("text", "is_found"),
    [("417.50", True), ("$417.50", True), ("700", True), ("282.50", False), ("0", False)],
)
def test_an_invoice_is_found_by_what_is_open_on_it(client, firm, partly_paid, text, is_found):
    found = Visitor(client, firm, "reviewer").get("search/", {"q": text})

    assert (partly_paid.public_id in found.content.decode()) == is_found
    assert ("$700.00, $417.50 open" in text_of(found)) == is_found


def test_another_firm_finds_nothing_by_what_is_open(client, partly_paid):
    found = Visitor(client, TenantFactory.create()).get("search/", {"q": "417.50"})

    assert partly_paid.public_id not in found.content.decode()


def test_what_is_paid_is_not_found_by_nothing(client, firm, partly_paid):
    with tenant_scope(firm.pk):
        rest = Money(Decimal("417.50"), "USD")
        payment = receive(
            source="test", key="p2", customer=partly_paid.customer.public_id, amount=rest,
            received_on=NOVEMBER, booked_on=NOVEMBER, bank="main", by=SYSTEM,
        )  # fmt: skip
        allocate(payment, [(partly_paid.uid, rest)], by=SYSTEM, on=NOVEMBER)
    visitor = Visitor(client, firm)

    for text in ("0", "0.00", "417.50"):
        found = visitor.get("search/", {"q": text})
        assert partly_paid.public_id not in found.content.decode()


def test_the_words_promise_what_is_found(client, firm):
    visitor = Visitor(client, firm)

    page = visitor.get("search/", {"q": "no such thing"})

    assert "Invoice, customer, matter, amount" in page.content.decode()
    assert "for the exact total of an invoice or what is open on it" in text_of(page)
    assert "begins with …, or total" in visitor.get("invoices/").content.decode()
