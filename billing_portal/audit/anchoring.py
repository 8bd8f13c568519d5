"""Heads of the chains, written outside the database: a chain alone does not show that its tail was
cut, or that all of it was written anew.

One file a firm and chain, one line a head, added and flushed to the disk. Another disk, host or
owner than the database's is best (ANCHORS_DIR).
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from billing_portal.audit.models import AuditEvent, Seal
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope

EVERY_SECONDS = 120
_last = {"at": 0.0}


@dataclass(frozen=True)
class Anchor:
    """A head of a chain, as it was at a moment."""

    seq: int
    hash: str
    at: str


def anchor_now_and_then() -> int:
    """Write the heads that have moved, at most every two minutes; the supervisor's tick does."""
    now = time.monotonic()
    if _last["at"] and now - _last["at"] < EVERY_SECONDS:
        return 0
    _last["at"] = now
    return anchor_all(datetime.now(UTC))


def anchor_all(at: datetime) -> int:
    """Write the heads that have moved since they were last written; say how many."""
    return sum(anchor(tenant, chain, at) for tenant in Tenant.objects.all() for chain in _chains())


def anchor(tenant: Tenant, chain: str, at: datetime) -> bool:
    """Write a chain's head unless it is written already."""
    with tenant_scope(tenant.pk):
        head = Seal.objects.filter(chain=chain).order_by("-seq").first()
    known = anchors_of(tenant, chain)
    if head is None or (known and known[-1].seq >= head.seq):
        return False
    line = json.dumps({"seq": head.seq, "hash": head.hash, "at": at.isoformat()}) + "\n"
    file = _file(tenant, chain)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as anchors:
        anchors.write(line)
        anchors.flush()
        os.fsync(anchors.fileno())
    return True


def unanchored_since(tenant: Tenant, chain: str) -> datetime | None:
    """Return when the current firm's chain was last anchored, if it has grown since. One query.

    A chain that was never anchored waits since its firm's first deed.
    """
    head = Seal.objects.filter(chain=chain).order_by("-seq").first()
    known = anchors_of(tenant, chain)
    if head is None or (known and known[-1].seq >= head.seq):
        return None
    if known:
        return datetime.fromisoformat(known[-1].at)
    first = AuditEvent.objects.order_by("pk").first()
    return first.recorded_at if first else None


def anchors_of(tenant: Tenant, chain: str) -> list[Anchor]:
    """Return what was written of a chain, oldest first."""
    file = _file(tenant, chain)
    if not file.exists():
        return []
    return [Anchor(**json.loads(line)) for line in file.read_text().splitlines()]


def _chains() -> list[str]:
    return list(settings.SEALED_CHAINS)


def _file(tenant: Tenant, chain: str) -> Path:
    # By number: a name that can be changed in the database would hide what was anchored.
    return Path(settings.ANCHORS_DIR) / f"{tenant.pk}-{chain}.jsonl"
