"""``publish``: news for the outside, written in the transaction of the deed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import F

from billing_portal.outbox.models import OutboxCounter, OutboxEvent


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
    """Write one event about each of many things, which are named once each. Four queries.

    The counters are taken in the order of their names, so that two set-based deeds cannot wait for
    each other.
    """
    bodies = dict(news)
    if not bodies:
        return
    names = sorted(bodies)
    OutboxCounter.objects.bulk_create(
        [OutboxCounter(aggregate=name) for name in names], ignore_conflicts=True
    )
    counters = OutboxCounter.objects.filter(aggregate__in=names)
    list(counters.select_for_update().order_by("aggregate").values_list("pk"))
    counters.update(last_seq=F("last_seq") + 1)
    seqs = dict(counters.values_list("aggregate", "last_seq"))
    OutboxEvent.objects.bulk_create(
        OutboxEvent(
            aggregate=name,
            seq=seqs[name],
            kind=kind,
            body={"seq": seqs[name], "prev_seq": seqs[name] - 1 or None, "about": name, **body},
        )
        for name, body in bodies.items()
    )


def _take_number(aggregate: str) -> int:
    OutboxCounter.objects.bulk_create(
        [OutboxCounter(aggregate=aggregate)],
        ignore_conflicts=True,
    )
    OutboxCounter.objects.filter(aggregate=aggregate).update(last_seq=F("last_seq") + 1)
    return OutboxCounter.objects.values_list("last_seq", flat=True).get(aggregate=aggregate)
