"""Real workers, on both engines: run once, survive kills, stop without a trace."""

import os
import signal
import socket
import time
import uuid

import pytest
from django.db import connection

from billing_portal.audit.models import AuditEvent
from billing_portal.jobs.models import Job, Slot
from billing_portal.tenancy.scope import tenant_scope
from tests.factories import TenantFactory
from tests.jobs import sample_jobs
from tests.jobs.running import descendants, real_workers, until

pytestmark = pytest.mark.django_db(transaction=True)
RABBIT = ("127.0.0.1", 5672)


def _rabbit_answers() -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(RABBIT) == 0


needs_rabbit = pytest.mark.skipif(
    not _rabbit_answers(), reason="NO RABBITMQ ON 127.0.0.1:5672: the Celery engine is NOT tested"
)


@pytest.fixture(params=["django-q2", pytest.param("celery", marks=needs_rabbit)])
def engine(request, settings):
    """Each engine in turn, on a queue of this test's own."""
    settings.JOB_ENGINE = request.param
    settings.JOB_BEAT_SECONDS = 1  # as the workers have it
    environment = {"JOB_ENGINE": request.param, "CELERY_QUEUE": f"test-{uuid.uuid4().hex[:8]}"}
    settings.CELERY_QUEUE = environment["CELERY_QUEUE"]
    yield environment
    if request.param == "celery":
        from billing_portal.celery import app

        with app.connection_for_write() as broker:
            broker.default_channel.queue_delete(environment["CELERY_QUEUE"])


def _ended(count: int) -> bool:
    return Job.objects.filter(ended_at__isnull=False).count() == count


def test_twenty_jobs_run_exactly_once_each(tmp_path, engine):
    firm = TenantFactory.create()
    with real_workers(tmp_path, **engine) as workers:
        with tenant_scope(firm.pk):
            for number in range(20):
                sample_jobs.note.enqueue(key=f"n:{number}", number=number)
        assert until(lambda: _ended(20)), (tmp_path / "workers.log").read_text()[-2000:]
        inside = descendants(workers.pid)

    with tenant_scope(firm.pk):
        numbers = sorted(event.details["number"] for event in AuditEvent.objects.all())
    assert numbers == list(range(20))
    assert set(Job.objects.values_list("attempts", flat=True)) == {1}
    assert inside
    assert not [pid for pid in inside if _is_alive(pid)]


def test_a_worker_killed_with_a_lease_loses_nothing_and_doubles_nothing(tmp_path, engine):
    firm = TenantFactory.create()
    with real_workers(tmp_path, **engine):
        with tenant_scope(firm.pk):
            sample_jobs.dawdle.enqueue(number=1, seconds=3)
        assert until(lambda: any(tmp_path.glob("begun-1-*"))), _log(tmp_path)
        (begun,) = tmp_path.glob("begun-1-*")
        os.kill(int(begun.name.rsplit("-", 1)[1]), signal.SIGKILL)
        assert until(lambda: _ended(1), seconds=60), _log(tmp_path)

    job = Job.objects.get()
    assert (job.state, job.attempts, job.deaths) == ("succeeded", 2, 1), _log(tmp_path)
    with tenant_scope(firm.pk):
        assert AuditEvent.objects.count() == 1
    assert not Slot.objects.filter(job__isnull=False).exists()


def test_killing_an_idle_worker_stops_nothing(tmp_path, engine):
    firm = TenantFactory.create()
    with real_workers(tmp_path, **engine) as workers:
        with tenant_scope(firm.pk):
            sample_jobs.note.enqueue(number=1)
        assert until(lambda: _ended(1)), _log(tmp_path)
        for pid in descendants(workers.pid)[-2:]:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)
        with tenant_scope(firm.pk):
            sample_jobs.note.enqueue(number=2)
        assert until(lambda: _ended(2), seconds=90), _log(tmp_path)


def test_a_job_that_runs_when_workers_stop_goes_back_without_blame(tmp_path, engine):
    firm = TenantFactory.create()
    with real_workers(tmp_path, JOB_STOP_SECONDS="1", **engine) as workers:
        with tenant_scope(firm.pk):
            sample_jobs.dawdle.enqueue(number=1, seconds=60)
        assert until(lambda: any(tmp_path.glob("begun-1-*"))), _log(tmp_path)
        inside = descendants(workers.pid)
        workers.terminate()
        workers.wait(10)

        job = Job.objects.get()
        assert (job.state, job.attempts, job.deaths) == ("queued", 1, 0), _log(tmp_path)
        assert not Slot.objects.filter(job__isnull=False).exists()
        assert inside
        assert not [pid for pid in inside if _is_alive(pid)]


def test_workers_end_themselves_when_their_supervisor_is_killed(tmp_path, engine):
    with real_workers(tmp_path, **engine) as workers:
        assert until(lambda: len(descendants(workers.pid)) > 2), _log(tmp_path)
        time.sleep(2)
        inside = descendants(workers.pid)
        workers.kill()

        assert until(lambda: not [pid for pid in inside if _is_alive(pid)], seconds=10)


def test_workers_outlive_the_loss_of_every_database_connection(tmp_path, engine):
    firm = TenantFactory.create()
    with real_workers(tmp_path, **engine) as workers:
        with tenant_scope(firm.pk):
            sample_jobs.note.enqueue(number=1)
        assert until(lambda: _ended(1)), _log(tmp_path)
        with connection.cursor() as cursor:
            cursor.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] > 0
        with tenant_scope(firm.pk):
            sample_jobs.note.enqueue(number=2)

        assert until(lambda: _ended(2), seconds=60), _log(tmp_path)
        assert workers.poll() is None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _log(folder):
    return (folder / "workers.log").read_text()[-3000:]
