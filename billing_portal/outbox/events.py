"""``publish``: news for the outside, written in the transaction of the deed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import F

from billing_portal.outbox.models import OutboxCounter, OutboxEvent
from billing_portal.tenancy.scope import current_tenant_id

_PUBLISH = """
with taken as (
  insert into outbox_outboxcounter (tenant_id, aggregate, last_seq)
  select %(tenant)s, about, 1 from unnest(%(names)s::text[]) about order by about
  on conflict (tenant_id, aggregate) do update set last_seq = outbox_outboxcounter.last_seq + 1
  returning aggregate, last_seq
)
insert into outbox_outboxevent (tenant_id, uid, aggregate, seq, kind, body)
select %(tenant)s, gen_random_uuid(), about, last_seq, %(kind)s, jsonb_build_object(
  'seq', last_seq, 'prev_seq', nullif(last_seq - 1, 0), 'about', about) || body
from unnest(%(names)s::text[], %(bodies)s::jsonb[]) with ordinality as news (about, body, place)
join taken on taken.aggregate = news.about
order by place
"""


def publish(kind: str, *, about: str, **body: Any) -> OutboxEvent:
    """Write one event about one thing, with the next number of that thing. Three queries.

    The counter's row lock is held until the deed commits, so events about a thing come in the order
    of the deeds, without gaps: a rollback gives the number back.

    :param kind: a verb in the past, such as ``invoice.finalized``.
    :param about: the thing's public id; the aggregate within which order is kept.
    :param body: thin: ids, versions, changed fields; never a narrative or a person's data.
    """
    seq = _take_number(about)
    return OutboxEvent.objects.create(
        aggregate=about,
        seq=seq,
        kind=kind,
        body={"seq": seq, "prev_seq": seq - 1 or None, "about": about, **body},
    )


def publish_many(kind: str, news: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Write one event about each of many things, which are named once each. One statement.

    The counters are taken in the order of their names, so that two set-based deeds cannot wait for
    each other.
    """
    bodies = dict(news)
    if not bodies:
        return
    written: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "kind": kind,
        "names": list(bodies),
        "bodies": [json.dumps(body) for body in bodies.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(_PUBLISH, written)


def _take_number(aggregate: str) -> int:
    OutboxCounter.objects.bulk_create(
        [OutboxCounter(aggregate=aggregate)],
        ignore_conflicts=True,
    )
    OutboxCounter.objects.filter(aggregate=aggregate).update(last_seq=F("last_seq") + 1)
    return OutboxCounter.objects.values_list("last_seq", flat=True).get(aggregate=aggregate)
