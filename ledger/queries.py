"""What the books are asked: balances, what is open, the trial balance.

Whether an invoice is paid is asked here and stored nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, Max, Min, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from billing_portal.audit.canonical import canonical
from billing_portal.jobs.models import Job
from billing_portal.money import Money
from billing_portal.portal.figures import Figure, age
from billing_portal.tenancy.scope import current_tenant_id
from ledger.models import Account, Allocation, Entry, Payment, Posting, Verification

CHAIN = "ledger"
EDGES = (0, 30, 60, 90)
LOOKS = ("ledger.jobs.verify_nightly", "ledger.actions.looking.verify_later")
"""The jobs that look at the books, by name."""
RETURN_TO_ZERO = ("clearing", "disputed", "refunds_in_flight", "suspense")


@dataclass(frozen=True)
class OpenItem:
    """An invoice of which something is still owed."""

    invoice: UUID
    currency: str
    amount: Money


@dataclass(frozen=True)
class AgedLine:
    """What a customer owes in one currency, by how long it has been due.

    :ivar buckets: not yet due, then up to 30, 60 and 90 days late, then later.
    """

    customer: str
    currency: str
    buckets: tuple[Money, ...]


@dataclass(frozen=True)
class Standing:
    """What stands on an account that should return to zero, and when it last moved."""

    account: str
    amount: Money
    last_moved_on: date


@dataclass(frozen=True)
class TrialLine:
    """One role of the chart in one currency: what stands there, on its side."""

    role: str
    label: str
    code: str
    currency: str
    debit: Money
    credit: Money


@dataclass(frozen=True)
class TrialBalance:
    """All accounts by role and currency; the difference of each currency must be zero."""

    on: date | None
    lines: list[TrialLine]
    differences: dict[str, Money]


def balance_of(
    role: str, currency: str, *, owner: str | None = None, on: date | None = None
) -> Money:
    """Return what stands on a role's accounts (of one owner, or of all), debit above zero.

    One query. Without a day, an account that has a snapshot is its last one and what was sealed
    later or waits for its seal; every entry is one of the two.

    :param on: entries booked up to and including this day; without it, all.
    """
    if on is None:
        named = {"role": role, "currency": currency, "owner": owner, "chain": CHAIN}
        with connection.cursor() as cursor:
            cursor.execute(_BALANCE, {"tenant": current_tenant_id(), **named})
            return Money.of_minor(int(cursor.fetchone()[0]), currency)
    postings = Posting.objects.filter(account__role=role, currency=currency)
    if owner is not None:
        postings = postings.filter(account__owner=owner)
    postings = postings.filter(entry__booked_on__lte=on)
    return Money.of_minor(postings.aggregate(total=Sum("amount", default=0))["total"], currency)


_BALANCE = """
with account as materialized (
  select a.id, b.balance, b.up_to_seq from ledger_account a
  left join lateral (
    select balance, up_to_seq from ledger_balancesnapshot b
    where b.tenant_id = a.tenant_id and b.account_id = a.id order by up_to_seq desc limit 1
  ) b on true
  where a.tenant_id = %(tenant)s and a.role = %(role)s and a.currency = %(currency)s
    and (%(owner)s::text is null or a.owner = %(owner)s::text)
), later as materialized (
  select s.subject_id, s.seq from audit_seal s
  where s.tenant_id = %(tenant)s and s.chain = %(chain)s
    and s.seq > (select min(up_to_seq) from account)
  union all
  select w.subject_id, null from audit_pendingseal w
  where w.tenant_id = %(tenant)s and w.chain = %(chain)s
    and exists (select 1 from account where up_to_seq is not null)
)
select coalesce((select sum(balance) from account), 0)
  + coalesce((select sum(p.amount) from account a
      join ledger_posting p on p.tenant_id = %(tenant)s and p.account_id = a.id
      where a.up_to_seq is null), 0)
  + coalesce((select sum(p.amount) from account a
      join later l on a.up_to_seq is not null and (l.seq is null or l.seq > a.up_to_seq)
      join ledger_posting p
        on p.tenant_id = %(tenant)s and p.account_id = a.id and p.entry_id = l.subject_id), 0)
