"""The figures of the installation, asked of the database when monitoring asks.

What all processes share is in the database already, so whichever process answers tells the same.
Shared tables are asked once; firms' tables firm by firm, each in its own scope, and what comes back
is added up: no figure says whose it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from billing_portal.api import tallies
from billing_portal.operation import shared
from billing_portal.portal.figures import Figure
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope

_JOINS: dict[str, Callable[[float, float], float]] = {
    "sum": lambda one, other: one + other,
    "max": max,
    "min": min,
}


@dataclass(frozen=True)
class Kind:
    """What a figure means, what its labels are, and how those of firms become one."""

    words: str
    labels: tuple[str, ...] = ()
    join: str = "sum"


KINDS = {
    "portal_jobs": Kind("Background jobs that have not ended well.", ("queue", "state")),
    "portal_queue_oldest_seconds": Kind("Age of the oldest ready job.", ("queue",), "max"),
    "portal_slots": Kind("Room for jobs at a time.", ("queue", "state")),
    "portal_clock_lines_late": Kind("Wishes of the clock that are over a minute late."),
    "portal_invoices_in_review": Kind("Drafts that wait for a reviewer."),
    "portal_invoices_overdue_for_review": Kind("Drafts in review for more than three days."),
    "portal_uploads": Kind("Uploads to carriers.", ("state",)),
    "portal_uploads_waiting_for_a_person": Kind(
        "Uploads that only a person can bring on, by what their carrier is.", ("carrier_state",)
    ),
    "portal_carriers": Kind("Carriers: running, or stopped by a breaker or person.", ("state",)),
    "portal_deliveries": Kind("Invoices by mail.", ("state",)),
    "portal_outbox_waiting": Kind("News that nobody outside has been told."),
    "portal_outbox_oldest_seconds": Kind("Age of the oldest such news.", (), "max"),
    "portal_unsealed_rows": Kind("Committed rows without a seal.", ("chain",)),
    "portal_unsealed_oldest_seconds": Kind("Age of the oldest such row.", ("chain",), "max"),
    "portal_unanchored_seconds": Kind(
        "Seconds since the last anchor of a chain that has grown since.", ("chain",), "max"
    ),
    "portal_books_verified_seconds": Kind("Seconds since the books were verified.", (), "max"),
    "portal_books_never_verified": Kind("Firms whose books were never verified."),
    "portal_books_findings": Kind("What the newest verifications found broken."),
    "portal_sign_in_failures": Kind("Wrong passwords that are still counted."),
    "portal_sign_in_lockouts": Kind("People and addresses that are locked out."),
    "portal_limits_spent": Kind("Allowances that are all but used up.", ("policy",)),
    "portal_database_bytes": Kind("Size of the database."),
    "portal_database_connections": Kind("Connections to the database."),
    "portal_database_connections_most": Kind("Connections that the server takes."),
}


class HouseFigures(Collector):
    """Everything at one moment. Some ten queries, and some twelve more for each firm."""

    def __init__(self, *, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield each kind of figure with its samples, and the requests."""
        found = joined([*shared.figures(self._now), *of_firms(self._now)])
        for name, kind in KINDS.items():
            family = GaugeMetricFamily(name, kind.words, labels=kind.labels)
            for labels, value in sorted(found.get(name, {}).items()):
                family.add_metric(labels, value)
            yield family
        yield _requests()


def of_firms(now: datetime) -> Iterator[Figure]:
    """Yield what each room says of each firm, in the firm's scope. Some twelve queries a firm."""
    providers = [import_string(name) for name in settings.FIGURES]
    for tenant_id in Tenant.objects.order_by("pk").values_list("pk", flat=True):
        with tenant_scope(tenant_id):
            for provider in providers:
                yield from provider(now)


def joined(figures: Iterable[Figure]) -> dict[str, dict[tuple[str, ...], float]]:
    """Return one value for each name and labels, as the kind of figure wants it."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for figure in figures:
        kind = KINDS[figure.name]
        if len(figure.labels) != len(kind.labels):
            raise ValueError(f"{figure.name} has the labels {kind.labels}.")
        values = found.setdefault(figure.name, {})
        known = values.get(figure.labels)
        joins = _JOINS[kind.join]
        values[figure.labels] = figure.value if known is None else joins(known, figure.value)
    return found


def _requests() -> Metric:
    family = HistogramMetricFamily(
        "portal_request_seconds",
        "Requests answered, by door and kind of status.",
        labels=("door", "status"),
    )
    for tally in tallies.stored():
        family.add_metric((tally.door, tally.status), tally.cumulative(), tally.seconds)
    return family
