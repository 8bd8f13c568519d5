"""What a worker does when something goes wrong."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F

from billing_portal.audit.models import AuditEvent
from billing_portal.jobs import actions, gatekeeper, queries, reaper, worker
from billing_portal.jobs.heartbeat import Heartbeat, TimedOut, time_limit
from billing_portal.jobs.models import Job, Slot
from billing_portal.jobs.queue import NotIds, job
from billing_portal.tenancy.scope import checked_on_entry, tenant_scope
from tests.factories import TenantFactory
from tests.jobs import sample_jobs
from tests.jobs.running import admitted_now, drain, until

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def _begun(firm, worker_name="elsewhere/1/2"):
    """A job that another worker runs."""
    with tenant_scope(firm.pk):
        sample_jobs.note.enqueue(number=7)
    (admitted,) = admitted_now()
    Job.objects.filter(pk=admitted.pk).update(state="running", attempts=1, worker=worker_name)
    return worker.Claim(Job.objects.get(pk=admitted.pk), admitted.claim_no)


def test_a_job_that_takes_too_long_is_interrupted_and_counts_as_an_attempt(tenant):
    sample_jobs.oversleep.enqueue(number=7)
    began = time.monotonic()

    assert drain() == ["again", "failed"]

    late = Job.objects.get()
    assert (late.state, late.attempts, late.deaths) == ("failed", 2, 0)
    assert late.error_code == "job.timed_out"
    assert time.monotonic() - began < 10
    assert not AuditEvent.objects.exists()


def test_a_time_limit_passes_by_work_that_expects_errors():
    with pytest.raises(TimedOut), time_limit(0.05):
        try:
            time.sleep(5)
        except Exception:  # noqa: BLE001 -- the point of the test
            pytest.fail("A time limit was taken for an error of the work.")


def test_evidence_names_the_place_and_nobody(tenant):
    sample_jobs.crash.enqueue(number=7)

    drain()

    text = Job.objects.get().error_text
    assert text.startswith("ZeroDivisionError at tests/jobs/sample_jobs.py:")
    assert "jane.doe" not in text


def test_a_worker_known_to_be_dead_is_blamed_and_its_job_goes_back(firm):
    _begun(firm, "here/5/6")

    assert reaper.worker_died("here/5/7") == 0
    assert reaper.worker_died("here/5/6") == 1

    back = Job.objects.get()
    assert (back.state, back.deaths, back.attempts) == ("queued", 1, 1)
    assert not Slot.objects.filter(job__isnull=False).exists()


def test_the_others_of_an_ended_group_go_back_without_blame(firm):
    _begun(firm, "here/5/6")

    assert reaper.group_ended("here/55") == 0
    assert reaper.group_ended("here/5") == 1

    back = Job.objects.get()
    assert (back.state, back.deaths) == ("queued", 0)
    assert drain() == ["succeeded"]


def test_messages_of_a_stopped_engine_are_void(tenant):
    sample_jobs.note.enqueue(number=7)
    (admitted,) = admitted_now()

    assert reaper.release_admitted() == 1

    assert worker.execute(admitted.pk, admitted.claim_no) == "skipped"
    assert drain() == ["succeeded"]


@pytest.mark.parametrize(
    "change",
    [
        {"claim_no": F("claim_no") + 1},
        {"state": "queued"},
        {"state": "canceled"},
    ],
)
def test_a_lost_claim_opens_no_scope_and_ends_nothing(firm, change):
    claim = _begun(firm)
    Job.objects.update(**change)
    before = Job.objects.values().get()

    with pytest.raises(worker.LostClaim), checked_on_entry(claim.prove), tenant_scope(firm.pk):
        sample_jobs.note(number=7)
    with pytest.raises(worker.LostClaim):
        claim.must_update(state="succeeded")
    assert claim.beat() is False

    with tenant_scope(firm.pk):
        assert not AuditEvent.objects.exists()
    assert Job.objects.values().get() == before


def test_a_claim_lost_while_refusing_ends_quietly(tenant):
    sample_jobs.lose_and_refuse.enqueue(number=7)
    (admitted,) = admitted_now()

    assert worker.execute(admitted.pk, admitted.claim_no) == "lost"


def test_stalled_is_a_group_that_begins_nothing(tenant):
    sample_jobs.note.enqueue(number=1)
    sample_jobs.note.enqueue(number=2)
    first, _second = admitted_now()
    assert not queries.is_stalled("here/5", seconds=15)
    Job.objects.update(dispatched_at=F("dispatched_at") - timedelta(seconds=16))

    assert queries.is_stalled("here/5", seconds=15)
    Job.objects.filter(pk=first.pk).update(state="running", worker="here/5/6")
    assert not queries.is_stalled("here/5", seconds=15)


def test_a_heart_misses_a_beat_when_the_database_is_away_and_goes_on():
    answers = iter([OperationalError("away"), True, True, False])
    beats = []

    def beat():
        beats.append(time.monotonic())
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with Heartbeat(beat, every=0.02, seconds=30) as heart:
        assert until(lambda: heart.is_lost, seconds=5)
    assert len(beats) == 4


def test_a_heart_stops_when_the_job_is_out_of_time():
    beats = []

    def beat():
        beats.append(time.monotonic())
        return True

    with Heartbeat(beat, every=0.02, seconds=0.2) as heart:
        assert until(lambda: not heart.is_alive(), seconds=5)
    assert not heart.is_lost


@pytest.mark.parametrize("content", ["x" * 161, {"id": 1}, [["a"]], object(), b"x"])
def test_what_is_no_id_is_refused(tenant, content):
    with pytest.raises(NotIds):
        sample_jobs.note.enqueue(number=content)

    assert not Job.objects.exists()


@pytest.mark.parametrize("ids", [{}, {"number": 1, "other": 2}])
def test_arguments_that_the_function_does_not_take_are_refused_at_once(tenant, ids):
    with pytest.raises(TypeError):
        sample_jobs.note.enqueue(**ids)

    assert not Job.objects.exists()


def test_no_job_may_ask_for_more_time_than_the_engine_gives(settings):
    with pytest.raises(ValueError, match="longer than"):
        job(timeout=settings.JOB_TIMEOUT_SECONDS + 1)


def _in_thread(call):
    """Run on a database connection of its own, and return the answer."""

    def run():
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(20)


@pytest.mark.django_db(transaction=True)
def test_a_zombie_writes_nothing_once_its_claim_is_taken():
    firm = TenantFactory.create()
    claim = _begun(firm)
    Job.objects.update(lease_until=F("enqueued_at") - timedelta(hours=1))

    assert _in_thread(reaper.reap) == 1
    with pytest.raises(worker.LostClaim), checked_on_entry(claim.prove), tenant_scope(firm.pk):
        sample_jobs.note(number=7)

    with tenant_scope(firm.pk):
        assert not AuditEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_writer_is_not_robbed_and_its_heart_is_not_held_up():
    firm = TenantFactory.create()
    claim = _begun(firm)
    Job.objects.update(lease_until=F("enqueued_at") - timedelta(hours=1))

    with checked_on_entry(claim.prove), tenant_scope(firm.pk):
        sample_jobs.note(number=7)
        taken = _in_thread(reaper.reap)
        beat = _in_thread(claim.beat)

    assert (taken, beat) == (0, True)
    with tenant_scope(firm.pk):
        assert AuditEvent.objects.count() == 1


def test_a_job_that_is_canceled_while_it_runs_writes_nothing_more(tenant, owner):
    claim = _begun(tenant)

    actions.cancel(claim.job, by=owner, at=NOW)

    ended = Job.objects.get()
    assert (ended.state, ended.lease_until, ended.ended_at) == ("canceled", None, NOW)
    assert not Slot.objects.filter(job__isnull=False).exists()
    with pytest.raises(worker.LostClaim):
        claim.prove()


@pytest.mark.django_db(transaction=True)
def test_a_job_that_is_writing_is_not_canceled_under_its_hands(owner):
    firm = TenantFactory.create()
    claim = _begun(firm)

    def cancel():
        with tenant_scope(firm.pk):
            actions.cancel(claim.job, by=owner, at=NOW)

    with (
        checked_on_entry(claim.prove),
        tenant_scope(firm.pk),
        pytest.raises(actions.JobIsWriting),
    ):
        _in_thread(cancel)

    assert Job.objects.get().state == "running"


def test_another_firms_job_does_not_exist_for_actions(tenant, neighbor, owner):
    job = sample_jobs.note.enqueue(number=7)

    with neighbor, pytest.raises(Job.DoesNotExist):
        actions.cancel(job, by=owner, at=NOW)


@pytest.mark.django_db(transaction=True)
def test_progress_is_seen_from_inside_an_open_transaction():
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        sample_jobs.tell.enqueue(number=7)
    (admitted,) = admitted_now()

    seen: list[str] = []

    def look():
        if until(lambda: Job.objects.filter(done=3, total=10, stage="half").exists()):
            seen.append(Job.objects.get().state)
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    assert worker.execute(admitted.pk, admitted.claim_no) == "succeeded"
    thread.join(20)

    assert seen == ["running"]


@pytest.mark.django_db(transaction=True)
def test_gatekeepers_side_by_side_admit_no_job_twice_and_the_next_look_fills_every_slot():
    firm = TenantFactory.create()
    gatekeeper.make_slots({"default": 6})
    with tenant_scope(firm.pk), transaction.atomic():
        Job.objects.bulk_create(
            Job(tenant=firm, name="tests.jobs.sample_jobs.note", queue="default") for _ in range(10)
        )
    found: list[int] = []
    barrier = threading.Barrier(3)

    def look():
        barrier.wait()
        gatekeeper.admit("default", limit=2, dispatch=lambda job: found.append(job.pk))
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(found) == len(set(found)) <= 6
    gatekeeper.admit("default", limit=6, dispatch=lambda job: found.append(job.pk))
    assert (len(found), len(set(found))) == (6, 6)
