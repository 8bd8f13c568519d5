"""The trail: how far sealing, anchoring and verifying are behind, in the firm most behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings

from billing_portal.operation.figures import joined, of_firms
from billing_portal.portal.findings import Finding, by_measure, fail, warn

_NIGHT = 36 * 3600
_ADVICE = "The elected supervisor seals and anchors: is it there, and can it write ANCHORS_DIR?"


def trail(now: datetime) -> Iterator[Finding]:
    """Look at the newest verifications, the oldest unsealed row and the oldest unanchored chain."""
    found = joined(of_firms(now))
    yield _verification(found)
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


def _verification(found: dict[str, dict[tuple[str, ...], float]]) -> Finding:
    what = "verification"
    findings, never, age = (
        found.get(f"portal_books_{name}", {}).get((), 0.0)
        for name in ("findings", "never_verified", "verified_seconds")
    )
    if findings:
        words = f"{findings:.0f} findings in the books or chains"
        return fail(what, words, "Keep the database as it is; see the page Verifications.")
    if never:
        words = f"the books of {never:.0f} firms were never verified"
        return warn(what, words, "It is done each night at 03:30; see ledger_verify.")
    advice = "The nightly job has not run or fails: see the clock and the job console."
    words = f"nothing broken, {_said(age)} ago"
    return by_measure(what, words, age, warns_at=_NIGHT, fails_at=3 * _NIGHT, advice=advice)


def _said(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
