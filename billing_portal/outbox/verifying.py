"""News against its numbers, and against what was recorded of it, for ``ledger_verify``.

Publishing writes no deed: each nightly verification records a hash of the news of every day that
is over, and later ones compute it again.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from billing_portal.audit.models import AuditEvent
from billing_portal.outbox.models import OutboxEvent
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id

_TOLD = 5
_LONGEST_DEED = timedelta(hours=1)  # what was published before is committed by now
_DAY = timedelta(days=1)
_GAPS = """
select coalesce(c.aggregate, e.aggregate)
from (select aggregate, last_seq from outbox_outboxcounter where tenant_id = %(tenant)s) c
full join (
  select aggregate, count(*) as events, max(seq) as last from outbox_outboxevent
  where tenant_id = %(tenant)s group by aggregate
) e on e.aggregate = c.aggregate
where (c.last_seq, c.last_seq) is distinct from (e.events, e.last) order by 1 limit %(most)s
"""


def news_has_no_gap() -> list[str]:
    """Everything that was published is there, numbered without a gap. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_GAPS, {"tenant": current_tenant_id(), "most": _TOLD})
        return [f"The news about {row[0]} is not all there." for row in cursor.fetchall()]


def news_is_as_recorded() -> list[str]:
    """News says what it said when the books were first verified after its day.

    Two queries, every event up to the last such day once.
    """
    recorded = _recorded()
    if not recorded:
        return []
    last = max(map(date.fromisoformat, recorded))
    now = _hashes(until=_midnight(last + _DAY))
    days = sorted(now | recorded)
    off = [day for day in days if now.get(day) != recorded.get(day)]
    return [f"The news of {day} is not as it was recorded." for day in off[:_TOLD]]


def news_to_record() -> dict[str, str]:
    """Return the hash of each day's news that is over and not recorded yet. Three queries."""
    now: datetime = Tenant.objects.annotate(now=Now()).get(pk=current_tenant_id()).now
    until = _midnight((now - _LONGEST_DEED).astimezone(UTC).date())
    recorded = _recorded()
    since = max(map(date.fromisoformat, recorded)) + _DAY if recorded else None
    return _hashes(until=until, since=_midnight(since) if since else None)


def _recorded() -> dict[str, str]:
    """Return what verifications recorded, by day; each is recorded once. One query."""
    told: dict[str, str] = {}
    deeds = AuditEvent.objects.filter(action="books.verified").order_by("pk")
    for news in deeds.values_list("details__news", flat=True):
        told |= news or {}
    return told


def _hashes(*, until: datetime, since: datetime | None = None) -> dict[str, str]:
    """Return a hash of what was published on each day, in UTC. One query."""
    found: dict[str, Any] = defaultdict(hashlib.sha256)
    rows = OutboxEvent.objects.filter(recorded_at__lt=until)
    if since is not None:
        rows = rows.filter(recorded_at__gte=since)
    columns = ("recorded_at", "uid", "aggregate", "seq", "kind", "body")
    for at, uid, *said in rows.order_by("pk").values_list(*columns).iterator():
        line = json.dumps([str(uid), *said], sort_keys=True)
        found[at.astimezone(UTC).date().isoformat()].update(f"{line}\n".encode())
    return {day: digest.hexdigest() for day, digest in found.items()}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
