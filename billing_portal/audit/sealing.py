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
from billing_portal.tenancy.locks import one_at_a_time
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id, tenant_scope

GENESIS = "0" * 64
LIMIT = 5000

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
    one_at_a_time(f"seal:{chain}")
    pending = PendingSeal.objects.filter(chain=chain).order_by("pk")
    waiting = list(pending.values_list("pk", "subject_id")[:limit])
    if not waiting:
        return 0
    head = Seal.objects.filter(chain=chain).order_by("-seq").first()
    seq, previous = (head.seq, head.hash) if head else (0, GENESIS)
    subjects = [subject_id for _, subject_id in waiting]
    pages = pages_of(chain)(subjects)
    hashes = [previous]
    for subject_id in subjects:
        hashes.append(link(hashes[-1], pages[subject_id]))
    tenant_id = current_tenant_id()
    numbers = list(range(seq + 1, seq + 1 + len(subjects)))
    with connection.cursor() as cursor:
        cursor.execute(_SEAL, [tenant_id, chain, numbers, subjects, hashes[:-1], hashes[1:]])
        cursor.execute(_FORGET, [tenant_id, [pk for pk, _ in waiting]])
    return len(subjects)


# By arrays, because a statement with a placeholder for each value takes longer than the hashing.
_SEAL = """
insert into audit_seal (tenant_id, chain, seq, subject_id, previous_hash, hash)
select %s, %s, * from unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[])
"""
_FORGET = "delete from audit_pendingseal where tenant_id = %s and id = any(%s::bigint[])"


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
