"""The sealer: gives committed rows of a chain their number and hash, in order, without gaps.

Numbers and hashes stay out of the deed's transaction, where a lock on the chain's head would cost
half the commits of a busy firm. The sealer finds work in the pending table, never by a cursor over
ids: ids are given before the commit, so a cursor would step over slow transactions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from billing_portal.audit.canonical import canonical
from billing_portal.audit.models import AuditEvent, PendingSeal, Seal
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id, tenant_scope

GENESIS = "0" * 64
LIMIT = 5000
_LOCK_SPACE = 7303

Pages = Callable[[Sequence[int]], dict[int, bytes]]


def seal_all() -> int:
    """Seal what waits in every firm and chain, each in the firm's scope; say how many rows."""
    count = 0
    for tenant_id in Tenant.objects.values_list("pk", flat=True):
        with tenant_scope(tenant_id):
            count += sum(seal(chain) for chain in settings.SEALED_CHAINS)
    return count


def seal(chain: str, *, limit: int = LIMIT) -> int:
    """Seal up to ``limit`` waiting rows of a chain of the current firm; say how many. Six queries.

    One sealer at a time, by an advisory lock that lasts as long as the transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(%s, hashtext(%s))",
            [_LOCK_SPACE, f"{current_tenant_id()}:{chain}"],
        )
    waiting = list(PendingSeal.objects.filter(chain=chain).order_by("pk")[:limit])
    if not waiting:
        return 0
    head = Seal.objects.filter(chain=chain).order_by("-seq").first()
    seq, previous = (head.seq, head.hash) if head else (0, GENESIS)
    pages = pages_of(chain)([row.subject_id for row in waiting])
    seals = []
    for row in waiting:
        seq += 1
        digest = link(previous, pages[row.subject_id])
        seals.append(
            Seal(
                chain=chain,
                seq=seq,
                subject_id=row.subject_id,
                previous_hash=previous,
                hash=digest,
            )
        )
        previous = digest
    Seal.objects.bulk_create(seals)
    PendingSeal.objects.filter(pk__in=[row.pk for row in waiting]).delete()
    return len(seals)


def link(previous: str, page: bytes) -> str:
    """Return the hash of a page that follows another in its chain."""
    return hashlib.sha256(previous.encode() + b"|" + page).hexdigest()


def pages_of(chain: str) -> Pages:
    """Return the function that gives the canonical bytes of a chain's rows, by id."""
    pages: Pages = import_string(settings.SEALED_CHAINS[chain])
    return pages


def audit_pages(ids: Sequence[int]) -> dict[int, bytes]:
    """Return the canonical bytes of audit events of the current firm. One query."""
    return {event.pk: canonical(_fields(event)) for event in AuditEvent.objects.filter(pk__in=ids)}


def _fields(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "tenant": event.tenant_id,
        "action": event.action,
        "subject": [event.subject_kind, event.subject_id],
        "actor": [event.actor, event.actor_name],
        "details": event.details,
        "request": event.request_id,
        "recorded_at": event.recorded_at,
    }
