"""What pages ask of the trail and of its seals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet

from billing_portal.audit import anchoring
from billing_portal.audit.models import AuditEvent, PendingSeal, Seal
from billing_portal.periods import edge
from billing_portal.portal.figures import Figure, age
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id

COUNTED_AT_MOST = 1_000
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class ChainState:
    """How far a chain is sealed.

    :ivar last: the seal at its head, if there is one yet.
    :ivar waiting: committed rows without a seal, counted to 1,000.
    """

    last: Seal | None
    waiting: int

    @property
    def is_capped(self) -> bool:
        """Whether more may wait than were counted."""
        return self.waiting == COUNTED_AT_MOST


def chain_state(chain: str) -> ChainState:
    """Return how far a chain of the current firm is sealed. Two queries."""
    last = Seal.objects.filter(chain=chain).order_by("-seq").first()
    return ChainState(last, PendingSeal.objects.filter(chain=chain)[:COUNTED_AT_MOST].count())


def figures(now: datetime) -> list[Figure]:
    """Return how far sealing and anchoring are behind. Two queries a chain, and its anchors."""
    tenant = Tenant.objects.get(pk=current_tenant_id())
    found = []
    for chain in settings.SEALED_CHAINS:
        waiting = PendingSeal.objects.filter(chain=chain)
        rows = waiting.aggregate(count=Count("pk"), since=Min("recorded_at"))
        since = anchoring.unanchored_since(tenant, chain)
        found += [
            Figure("portal_unsealed_rows", rows["count"], (chain,)),
            age("portal_unsealed_oldest_seconds", rows["since"], now, chain),
            age("portal_unanchored_seconds", since, now, chain),
        ]
    return found


def seals_of(chain: str, subjects: Iterable[int]) -> dict[int, Seal]:
    """Return the seals of rows by the rows' keys; an unsealed one is absent. One query."""
    found = Seal.objects.filter(chain=chain, subject_id__in=list(subjects))
    return {seal.subject_id: seal for seal in found}


def deeds(
    *,
    actor: str = "",
    action: str = "",
    subject: str = "",
    since: date | None = None,
    until: date | None = None,
    zone_name: str = "UTC",
) -> QuerySet[AuditEvent]:
    """Return the audit events that fit, in no order: page by key.

    :param actor: as stored, such as ``system:clock``, or part of a name.
    :param action: as stored; likewise ``subject``, an id.
    :param since: the first day in the zone named; ``until`` is the last one.
    """
    named = {"action": action, "subject_id": subject}
    rows = AuditEvent.objects.filter(**{column: text for column, text in named.items() if text})
    if actor:
        rows = rows.filter(Q(actor=actor) | Q(actor_name__icontains=actor))
    if since is not None:
        rows = rows.filter(recorded_at__gte=edge(since, zone_name))
    if until is not None:
        rows = rows.filter(recorded_at__lt=edge(until + _DAY, zone_name))
    return rows
