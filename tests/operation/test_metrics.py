"""Figures for monitoring: closed by default, of the whole installation, nobody's in particular."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from billing_portal.api import tallies
from billing_portal.api.models import Tally
from billing_portal.audit import anchoring, sealing
from billing_portal.audit.models import PendingSeal
from billing_portal.audit.trail import record
from billing_portal.jobs import gatekeeper
from billing_portal.jobs.models import ClockLine, Job
from billing_portal.operation.figures import KINDS, joined
from billing_portal.outbox.events import publish
from billing_portal.portal.figures import Figure
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.scope import tenant_scope
from invoices.models import Invoice, Submission
from tests.factories import MembershipFactory
from tests.invoices import books
from tests.jobs import sample_jobs

pytestmark = pytest.mark.django_db
TOKEN = {"Authorization": "Bearer a token of monitoring"}


@pytest.fixture(autouse=True)
def _apart(settings, tmp_path):
    settings.ANCHORS_DIR = tmp_path / "anchors"
    tallies._pending.taken()
    yield
    tallies._pending.taken()


@pytest.fixture
def opened(settings):
    settings.METRICS_TOKEN = "a token of monitoring"


def read(client, **headers):
    """Return each sample by its name and labels."""
    answer = client.get("/metrics", headers={**TOKEN, **headers})
    assert answer.status_code == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_without_a_token_or_network_named_there_is_no_such_page(client):
    assert client.get("/metrics", headers=TOKEN).status_code == 404


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic a token"])
def test_a_wrong_token_is_forbidden(client, opened, token):
    answer = client.get("/metrics", headers={"Authorization": token})

    assert answer.status_code == 403
    assert b"portal_" not in answer.content


@pytest.mark.parametrize(("peer", "status"), [("10.1.2.3", 200), ("192.0.2.7", 403), ("", 403)])
def test_a_network_named_may_ask_without_a_token(client, settings, peer, status):
    settings.METRICS_NETWORKS = ["10.0.0.0/8", "2001:db8::/32"]

    assert client.get("/metrics", REMOTE_ADDR=peer).status_code == status


def test_an_address_is_not_believed_that_the_caller_wrote(client, settings):
    settings.METRICS_NETWORKS = ["10.0.0.0/8"]

    answer = client.get("/metrics", headers={"X-Forwarded-For": "10.1.2.3"})

    assert answer.status_code == 403


def test_an_empty_installation_has_every_figure_of_its_own(client, opened):
    found = read(client)

    assert found["portal_jobs", "default", "queued"] == 0
    assert found["portal_queue_oldest_seconds", "browser"] == 0
    assert found["portal_database_bytes",] > 1_000_000
    assert 1 <= found["portal_database_connections",] < found["portal_database_connections_most",]


def test_queues_are_counted_with_the_age_of_the_oldest(client, opened, firm):
    gatekeeper.make_slots({"default": 2})
    old = datetime.now(UTC) - timedelta(hours=2)
    for state, count in (("queued", 3), ("running", 1), ("failed", 2), ("succeeded", 5)):
        for _ in range(count):
            Job.objects.create(
                tenant=firm, name="x", queue="default", state=state, claim_no=1,
                run_after=old, lease_until=old,
            )  # fmt: skip

    found = read(client)

    assert found["portal_jobs", "default", "queued"] == 3
    assert found["portal_jobs", "default", "running"] == 1
    assert found["portal_jobs", "default", "failed"] == 2
    assert 7199 < found["portal_queue_oldest_seconds", "default"] < 7300
    assert found["portal_slots", "default", "free"] == 2


def test_the_jobs_are_found_by_an_index(client, opened, django_assert_max_num_queries):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
        cursor.execute(
            "explain select queue, count(*) from jobs_job"
            " where state in ('queued', 'running', 'failed') group by queue"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "job_not_well_ended" in plan


def test_late_wishes_of_the_clock_are_counted(client, opened):
    now = datetime.now(UTC)
    for name, due in (("late", now - timedelta(hours=1)), ("soon", now + timedelta(hours=1))):
        ClockLine.objects.create(name=name, job="x", every_seconds=60, next_due_at=due)

    assert read(client)["portal_clock_lines_late",] == 1


def test_what_firms_have_is_added_up(client, opened, tenant, neighbor):
    publish("sample.noted", about="x")
    record("sample.noted", tenant, by=system("test"))
    with neighbor as other:
        publish("sample.noted", about="x")
        publish("sample.noted", about="y")
        record("sample.noted", other, by=system("test"))

    found = read(client)

    assert found["portal_outbox_waiting",] == 3
    assert found["portal_unsealed_rows", "audit"] == 2
    assert found["portal_unsealed_rows", "ledger"] == 0


def test_the_age_of_what_is_not_sealed_and_not_anchored_is_that_of_the_oldest(
    client, opened, tenant, neighbor
):
    now = datetime.now(UTC)
    record("sample.noted", tenant, by=system("test"))
    sealing.seal("audit")
    anchoring.anchor(tenant, "audit", now - timedelta(hours=3))
    record("sample.noted", tenant, by=system("test"))
    sealing.seal("audit")
    with neighbor as other:
        record("sample.noted", other, by=system("test"))
        PendingSeal.objects.update(recorded_at=now - timedelta(hours=1))

    found = read(client)

    assert 3599 < found["portal_unsealed_oldest_seconds", "audit"] < 3700
    assert 10799 < found["portal_unanchored_seconds", "audit"] < 10900
    assert found["portal_unanchored_seconds", "ledger"] == 0


def test_drafts_and_uploads_are_counted_by_state(client, opened, firm):
    with tenant_scope(firm.pk):
        draft = books.a_draft(reviewer=books.member("reviewer"))
        Invoice.objects.filter(pk=draft.pk).update(
            state=Invoice.State.IN_REVIEW, made_at=datetime.now(UTC) - timedelta(days=4)
        )

    found = read(client)

    assert found["portal_invoices_in_review",] == 1
    assert found["portal_invoices_overdue_for_review",] == 1
    assert found["portal_uploads", "confirmed"] == 0
    assert {labels[1] for labels in found if labels[0] == "portal_uploads"} == {
        state.lower() for state in Submission.State.values
    }
    assert found["portal_uploads_waiting_for_a_person", "stopped"] == 0


def test_wrong_passwords_are_counted(client, opened, settings):
    for _ in range(3):
        client.post("/accounts/login/", {"login": "a@firm.test", "password": "wrong"})

    found = read(client)

    assert found["portal_sign_in_failures",] == 3
    assert found["portal_sign_in_lockouts",] == 0


def test_requests_are_counted_by_door_and_status(client, opened, firm):
    client.get("/api/v1/jobs")
    client.get("/healthz")
    user = MembershipFactory.create(tenant=firm).user
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    for _ in range(2):
        client.get(f"/t/{firm.slug}/inbox/")

    found = read(client)

    assert found["portal_request_seconds_count", "api", "4xx"] == 1
    assert found["portal_request_seconds_count", "page", "2xx"] == 2
    assert found["portal_request_seconds_count", "probe", "2xx"] == 1
    assert found["portal_request_seconds_bucket", "page", "+Inf", "2xx"] == 2
    assert found["portal_request_seconds_sum", "page", "2xx"] > 0


def test_what_other_processes_counted_is_added_to(client, opened):
    counts = [0] * (len(tallies.EDGES) + 1)
    Tally.objects.create(name="probe 2xx", counts=[7, *counts[1:]], microseconds=70_000)
    client.get("/healthz")

    found = read(client)

    assert found["portal_request_seconds_count", "probe", "2xx"] == 8


def test_nothing_is_counted_while_nobody_may_read_it(client):
    client.get("/healthz")

    assert tallies._pending.taken() == []


def test_no_figure_names_a_firm_or_a_person(client, opened, tenant):
    record("sample.noted", tenant, by=system("test"))

    text = client.get("/metrics", headers=TOKEN).content.decode()

    assert tenant.slug not in text
    assert tenant.name not in text
    assert "@" not in text


def test_figures_join_as_their_kind_says():
    found = joined(
        [
            Figure("portal_outbox_waiting", 2),
            Figure("portal_outbox_waiting", 3),
            Figure("portal_outbox_oldest_seconds", 20),
            Figure("portal_outbox_oldest_seconds", 7),
        ]
    )

    assert found == {
        "portal_outbox_waiting": {(): 5},
        "portal_outbox_oldest_seconds": {(): 20},
    }


def test_a_figure_that_is_not_listed_is_a_bug():
    with pytest.raises(KeyError):
        joined([Figure("portal_surprise", 1)])
    with pytest.raises(ValueError, match="labels"):
        joined([Figure("portal_uploads", 1)])
    assert all(name.startswith("portal_") for name in KINDS)


def test_queries_grow_by_the_firm_and_not_by_what_it_has(
    client, opened, tenant, django_assert_max_num_queries
):
    for number in range(20):
        sample_jobs.note.enqueue(number=number)
        publish("sample.noted", about=f"x{number}")

    with django_assert_max_num_queries(40):
        read(client)
