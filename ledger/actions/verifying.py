"""Are the books whole? Every invariant is recomputed from the rows and the first break is named.

Upper rooms add checks by dotted name in LEDGER_CHECKS: a function without arguments, called in the
firm's scope, that returns findings as texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Sum
from django.utils.module_loading import import_string

from billing_portal.audit.models import PendingSeal, Seal
from billing_portal.audit.verification import verify_chain
from billing_portal.tenancy.guards import privileges, unguarded_tables
from billing_portal.tenancy.models import Tenant
from ledger.actions.posting import CHAIN
from ledger.models import AccountingPeriod, Allocation, BalanceSnapshot, Entry, Payment, Posting
from ledger.queries import trial_balance

GUARDS = {
    ("ledger_entry", "entry_is_whole"),
    ("ledger_entry", "rows_never_change"),
    ("ledger_entry", "table_is_never_emptied"),
    ("ledger_posting", "posting_is_early"),
    ("ledger_posting", "rows_never_change"),
    ("ledger_posting", "table_is_never_emptied"),
    ("ledger_accountingperiod", "period_stays_closed"),
    ("ledger_payment", "rows_never_change"),
    ("ledger_allocation", "rows_never_change"),
    ("audit_seal", "rows_never_change"),
    ("audit_auditevent", "rows_never_change"),
}
_FEW = 5


@dataclass
class LedgerReport:
    """What came of looking at one firm's books."""

    firm: str
    entries: int
    checks: dict[str, list[str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether no check found anything."""
        return not any(self.checks.values())

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        status = "ok" if self.ok else "broken"
        return {
            "firm": self.firm,
            "status": status,
            "entries": self.entries,
            "checks": self.checks,
        }


def verify(tenant: Tenant) -> LedgerReport:
    """Check the current firm's books from the rows up. Reads only; some thirty queries."""
    report = LedgerReport(tenant.slug, Entry.objects.count())
    checks: dict[str, Callable[[], Iterator[str] | list[str]]] = {
        "entries balance in each currency": _unbalanced,
        "trial balance is zero": _trial_balance,
        "chain and anchors": lambda: verify_chain(tenant, CHAIN).findings,
        "audit chain and anchors": lambda: verify_chain(tenant, "audit").findings,
        "every entry is sealed or waits": _unsealed,
        "nothing was booked after closing": _booked_after_closing,
        "reversals mirror exactly": _crooked_reversals,
        "payments are allocated within their amount": _over_allocated,
        "snapshots are sums": _wrong_snapshots,
        "guards are present": _missing_guards,
        "the role is unprivileged": privileges,
    }
    for name, check in checks.items():
        report.checks[name] = list(check())
    for dotted in settings.LEDGER_CHECKS:
        check = import_string(dotted)
        report.checks[str(check.__doc__).splitlines()[0].rstrip(".")] = list(check())
    return report


def _unbalanced() -> Iterator[str]:
    sums = (
        Posting.objects.values("entry_id", "currency")
        .annotate(total=Sum("amount"))
        .exclude(total=0)
        .order_by("entry_id")[:_FEW]
    )
    for row in sums:
        yield f"Entry {row['entry_id']} is off by {row['total']} {row['currency']}."
    short = Posting.objects.values("entry_id").annotate(lines=Count("pk")).filter(lines__lt=2)
    for entry_id in short.values_list("entry_id", flat=True)[:_FEW]:
        yield f"Entry {entry_id} has one line."


def _trial_balance() -> Iterator[str]:
    for currency, difference in trial_balance().differences.items():
        if difference:
            yield f"{currency} is off by {difference}."


def _unsealed() -> Iterator[str]:
    waiting = PendingSeal.objects.filter(chain=CHAIN).values("subject_id")
    sealed = Seal.objects.filter(chain=CHAIN).values("subject_id")
    lost = Entry.objects.exclude(pk__in=waiting).exclude(pk__in=sealed).order_by("pk")
    for entry in lost[:_FEW]:
        yield f"Entry {entry.pk} has no seal and waits for none."


def _booked_after_closing() -> Iterator[str]:
    for period in AccountingPeriod.objects.filter(state="closed").order_by("starts_on"):
        late = Seal.objects.filter(
            chain=CHAIN,
            seq__gt=period.head_seq or 0,
            subject_id__in=Entry.objects.filter(period=period).values("pk"),
        ).order_by("seq")
        for seal in late[:_FEW]:
            yield f"Entry {seal.subject_id} was booked in {period} after it was closed."
        head = Seal.objects.filter(chain=CHAIN, seq=period.head_seq or 0).first()
        if head is not None and head.hash != period.head_hash:
            yield f"The head that {period} was closed with is not in the chain."


def _crooked_reversals() -> Iterator[str]:
    pairs = Entry.objects.filter(reverses__isnull=False).order_by("pk")
    for pk, original in pairs.values_list("pk", "reverses_id").iterator():
        mirrored = [(account, currency, -minor) for account, currency, minor in _lines(original)]
        if sorted(_lines(pk)) != sorted(mirrored):
            yield f"Entry {pk} does not mirror entry {original}."


def _lines(entry_id: int) -> list[tuple[int, str, int]]:
    rows = Posting.objects.filter(entry_id=entry_id)
    return list(rows.values_list("account_id", "currency", "amount"))


def _over_allocated() -> Iterator[str]:
    used = dict(
        Allocation.objects.values("payment_id")
        .annotate(total=Sum("amount"))
        .values_list("payment_id", "total")
    )
    for payment in Payment.objects.filter(pk__in=list(used)).order_by("pk"):
        if not 0 <= used[payment.pk] <= payment.amount:
            yield f"{payment.public_id}: {used[payment.pk]} allocated of {payment.amount}."


def _wrong_snapshots() -> Iterator[str]:
    for snapshot in BalanceSnapshot.objects.order_by("pk"):
        sealed = Seal.objects.filter(chain=CHAIN, seq__lte=snapshot.up_to_seq).values("subject_id")
        total = Posting.objects.filter(
            account_id=snapshot.account_id, entry_id__in=sealed
        ).aggregate(total=Sum("amount", default=0))["total"]
        if total != snapshot.balance:
            yield f"Snapshot {snapshot.pk} says {snapshot.balance}; the sum is {total}."


def _missing_guards() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.relname, t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid"
            " where not t.tgisinternal and t.tgenabled = 'O'"
        )
        present = set(cursor.fetchall())
    for table, guard in sorted(GUARDS - present):
        yield f"{table} lacks {guard}, or it is disabled."
    for table in unguarded_tables():
        yield f"{table} has no forced policy."
