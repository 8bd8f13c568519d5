"""What no action does the database refuses: a claim nobody approved, a number out of its day."""

from datetime import date
from importlib import import_module

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from billing_portal.tenancy.laws import broken_laws
from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.finalize import finalize
from invoices.actions.refusals import NotApproved
from invoices.models import Invoice, NumberSeries, Verdict
from invoices.queries.recorded import what_is_final_was_approved
from ledger.models import Entry
from tests.factories import TenantFactory
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import SYSTEM

ON = date(2026, 11, 2)


@pytest.fixture
def reviewer(tenant):
    return books.member("reviewer")


def forged(reviewer):
    """Return a draft in whose row somebody wrote that it was approved."""
    draft = books.a_draft(reviewer=reviewer)
    Invoice.objects.filter(pk=draft.pk).update(state="APPROVED", approved_by="user:7")
    draft.refresh_from_db()
    return draft


def made_final(invoice, **values):
    """Write a number into a row by hand, as if it had been taken."""
    given = {"number": "2026-00001", "issued_on": ON, "due_on": ON, "state": "FINALIZED"} | values
    with transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk).update(**given)


def test_an_approval_that_nobody_gave_makes_no_claim(reviewer):
    draft = forged(reviewer)

    with pytest.raises(NotApproved, match="No approval of"), transaction.atomic():
        finalize([draft], by=SYSTEM, on=ON)
    NumberSeries.objects.create(series="2026", last=1, last_issued_on=ON)
    with pytest.raises(IntegrityError, match="only what was approved"):
        made_final(draft)
    assert Entry.objects.filter(kind="invoice").count() == 0
    assert what_is_final_was_approved() == [
        f"{draft} ({draft.public_id}) was not approved as it is."
    ]


def test_over_rest_it_is_refused_and_nothing_is_booked(client, firm):
    with tenant_scope(firm.pk):
        draft = forged(books.member("reviewer"))
    answer = Caller(client, firm).post(
        f"/api/v1/invoices/{draft.public_id}/finalization", Idempotency_Key="k"
    )
    assert answer.status_code == 409
    assert answer.json()["code"] == "invoices.not_approved"
    with tenant_scope(firm.pk):
        assert Entry.objects.filter(kind="invoice").count() == 0
        assert Invoice.objects.get(pk=draft.pk).number == ""


def test_an_approval_of_another_version_or_of_another_person_is_none(reviewer):
    for column, value in (("version", 9), ("approved_by", "user:1")):
        approved = books.approved(reviewer=reviewer)
        Invoice.objects.filter(pk=approved.pk).update(**{column: value})
        with pytest.raises(NotApproved), transaction.atomic():
            finalize([approved], by=SYSTEM, on=ON)


def test_a_return_after_the_approval_counts(reviewer):
    approved = books.approved(reviewer=reviewer)
    Verdict.objects.create(
        invoice=approved, kind="REOPENED", version_seen=approved.version,
        given_by="user:1", given_by_name="Nobody",
    )  # fmt: skip
    with pytest.raises(NotApproved), transaction.atomic():
        finalize([approved], by=SYSTEM, on=ON)


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "2026-00002"},
        {"number": "2027-00001"},
        {"number": "2026-00000"},
        {"issued_on": date(2026, 11, 3)},
    ],
)
def test_a_number_that_its_series_did_not_give_on_that_day_is_refused(reviewer, wrong):
    approved = books.approved(reviewer=reviewer)
    NumberSeries.objects.create(series="2026", last=1, last_issued_on=ON)

    with pytest.raises(IntegrityError, match="a number is taken from its series"):
        made_final(approved, **wrong)
    made_final(approved)


def test_the_days_of_a_series_never_go_back(reviewer):
    series = NumberSeries.objects.create(series="2026", last=5, last_issued_on=ON)
    mine = NumberSeries.objects.filter(pk=series.pk)
    for wrong in ({"last_issued_on": date(2026, 11, 1)}, {"last_issued_on": None}, {"last": 4}):
        with pytest.raises(IntegrityError, match="only counts up"), transaction.atomic():
            mine.update(**wrong)
    with pytest.raises(IntegrityError, match="knows_its_last_day"), transaction.atomic():
        NumberSeries.objects.create(series="2027", last=1)
    assert mine.update(last=6, last_issued_on=date(2026, 11, 3)) == 1


def test_the_hundred_thousandth_number_is_one_of_its_series(reviewer):
    approved = books.approved(reviewer=reviewer)
    NumberSeries.objects.create(series="2026", last=99_999, last_issued_on=ON)
    (final,) = finalize([approved], by=SYSTEM, on=ON)
    assert final.number == "2026-100000"


def test_a_neighbors_series_and_approvals_are_not_ours(reviewer, neighbor):
    with neighbor:
        books.finalized(reviewer=books.member("reviewer"))
    draft = forged(reviewer)
    with pytest.raises(IntegrityError, match=r"only what was approved|from its series"):
        made_final(draft)


@pytest.mark.django_db(transaction=True)
def test_the_migration_tells_a_series_the_day_of_its_newest_claim(databases):
    firm, migration = TenantFactory.create(), import_module("invoices.migrations.0010_claim_laws")
    with tenant_scope(firm.pk):
        books.finalized(reviewer=books.member("reviewer"), on=date(2026, 11, 3))
    series = "invoices_numberseries"
    owner = databases.url("owner", connection.settings_dict["NAME"])
    with psycopg.connect(owner, autocommit=True) as hand:
        hand.execute(f"alter table {series} disable trigger user")
        hand.execute(f"set app.tenant = '{firm.pk}'")
        hand.execute("update invoices_numberseries set last_issued_on = '2026-01-01'")
        hand.execute("set app.tenant = ''")
        for sql in migration.Migration.operations[1].sql:
            hand.execute(sql)
        hand.execute(f"alter table {series} enable trigger user")

    with tenant_scope(firm.pk):
        assert NumberSeries.objects.get().last_issued_on == date(2026, 11, 3)
    assert list(broken_laws()) == []
