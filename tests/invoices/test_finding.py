"""Invoices are found by their exact total, in the search of every page and in the list."""

from decimal import Decimal

import pytest

from billing_portal.tenancy.scope import tenant_scope
from invoices.models import Invoice
from invoices.queries.invoices import coming_to
from tests.factories import TenantFactory
from tests.invoices import books
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
        assert list(Invoice.objects.filter(coming_to(text))) == []


def test_the_words_promise_totals_and_no_other_amounts(client, firm):
    visitor = Visitor(client, firm)

    page = visitor.get("search/", {"q": "no such thing"})

    assert "Invoice, customer, matter, total" in page.content.decode()
    assert "for the exact total of an invoice" in text_of(page)
    assert "begins with …, or total" in visitor.get("invoices/").content.decode()
