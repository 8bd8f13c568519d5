"""Are the books whole? Every invariant is recomputed from the rows and the first break is named.

Upper rooms add checks by dotted name in LEDGER_CHECKS and FILE_CHECKS: a function without
arguments, called in the firm's scope, that returns findings as texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from billing_portal.audit.trail import record
from billing_portal.audit.verification import verify_chain
from billing_portal.jobs.worker import progress
from billing_portal.outbox.verifying import news_to_record
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.guards import privileges
from billing_portal.tenancy.laws import broken_laws
from billing_portal.tenancy.models import Tenant
from ledger.actions import invariants
from ledger.models import Entry, Verification
from ledger.queries import CHAIN, Standing, standing_amounts

CHECKS: dict[str, Callable[[], Iterable[str]]] = {
    "entries balance in each currency": invariants.unbalanced_entries,
    "trial balance is zero": invariants.trial_balance_off_zero,
    "every posting has its entry and account": invariants.loose_postings,
    "every entry is sealed or waits": invariants.lost_entries,
    "nothing was booked after closing": invariants.booked_after_closing,
    "reversals mirror exactly": invariants.crooked_reversals,
    "payments agree with their postings": invariants.payments_off_their_postings,
    "payments and allocations are there": invariants.entries_without_rows,
    "no invoice is overpaid, no credit overspent": invariants.overdrawn_accounts,
    "snapshots are sums": invariants.wrong_snapshots,
    "guards are present": broken_laws,
    "the role is unprivileged": privileges,
}


FEW = 20


@dataclass
class LedgerReport:
    """What came of looking at one firm's books.

    :ivar standing: what still stands on accounts that return to zero, with its age; no finding,
        because money may be on its way.
    """

    firm: str
    entries: int
    checks: dict[str, list[str]] = field(default_factory=dict)
    standing: list[Standing] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether no check found anything."""
        return not any(self.checks.values())

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "firm": self.firm,
            "status": "ok" if self.ok else "broken",
            "entries": self.entries,
            "checks": self.checks,
            "standing": [
                {
                    "account": each.account,
                    "amount": str(each.amount.amount),
                    "currency": each.amount.currency,
                    "last_moved_on": each.last_moved_on.isoformat(),
                }
                for each in self.standing
            ],
        }


def verify(tenant: Tenant, *, with_files: bool = False) -> LedgerReport:
    """Check the current firm's books from the rows up; a job says how far it is.

    Reads only: some seventy queries, two more for each 2,000 sealed rows, seven for each 500 final
    invoices, and for each 1,000 deeds three and two for each kind of thing that they are about.

    :param with_files: read the kept files as well, every byte of them.
    """
    report = LedgerReport(tenant.slug, Entry.objects.count(), standing=standing_amounts())
    checks = _checks(tenant, with_files=with_files)
    for done, (name, check) in enumerate(checks.items()):
        progress(done=done, total=len(checks))
        report.checks[name] = list(check())
    progress(done=len(checks))
    return report


def _checks(tenant: Tenant, *, with_files: bool) -> dict[str, Callable[[], Iterable[str]]]:
    """Return every check by its name, the chains first: what they find counts most."""
    checks: dict[str, Callable[[], Iterable[str]]] = {
        "chain and anchors": lambda: verify_chain(tenant, CHAIN).findings,
        "audit chain and anchors": lambda: verify_chain(tenant, "audit").findings,
        **CHECKS,
    }
    for dotted in [*settings.LEDGER_CHECKS, *(settings.FILE_CHECKS if with_files else ())]:
        registered = import_string(dotted)
        checks[str(registered.__doc__).splitlines()[0].rstrip(".")] = registered
    return checks


@transaction.atomic
def verify_and_keep(tenant: Tenant, *, by: Actor) -> Verification:
    """Check the current firm's books and chains, and keep what was found. As ``verify``, and seven.

    What is found is no refusal: the firm goes on working, and its owners and auditors are told.
    """
    report = verify(tenant)
    found = [[name, words] for name, many in report.checks.items() for words in many]
    kept = Verification.objects.create(
        entries=report.entries, checks=len(report.checks), findings=found[:FEW]
    )
    first = {"first": kept.first} if found else {}
    told = {"findings": len(found), "entries": report.entries, **first}
    record("books.verified", kept, by=by, **told, news=news_to_record())
    return kept
