"""The trail: how far sealing and anchoring are behind, in the firm where they are furthest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings

from billing_portal.audit import queries
from billing_portal.operation.figures import joined
from billing_portal.portal.figures import Figure
from billing_portal.portal.findings import Finding, by_measure
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope

_ADVICE = "The elected supervisor seals and anchors: is it there, and can it write ANCHORS_DIR?"


def trail(now: datetime) -> Iterator[Finding]:
    """Look at the oldest row without a seal and the oldest chain without an anchor."""
    figures: list[Figure] = []
    for tenant_id in Tenant.objects.values_list("pk", flat=True):
        with tenant_scope(tenant_id):
            figures += queries.figures(now)
    found = joined(figures)
    for chain in settings.SEALED_CHAINS:
        rows = found.get("portal_unsealed_rows", {}).get((chain,), 0)
        age = found.get("portal_unsealed_oldest_seconds", {}).get((chain,), 0)
        words = f"{rows:,.0f} rows wait, the oldest for {_said(age)}"
        yield by_measure(f"seals of {chain}", words, age, warns_at=60, fails_at=900, advice=_ADVICE)
        behind = found.get("portal_unanchored_seconds", {}).get((chain,), 0)
        words = f"behind for {_said(behind)}" if behind else "every head is written"
        yield by_measure(
            f"anchors of {chain}", words, behind, warns_at=600, fails_at=3600, advice=_ADVICE
        )


def _said(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
