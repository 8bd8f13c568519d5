"""Jobs: asked for once, run once, fair among firms, fenced against late writers."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from billing_portal.audit.models import AuditEvent
from billing_portal.jobs import actions, clock, gatekeeper, queries, reaper, worker
from billing_portal.jobs.models import ClockLine, Job, Slot
from billing_portal.tenancy.scope import NoTenant, checked_on_entry, tenant_scope
from tests.factories import TenantFactory
from tests.jobs import sample_jobs
from tests.jobs.running import admitted_now, drain


def noted() -> list[int]:
    events = AuditEvent.objects.filter(action="sample.noted")
    return sorted(event.details["number"] for event in events)


def test_a_job_runs_once_in_its_firm(tenant):
    job = sample_jobs.note.enqueue(number=7)

    assert drain() == ["succeeded"]
    job.refresh_from_db()
    assert (job.state, job.attempts, job.tenant_id) == ("succeeded", 1, tenant.pk)
    assert noted() == [7]


def test_asking_twice_with_a_key_is_one_job(tenant):
    first = sample_jobs.note.enqueue(key="note:7", number=7)
    second = sample_jobs.note.enqueue(key="note:7", number=7)

    assert first.pk == second.pk
    assert drain() == ["succeeded"]


def test_the_same_key_in_another_firm_is_another_job(tenant, neighbor):
    first = sample_jobs.note.enqueue(key="note:7", number=7)
    with neighbor:
        second = sample_jobs.note.enqueue(key="note:7", number=7)

    assert first.pk != second.pk
    assert {first.tenant_id, second.tenant_id} == {tenant.pk, neighbor.firm.pk}


def test_many_are_asked_for_at_once_and_those_known_are_left_alone(tenant):
    sample_jobs.note.enqueue(key="n:1", number=1)
    asked = sample_jobs.note.enqueue_many(
        [(f"n:{n}", {"number": n}) for n in range(1, 6)], group="run"
    )

    assert asked == 5
    drain()
    assert noted() == [1, 2, 3, 4, 5]


def test_a_job_needs_a_firm(db):
    with pytest.raises(NoTenant):
        sample_jobs.note.enqueue(number=1)


def test_a_job_waits_for_its_time(tenant):
    sample_jobs.note.enqueue(number=1, run_after=datetime.now(UTC) + timedelta(hours=1))

    assert drain() == []


def test_no_more_jobs_run_than_there_are_slots(tenant):
    for number in range(5):
        sample_jobs.note.enqueue(number=number)

    assert len(admitted_now()) == 2
    assert admitted_now() == []
    assert Slot.objects.filter(job__isnull=False).count() == 2


def test_firms_take_turns_whatever_one_of_them_queues(db):
    firms = TenantFactory.create_batch(4)
    with tenant_scope(firms[0].pk):
        sample_jobs.note.enqueue_many([(f"n:{n}", {"number": n}) for n in range(300)], group="")
    for firm in firms[1:]:
        with tenant_scope(firm.pk):
            sample_jobs.note.enqueue_many([(f"n:{n}", {"number": n}) for n in range(10)], group="")

    order: list[int] = []
    while len(order) < 60:
        for job in admitted_now():
            order.append(job.tenant_id)
            worker.execute(job.pk, job.claim_no)

    waits = Counter(order[:40])
    assert waits == {firm.pk: 10 for firm in firms}


def test_the_engine_calling_twice_runs_it_once(tenant):
    sample_jobs.note.enqueue(number=7)
    (job,) = admitted_now()

    outcomes = [worker.execute(job.pk, job.claim_no) for _ in range(3)]

    assert outcomes == ["succeeded", "skipped", "skipped"]
    assert noted() == [7]


def test_a_refusal_is_final_and_takes_its_writes_back(tenant):
    job = sample_jobs.refuse.enqueue(number=7)

    assert drain() == ["refused"]
    job.refresh_from_db()
    assert (job.state, job.error_code, job.error_text) == (
        "failed",
        "sample.not_today",
        "Not today.",
    )
    assert noted() == []
    assert not Slot.objects.filter(job__isnull=False).exists()


def test_a_crash_is_tried_again_and_parked_with_its_evidence(tenant):
    job = sample_jobs.crash.enqueue(number=7)

    assert drain() == ["again", "failed"]
    job.refresh_from_db()
    assert (job.state, job.attempts, job.error_code) == ("failed", 2, "job.crashed")
    place = "ZeroDivisionError at tests/jobs/sample_jobs.py:"
    assert job.error_text.startswith(place)
    assert job.error_text.endswith(" in crash, in 2 attempts.")
    assert noted() == []


def test_a_job_can_wait_for_a_person_and_holds_no_slot_meanwhile(tenant):
    job = sample_jobs.ask.enqueue(number=7)

    assert drain() == ["waiting_for_human"]
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("waiting_for_human", "sample.code_wanted")
    assert not Slot.objects.filter(job__isnull=False).exists()


def test_a_job_that_names_no_function_is_parked(tenant):
    job = sample_jobs.note.enqueue(number=7)
    Job.objects.filter(pk=job.pk).update(name="tests.jobs.sample_jobs.gone")

    assert drain() == ["unknown"]
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "job.unknown")


@pytest.mark.parametrize(("number", "state"), [(2, "succeeded"), (3, "partially_succeeded")])
def test_progress_is_kept_and_failures_make_it_partial(tenant, number, state):
    job = sample_jobs.note_outside.enqueue(number=number)

    drain()
    job.refresh_from_db()
    assert (job.state, job.done, job.failed, job.total) == (state, 1, number % 2, 2)


def test_a_lapsed_lease_gives_the_job_to_another_and_fences_off_the_first(tenant):
    sample_jobs.note.enqueue(number=7)
    (job,) = admitted_now()
    claim = worker.Claim(job, job.claim_no)
    Job.objects.filter(pk=job.pk).update(state="running", started_at=datetime.now(UTC))
    later = datetime.now(UTC) + timedelta(minutes=5)

    assert reaper.reap(later) == 1
    with pytest.raises(worker.LostClaim), checked_on_entry(claim.prove), tenant_scope(tenant.pk):
        sample_jobs.note(number=7)
    assert claim.update(done=1) is False
    assert noted() == []

    assert drain() == ["succeeded"]
    job.refresh_from_db()
    assert (job.attempts, job.deaths) == (1, 1)


def test_a_message_that_never_reached_a_worker_is_sent_again_without_blame(tenant):
    sample_jobs.note.enqueue(number=7)
    (job,) = admitted_now()

    assert reaper.reap(datetime.now(UTC) + timedelta(minutes=5)) == 1
    assert worker.execute(job.pk, job.claim_no) == "skipped"
    assert drain() == ["succeeded"]
    job.refresh_from_db()
    assert job.deaths == 0


def test_a_job_that_kills_its_workers_is_parked(tenant):
    job = sample_jobs.note.enqueue(number=7)
    for _ in range(reaper.MAX_DEATHS):
        (admitted,) = admitted_now()
        Job.objects.filter(pk=admitted.pk).update(state="running")
        reaper.reap(datetime.now(UTC) + timedelta(minutes=5))

    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "job.worker_died")
    assert admitted_now() == []


def test_a_failed_job_is_tried_again_as_a_new_one(tenant, owner):
    old = sample_jobs.refuse.enqueue(key="r:7", number=7)
    drain()

    new = actions.retry(old, by=owner)

    assert (new.retry_of_id, new.key, new.state) == (old.pk, "r:7", "queued")
    old.refresh_from_db()
    assert (old.key, old.state) == (None, "failed")


def test_a_job_that_may_still_end_by_itself_is_not_tried_again(tenant, owner):
    job = sample_jobs.note.enqueue(number=7)

    with pytest.raises(actions.JobNotEnded):
        actions.retry(job, by=owner)
    assert Job.objects.count() == 1


def test_a_canceled_job_never_runs_even_when_on_its_way(tenant, owner):
    sample_jobs.note.enqueue(number=7)
    (job,) = admitted_now()

    actions.cancel(job, by=owner, at=datetime.now(UTC))

    assert worker.execute(job.pk, job.claim_no) == "skipped"
    assert noted() == []


def test_a_paused_job_waits_until_it_is_resumed(tenant, owner):
    job = sample_jobs.note.enqueue(number=7)
    actions.pause(job, by=owner)
    assert drain() == []

    actions.resume(job, by=owner)
    assert drain() == ["succeeded"]


def test_an_ended_job_can_be_neither_canceled_nor_paused(tenant, owner):
    job = sample_jobs.note.enqueue(number=7)
    drain()

    with pytest.raises(actions.JobNotWaiting):
        actions.cancel(job, by=owner, at=datetime.now(UTC))
    with pytest.raises(actions.JobNotWaiting):
        actions.pause(job, by=owner)


def test_only_who_may_retry_jobs_may(tenant, timekeeper):
    job = sample_jobs.note.enqueue(number=7)

    with pytest.raises(Exception, match="Retry and cancel"):
        actions.cancel(job, by=timekeeper, at=datetime.now(UTC))


def test_the_clock_asks_each_firm_once_for_what_is_due(db):
    firms = TenantFactory.create_batch(2)
    now = datetime.now(UTC)
    ClockLine.objects.create(
        name="notes",
        job="tests.jobs.sample_jobs.note",
        args={"number": 1},
        every_seconds=60,
        next_due_at=now - timedelta(minutes=10),
    )

    assert clock.strike(now) == 1
    assert clock.strike(now) == 0
    assert sorted(Job.objects.values_list("tenant_id", flat=True)) == [f.pk for f in firms]
    assert ClockLine.objects.get().next_due_at > now


def test_a_stopped_clock_line_asks_for_nothing(firm):
    ClockLine.objects.create(
        name="notes",
        job="tests.jobs.sample_jobs.note",
        every_seconds=60,
        is_active=False,
        next_due_at=datetime(2020, 1, 1, tzinfo=UTC),
    )

    assert clock.strike(datetime.now(UTC)) == 0


def test_progress_of_a_group_counts_its_own_firm_only(tenant, neighbor):
    sample_jobs.note.enqueue(group="run", number=1)
    sample_jobs.refuse.enqueue(group="run", number=2)
    with neighbor:
        sample_jobs.note.enqueue(group="run", number=3)
    drain()

    assert queries.group_progress(tenant, "run") == queries.GroupProgress(2, 2, 1, 0)
    assert queries.is_idle()
    assert [state.failed for state in queries.queue_states()] == [1]


def test_slots_follow_the_settings_but_never_take_a_running_job_away(tenant):
    sample_jobs.note.enqueue(number=1)
    gatekeeper.make_slots({"default": 3})
    admitted_now()
    gatekeeper.make_slots({"default": 0})

    assert Slot.objects.filter(queue="default").count() == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_is_handed_over_before_the_commit(django_capture_on_commit_callbacks):
    firm = TenantFactory.create()
    gatekeeper.make_slots({"default": 2})
    with pytest.raises(ZeroDivisionError), tenant_scope(firm.pk):
        sample_jobs.note.enqueue(number=1)
        _ = 1 / 0

    assert not Job.objects.exists()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select count(*) from django_q_ormq")
        assert cursor.fetchone() == (0,)
