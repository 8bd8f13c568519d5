"""The job console: states and progress, retry and cancel, for those who may, of this firm only."""

from datetime import UTC, datetime

import pytest

from billing_portal.audit.models import AuditEvent
from billing_portal.audit.trail import record
from billing_portal.jobs.models import Job
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.scope import tenant_scope
from invoices.models import BillingRun
from tests.factories import TenantFactory
from tests.invoices import books
from tests.jobs import sample_jobs
from tests.jobs.running import drain
from tests.visiting import Visitor, links_of, text_of

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
LIST_QUERIES = 10  # nine of them for firm, session, member and scope


@pytest.fixture
def ada(client, tenant):
    return Visitor(client, tenant)


def make(firm, state="queued", **facts):
    named = {"name": "tests.jobs.sample_jobs.note", "queue": "default", "args": {"number": 7}}
    claim = {"lease_until": NOW, "claim_no": 1, "attempts": 1} if state == "running" else {}
    return Job.objects.create(tenant=firm, state=state, **{**named, **claim, **facts})


def part_of(page, id_):
    """Return the tag that carries an id."""
    body = page.content.decode()
    at = body.index(f'id="{id_}"')
    return " ".join(body[body.rindex("<", 0, at) : body.index(">", at)].split())


def test_a_row_says_what_the_job_is_and_how_it_stands(ada, tenant):
    job = make(tenant, "failed", error_code="sample.not_today", error_text="Not today.", attempts=2)

    page = ada.get("jobs/")

    assert "Note Failed Not today. General 2" in text_of(page)
    assert 'title="sample.not_today"' in page.content.decode()
    assert "Code sample.not_today" in text_of(ada.get(f"jobs/{job.public_id}/"))
    assert f"/t/{tenant.slug}/jobs/{job.public_id}/" in links_of(page)


def test_a_job_is_called_by_what_it_does_and_its_function_stands_in_small_print(ada, tenant):
    job = make(tenant, name="invoices.actions.render.render_documents_later", queue="documents")
    gone = make(tenant, name="invoices.gone.sweep_up_later")

    listed, page = text_of(ada.get("jobs/")), text_of(ada.get(f"jobs/{job.public_id}/"))

    assert "Write an invoice's files Queued Documents" in listed
    assert "Sweep up Queued General" in listed
    assert f"For support and auditors Id {job.public_id} Function {job.name}" in page
    assert "Sweep up" in text_of(ada.get(f"jobs/{gone.public_id}/"))


def test_failed_jobs_wait_in_the_inbox_until_they_are_tried_again(ada, tenant):
    assert "failed" not in text_of(ada.get("inbox/"))
    first = make(tenant, "failed", error_text="Not today.", ended_at=NOW)
    assert "A job failed Note: Not today." in text_of(ada.get("inbox/"))
    make(tenant, "failed", error_text="Nor now.", ended_at=NOW)
    assert "2 jobs failed Note: Nor now." in text_of(ada.get("inbox/"))
    make(tenant, retry_of=first)
    assert "A job failed Note: Nor now." in text_of(ada.get("inbox/"))
    make(TenantFactory.create(), "failed", error_text="A neighbor's.", ended_at=NOW)
    assert "A job failed Note: Nor now." in text_of(ada.get("inbox/"))


def test_jobs_stand_newest_first(ada, tenant):
    make(tenant)
    make(tenant, name="tests.jobs.sample_jobs.render_documents_later")

    shown = text_of(ada.get("jobs/"))

    assert shown.index("Render documents") < shown.index("Note")


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("", ["queued", "running", "failed"]),
        ("failed", ["failed"]),
        ("running", ["running"]),
        ("paused", []),
        ("no-such-state", ["queued", "running", "failed"]),
    ],
)
def test_jobs_can_be_narrowed_by_state(ada, tenant, state, found):
    for name in ["queued", "running", "failed"]:
        make(tenant, name, stage=f"stage-{name}")

    page = ada.get("jobs/", {"state": state})

    shown = text_of(page)
    assert [name for name in ["queued", "running", "failed"] if f"stage-{name}" in shown] == found
    assert ("No job is in this state" in shown) is (found == [])
    assert f"/t/{tenant.slug}/jobs/?state=failed" in links_of(page)


