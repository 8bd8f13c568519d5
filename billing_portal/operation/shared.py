"""Figures of the tables that no firm owns, and of the database itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Q, Sum

from billing_portal.api import limits
from billing_portal.jobs.models import ClockLine, Job, Slot
from billing_portal.jobs.queries import queue_states
from billing_portal.portal.figures import Figure, age

LATE = timedelta(minutes=1)


def figures(now: datetime) -> Iterator[Figure]:
    """Yield what belongs to no firm. Seven queries."""
    yield from _queues(now)
    late = ClockLine.objects.filter(is_active=True, next_due_at__lt=now - LATE)
    yield Figure("portal_clock_lines_late", late.count())
    yield from _sign_in(now)
    for policy, count in limits.spent().items():
        yield Figure("portal_limits_spent", count, (policy,))
    yield from _database()


def _queues(now: datetime) -> Iterator[Figure]:
    known = {state.queue: state for state in queue_states()}
    for queue in sorted({*settings.JOB_SLOTS, *known}):
        state = known.get(queue)
        counts = {
            Job.State.QUEUED: state.waiting if state else 0,
            Job.State.RUNNING: state.running if state else 0,
            Job.State.FAILED: state.failed if state else 0,
        }
        for name, count in counts.items():
            yield Figure("portal_jobs", count, (queue, str(name)))
        since = state.oldest_waits_since if state else None
        yield age("portal_queue_oldest_seconds", since, now, queue)
    slots = Slot.objects.values("queue").annotate(
        held=Count("pk", filter=Q(job__isnull=False)), free=Count("pk", filter=Q(job=None))
    )
    for row in slots:
        for state_name in ("held", "free"):
            yield Figure("portal_slots", row[state_name], (row["queue"], state_name))


def _sign_in(now: datetime) -> Iterator[Figure]:
    since = now - timedelta(hours=settings.AXES_COOLOFF_TIME)
    found = AccessAttempt.objects.filter(attempt_time__gte=since).aggregate(
        failures=Sum(F("failures_since_start"), default=0),
        lockouts=Count("pk", filter=Q(failures_since_start__gte=settings.AXES_FAILURE_LIMIT)),
    )
    yield Figure("portal_sign_in_failures", found["failures"])
    yield Figure("portal_sign_in_lockouts", found["lockouts"])


def _database() -> Iterator[Figure]:
    with connection.cursor() as cursor:
        cursor.execute(_DATABASE)
        size, used, most = cursor.fetchone()
    yield Figure("portal_database_bytes", size)
    yield Figure("portal_database_connections", used)
    yield Figure("portal_database_connections_most", most)


# pg_stat_database, because pg_stat_activity hides other roles' sessions from ours.
_DATABASE = """
select pg_database_size(current_database()), numbackends,
  current_setting('max_connections')::int
from pg_stat_database where datname = current_database()
"""
