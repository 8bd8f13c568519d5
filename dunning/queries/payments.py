"""What is asked of money received and of the invoices it may be for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing_portal.ids import uid_of
from billing_portal.money import Money
from customers.models import Customer
from dunning.bank.open_book import KnownPayer, OpenItem
from dunning.models import BankLine, BankStatement
from invoices.models import Invoice
from ledger.models import Allocation, Entry, Payment
from ledger.queries import open_amount_of

_BETWEEN = " · "  # a name and an id, as a page offers customers


def payments() -> QuerySet[Any]:
    """Return the firm's payments, each with what no invoice has (``unapplied``, minor units)."""
    used = (
        Allocation.objects.filter(payment=OuterRef("pk"))
        .values("payment")
        .annotate(total=Sum("amount"))
        .values("total")
    )
    rows: QuerySet[Any] = Payment.objects.annotate(
        unapplied=F("amount") - Coalesce(Subquery(used), 0)
    )
    return rows


def payers(currency: str) -> list[Customer]:
    """Return the first 500 customers who pay in a currency, by name, to choose from. One query."""
    rows = Customer.objects.filter(currency=currency).order_by("name", "pk")
    return list(rows[:500])


def payers_meant(text: str, currency: str, *, limit: int) -> list[Customer]:
    """Return whom a name or an id names that was typed whole; several, if they share it.

    At most two queries.
    """
    rows = Customer.objects.filter(currency=currency).order_by("name", "pk")
    name, _, external_id = text.rpartition(_BETWEEN)
    exact = Q(external_id=text) | Q(external_id=external_id, name=name)
    for meant in (exact, Q(name__iexact=text)):
        if found := list(rows.filter(meant)[:limit]):
            return found
    return []


def payers_like(text: str, currency: str, *, limit: int) -> list[Customer]:
    """Return whose name or id has a text in it, by name. One query."""
    rows = Customer.objects.filter(currency=currency).order_by("name", "pk")
    return list(rows.filter(Q(name__icontains=text) | Q(external_id__icontains=text))[:limit])


def open_invoices() -> QuerySet[Any]:
    """Return final invoices on which something is owed (``owed``), oldest due first."""
    bills = Invoice.objects.bills().finalized().annotate(owed=open_amount_of())
    rows: QuerySet[Any] = bills.filter(owed__gt=0).select_related("customer")
    return rows.order_by("due_on", "number")


def open_invoices_for(payment: Payment, limit: int = 100) -> list[Any]:
    """Return what a payment's customer owes in its currency, oldest due first. One query."""
    payer = uid_of(Customer.ID_PREFIX, payment.customer)
    rows = open_invoices().filter(customer__uid=payer, currency=payment.currency)
    return list(rows[:limit])


def open_items() -> list[OpenItem]:
    """Return what is owed on invoices, as matching wants it. One query."""
    return [
        OpenItem(
            id=each.public_id,
            number=each.number,
            customer=each.customer.public_id,
            due_on=each.due_on or each.period_ends_on,
            open_amount=_owed(each).amount,
            currency=each.currency,
        )
        for each in open_invoices()
    ]


def known_payers() -> list[KnownPayer]:
    """Return under which accounts and names customers have paid before. One query."""
    names: dict[str, set[str]] = defaultdict(set)
    accounts: dict[str, set[str]] = defaultdict(set)
    rows = BankLine.objects.filter(payment__customer__gt="").values_list(
        "payment__customer", "payer", "payer_account"
    )
    for customer, name, account in rows.distinct():
        names[customer] |= {name} - {""}
        accounts[customer] |= {account} - {""}
    return [
        KnownPayer(customer, frozenset(accounts[customer]), frozenset(names[customer]))
        for customer in sorted(names)
    ]


def line_of(payment: Payment) -> BankLine | None:
    """Return the bank's line behind a payment, with its statement and file. One query."""
    rows = BankLine.objects.filter(payment=payment).select_related("statement__file")
    found: BankLine | None = rows.defer("statement__file__content").first()
    return found


def whys_of(payments: Sequence[Payment]) -> dict[int, str]:
    """Return what was found of payments when a bank brought them, by the payment's key. One query.

    What no bank file brought is absent.
    """
    rows = BankLine.objects.filter(payment__in=[each.pk for each in payments]).exclude(why="")
    return dict(rows.values_list("payment_id", "why"))


def payer_taken_back(payment: Payment) -> Entry | None:
    """Return the entry by which a payment's payer was last taken back, or None. One query."""
    rows = Entry.objects.filter(source=payment.public_id, kind="payer_taken_back")
    found: Entry | None = rows.order_by("-pk").first()
    return found


def last_statements(accounts: Iterable[str]) -> dict[str, BankStatement]:
    """Return the last statement of each account that has one, by account. One query."""
    rows = BankStatement.objects.filter(account__in=list(accounts))
    last = rows.order_by("account", "-place").distinct("account")
    return {each.account: each for each in last}


def statements_there(accounts: Iterable[str], ids: Iterable[str]) -> set[tuple[str, str]]:
    """Return those among some statements, by account and id, that were imported. One query."""
    rows = BankStatement.objects.filter(account__in=list(accounts), statement_id__in=list(ids))
    return set(rows.values_list("account", "statement_id"))


def movement_there(movements: Sequence[str]) -> BankLine | None:
    """Return a line that brought one of some movements before, with its statement. One query."""
    rows = BankLine.objects.filter(movement__in=movements).select_related("statement")
    found: BankLine | None = rows.order_by("pk").first()
    return found


def allocations_of(payment: Payment) -> list[Allocation]:
    """Return where a payment went, oldest first, taken back or not. One query."""
    rows = Allocation.objects.filter(payment=payment)
    return list(rows.select_related("payment", "entry", "takes_back__entry").order_by("pk"))


def paid_by(payments: Sequence[Payment]) -> dict[int, list[str]]:
    """Return the numbers of the invoices that each payment paid, by the payment's key.

    What was taken back does not count: a payment of which all was has no number here, and one that
    never paid anything is absent. Two queries.
    """
    sums: dict[tuple[int, UUID], int] = defaultdict(int)
    rows = Allocation.objects.filter(payment__in=[each.pk for each in payments])
    for payment, invoice, amount in rows.values_list("payment_id", "invoice", "amount"):
        sums[payment, invoice] += amount
    left = [pair for pair, amount in sums.items() if amount]
    named = Invoice.objects.filter(uid__in={invoice for _, invoice in left})
    numbers = dict(named.values_list("uid", "number"))
    found: dict[int, list[str]] = {payment: [] for payment, _ in sums}
    for payment, invoice in left:
        found[payment].append(numbers.get(invoice, "an invoice"))
    return {payment: sorted(each) for payment, each in found.items()}


def invoices_by_uid(allocations: Iterable[Allocation]) -> dict[str, Invoice]:
    """Return the invoices that allocations name, by UUID as text. One query."""
    rows = Invoice.objects.filter(uid__in={each.invoice for each in allocations})
    return {str(each.uid): each for each in rows}


def invoices_there(named: Iterable[UUID]) -> set[UUID]:
    """Return those among some invoices that the firm has. One query."""
    rows: QuerySet[Any] = Invoice.objects.filter(uid__in=set(named))
    return set(rows.values_list("uid", flat=True))


def _owed(invoice: Invoice) -> Money:
    return Money.of_minor(int(getattr(invoice, "owed", Decimal(0))), invoice.currency)
