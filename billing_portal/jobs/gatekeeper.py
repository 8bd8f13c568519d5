"""The gatekeeper: takes from the queue only as much as there are free slots, firm by firm.

Queue-based load leveling: however many jobs wait, only those that hold a slot are handed to the
engine. Firms take turns: the one served longest ago comes first, so that one firm's month end never
makes another wait. Each look is one short transaction that locks
only what it takes; rows that another has locked are skipped, never waited for.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import connection, transaction

from billing_portal.jobs import engines
from billing_portal.jobs.models import Job, Slot

Dispatch = Callable[[Job], None]
BATCH = 10
DISPATCH_BEATS = 4  # a job that no worker begins by then is sent anew

_NEXT = """
with heads as materialized (
  select j.id, j.run_after, u.served_at
  from tenancy_tenant t
  cross join lateral (
    select id, run_after from jobs_job
    where queue = %(queue)s and tenant_id = t.id and state = 'queued'
      and dispatched_at is null and run_after <= statement_timestamp()
    order by run_after, id
    limit 3
  ) j
  left join jobs_turn u on u.queue = %(queue)s and u.tenant_id = t.id
), ranked as (
  select id from heads order by served_at nulls first, run_after, id
), chosen as (
  select j.id, j.tenant_id
  from ranked
  cross join lateral (
    select id, tenant_id from jobs_job
    where id = ranked.id and state = 'queued' and dispatched_at is null
    for update skip locked
  ) j
  limit 1
), turned as (
  insert into jobs_turn (queue, tenant_id, served_at)
  select %(queue)s, tenant_id, clock_timestamp() from chosen
  on conflict (queue, tenant_id) do update set served_at = excluded.served_at
)
update jobs_job set
  dispatched_at = statement_timestamp(),
  claim_no = claim_no + 1,
  lease_until = statement_timestamp() + make_interval(secs => %(lease)s)
from chosen where jobs_job.id = chosen.id
returning jobs_job.id
"""


def admit(queue: str, *, limit: int = BATCH, dispatch: Dispatch | None = None) -> int:
    """Give free slots of a queue to ready jobs and hand those to the engine; say how many.

    Two statements a job, at most ten jobs a look; dispatching happens after the commit.
    """
    admitted: list[int] = []
    with transaction.atomic():
        free = list(
            Slot.objects.select_for_update(skip_locked=True)
            .filter(queue=queue, job__isnull=True)
            .order_by("number")[:limit]
        )
        for slot in free:
            job_id = _take_next(queue)
            if job_id is None:
                break
            slot.job_id = job_id
            slot.save(update_fields=["job"])
            admitted.append(job_id)
    for job in Job.objects.filter(pk__in=admitted).order_by("dispatched_at", "pk"):
        (dispatch or engines.dispatch)(job)
    return len(admitted)


def admit_all() -> int:
    """Look at every queue once; the supervisor's tick does, each second."""
    return sum(admit(queue) for queue in settings.JOB_SLOTS)


def make_slots(wanted: dict[str, int]) -> None:
    """Make the slot rows that settings ask for and take away free ones above that number."""
    for queue, count in wanted.items():
        Slot.objects.bulk_create(
            [Slot(queue=queue, number=number) for number in range(1, count + 1)],
            ignore_conflicts=True,
        )
        Slot.objects.filter(queue=queue, number__gt=count, job__isnull=True).delete()


def _take_next(queue: str) -> int | None:
    lease = DISPATCH_BEATS * settings.JOB_BEAT_SECONDS
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, {"queue": queue, "lease": lease})
        row = cursor.fetchone()
    return None if row is None else int(row[0])
