"""The list of invoices: by state, customer and number, a page at a time."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing_portal.money import Money
from billing_portal.portal.answers import today_of
from billing_portal.portal.beginnings import begins
from billing_portal.portal.lists import chosen, page_of
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from customers.models import Customer, lookup_key
from invoices.actions.review import may_judge
from invoices.models import Invoice
from invoices.queries.amounts import coming_to
from invoices.queries.invoices import called
from invoices.queries.invoices import invoices as all_invoices

_COUNTED = 1000
_PICKED = {"mine", Invoice.State.IN_REVIEW}  # where many are approved at once
_TABS = (
    ("", "All"),
    ("mine", "Mine to review"),
    ("DRAFT", "Drafts"),
    ("IN_REVIEW", "In review"),
    ("APPROVED", "Approved"),
    ("FINALIZED", "Final"),
    ("OVERDUE", "Overdue"),
    ("CREDIT_NOTES", "Credit notes"),
)
_KNOWN = {*(tab for tab, _ in _TABS), *Invoice.State.values}


@require_safe
@may("invoices.read")
def invoices(request: FirmRequest) -> HttpResponse:
    """List invoices, newest first. One query a tab and two more, whatever the length."""
    tab, unknown = chosen(request, "state", _KNOWN)
    text = request.GET.get("q", "").strip()
    today = today_of(request)
    rows = _of_tab(all_invoices(), tab, request.actor, today)
    page = page_of(_of_text(rows, text) if text else rows, request)
    context = {
        "listed": [(each, _owed(each), _is_late(each, today)) for each in page.rows],
        "may_pick": tab in _PICKED and any(may_judge(each, request.actor) for each in page.rows),
        "tabs": _tabs(request.actor, tab, today),
        "filters": _filters(tab, text),
        "unknown": unknown,
        "pager": page.pager,
        "is_filtered": bool(tab or text),
    }
    return render(request, "invoices/invoices.html", context)


def _of_tab(rows: QuerySet[Any], tab: str, actor: Actor, today: date) -> QuerySet[Any]:
    if tab == "mine":
        return rows.filter(state=Invoice.State.IN_REVIEW, reviewer=actor.id)
    if tab == "OVERDUE":
        late = rows.filter(state=Invoice.State.FINALIZED, kind=Invoice.Kind.INVOICE)
        return late.filter(due_on__lt=today, owed__gt=0)
    if tab == "CREDIT_NOTES":  # in these words, the unique index of notes is used
        return rows.filter(corrects__isnull=False).exclude(state=Invoice.State.VOID)
    return rows.filter(state=tab) if tab in Invoice.State.values else rows


def _of_text(rows: QuerySet[Invoice], text: str) -> QuerySet[Invoice]:
    """Return those that are called so, whose customer or matter begins so, or whose total it is."""
    key = lookup_key(text)
    customers = Customer.objects.filter(begins("name_key", key))
    named = Q(customer__in=customers.values("pk")) | begins("matter__external_key", key)
    return rows.filter(called(text) | named | coming_to(text))


def _tabs(actor: Actor, current: str, today: date) -> list[dict[str, Any]]:
    found = []
    for tab, label in _TABS:
        if tab == "mine" and not actor.may("invoices.approve"):
            continue
        count = None
        if tab in {"mine", "DRAFT", "IN_REVIEW", "APPROVED"}:
            rows = _of_tab(Invoice.objects.all(), tab, actor, today)
            seen = rows.order_by()[: _COUNTED + 1].count()
            count = f"{_COUNTED}+" if seen > _COUNTED else seen
        found.append(
            {"label": label, "url": _url(state=tab), "count": count, "current": tab == current}
        )
    return found


def _filters(tab: str, text: str) -> dict[str, Any]:
    chips = [{"label": f"“{text}”", "url": _url(state=tab)}] if text else []
    return {
        "url": _url(state=tab),
        "key": "invoices",
        "target": "main",
        "placeholder": "Number, customer or matter begins with …, or total",
        "text": text,
        "chips": chips,
        "clear_url": _url(state=tab),
    }


def _url(**named: str) -> str:
    given = {name: value for name, value in named.items() if value}
    return f"?{urlencode(given)}" if given else "?"


def _owed(invoice: Invoice) -> Money | None:
    if invoice.state != Invoice.State.FINALIZED or invoice.kind != Invoice.Kind.INVOICE:
        return None
    return Money.of_minor(int(invoice.owed), invoice.currency)  # type: ignore[attr-defined]  # annotated


def _is_late(invoice: Invoice, today: date) -> bool:
    owed = _owed(invoice)
    return bool(owed and owed.amount > 0 and invoice.due_on and invoice.due_on < today)