"""


def open_amounts(invoices: Iterable[UUID]) -> dict[UUID, int]:
    """Return what is owed on invoices, in minor units; one that was never booked is absent.

    One query, whatever the number.
    """
    postings = Posting.objects.filter(invoice__in=list(invoices), account__role="ar")
    rows = postings.values("invoice").annotate(total=Sum("amount")).values_list("invoice", "total")
    return {invoice: total for invoice, total in rows if invoice is not None}


def owed_by(invoices: Iterable[UUID]) -> dict[tuple[UUID, str, str], int]:
    """Return what is owed on invoices, in minor units, by invoice, customer and currency.

    One query: an invoice may have moved to another customer.
    """
    rows = (
        Posting.objects.filter(invoice__in=list(invoices), account__role="ar")
        .values("invoice", "account__owner", "currency")
        .annotate(total=Sum("amount"))
        .values_list("invoice", "account__owner", "currency", "total")
    )
    return {
        (invoice, owner, currency): total for invoice, owner, currency, total in rows if invoice
    }


def open_amount_of(column: str = "uid") -> Coalesce:
    """Return an expression for what is owed on the invoice whose UUID an outer column holds."""
    postings = (
        Posting.objects.filter(invoice=OuterRef(column), account__role="ar")
        .values("invoice")
        .annotate(total=Sum("amount"))
        .values("total")
    )
    return Coalesce(Subquery(postings), Value(0))


def open_items(customer: str) -> list[OpenItem]:
    """Return a customer's invoices on which something is owed or owing back. One query."""
    rows = (
        Posting.objects.filter(account__role="ar", account__owner=customer, invoice__isnull=False)
        .values("invoice", "currency")
        .annotate(total=Sum("amount"))
        .exclude(total=0)
        .order_by("invoice")
    )
    return [
        OpenItem(invoice, currency, Money.of_minor(total, currency))
        for invoice, currency, total in rows.values_list("invoice", "currency", "total")
        if invoice is not None
    ]


def ageing(
    on: date, *, due: Mapping[UUID, date] | None = None, customer: str | None = None
) -> list[AgedLine]:
    """Return what each customer owes on a day, by how long it has been due. One query.

    :param due: when invoices fall due; one it does not name counts from the day it was booked.
    """
    postings = Posting.objects.filter(account__role="ar", entry__booked_on__lte=on)
    if customer is not None:
        postings = postings.filter(account__owner=customer)
    rows = (
        postings.values("account__owner", "currency", "invoice")
        .annotate(total=Sum("amount"), since=Min("entry__booked_on"))
        .exclude(total=0)
        .order_by("account__owner", "currency")
    )
    sums: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        line = sums.setdefault((row["account__owner"], row["currency"]), [0] * (len(EDGES) + 1))
        due_on = None if row["invoice"] is None or due is None else due.get(row["invoice"])
        late = (on - (due_on or row["since"])).days
        line[sum(late > edge for edge in EDGES)] += row["total"]
    return [
        AgedLine(owner, currency, tuple(Money.of_minor(minor, currency) for minor in line))
        for (owner, currency), line in sums.items()
    ]


def standing_amounts() -> list[Standing]:
    """Return what stands on accounts that return to zero, and when they last moved. One query."""
    rows = (
        Posting.objects.filter(account__role__in=RETURN_TO_ZERO)
        .values("account__code", "currency")
        .annotate(total=Sum("amount"), last=Max("entry__booked_on"))
        .exclude(total=0)
        .order_by("account__code", "currency")
    )
    return [
        Standing(row["account__code"], Money.of_minor(row["total"], row["currency"]), row["last"])
        for row in rows
    ]


def active_allocations(invoice: UUID) -> list[Allocation]:
    """Return what pays an invoice now, oldest first, with payment and entry. One query."""
    taken = Allocation.objects.filter(takes_back=OuterRef("pk"))
    rows = Allocation.objects.filter(~Exists(taken), invoice=invoice, takes_back=None)
    return list(rows.select_related("payment", "entry").order_by("pk"))


def unallocated(payment: Payment) -> int:
    """Return how much of a payment no invoice has, in minor units. One query."""
    used = Allocation.objects.filter(payment=payment).aggregate(total=Sum("amount", default=0))
    return int(payment.amount - used["total"])


def trial_balance(on: date | None = None) -> TrialBalance:
    """Return all balances by role and currency, up to and including a day. One query.

    :param on: without one every entry counts, those dated ahead too, as verification wants it.
    """
    postings = Posting.objects.all()
    if on is not None:
        postings = postings.filter(entry__booked_on__lte=on)
    rows = (
        postings.values("account__role", "currency")
        .annotate(
            total=Sum("amount"),
            code=Min("account__code"),
        )
        .order_by("code", "currency")
    )
    lines: list[TrialLine] = []
    differences: dict[str, Money] = {}
    labels = dict(Account._meta.get_field("role").flatchoices)
    for row in rows:
        currency = row["currency"]
        total = Money.of_minor(row["total"], currency)
        zero = Money.zero(currency)
        role = row["account__role"]
        lines.append(
            TrialLine(
                role=role,
                label=str(labels[role]),
                code=row["code"].split(":")[0],
                currency=currency,
                debit=max(total, zero),
                credit=max(-total, zero),
            )
        )
        differences[currency] = differences.get(currency, zero) + total
    return TrialBalance(on, lines, differences)