def test_before_the_first_job_the_page_says_what_will_be_here(ada):
    assert "No jobs yet" in text_of(ada.get("jobs/"))


def test_jobs_page_by_key_within_their_state(ada, tenant):
    for number in range(51):
        make(tenant, stage=f"stage-{number}")
    make(tenant, "failed", stage="stage-failed")

    first = ada.get("jobs/", {"state": "queued"})
    (following,) = [url for url in links_of(first) if "after=" in url]
    second = text_of(ada.get(following))

    assert "stage-0" not in text_of(first)
    assert "stage-0" in second
    assert "stage-failed" not in second


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_takes_as_many_queries_at_any_length(
    ada, tenant, count, django_assert_num_queries
):
    for number in range(count):
        make(tenant, "running", done=number, total=count)
    ada.get("inbox/")  # which notes in the session that somebody is there

    with django_assert_num_queries(LIST_QUERIES):
        ada.get("jobs/")


def test_only_what_runs_asks_again_by_itself(ada, tenant):
    running, queued = make(tenant, "running", done=3, total=12), make(tenant)

    page = ada.get("jobs/")

    here = f"/t/{tenant.slug}/jobs/{running.public_id}/progress/"
    assert f'hx-get="{here}" hx-trigger="every 2s"' in part_of(
        page, f"progress-{running.public_id}"
    )
    assert "hx-get" not in part_of(page, f"progress-{queued.public_id}")
    assert '<progress max="12" value="3"' in " ".join(page.content.decode().split())


def test_the_answer_goes_on_asking_until_the_job_has_ended(ada, tenant):
    job = make(tenant, "running", done=3, total=1200, stage="Drafting")
    path = f"jobs/{job.public_id}/progress/"
    during = ada.get(path)
    Job.objects.filter(pk=job.pk).update(state="failed", error_text="Out of paper.", done=4)
    after = ada.get(path)

    assert "Running Drafting" in text_of(during)
    assert "3 of 1,200" in text_of(during)
    assert "hx-trigger" in part_of(during, f"progress-{job.public_id}")
    assert f"actions-{job.public_id}" not in during.content.decode()
    assert "Failed Drafting 4 of 1,200 Out of paper. Retry" in text_of(after)
    assert "hx-trigger" not in part_of(after, f"progress-{job.public_id}")
    assert 'hx-swap-oob="true"' in part_of(after, f"actions-{job.public_id}")
    assert "<html" not in after.content.decode()


def test_a_failed_job_is_tried_again_as_a_new_one(ada, tenant):
    old = sample_jobs.refuse.enqueue(number=7)
    drain()
    old.refresh_from_db()

    answer = ada.post(f"jobs/{old.public_id}/retry/")

    again = Job.objects.get(retry_of=old)
    page = ada.get(answer.url)
    assert answer.url == f"/t/{tenant.slug}/jobs/{again.public_id}/"
    assert (old.state, again.state, again.args) == ("failed", "queued", {"number": 7})
    assert "Asked for again." in text_of(page)
    assert "Tries again The job before" in text_of(page)
    assert f"/t/{tenant.slug}/jobs/{old.public_id}/" in links_of(page)
    before = ada.get(f"jobs/{old.public_id}/")
    assert "Tried again by The job after" in text_of(before)
    assert f"/t/{tenant.slug}/jobs/{again.public_id}/" in links_of(before)
    assert AuditEvent.objects.get(action="job.retried").actor == f"user:{ada.user.pk}"


def test_a_job_that_waits_can_be_canceled(ada, tenant):
    job = make(tenant)

    answer = ada.post(f"jobs/{job.public_id}/cancel/")

    job.refresh_from_db()
    assert job.state == "canceled"
    assert job.ended_at is not None
    assert "Canceled." in text_of(ada.get(answer.url))


@pytest.mark.parametrize(("deed", "state"), [("retry", "succeeded"), ("cancel", "failed")])
def test_what_the_job_does_not_allow_is_said_and_changes_nothing(ada, tenant, deed, state):
    job = make(tenant, state)

    answer = ada.post(f"jobs/{job.public_id}/{deed}/")

    assert f"This job is {state}." in text_of(ada.get(answer.url))
    assert Job.objects.get().state == state
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        ("queued", ["Cancel"]),
        ("running", ["Cancel"]),
        ("waiting_for_human", ["Retry", "Cancel"]),
        ("paused", ["Cancel"]),
        ("failed", ["Retry"]),
        ("canceled", ["Retry"]),
        ("succeeded", []),
        ("partially_succeeded", []),
    ],
)
def test_only_what_can_be_done_is_offered(ada, tenant, state, verbs):
    make(tenant, state)

    shown = text_of(ada.get("jobs/"))

    assert [verb for verb in ["Retry", "Cancel"] if f"{verb} Note" in shown] == verbs


