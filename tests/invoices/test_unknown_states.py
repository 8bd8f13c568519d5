"""A state that a list does not know is said, not passed over; over REST it is refused."""

import pytest

from billing_portal.tenancy.scope import tenant_scope
from invoices.models import BillingRun
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


def run_of(firm):
    with tenant_scope(firm.pk):
        books.a_draft()
        return f"runs/{BillingRun.objects.get().public_id}/"


def test_a_run_says_which_outcome_it_does_not_know(client, firm):
    ada, path = Visitor(client, firm), run_of(firm)

    page = ada.get(path, {"outcome": "<b>x</b>"})

    assert "There is no state “<b>x</b>”" in text_of(page).replace("&lt;", "<").replace("&gt;", ">")
    assert "All are shown." in text_of(page)
    assert "<b>x</b>" not in page.content.decode()
    assert "Drafted" in text_of(page)
    for known in ("PARKED", "drafted", ""):
        assert "There is no state" not in text_of(ada.get(path, {"outcome": known}))


def test_another_firms_run_answers_no_outcome(client, firm):
    path = run_of(firm)

    assert Visitor(client, TenantFactory.create()).get(path, {"outcome": "x"}).status_code == 404


@pytest.mark.parametrize("path", ["invoices", "submissions", "jobs", "runs"])
def test_over_rest_it_is_400(client, firm, path):
    answer = Caller(client, firm).get(
        f"/api/v1/{path}?{'status' if path == 'jobs' else 'state'}=zzz"
    )

    assert answer.status_code == 400
