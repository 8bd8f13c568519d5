"""A state that a list does not know is said, not passed over; over REST it is refused."""

import pytest

from billing_portal.tenancy.scope import tenant_scope
from tests.factories import TenantFactory
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.visiting import Visitor, text_of

pytestmark = pytest.mark.django_db
LISTS = ["invoices/", "uploads/", "deliveries/", "payments/", "jobs/"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("state", ["ZZZ", "<b>x</b>", "x" * 300])
def test_an_unknown_state_is_named_and_all_are_shown(client, firm, path, state):
    ada = Visitor(client, firm)

    page = ada.get(path, {"state": state})

    assert page.status_code == 200
    assert f"There is no state “{state[:5]}" in text_of(page).replace("&lt;", "<")
    assert "All are shown." in text_of(page)
    assert "<b>x</b>" not in page.content.decode()
    assert "There is no state" not in text_of(ada.get(path))


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("invoices/", "VOID"),
        ("invoices/", "OVERDUE"),
        ("uploads/", "person"),
        ("deliveries/", "failed"),
        ("payments/", "unapplied"),
        ("jobs/", "failed"),
    ],
)
def test_a_known_state_is_taken_without_a_word(client, firm, path, state):
    page = Visitor(client, firm).get(path, {"state": state})

    assert "There is no state" not in text_of(page)


def test_an_unknown_state_hides_no_invoice_and_shows_no_other_firms(client, firm):
    other = TenantFactory.create()
    with tenant_scope(firm.pk):
        books.a_draft()
    with tenant_scope(other.pk):
        theirs = books.a_draft()
        theirs.customer.name = "Their Own Customer"
        theirs.customer.save()

    shown = text_of(Visitor(client, firm).get("invoices/", {"state": "ZZZ"}))

    assert "Draft" in shown
    assert "Their Own Customer" not in shown


@pytest.mark.parametrize("path", ["invoices", "submissions", "jobs", "runs"])
def test_over_rest_it_is_400(client, firm, path):
    answer = Caller(client, firm).get(
        f"/api/v1/{path}?{'status' if path == 'jobs' else 'state'}=zzz"
    )

    assert answer.status_code == 400
