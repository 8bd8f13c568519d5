"""One payment: where it came from, whose it is, what it pays, and taking that back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from babel.numbers import get_currency_symbol
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from billing_portal.bounds import whole_number
from billing_portal.errors import Refused, Stale
from billing_portal.members.queries import names_of_actors
from billing_portal.money import Money, NotAnAmount, amount_typed
from billing_portal.portal.answers import after, today_of, uid_or_none
from billing_portal.portal.nouns import nouns_of, row_named
from billing_portal.portal.proving import stepped_up
from billing_portal.tenancy.actors import MissingPermission, may
from billing_portal.tenancy.requests import FirmRequest
from billing_portal.texts import MARK
from customers.models import Customer
from dunning.actions import allocations as deeds
from dunning.queries import payments as asked_of
from dunning.views.payments import left_over, row_of
from invoices.models import Invoice
from ledger.actions.payments import take_back, take_payer_back
from ledger.models import Allocation, Entry, Payment

_OFFERED = 20
_LONGEST_REASON = 200


@dataclass(frozen=True)
class Typed:
    """What somebody wrote on the page and how it was answered, so that it stands there again.

    :ivar amounts: texts beside invoices, by the invoice's public id; likewise ``wrong``.
    :ivar refused: why nothing was allocated.
    :ivar payer: the text in the field of the customer.
    :ivar payer_wrong: why it names nobody, or too many.
    :ivar payers: whom it may have meant.
    """

    amounts: Mapping[str, str] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    is_filled: bool = False
    payer: str = ""
    payer_wrong: str = ""
    payers: tuple[Customer, ...] = ()


@require_safe
@may("payments.read")
def payment(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show a payment: where it came from, why it went where it did. About twelve queries."""
    return _page(request, row_named(asked_of.payments(), public_id))


def _page(
    request: FirmRequest, found: Any, typed: Typed | None = None, *, status: int = 200
) -> HttpResponse:
    typed = typed or Typed()
    allocations = asked_of.allocations_of(found)
    paid = asked_of.paid_by([found]).get(found.pk, []) if found.unapplied else []
    back = None if found.customer else asked_of.payer_taken_back(found)
    is_open = found.unapplied > 0 and found.customer
    candidates = asked_of.open_invoices_for(found) if is_open else []
    may_import = request.actor.may("payments.import")
    context = {
        **row_of(found, nouns_of(request.actor, [found.customer] if found.customer else [])),
        "line": asked_of.line_of(found),
        "is_marked": MARK in f"{found.payer}{found.remittance}",
        "allocations": _allocations(found, allocations, may_import=may_import),
        "candidates": [
            {
                "invoice": each,
                "owed": Money.of_minor(int(each.owed), each.currency),
                "typed": typed.amounts.get(each.public_id, ""),
                "wrong": typed.wrong.get(each.public_id, ""),
            }
            for each in candidates
        ],
        "typed": typed,
        "left_over": left_over(paid) if found.unapplied and paid else "",
        "may_allocate": may_import and is_open,
        "seen": len(allocations),
        "may_name": may_import and not found.customer,
        "may_take_payer_back": may_import and found.customer and found.unapplied == found.amount,
        "payer_taken_back": back,
        "payer_taken_back_by": _name(back.actor) if back else "",
        "customers": asked_of.payers(found.currency) if not found.customer else [],
    }
    return render(request, "dunning/payment.html", context, status=status)


def _name(actor: str) -> str:
    return names_of_actors([actor]).get(actor, actor)


def _allocations(
    found: Any, allocations: list[Allocation], *, may_import: bool
) -> list[dict[str, Any]]:
    """Return where the payment went, each with whether it can be taken back. Two queries."""
    named = asked_of.invoices_by_uid(allocations)
    taken = {each.takes_back_id for each in allocations}
    who = names_of_actors(each.entry.actor for each in allocations if each.takes_back_id)
    return [
        {
            "row": each,
            "invoice": named.get(str(each.invoice)),
            "amount": Money.of_minor(each.amount, found.currency),
            "is_taken_back": each.pk in taken,
            "by": who.get(each.entry.actor, each.entry.actor) if each.takes_back_id else "",
            "may_take_back": may_import and each.takes_back_id is None and each.pk not in taken,
        }
        for each in allocations
    ]


@require_POST
@may("payments.import")
def allocate_payment(request: FirmRequest, public_id: str) -> HttpResponse:
    """Pay invoices from a payment, each with the amount typed beside it.

    Asked to ``fill``, nothing is done: what is left is written beside the invoices still empty.
    """
    found = row_named(asked_of.payments(), public_id)
    written = _written(request)
    parts, wrong = _parts(written, found.currency)
    texts = {each.public_id: text for each, text in written.items()}
    if wrong:
        return _page(request, found, Typed(texts, wrong), status=422)
    if "fill" in request.POST:
        return _page(request, found, Typed(_filled(found, texts, parts), is_filled=True))
    if not parts:
        refused = gettext("Write an amount beside an invoice, or let the rest be filled in.")
        return _page(request, found, Typed(refused=refused), status=422)
    return _allocate(request, found, parts, texts)


