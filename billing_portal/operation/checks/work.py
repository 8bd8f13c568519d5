"""Background work: is somebody at it, is there room, does the clock strike?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Q

from billing_portal.jobs import queries
from billing_portal.jobs.models import ClockLine, Job, Slot
from billing_portal.jobs.supervisor import STALL_SECONDS, TICK_LOCK
from billing_portal.portal.findings import Finding, by_measure, fail, ok, warn

_START = "Start manage.py workers, and look at its log."
_BROKER_SECONDS = 5
_LATE = timedelta(minutes=2)
_LONG_QUEUES = ("documents", "browser", "checks", "imports")  # for seconds, others for moments


def work(now: datetime) -> Iterator[Finding]:
    """Look at supervisor, workers, slots, hands, queues, the clock, and the broker if any."""
    yield _supervisor()
    yield _workers(now)
    yield _slots()
    yield _hands()
    yield _queues(now)
    yield _clock(now)
    if settings.JOB_ENGINE == "celery":
        yield _broker()


def _supervisor() -> Finding:
    """The elected one holds a lock as long as it lives, and asks for it at each tick."""
    with connection.cursor() as cursor:
        cursor.execute(_ELECTED, [TICK_LOCK])
        row = cursor.fetchone()
    if row is None:
        return fail("supervisor", "none is elected", _START)
    age, quiet = row
    words = f"elected, ticked {_said(quiet)} ago on a connection of {_said(age)}"
    advice = f"It hangs, or the database is slow. {_START}"
    return by_measure("supervisor", words, quiet, warns_at=15, fails_at=120, advice=advice)


_ELECTED = """
select extract(epoch from statement_timestamp() - a.backend_start),
  extract(epoch from statement_timestamp() - a.state_change)
from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.classid = 0 and l.objid = %s and l.objsubid = 1 and l.granted
  and l.database = (select oid from pg_database where datname = current_database())
limit 1
"""


def _workers(now: datetime) -> Finding:
    """Whoever lives begins what is handed out, and renews the lease of what it runs."""
    since = now - timedelta(seconds=STALL_SECONDS)
    found = Job.objects.filter(state__in=queries.OPEN).aggregate(
        left=Count("pk", filter=Q(state=Job.State.QUEUED, dispatched_at__lt=since)),
        running=Count("pk", filter=Q(state=Job.State.RUNNING)),
        dead=Count("pk", filter=Q(state=Job.State.RUNNING, lease_until__lt=since)),
    )
    if found["dead"]:
        words = f"{found['dead']} jobs run without a sign of life"
        return fail("workers", words, f"Their workers are gone and nobody took over. {_START}")
    if found["left"] and not found["running"]:
        words = f"{found['left']} jobs were handed out and nobody begins them"
        return fail("workers", words, _START)
    return ok("workers", f"{found['running']} jobs run, none is left lying")


def _slots() -> Finding:
    held = Count("pk", filter=Q(job__isnull=False))
    rows = Slot.objects.values("queue").annotate(count=Count("pk"), held=held)
    known = {row["queue"]: row for row in rows}
    missing = [
        f"{queue} has {known[queue]['count'] if queue in known else 0} of {wanted}"
        for queue, wanted in settings.JOB_SLOTS.items()
        if queue not in known or known[queue]["count"] < wanted
    ]
    stuck = Slot.objects.filter(job__ended_at__isnull=False).count()
    if stuck:
        words = f"{stuck} are held by jobs that have ended"
        return fail("slots", words, "Set them free: update jobs_slot set job_id = null, for these.")
    if missing:
        return fail("slots", "; ".join(missing), f"The supervisor makes them. {_START}")
    words = ", ".join(f"{name} {known[name]['held']}/{known[name]['count']}" for name in known)
    return ok("slots", words)


def _hands() -> Finding:
    """A worker is left for what a person waits for while others print and upload."""
    long = sum(settings.JOB_SLOTS.get(queue, 0) for queue in _LONG_QUEUES)
    words = (
        f"{settings.JOB_WORKERS} workers on a machine, "
        f"at most {long} print, upload, verify or import"
    )
    if long >= settings.JOB_WORKERS:
        advice = f"On a single machine runs wait behind long jobs: set JOB_WORKERS to {long + 1}."
        return warn("hands", words, advice)
    return ok("hands", words)


def _queues(now: datetime) -> Finding:
    states = queries.queue_states()
    since = [state.oldest_waits_since for state in states if state.oldest_waits_since]
    oldest = max(0.0, (now - min(since)).total_seconds()) if since else 0.0
    waiting, failed = sum(s.waiting for s in states), sum(s.failed for s in states)
    words = f"{waiting} wait, the oldest for {_said(oldest)}; {failed} have failed"
    advice = "More workers or slots, or see why the oldest is not begun: the job console."
    return by_measure("queues", words, oldest, warns_at=600, fails_at=3600, advice=advice)


def _clock(now: datetime) -> Finding:
    lines = ClockLine.objects.aggregate(
        all=Count("pk"),
        late=Count("pk", filter=Q(is_active=True, next_due_at__lt=now - _LATE)),
        off=Count("pk", filter=Q(is_active=False)),
    )
    if not lines["all"]:
        return warn("clock", "it has no lines yet", f"The supervisor writes them. {_START}")
    if lines["late"]:
        late = ClockLine.objects.filter(is_active=True, next_due_at__lt=now - _LATE)
        first = late.order_by(F("next_due_at")).first()
        words = f"{lines['late']} lines are late, the first is “{first}”"
        return fail("clock", words, f"Nobody strikes it. {_START}")
    return ok("clock", f"{lines['all']} lines, {lines['off']} switched off")


def _broker() -> Finding:
    from celery import Celery

    place = settings.CELERY_BROKER_URL.rpartition("@")[2]
    try:
        app = Celery(broker=settings.CELERY_BROKER_URL, set_as_current=False)
        with app.connection_for_write(connect_timeout=_BROKER_SECONDS) as broker:
            broker.ensure_connection(max_retries=1, timeout=_BROKER_SECONDS)
    except Exception as error:  # noqa: BLE001 -- each kind of broker has its own errors
        words = f"{place} does not answer ({type(error).__name__})"
        return fail("broker", words, "Start it, or mend CELERY_BROKER_URL.")
    return ok("broker", place)


def _said(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
