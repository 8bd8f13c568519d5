"""What the books are asked: balances, what is open, the trial balance.

Whether an invoice is paid is asked here and stored nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Min, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from billing_portal.audit.canonical import canonical
from billing_portal.money import Money
from ledger.models import Account, Allocation, Entry, Payment, Posting


@dataclass(frozen=True)
class OpenItem:
    """An invoice of which something is still owed."""

    invoice: UUID
    currency: str
    amount: Money


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

    :param on: entries booked up to and including this day; without it, all. One query.
    """
    postings = Posting.objects.filter(account__role=role, currency=currency)
    if owner is not None:
        postings = postings.filter(account__owner=owner)
    if on is not None:
        postings = postings.filter(entry__booked_on__lte=on)
    return Money.of_minor(postings.aggregate(total=Sum("amount", default=0))["total"], currency)


def open_amounts(
    invoices: Iterable[UUID], *, customer: str | None = None, currency: str | None = None
) -> dict[UUID, int]:
    """Return what is owed on invoices, in minor units; one that was never booked is absent.

    One query, whatever the number.

    :param customer: count only what this customer owes: an invoice may have moved to another.
    :param currency: count only what is owed in it.
    """
    postings = Posting.objects.filter(invoice__in=list(invoices), account__role="ar")
    if customer is not None:
        postings = postings.filter(account__owner=customer)
    if currency is not None:
        postings = postings.filter(currency=currency)
    rows = postings.values("invoice").annotate(total=Sum("amount")).values_list("invoice", "total")
    return {invoice: total for invoice, total in rows if invoice is not None}


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


def unallocated(payment: Payment) -> int:
    """Return how much of a payment no invoice has, in minor units. One query."""
    used = Allocation.objects.filter(payment=payment).aggregate(total=Sum("amount", default=0))
    return int(payment.amount - used["total"])


def trial_balance(on: date | None = None) -> TrialBalance:
    """Return all balances by role and currency, up to and including a day. One query."""
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


def entries_page(after: int | None = None, limit: int = 50) -> QuerySet[Entry]:
    """Return entries, newest first, below a row id; page by key."""
    rows = Entry.objects.select_related("period").order_by("-pk")
    return (rows if after is None else rows.filter(pk__lt=after))[:limit]


def entry_pages(ids: Sequence[int]) -> dict[int, bytes]:
    """Return the canonical bytes of entries with their postings, for the sealer. Two queries."""
    lines: dict[int, list[Any]] = {pk: [] for pk in ids}
    columns = ("line_no", "account_id", "currency", "amount", "invoice", "payment", "charge")
    postings = Posting.objects.filter(entry_id__in=ids).order_by("entry_id", "line_no")
    for pk, *values in postings.values_list("entry_id", *columns, "matter", "tax_code"):
        lines[pk].append(values)
    entries = Entry.objects.filter(pk__in=ids).values_list(
        *("pk", "tenant_id", "uid", "kind", "booked_on", "effective_on", "period_id", "key"),
        *("fingerprint", "source", "reason", "correction_group", "reverses_id", "actor"),
        "recorded_at",
    )
    return {row[0]: canonical([list(row), lines[row[0]]]) for row in entries}
