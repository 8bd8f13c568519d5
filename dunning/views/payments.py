"""Payments: what came in, what it was for, and what nobody has been found to owe."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from babel.numbers import get_currency_symbol
from django import forms
from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing_portal.bounds import whole_number
from billing_portal.errors import Refused
from billing_portal.members.queries import names_of_actors
from billing_portal.money import Money, NotAnAmount, amount_typed
from billing_portal.portal.answers import after, today_of, uid_or_none
from billing_portal.portal.inbox import InboxItem
from billing_portal.portal.lists import page_of
from billing_portal.portal.nouns import nouns_of, row_named
from billing_portal.portal.proving import stepped_up
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from dunning.actions import allocations as deeds
from dunning.actions.bank_files import import_bank_file
from dunning.bank.findings import Finding, NotAStatement
from dunning.models import BankFile, BankStatement
from dunning.queries import payments as asked_of
from invoices.models import Invoice
from ledger.actions.payments import take_back
from ledger.models import Allocation, Payment

_MOST = 20
_NAMED = 3
_BIGGEST = 20_000_000


class BankFileForm(forms.Form):
    """A camt.053 file."""

    file = forms.FileField(label="camt.053 file", help_text="XML, as the bank sends it.")

    def clean_file(self) -> Any:
        """Refuse what is far too big before it is read."""
        file = self.cleaned_data["file"]
        if file.size > _BIGGEST:
            raise forms.ValidationError("The file is larger than 20 MB.")
        return file


@require_safe
@may("payments.read")
def payments(request: FirmRequest) -> HttpResponse:
    """List payments, newest first, each with what is unapplied. Three queries."""
    rows = asked_of.payments()
    is_open = request.GET.get("state") == "unapplied"
    page = page_of(rows.filter(unapplied__gt=0) if is_open else rows, request)
    names = nouns_of(request.actor, [row.customer for row in page.rows if row.customer])
    url = reverse("dunning:payments")
    context = {
        "page": page,
        "listed": [_row(each, names) for each in page.rows],
        "tabs": [
            {"label": "All", "url": url, "current": not is_open},
            {"label": "Unapplied", "url": f"{url}?state=unapplied", "current": is_open},
        ],
        "is_filtered": is_open,
        "may_import": request.actor.may("payments.import"),
    }
    return render(request, "dunning/payments.html", context)


def _row(payment: Any, names: dict[str, Any]) -> dict[str, Any]:
    unapplied = Money.of_minor(payment.unapplied, payment.currency)
    state = "APPLIED" if not payment.unapplied else "UNAPPLIED"
    if 0 < payment.unapplied < payment.amount:
        state = "PARTLY_APPLIED"
    name = names[payment.customer].label if payment.customer in names else ""
    return {
        "payment": payment,
        "amount": Money.of_minor(payment.amount, payment.currency),
        "unapplied": unapplied if payment.unapplied else None,
        "state": state,
        "customer": name or payment.payer,
        "url": reverse("dunning:payment", args=[payment.public_id]),
    }


@require_safe
@may("payments.read")
def payment(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show a payment: where it came from, why it went where it did. About eleven queries."""
    return _page(request, row_named(asked_of.payments(), public_id))


def _page(
    request: FirmRequest,
    found: Any,
    *,
    typed: Mapping[str, str] = MappingProxyType({}),
    wrong: Mapping[str, str] = MappingProxyType({}),
    status: int = 200,
) -> HttpResponse:
    allocations = asked_of.allocations_of(found)
    named = asked_of.invoices_by_uid(allocations)
    taken = {each.takes_back_id for each in allocations}
    paid = asked_of.paid_by([found]).get(found.pk, []) if found.unapplied else []
    who = names_of_actors(each.entry.actor for each in allocations if each.takes_back_id)
    line = asked_of.line_of(found)
    is_open = found.unapplied > 0 and found.customer
    candidates = asked_of.open_invoices_for(found) if is_open else []
    may_import = request.actor.may("payments.import")
    context = {
        **_row(found, nouns_of(request.actor, [found.customer] if found.customer else [])),
        "line": line,
        "allocations": [
            {
                "row": each,
                "invoice": named.get(str(each.invoice)),
                "amount": Money.of_minor(each.amount, found.currency),
                "is_taken_back": each.pk in taken,
                "by": who.get(each.entry.actor, each.entry.actor) if each.takes_back_id else "",
                "may_take_back": may_import and each.takes_back_id is None and each.pk not in taken,
            }
            for each in allocations
        ],
        "candidates": [
            {
                "invoice": each,
                "owed": Money.of_minor(int(each.owed), each.currency),
                "typed": typed.get(each.public_id, ""),
                "wrong": wrong.get(each.public_id, ""),
            }
            for each in candidates
        ],
        "wrong": wrong,
        "left_over": _left_over(paid) if found.unapplied and paid else "",
        "may_allocate": may_import and is_open,
        "seen": len(allocations),
        "may_name": may_import and not found.customer,
        "customers": asked_of.payers(found.currency) if not found.customer else [],
    }
    return render(request, "dunning/payment.html", context, status=status)