def is_booked_after(day: date) -> bool:
    """Say whether some entry is dated later than a day. One query."""
    return Entry.objects.filter(booked_on__gt=day).exists()


def entries(
    *,
    kind: str = "",
    source: str = "",
    since: date | None = None,
    until: date | None = None,
    **account: str,
) -> QuerySet[Entry]:
    """Return the entries that fit, in no order: page by key.

    :param source: the public id of what they are about.
    :param since: the first day of booking; ``until`` is the last one.
    :param account: ``role``, ``owner`` and ``currency`` of accounts that they move, any of them.
    """
    named = {"kind": kind, "source": source, "booked_on__gte": since, "booked_on__lte": until}
    rows = Entry.objects.filter(**{column: value for column, value in named.items() if value})
    if any(account.values()):
        postings = Posting.objects.filter(entry=OuterRef("pk"), account__in=_accounts(account))
        rows = rows.filter(Exists(postings))
    return rows


def moved_by(entries: Iterable[Entry], **account: str) -> dict[int, list[Money]]:
    """Return how much each entry moves in each of its currencies, by the entries' keys. One query.

    That is the sum of its debits; or, of accounts that are named, what it leaves on them: debit
    above zero.
    """
    rows = Posting.objects.filter(entry__in=list(entries))
    if any(account.values()):
        rows = rows.filter(account__in=_accounts(account))
    else:
        rows = rows.filter(amount__gt=0)
    sums = rows.values("entry_id", "currency").annotate(total=Sum("amount")).order_by("currency")
    moved: dict[int, list[Money]] = {}
    for row in sums:
        amount = Money.of_minor(row["total"], row["currency"])
        moved.setdefault(row["entry_id"], []).append(amount)
    return moved


def reversed_among(entries: Iterable[Entry]) -> set[int]:
    """Return the keys of those entries that were reversed. One query."""
    reversals = Entry.objects.filter(reverses__in=list(entries))
    return set(reversals.values_list("reverses_id", flat=True))


def payments_booked_by(entries: Iterable[Entry]) -> dict[int, str]:
    """Return the public ids of the payments that entries booked, by the entry's key. One query."""
    found = Payment.objects.filter(entry__in=list(entries)).only("uid", "entry")
    return {payment.entry_id: payment.public_id for payment in found}


def _accounts(named: Mapping[str, str]) -> QuerySet[Account]:
    return Account.objects.filter(**{column: text for column, text in named.items() if text})


def entry_pages(ids: Sequence[int]) -> dict[int, bytes]:
    """Return the canonical bytes of entries with their postings, for the sealer. Two queries.

    Accounts are named, not only numbered: a new label would be another history.
    """
    lines: dict[int, list[Any]] = {pk: [] for pk in ids}
    asked: list[Any] = [current_tenant_id(), list(ids)]
    with connection.cursor() as cursor:
        cursor.execute(_POSTINGS_OF, asked)
        for pk, *values in cursor:
            lines[pk].append(values)
        cursor.execute(_ENTRIES_OF, asked)
        return {row[0]: canonical([row, lines[row[0]]]) for row in cursor}


# By one array: a statement with a placeholder for each of thousands of ids is slow to send.
_POSTINGS_OF = """
select p.entry_id, p.line_no, p.account_id, a.role, a.owner, p.currency, p.amount,
  p.invoice, p.payment, p.charge, p.matter, p.tax_code
from ledger_posting p
left join ledger_account a on a.tenant_id = p.tenant_id and a.id = p.account_id
where p.tenant_id = %s and p.entry_id = any(%s::bigint[]) order by p.entry_id, p.line_no
"""
_ENTRIES_OF = """
select id, tenant_id, uid, kind, booked_on, effective_on, period_id, key, fingerprint, source,
  reason, correction_group, reverses_id, actor, recorded_at
from ledger_entry where tenant_id = %s and id = any(%s::bigint[])
"""


def last_verification() -> Verification | None:
    """Return the newest look at the books, or None before the first. One query."""
    found: Verification | None = Verification.objects.order_by("-pk").first()
    return found


def newest_look(states: Iterable[Job.State]) -> Job | None:
    """Return the newest job of these states that looks at the scope's books, or None. One query."""
    found: Job | None = (
        Job.objects.filter(
            tenant_id=current_tenant_id(), queue="checks", name__in=LOOKS, state__in=list(states)
        )
        .order_by("-pk")
        .first()
    )
    return found


def figures(now: datetime) -> list[Figure]:
    """Return how long ago the books were verified and what was found then. One query."""
    last = last_verification()
    return [
        Figure("portal_books_never_verified", 0 if last else 1),
        Figure("portal_books_findings", len(last.findings) if last else 0),
        age("portal_books_verified_seconds", last.verified_at if last else None, now),
    ]
