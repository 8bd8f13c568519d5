"""What is asked of bank files: what came of each, and what stands in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet, Sum

from billing_portal.money import Money
from dunning.models import BankFile, BankLine, BankStatement
from dunning.queries.payments import payments


@dataclass(frozen=True)
class CameOf:
    """What came of a bank file.

    :ivar payments: how many came in.
    :ivar received: what they come to, in each currency.
    :ivar allocated: how much of that invoices have, in each currency; nothing is an amount too.
    :ivar waiting: how many payments have something that no invoice has.
    :ivar went_out: movements that are kept and not booked: money that went out, and reversals.
    """

    payments: int
    received: tuple[Money, ...]
    allocated: tuple[Money, ...]
    waiting: int
    went_out: int


def came_of(file: BankFile) -> CameOf:
    """Return what came of a file, as it stands now. Two queries."""
    lines = BankLine.objects.filter(statement__file=file)
    found = (
        payments()
        .filter(pk__in=lines.filter(payment__isnull=False).values("payment"))
        .values("currency")
        .annotate(
            count=Count("pk"),
            came_in=Sum("amount"),
            left=Sum("unapplied"),
            waiting=Count("pk", filter=Q(unapplied__gt=0)),
        )
        .order_by("currency")
    )
    rows = list(found)
    return CameOf(
        payments=sum(row["count"] for row in rows),
        received=tuple(Money.of_minor(int(row["came_in"]), row["currency"]) for row in rows),
        allocated=tuple(
            Money.of_minor(int(row["came_in"] - row["left"]), row["currency"]) for row in rows
        ),
        waiting=sum(row["waiting"] for row in rows),
        went_out=lines.filter(payment__isnull=True).count(),
    )


def lines_of(file: BankFile) -> QuerySet[BankLine]:
    """Return what a file's statements hold, each line with its statement."""
    rows: QuerySet[BankLine] = BankLine.objects.filter(statement__file=file)
    return rows.select_related("statement")


def statements_of(files: Iterable[BankFile]) -> list[BankStatement]:
    """Return the statements of some files, as they stand in them. One query."""
    return list(BankStatement.objects.filter(file__in=list(files)).order_by("pk"))
