"""Payments: what came in, what it was for, and what nobody has been found to owe."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from billing_portal.ids import uid_of
from billing_portal.money import Money
from billing_portal.portal.inbox import InboxItem, capped, first_waiting
from billing_portal.portal.lists import chosen, page_of
from billing_portal.portal.nouns import Noun, nouns_of
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from dunning.queries import payments as asked_of
from ledger.models import Payment

_NAMED = 3


@require_safe
@may("payments.read")
def payments(request: FirmRequest) -> HttpResponse:
    """List payments, newest day first, each with what is unapplied. Four queries."""
    state, unknown = chosen(request, "state", ["unapplied"])
    is_open = bool(state)
    rows = asked_of.payments()
    open_rows = rows.filter(unapplied__gt=0)
    page = page_of(open_rows if is_open else rows, request, by_day="received_on")
    names = nouns_of(request.actor, [row.customer for row in page.rows if row.customer])
    url = reverse("dunning:payments")
    context = {
        "page": page,
        "listed": [row_of(each, names) for each in page.rows],
        "tabs": [
            {"label": "All", "url": url, "current": not is_open},
            {
                "label": "Unapplied",
                "url": f"{url}?state=unapplied",
                "count": capped(open_rows) if is_open else "",
                "current": is_open,
            },
        ],
        "unknown": unknown,
        "is_filtered": is_open,
        "may_import": request.actor.may("payments.import"),
    }
    return render(request, "dunning/payments.html", context)


def row_of(payment: Any, names: dict[str, Any]) -> dict[str, Any]:
    """Return a payment as pages show it, its customer by the name in ``names``."""
    name = names[payment.customer].label if payment.customer in names else ""
    return {
        "payment": payment,
        "amount": Money.of_minor(payment.amount, payment.currency),
        "unapplied": Money.of_minor(payment.unapplied, payment.currency),
        "state": state_of(payment),
        "customer": name or payment.payer,
        "url": reverse("dunning:payment", args=[payment.public_id]),
    }


def state_of(payment: Any) -> str:
    """Return how far a payment is applied to invoices."""
    if 0 < payment.unapplied < payment.amount:
        return "PARTLY_APPLIED"
    return "UNAPPLIED" if payment.unapplied else "APPLIED"


def payments_named(actor: Actor, ids: list[str]) -> dict[str, Noun]:
    """Return what payments are called, and their pages, by public id. One query."""
    if not actor.may("payments.read"):
        return {}
    rows = Payment.objects.filter(uid__in=[uid_of(Payment.ID_PREFIX, text) for text in ids])
    return {
        row.public_id: Noun(
            f"Payment from {row.payer}"
            if row.payer
            else f"Payment of {row.received_on:%b %-d, %Y}",
            reverse("dunning:payment", args=[row.public_id]),
            row.currency,
        )
        for row in rows
    }


def inbox_items(actor: Actor) -> list[InboxItem]:
    """Return payments with something that no invoice has, oldest first. Five queries."""
    if not actor.may("payments.import"):
        return []
    return first_waiting(
        asked_of.payments().filter(unapplied__gt=0).order_by("pk"),
        _all_waiting,
        what="payments to place",
        url=f"{reverse('dunning:payments')}?state=unapplied",
    )


def _all_waiting(payments: list[Payment]) -> list[InboxItem]:
    paid, whys = asked_of.paid_by(payments), asked_of.whys_of(payments)
    return [_waiting(each, paid.get(each.pk), whys.get(each.pk, "")) for each in payments]


def _waiting(payment: Any, paid: list[str] | None, found: str) -> InboxItem:
    """Return what is to be done with money that no invoice has: a rest, or all of it.

    :param paid: the invoices that it pays; None where it never paid any.
    :param found: why it was paid to none when the bank brought it.
    """
    payer = payment.payer or "a payment"
    is_rest = bool(paid)
    why = found or "Nothing in it names an open invoice beyond doubt."
    if paid is not None:
        why = left_over(paid) if paid else "What it had paid was taken back."
    return InboxItem(
        kind="payment",
        title=f"Place what is left of {payer}" if is_rest else f"Find what {payer} paid for",
        detail=payment.remittance,
        url=reverse("dunning:payment", args=[payment.public_id]),
        icon="wallet",
        order=f"{payment.received_on}:{payment.pk:012}",
        verb="Allocate",
        tone="warn",
        why=why,
        amount=Money.of_minor(payment.unapplied, payment.currency),
    )


def left_over(paid: list[str]) -> str:
    """Say what a rest is: of more than three invoices, the first three by number."""
    named = ", ".join(paid[:_NAMED])
    more = f" and {len(paid) - _NAMED} more" if len(paid) > _NAMED else ""
    return f"Left over after paying {named}{more}; the customer's credit until it is placed."
