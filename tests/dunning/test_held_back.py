"""No reminder of an invoice on which its carrier has not had its last word."""

from datetime import UTC, date, datetime

import pytest

from billing_portal.tenancy.scope import tenant_scope
from dunning.actions.remind import remind_due
from dunning.models import Reminder, ReminderStep
from dunning.queries.reminders import due_reminders, forecast
from invoices.actions.carriers import add_carrier
from invoices.actions.render import render_documents_later
from invoices.actions.submit import queue_submission, submit_again
from invoices.models import Document, Submission
from invoices.queries.uploads import unsettled_uploads
from tests.factories import TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.visiting import Visitor, links_of, text_of

pytestmark = pytest.mark.django_db
ON = date(2026, 12, 5)  # three days after it was due
TAKEN = {
    "state": "CONFIRMED",
    "reference": "NFM-1",
    "answered_at": datetime(2026, 11, 3, tzinfo=UTC),
}


@pytest.fixture
def upload(firm, settings, tmp_path):
    """The queued upload of a final invoice of 700 dollars, due on December 2."""
    settings.FILES_DIR = tmp_path
    with tenant_scope(firm.pk):
        add_carrier(
            code="northfield", name="Northfield Mutual", origin="http://127.0.0.1:1", by=SYSTEM
        )
        invoice = books.finalized(reviewer=books.member("reviewer"))
        invoice.customer.carrier_code = "northfield"
        invoice.customer.save()
        render_documents_later(tenant_id=firm.pk, invoice_id=invoice.pk)
        return queue_submission(Document.objects.get(kind="ledes1998b"), by=SYSTEM)


@pytest.fixture
def late(client, firm, monkeypatch):
    """A biller on the day on which the first reminder is due."""
    monkeypatch.setattr("dunning.views.reminders.today_of", lambda request: ON)
    return Visitor(client, firm, "biller")


def stands(**facts):
    Submission.objects.update(**facts)


@pytest.mark.parametrize(
    "facts",
    [
        {"state": "QUEUED"},
        {"state": "UPLOADING"},
        {"state": "UNSURE"},
        {"state": "NEEDS_PERSON"},
        {"state": "REJECTED", "carrier_status": "REJECTED"},
        TAKEN | {"carrier_status": "PENDING_CLIENT"},
    ],
)
def test_what_the_carrier_has_not_settled_is_not_reminded_of(firm, upload, facts):
    with tenant_scope(firm.pk):
        stands(**facts)

        assert remind_due(on=ON, by=SYSTEM) == []
        assert due_reminders(ON) == []
        assert [each.upload for each in forecast(ON).held] == [upload]
        assert Reminder.objects.count() == 0


@pytest.mark.parametrize(
    "facts",
    [
        TAKEN | {"carrier_status": "RECEIVED"},
        TAKEN | {"carrier_status": "APPROVED"},
        {"state": "CANCELED"},
    ],
)
def test_what_it_took_or_nobody_uploads_any_more_is_reminded_of(firm, upload, facts):
    with tenant_scope(firm.pk):
        stands(**facts)

        assert [each.level for each in remind_due(on=ON, by=SYSTEM)] == [1]
        assert forecast(ON).held == []


def test_a_rejected_upload_is_resolved_once_a_newer_one_is_taken(firm, upload):
    with tenant_scope(firm.pk):
        stands(state="REJECTED", carrier_status="REJECTED")
        again = submit_again(Submission.objects.get(), by=SYSTEM)
        assert [each.upload for each in forecast(ON).held] == [again]
        Submission.objects.filter(pk=again.pk).update(**TAKEN, carrier_status="RECEIVED")

        (reminder,) = remind_due(on=ON, by=SYSTEM)
        assert reminder.level == 1


def test_an_invoice_without_an_upload_is_reminded_of_as_ever(firm):
    with tenant_scope(firm.pk):
        books.finalized(reviewer=books.member("reviewer"))

        assert len(remind_due(on=ON, by=SYSTEM)) == 1


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"state": "QUEUED"}, "Its upload to Northfield Mutual is on its way."),
        ({"state": "UNSURE"}, "Nobody can tell yet whether Northfield Mutual has it."),
        ({"state": "NEEDS_PERSON"}, "Its upload to Northfield Mutual waits for a person."),
        ({"state": "REJECTED"}, "Northfield Mutual rejected it; that is not resolved yet."),
        (TAKEN | {"carrier_status": "PENDING_CLIENT"}, "Northfield Mutual is reviewing it."),
    ],
)
def test_the_page_says_what_is_held_back_and_why(late, firm, upload, facts, why):
    with tenant_scope(firm.pk):
        stands(**facts)
        customer = upload.invoice.customer

    page = late.get("reminders/")

    assert f"2026-00001 {customer} {why} 3 $700.00" in text_of(page)
    assert f"/t/{firm.slug}/uploads/{upload.public_id}/" in links_of(page)
    assert "What goes out next" not in text_of(page)
    assert "Nobody is late" not in text_of(page)


def test_a_neighbors_upload_holds_nothing_back(firm, upload):
    other = TenantFactory.create()
    with tenant_scope(other.pk):
        books.finalized(reviewer=books.member("reviewer"))
        assert unsettled_uploads([upload.invoice_id]) == {}
        assert forecast(ON).held == []
        assert len(forecast(ON).due) == 1
    with tenant_scope(firm.pk):
        assert len(forecast(ON).held) == 1


def test_holding_back_takes_as_many_queries_for_many_steps(firm, upload, django_assert_num_queries):
    with tenant_scope(firm.pk):
        ReminderStep.objects.create(level=1, days_after_due=1)
        with django_assert_num_queries(5):
            forecast(ON)