def test_who_may_only_read_is_offered_nothing(client, tenant):
    job = make(tenant, "failed")
    reader = Visitor(client, tenant, "auditor")

    assert "Retry" not in text_of(reader.get("jobs/"))
    assert reader.get(f"jobs/{job.public_id}/").status_code == 200
    for deed in ["retry", "cancel"]:
        assert reader.post(f"jobs/{job.public_id}/{deed}/").status_code == 403
    assert Job.objects.count() == 1


@pytest.mark.parametrize("path", ["", "{id}/", "{id}/progress/"])
@pytest.mark.parametrize("role", ["reviewer", "timekeeper"])
def test_who_may_not_read_jobs_is_refused(client, tenant, role, path):
    job = make(tenant)

    page = Visitor(client, tenant, role).get("jobs/" + path.format(id=job.public_id))

    assert page.status_code == 403


def test_another_firms_job_is_nowhere(ada, tenant, neighbor):
    theirs = make(neighbor.firm, "failed", stage="stage-theirs")

    assert "stage-theirs" not in text_of(ada.get("jobs/"))
    for path in ["", "progress/"]:
        assert ada.get(f"jobs/{theirs.public_id}/{path}").status_code == 404
        assert ada.get(f"/t/{neighbor.firm.slug}/jobs/{path}").status_code == 404
    for deed in ["retry", "cancel"]:
        assert ada.post(f"jobs/{theirs.public_id}/{deed}/").status_code == 404
    assert Job.objects.get().state == "failed"


def test_the_log_leads_to_the_job(ada, tenant):
    job = make(tenant)
    record("job.canceled", job, by=system("test"))

    assert f"/t/{tenant.slug}/jobs/{job.public_id}/" in links_of(ada.get("audit/"))


def test_a_job_says_which_invoice_it_is_about_to_who_may_read_it(client, firm):
    with tenant_scope(firm.pk):
        invoice = books.finalized(reviewer=books.member("reviewer"))
    render = "invoices.actions.render.render_documents_later"
    job = make(firm, name=render, args={"invoice_id": invoice.pk})
    make(firm, name=render, args={"invoice_id": invoice.pk + 1000})
    ada = Visitor(client, firm)

    listed, own = ada.get("jobs/"), ada.get(f"jobs/{job.public_id}/")

    assert text_of(listed).count("Write an invoice's files Queued") == 1
    assert f"Write an invoice's files Invoice {invoice.number} Queued" in text_of(listed)
    assert f"About Invoice {invoice.number}" in text_of(own)
    for page in (listed, own):
        assert f"/t/{firm.slug}/invoices/{invoice.public_id}/" in links_of(page)


def test_a_job_names_nothing_of_another_firm(client, firm):
    other = TenantFactory.create()
    with tenant_scope(other.pk):
        invoice = books.finalized(reviewer=books.member("reviewer"))
    make(firm, args={"invoice_id": invoice.pk})

    assert invoice.number not in text_of(Visitor(client, firm).get("jobs/"))


def test_what_jobs_are_about_takes_one_query_a_kind(client, firm, django_assert_max_num_queries):
    with tenant_scope(firm.pk):
        reviewer = books.member("reviewer")
        invoices = [books.finalized(reviewer=reviewer) for _ in range(3)]
        runs = list(BillingRun.objects.order_by("pk").values_list("pk", flat=True))
    for invoice, run in zip(invoices, runs, strict=True):
        make(firm, args={"invoice_id": invoice.pk})
        make(firm, args={"run_id": run, "first": 1, "last": 2})
    ada = Visitor(client, firm)
    ada.get("inbox/")  # which notes in the session that somebody is there

    with django_assert_max_num_queries(LIST_QUERIES + 2):
        page = ada.get("jobs/")

    assert all(invoice.number in text_of(page) for invoice in invoices)