def _allocate(
    request: FirmRequest, found: Any, parts: list[tuple[UUID, Money]], texts: dict[str, str]
) -> HttpResponse:
    """Allocate and lead back; what a rule refuses is said beside what was typed."""
    url = reverse("dunning:payment", args=[found.public_id])
    seen = whole_number(request.POST.get("seen", ""))
    try:
        deeds.allocate_by_hand(found, parts, seen=seen, by=request.actor, on=today_of(request))
    except MissingPermission:
        raise
    except Stale:  # what was typed may be what was paid meanwhile: not shown again
        return _page(request, found, Typed(refused=str(Stale())), status=409)
    except Refused as refusal:
        return _page(request, found, Typed(texts, refused=str(refusal)), status=422)
    messages.success(request, gettext("The payment was allocated."))
    return HttpResponseRedirect(url, status=303)


def _filled(
    found: Any, texts: Mapping[str, str], parts: list[tuple[UUID, Money]]
) -> dict[str, str]:
    """Return the texts with what they leave of a payment beside other invoices, oldest first."""
    filled = dict(texts)
    rest: int = found.unapplied - sum(amount.minor for _, amount in parts)
    for each in asked_of.open_invoices_for(found):
        share = min(rest, int(each.owed))
        if share > 0 and each.public_id not in filled:
            filled[each.public_id] = f"{Money.of_minor(share, found.currency).amount:,}"
            rest -= share
    return filled


def _written(request: FirmRequest) -> dict[Invoice, str]:
    """Return what was written beside invoices, by invoice. One query."""
    written = {
        uid: str(text).strip()
        for name, text in request.POST.items()
        if name.startswith("amount-")
        and (uid := uid_or_none(Invoice.ID_PREFIX, name.removeprefix("amount-")))
    }
    rows = asked_of.open_invoices().filter(uid__in=[uid for uid in written if written[uid]])
    return {each: written[each.uid] for each in rows}


def _parts(
    typed: Mapping[Invoice, str], currency: str
) -> tuple[list[tuple[UUID, Money]], dict[str, str]]:
    """Return the amounts that were typed, and what is wrong with the others by public id."""
    found, wrong = [], {}
    sign = get_currency_symbol(currency, locale="en_US")  # as the page itself writes amounts
    for invoice, text in typed.items():
        try:
            amount = amount_typed(text.removeprefix(sign).strip(), currency)
        except NotAnAmount as error:
            wrong[invoice.public_id] = str(error)
        else:
            found.append((invoice.uid, amount))
            if not amount:
                wrong[invoice.public_id] = "Write an amount above zero, or nothing."
    return found, wrong


@require_POST
@may("payments.import")
@stepped_up
def name_payer(request: FirmRequest, public_id: str) -> HttpResponse:
    """Say which customer a payment is from, by name or id; then it can pay what they owe."""
    found = row_named(asked_of.payments(), public_id)
    text = " ".join(request.POST.get("customer", "").split())
    chosen = request.POST.get("chosen", "")
    meant = asked_of.payers_meant(chosen or text, found.currency, limit=_OFFERED)
    if len(meant) != 1:
        return _page(request, found, _asked_again(found, text, meant), status=422)
    try:
        deeds.name_payer_by_hand(
            found, meant[0].external_id, by=request.actor, on=today_of(request)
        )
    except MissingPermission:
        raise
    except Refused as refusal:
        return _page(request, found, Typed(payer=text, payer_wrong=str(refusal)), status=422)
    messages.success(request, gettext("The payer was named; now choose what it pays."))
    return HttpResponseRedirect(reverse("dunning:payment", args=[found.public_id]), status=303)


def _asked_again(found: Any, text: str, meant: list[Customer]) -> Typed:
    """Offer who may be meant: a name in part is never taken for the whole."""
    if not text:
        return Typed(payer_wrong=gettext("Write the customer's name or id."))
    meant = meant or asked_of.payers_like(text, found.currency, limit=_OFFERED)
    wrong = gettext("No customer who pays in %(currency)s has this in the name or id.")
    if meant:
        wrong = gettext("Choose the one you mean, or write more of the name.")
    wrong %= {"currency": found.currency}
    return Typed(payer=text, payer_wrong=wrong, payers=tuple(meant))


@require_POST
@may("payments.import")
@stepped_up
def take_back_payer(request: FirmRequest, public_id: str) -> HttpResponse:
    """Take back whose payment it was said to be, with a reason; it waits for its payer again."""
    found = row_named(Payment.objects.all(), public_id)
    return after(
        request,
        lambda: take_payer_back(
            found, by=request.actor, on=today_of(request), reason=_reason(request)
        ),
        to=reverse("dunning:payment", args=[found.public_id]),
        said="The payer was taken back; the payment waits for its own.",
    )


@require_POST
@may("payments.import")
def take_allocation_back(request: FirmRequest, public_id: str, entry: str) -> HttpResponse:
    """Take an allocation back, with a reason; the money is the customer's credit again."""
    found = row_named(Payment.objects.all(), public_id)
    booked_by = uid_or_none(Entry.ID_PREFIX, entry)
    rows = Allocation.objects.filter(payment=found, entry__uid=booked_by)
    row = rows.select_related("payment", "entry").first()
    if row is None:
        raise Http404
    return after(
        request,
        lambda: take_back(row, by=request.actor, on=today_of(request), reason=_reason(request)),
        to=reverse("dunning:payment", args=[found.public_id]),
        said="The allocation was taken back.",
    )


def _reason(request: FirmRequest) -> str:
    return (request.POST.get("reason", "").strip() or "Taken back by hand.")[:_LONGEST_REASON]