@require_POST
@may("payments.import")
def allocate_payment(request: FirmRequest, public_id: str) -> HttpResponse:
    """Pay invoices from a payment, each with the amount typed beside it."""
    found = row_named(asked_of.payments(), public_id)
    typed = _typed(request)
    parts, wrong = _parts(typed, found.currency)
    if wrong:
        texts = {each.public_id: text for each, text in typed.items()}
        return _page(request, found, typed=texts, wrong=wrong, status=422)
    seen = whole_number(request.POST.get("seen", ""))
    url = reverse("dunning:payment", args=[found.public_id])
    if not parts:
        return HttpResponseRedirect(url, status=303)
    return after(
        request,
        lambda: deeds.allocate_by_hand(
            found, parts, seen=seen, by=request.actor, on=today_of(request)
        ),
        to=url,
        said="The payment was allocated.",
    )


def _typed(request: FirmRequest) -> dict[Invoice, str]:
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
    """Say which customer a payment is from; then it can pay what they owe."""
    found = row_named(Payment.objects.all(), public_id)
    typed = request.POST.get("customer", "")
    return after(
        request,
        lambda: deeds.name_payer_by_hand(found, typed, by=request.actor, on=today_of(request)),
        to=reverse("dunning:payment", args=[found.public_id]),
        said="The payer was named; now choose what it pays.",
    )


@require_POST
@may("payments.import")
def take_allocation_back(request: FirmRequest, public_id: str, pk: int) -> HttpResponse:
    """Take an allocation back, with a reason; the money is the customer's credit again."""
    found = row_named(Payment.objects.all(), public_id)
    row = Allocation.objects.filter(payment=found, pk=pk).select_related("payment", "entry").first()
    if row is None:
        raise Http404
    reason = request.POST.get("reason", "").strip() or "Taken back by hand."
    return after(
        request,
        lambda: take_back(row, by=request.actor, on=today_of(request), reason=reason[:200]),
        to=reverse("dunning:payment", args=[found.public_id]),
        said="The allocation was taken back.",
    )


@require_safe
@may("payments.read")
def bank_files(request: FirmRequest) -> HttpResponse:
    """List bank files with their statements: opening + entries = closing. Three queries."""
    page = page_of(BankFile.objects.all(), request)
    statements: dict[int, list[dict[str, Any]]] = {}
    for each in BankStatement.objects.filter(file__in=page.rows).order_by("pk"):
        opening = Money.of_minor(each.opening, each.currency)
        closing = Money.of_minor(each.closing, each.currency)
        statements.setdefault(each.file_id, []).append(
            {"row": each, "opening": opening, "closing": closing, "moved": closing - opening}
        )
    context = {
        "page": page,
        "listed": [(each, statements.get(each.pk, [])) for each in page.rows],
        "may_import": request.actor.may("payments.import"),
    }
    return render(request, "dunning/bank_files.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@may("payments.import")
def import_file(request: FirmRequest) -> HttpResponse:
    """Import a bank file, or show everything that is wrong with it."""
    is_sent = request.method == "POST"
    form = BankFileForm(request.POST, request.FILES) if is_sent else BankFileForm()
    findings: tuple[Finding, ...] = ()
    if form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            import_bank_file(
                upload.read(), name=upload.name, by=request.actor, on=today_of(request)
            )
        except NotAStatement as no:
            findings = no.findings
            form.add_error(None, "This is not a bank statement that can be imported.")
        except Refused as no:
            form.add_error(None, str(no))
        else:
            return HttpResponseRedirect(reverse("dunning:bank_files"), status=303)
    status = 422 if form.errors else 200
    context = {"form": form, "findings": findings}
    return render(request, "dunning/import_file.html", context, status=status)


def inbox_items(actor: Actor) -> list[InboxItem]:
    """Return payments with something that no invoice has. Three queries."""
    if not actor.may("payments.import"):
        return []
    rows: Any = asked_of.payments().filter(~Q(unapplied=0)).order_by("pk")[:_MOST]
    paid = asked_of.paid_by(list(rows))
    return [_waiting(each, paid.get(each.pk, [])) for each in rows]


def _waiting(payment: Any, paid: list[str]) -> InboxItem:
    """Return what is to be done with money that no invoice has: a rest, or all of it."""
    payer = payment.payer or "a payment"
    is_rest = bool(paid)
    return InboxItem(
        kind="payment",
        title=f"Place what is left of {payer}" if is_rest else f"Find what {payer} paid for",
        detail=payment.remittance,
        url=reverse("dunning:payment", args=[payment.public_id]),
        icon="wallet",
        order=f"{payment.received_on}:{payment.pk}",
        verb="Allocate",
        tone="warn",
        why=_left_over(paid) if is_rest else "Nothing in it names an open invoice beyond doubt.",
        amount=Money.of_minor(payment.unapplied, payment.currency),
    )


def _left_over(paid: list[str]) -> str:
    """Say what a rest is: of more than three invoices, the first three by number."""
    named = ", ".join(paid[:_NAMED])
    more = f" and {len(paid) - _NAMED} more" if len(paid) > _NAMED else ""
    return f"Left over after paying {named}{more}; the customer's credit until it is placed."
