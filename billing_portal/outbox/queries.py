"""What is asked of the outbox."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Min

from billing_portal.outbox.models import OutboxEvent
from billing_portal.portal.figures import Figure, age


def figures(now: datetime) -> list[Figure]:
    """Return how much news nobody outside has been told. One query."""
    waiting = OutboxEvent.objects.filter(handled_at__isnull=True)
    found = waiting.aggregate(count=Count("pk"), since=Min("recorded_at"))
    return [
        Figure("portal_outbox_waiting", found["count"]),
        age("portal_outbox_oldest_seconds", found["since"], now),
    ]
