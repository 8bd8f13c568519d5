"""Numbers of invoices and notes never run against the days on which they were issued."""

from datetime import date

import pytest
from django.db import transaction

from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.credit import approve_credit_note, request_credit_note
from invoices.actions.finalize import finalize
from invoices.actions.refusals import BeforeLastNumber, IssuedOnAnotherDay
from invoices.actions.run import finalize_approved
from invoices.models import BillingRun, Invoice, NumberSeries
from ledger.models import Entry
from tests.factories import TenantFactory
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import SYSTEM

pytestmark = pytest.mark.django_db
FIRST, SECOND, THIRD = date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 4)


@pytest.fixture
def reviewer(tenant):
    return books.member("reviewer")


def test_no_number_is_issued_before_the_day_of_the_last_one(reviewer):
    books.finalized(reviewer=reviewer, on=SECOND)
    late = books.approved(reviewer=reviewer)
    entries = Entry.objects.count()

    with pytest.raises(BeforeLastNumber, match="2026-00001 was issued on 2026-11-03"):
        finalize([late], by=SYSTEM, on=FIRST)

    late.refresh_from_db()
    assert (late.state, late.number, Entry.objects.count()) == ("APPROVED", "", entries)
    assert NumberSeries.objects.get().last == 1


@pytest.mark.parametrize("on", [SECOND, THIRD])
def test_the_same_day_and_a_later_one_take_the_next_number(reviewer, on):
    books.finalized(reviewer=reviewer, on=SECOND)

    assert books.finalized(reviewer=reviewer, on=on).number == "2026-00002"


def test_a_year_is_a_series_of_its_own(reviewer):
    books.finalized(reviewer=reviewer, on=date(2027, 1, 4))

    assert books.finalized(reviewer=reviewer, on=date(2026, 12, 30)).number == "2026-00001"


def test_another_firms_numbers_do_not_count(reviewer, neighbor):
    with neighbor:
        books.finalized(reviewer=books.member("reviewer"), on=THIRD)

    assert books.finalized(reviewer=reviewer, on=FIRST).number == "2026-00001"


def test_a_run_is_not_finalized_on_an_earlier_day_either(reviewer):
    books.finalized(reviewer=reviewer, on=SECOND)
    books.approved(reviewer=reviewer)
    run = BillingRun.objects.latest("pk")

    with pytest.raises(BeforeLastNumber):
        finalize_approved(run, by=SYSTEM, on=FIRST)

    assert BillingRun.objects.get(pk=run.pk).version == run.version


def test_notes_are_numbered_in_the_order_of_their_days(reviewer):
    maker, checker = books.member("biller"), books.member("owner")
    notes = [
        request_credit_note(books.finalized(reviewer=reviewer), reason="Wrong.", by=maker)
        for _ in range(2)
    ]
    first = approve_credit_note(notes[0], version_seen=1, by=checker, on=THIRD)

    with pytest.raises(BeforeLastNumber, match=f"{first.number} was issued"), transaction.atomic():
        approve_credit_note(notes[1], version_seen=1, by=checker, on=SECOND)
    second = approve_credit_note(notes[1], version_seen=1, by=checker, on=THIRD)

    assert (first.number, second.number) == ("CN-2026-00001", "CN-2026-00002")


def test_a_repeat_that_names_another_day_is_refused(reviewer):
    invoice = books.finalized(reviewer=reviewer, on=SECOND)

    with pytest.raises(IssuedOnAnotherDay, match="was issued on 2026-11-03, not on 2026-11-02"):
        finalize([invoice], by=SYSTEM, on=FIRST, today=THIRD)

    assert finalize([invoice], by=SYSTEM, on=SECOND, today=THIRD) == [invoice]
    assert finalize([invoice], by=SYSTEM, on=THIRD) == [invoice]


def test_both_refusals_reach_the_caller_as_409_with_their_codes(client, firm):
    with tenant_scope(firm.pk):
        reviewer = books.member("reviewer")
        final = books.finalized(reviewer=reviewer, on=SECOND)
        late = books.approved(reviewer=reviewer)
    caller = Caller(client, firm)
    path = "/api/v1/invoices/{}/finalization"

    early = caller.post(path.format(late.public_id), {"on": "2026-11-01"}, Idempotency_Key="a")
    other = caller.post(path.format(final.public_id), {"on": "2026-11-04"}, Idempotency_Key="b")
    same = caller.post(path.format(final.public_id), {"on": "2026-11-03"}, Idempotency_Key="c")
    unnamed = caller.post(path.format(final.public_id), Idempotency_Key="d")

    assert (early.status_code, early.json()["code"]) == (409, "invoices.before_last_number")
    assert (other.status_code, other.json()["code"]) == (409, "invoices.issued_on_another_day")
    assert (same.status_code, unnamed.status_code) == (200, 200)
    with tenant_scope(firm.pk):
        assert Invoice.objects.get(pk=late.pk).number == ""


def test_another_firm_cannot_ask_which_day_it_was(client, firm):
    with tenant_scope(firm.pk):
        final = books.finalized(reviewer=books.member("reviewer"))
    stranger = Caller(client, TenantFactory.create())
    path = f"/api/v1/invoices/{final.public_id}/finalization"

    assert stranger.post(path, {"on": "2026-11-04"}, Idempotency_Key="a").status_code == 404
