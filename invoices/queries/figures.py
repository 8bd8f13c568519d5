"""What monitoring is told of invoices and their ways out, without saying whose they are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, Q, QuerySet, Value, When

from billing_portal.portal.figures import Figure, by_state
from invoices.models import Carrier, Delivery, Invoice, Submission
from invoices.queries.uploads import wanting_a_person

REVIEW_WITHIN = timedelta(days=3)
_RUNNING, _STOPPED = "running", "stopped"


def figures(now: datetime) -> list[Figure]:
    """Return the figures of the current firm. Five queries."""
    review = Invoice.objects.awaiting_review().aggregate(
        all=Count("pk"), late=Count("pk", filter=Q(made_at__lt=now - REVIEW_WITHIN))
    )
    wanting = _counted(wanting_a_person().annotate(of=_carrier_state("carrier__")), "of")
    carriers = _counted(Carrier.objects.annotate(of=_carrier_state()), "of")
    uploads = _counted(Submission.objects.all(), "state")
    mail = _counted(Delivery.objects.all(), "state")
    carrier_states = (_RUNNING, _STOPPED)
    return [
        Figure("portal_invoices_in_review", review["all"]),
        Figure("portal_invoices_overdue_for_review", review["late"]),
        *by_state("portal_uploads", _lower(Submission.State.values), uploads),
        *by_state("portal_uploads_waiting_for_a_person", carrier_states, wanting),
        *by_state("portal_carriers", carrier_states, carriers),
        *by_state("portal_deliveries", _lower(Delivery.State.values), mail),
    ]


def _carrier_state(prefix: str = "") -> Case:
    running = When(**{f"{prefix}stopped_reason": ""}, then=Value(_RUNNING))
    return Case(running, default=Value(_STOPPED))


def _counted(rows: QuerySet[Any], column: str) -> dict[str, int]:
    counted = rows.order_by().values_list(column).annotate(count=Count("pk"))
    return {value.lower(): count for value, count in counted}


def _lower(states: list[str]) -> list[str]:
    return [state.lower() for state in states]
