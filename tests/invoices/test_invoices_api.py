"""Runs and invoices over REST: versions, keys, refusals, and nobody else's."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.credit import reject_credit_note, request_credit_note
from invoices.actions.review import request_review
from invoices.models import BillingRun, Invoice, LineEdit
from tests.factories import TenantFactory
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.jobs.running import drain

pytestmark = pytest.mark.django_db
LINE = {"billing_aggregation": "monthly", "period_of_execution": "beginning-of-the-month"}


@pytest.fixture
def caller(client, firm):
    return Caller(client, firm)


def patch(caller, path, body, version):
    return caller.client.patch(
        path,
        json.dumps(body),
        content_type="application/json",
        headers=caller.headers | {"If-Match": f'"{version}"'},
    )


def give(caller, path, version, body=None):
    return caller.post(path, body, If_Match=f'"{version}"')


@pytest.fixture
def invoice(firm):
    """An invoice of 700 dollars in review."""
    with tenant_scope(firm.pk):
        draft = books.a_draft(reviewer=books.member("reviewer"))
        return request_review([draft], by=SYSTEM)[0]


@pytest.fixture
def path(invoice):
    return f"/api/v1/invoices/{invoice.public_id}"


def test_a_run_is_planned_started_and_watched(caller, firm):
    with tenant_scope(firm.pk):
        books.captured(books.time_worked(books.matter_of(books.customer())))
        books.captured(books.time_worked(books.matter_of(books.customer(place=""))))
    asked = LINE | {"on": "2026-11-01"}
    planned = caller.post("/api/v1/runs", asked, Idempotency_Key="k1")
    assert (planned.status_code, planned.json()["state"]) == (201, "PLANNED")
    assert planned.json()["progress"]["pending"] == 2
    run = f"/api/v1/runs/{planned.json()['id']}"
    assert caller.post(f"{run}/start", Idempotency_Key="k2").status_code == 202
    with tenant_scope(firm.pk):
        drain()
    told = caller.get(run).json()
    assert (told["state"], told["progress"]["drafted"], told["progress"]["parked"]) == (
        "ENDED",
        1,
        1,
    )
    (item,) = caller.get(f"{run}/items?status=PARKED").json()["data"]
    assert (item["outcome"], item["code"]) == ("PARKED", "invoices.no_address")
    everything = caller.get(f"{run}/items").json()["data"]
    assert sorted(each["outcome"] for each in everything) == ["DRAFTED", "PARKED"]
    first = caller.get(f"{run}/items?status=PARKED,DRAFTED&limit=1").json()
    rest = caller.get(
        f"{run}/items?status=PARKED,DRAFTED&limit=1&after={first['next_cursor']}"
    ).json()
    assert [each["id"] for each in first["data"] + rest["data"]] == [
        each["id"] for each in everything
    ]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    wrong = caller.get(f"{run}/items?status=LOST")
    assert (wrong.status_code, wrong.json()["parameter"]) == (400, "status")
    assert "Did you mean status?" in caller.get(f"{run}/items?stat=PARKED").json()["detail"]
    retried = caller.post(f"{run}/items/{item['id']}/retry", Idempotency_Key="k3")
    assert (retried.status_code, retried.json()["outcome"]) == (202, "PENDING")


def test_the_same_key_plans_one_run(caller, firm):
    first = caller.post("/api/v1/runs", LINE, Idempotency_Key="k")
    again = caller.post("/api/v1/runs", LINE, Idempotency_Key="k")
    assert first.json()["id"] == again.json()["id"]
    with tenant_scope(firm.pk):
        assert BillingRun.objects.count() == 1


@pytest.mark.parametrize(
    "asked",
    [{}, LINE | {"billing_aggregation": "fortnightly"}, LINE | {"day": "1"}, LINE | {"on": "x"}],
)
def test_a_wish_that_makes_no_sense_is_422_and_plans_nothing(caller, firm, asked):
    assert caller.post("/api/v1/runs", asked, Idempotency_Key="k").status_code == 422
    with tenant_scope(firm.pk):
        assert BillingRun.objects.count() == 0


def test_a_line_is_edited_at_the_version_that_was_read(caller, firm, path):
    whole = caller.get(path)
    assert whole["ETag"] == '"1"'
    line = whole.json()["lines"][0]["id"]
    body = {"quantity": "1.5", "reason_code": "GUIDELINE", "reason": "Two hours are the cap."}
    changed = patch(caller, f"{path}/lines/{line}", body, 1)
    assert (changed.status_code, changed["ETag"]) == (200, '"2"')
    assert changed.json()["net"] == {"amount": "600.00", "currency": "USD"}
    first = changed.json()["lines"][0]
    assert (first["amount"]["amount"], first["as_worked"]["amount"]) == ("300.00", "400.00")
    stale = patch(caller, f"{path}/lines/{line}", body, 1)
    assert (stale.status_code, stale.json()["code"]) == (412, "version.conflict")
    assert give(caller, f"{path}/approval", 1).status_code == 412
    assert caller.post(f"{path}/approval").status_code == 428
    with tenant_scope(firm.pk):
        assert LineEdit.objects.count() == 1


def test_an_edit_without_reason_or_with_a_float_is_422(caller, path):
    line = caller.get(path).json()["lines"][0]["id"]
    assert patch(caller, f"{path}/lines/{line}", {"quantity": "1"}, 1).status_code == 422
    body = {"quantity": 1.5, "reason_code": "GUIDELINE"}
    assert patch(caller, f"{path}/lines/{line}", body, 1).status_code == 422


def test_more_hours_than_a_day_are_refused_as_those_of_a_charge_are(caller, firm, path):
    line = caller.get(path).json()["lines"][0]["id"]
    body = {"quantity": "24.01", "reason_code": "CORRECTION"}
    refused = patch(caller, f"{path}/lines/{line}", body, 1)
    assert (refused.status_code, refused.json()["code"]) == (409, "charges.too_many_hours")
    assert caller.get(path)["ETag"] == '"1"'


def test_it_is_approved_and_finalized_once(caller, firm, path):
    assert give(caller, f"{path}/approval", 1).json()["state"] == "APPROVED"
    on = {"on": "2026-11-02"}
    final = caller.post(f"{path}/finalization", on, Idempotency_Key="f")
    assert (final.json()["state"], final.json()["number"]) == ("FINALIZED", "2026-00001")
    assert final.json()["balance"] == {"amount": "700.00", "currency": "USD"}
    again = caller.post(f"{path}/finalization", on, Idempotency_Key="other")
    assert again.json()["number"] == "2026-00001"


def test_what_is_not_approved_is_409(caller, firm, path):
    refused = caller.post(f"{path}/finalization", Idempotency_Key="f")
    assert (refused.status_code, refused.json()["code"]) == (409, "invoices.not_approved")
    with tenant_scope(firm.pk):
        assert Invoice.objects.get().number == ""


def test_it_is_returned_with_a_reason(caller, path):
    assert give(caller, f"{path}/return", 1, {"category": "OTHER"}).status_code == 422
    body = {"category": "OTHER", "text": "See the engagement letter."}
    assert give(caller, f"{path}/return", 1, body).json()["state"] == "DRAFT"


def test_a_run_is_sent_to_review_and_finalized_in_order(caller, firm):
    with tenant_scope(firm.pk):
        reviewer = books.member("reviewer")
        for _ in range(3):
            books.captured(books.time_worked(books.matter_of(books.customer(reviewer=reviewer))))
        invoices = books.drafted()
        run = BillingRun.objects.get()
    path = f"/api/v1/runs/{run.public_id}"
    sent = caller.post(f"{path}/review-requests", Idempotency_Key="r")
    assert sent.json() == {"dry_run": False, "sent": 3, "left": 0, "data": []}
    for each in invoices[:2]:
        give(caller, f"/api/v1/invoices/{each.public_id}/approval", 1)
    job = caller.post(f"{path}/finalization", {"on": "2026-11-02"}, Idempotency_Key="f")
    assert job.status_code == 202
    with tenant_scope(firm.pk):
        drain()
        numbers = [Invoice.objects.get(pk=each.pk).number for each in invoices]
    assert numbers == ["2026-00001", "2026-00002", ""]


def test_another_firms_invoices_and_runs_do_not_exist(client, firm, invoice, path):
    stranger = Caller(client, TenantFactory.create())
    with tenant_scope(firm.pk):
        run, line = BillingRun.objects.get(), books.lines_of(invoice)[0]
    answers = [
        stranger.get(path),
        stranger.get(f"/api/v1/runs/{run.public_id}"),
        give(stranger, f"{path}/approval", 1),
        give(stranger, f"{path}/return", 1, {"category": "OTHER", "text": "x"}),
        stranger.post(f"{path}/finalization", Idempotency_Key="f"),
        stranger.post(f"/api/v1/runs/{run.public_id}/start", Idempotency_Key="s"),
        patch(stranger, f"{path}/lines/{line.public_id}", {"reason_code": "OTHER"}, 1),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert stranger.get("/api/v1/invoices").json()["data"] == []
    with tenant_scope(firm.pk):
        assert Invoice.objects.get().state == "IN_REVIEW"


def test_a_list_costs_the_same_however_long(caller, firm, django_assert_num_queries):
    with tenant_scope(firm.pk):
        books.a_draft()
    caller.get("/api/v1/invoices")  # the first call of a key notes its use
    with CaptureQueriesContext(connection) as first:
        caller.get("/api/v1/invoices?state=DRAFT")
    with tenant_scope(firm.pk):
        for _ in range(4):
            books.a_draft()
    with django_assert_num_queries(len(first)):
        answer = caller.get("/api/v1/invoices?state=DRAFT")
    assert len(answer.json()["data"]) == 5


def test_work_is_billed_on_the_day_named(caller, firm):
    with tenant_scope(firm.pk):
        books.captured(books.time_worked(books.matter_of(books.customer()), date(2026, 9, 3)))
    planned = caller.post(
        "/api/v1/runs", LINE | {"on": "2026-10-01"}, Idempotency_Key="past"
    ).json()
    assert (planned["bills_until"], planned["progress"]["pending"]) == ("2026-10-01", 1)


@pytest.mark.parametrize("version", ["²", "9" * 5000])
def test_a_version_that_is_none_is_malformed(caller, path, version):
    answer = caller.post(f"{path}/approval", If_Match=f'"{version}"')

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize("on", ["0001-01-01", "1989-12-31", "9999-12-31"])
def test_a_day_out_of_bounds_is_422(caller, firm, path, on):
    give(caller, f"{path}/approval", 1)
    with tenant_scope(firm.pk):
        run = BillingRun.objects.get()
    answers = [
        caller.post("/api/v1/runs", LINE | {"on": on}, Idempotency_Key="r"),
        caller.post(f"{path}/finalization", {"on": on}, Idempotency_Key="f"),
        caller.post(f"/api/v1/runs/{run.public_id}/finalization", {"on": on}, Idempotency_Key="g"),
    ]
    found = [(each.status_code, each.json()["errors"][0]["pointer"]) for each in answers]
    assert found == [(422, "/on")] * 3


def test_nothing_is_finalized_more_than_a_month_ahead(caller, firm, path):
    give(caller, f"{path}/approval", 1)
    with tenant_scope(firm.pk):
        run = f"/api/v1/runs/{BillingRun.objects.get().public_id}"
    ahead = {"on": (datetime.now(UTC).date() + timedelta(days=40)).isoformat()}
    for place in (path, run):
        answer = caller.post(f"{place}/finalization", ahead, Idempotency_Key=place[-20:])
        assert (answer.status_code, answer.json()["code"]) == (409, "invoices.date")
    with tenant_scope(firm.pk):
        assert Invoice.objects.get().state == "APPROVED"


def test_a_repeat_is_answered_as_the_first_was_with_its_version(caller, firm):
    with tenant_scope(firm.pk):
        draft = books.a_draft(reviewer=books.member("reviewer"))
    path = f"/api/v1/invoices/{draft.public_id}/review-request"
    first = caller.post(path, Idempotency_Key="k")
    again = caller.post(path, Idempotency_Key="k")
    assert first.json() == again.json()
    assert first.headers["ETag"] == again.headers["ETag"] == '"1"'
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("invoices?state=paid", "FINALIZED"),
        ("invoices?state=DRAFT,paid", "FINALIZED"),
        ("runs?state=XX", "PLANNED"),
        ("submissions?state=done", "CONFIRMED"),
        ("jobs?status=gone", "queued"),
        ("customers?state=none", "ACTIVE"),
    ],
)
def test_a_filter_by_a_state_that_there_is_not_says_which_there_are(caller, path, known):
    answer = caller.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert known in answer.json()["detail"]


def test_an_invoice_and_its_credit_note_name_each_other(caller, firm):
    with tenant_scope(firm.pk):
        credited = books.finalized(reviewer=books.member("reviewer"))
        note = request_credit_note(credited, reason="Wrong claim.", by=books.member("biller"))
    path = "/api/v1/invoices"

    shown = caller.get(f"{path}/{note.public_id}").json()
    (listed,) = caller.get(path, kind="CREDIT_NOTE").json()["data"]

    assert (shown["kind"], shown["corrects"]) == ("CREDIT_NOTE", credited.public_id)
    assert (shown["reason"], shown["credit_note"]) == ("Wrong claim.", None)
    assert listed["corrects"] == credited.public_id
    found = caller.get(f"{path}/{credited.public_id}").json()
    assert (found["corrects"], found["credit_note"]) == (None, note.public_id)
    with tenant_scope(firm.pk):
        reject_credit_note(note, version_seen=1, by=books.member("owner"))
    assert caller.get(f"{path}/{credited.public_id}").json()["credit_note"] is None
