"""Comments on an invoice: what was said, by line, and the form to say more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing_portal.portal.answers import after, uid_or_none
from billing_portal.portal.nouns import row_named
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from invoices.actions.comments import LONGEST, BadComment, add_comment
from invoices.models import Invoice, InvoiceLine
from invoices.queries.invoices import comments_of


@require_POST
@may("invoices.edit")
def add(request: FirmRequest, public_id: str) -> HttpResponse:
    """Say something about the invoice, or about the line that was chosen."""
    found = row_named(Invoice.objects.all(), public_id)
    url = reverse("invoices:invoice", args=[found.public_id])
    return after(
        request,
        lambda: add_comment(
            found,
            text=request.POST.get("text", ""),
            line=_line(found, request.POST.get("line", "")),
            by=request.actor,
        ),
        to=f"{url}#comments",
        said="The comment was added.",
        labels={"text": "Your comment"},
    )


def shown(invoice: Invoice, lines: Sequence[InvoiceLine], actor: Actor, about: str) -> Any:
    """Return what a page shows of comments: threads, the invoice's first. One query.

    :param about: the public id of the line that the form begins with.
    """
    threads: dict[str, list[Any]] = {}
    for each in comments_of(invoice).order_by("line__number", "pk"):
        key = f"Line {each.line.number}" if each.line else ""
        threads.setdefault(key, []).append(each)
    whole = {"": threads.pop("")} if "" in threads else {}
    return {
        "threads": [*whole.items(), *threads.items()],
        "count": sum(len(thread) for thread in (*whole.values(), *threads.values())),
        "may_say": actor.may("invoices.edit") and invoice.state != Invoice.State.VOID,
        "about": next((line for line in lines if line.public_id == about), None),
        "longest": LONGEST,
    }


def counts(shown: Any) -> dict[int, int]:
    """Return how many comments each line has, by its number."""
    return {thread[0].line.number: len(thread) for _, thread in shown["threads"] if thread[0].line}


def _line(invoice: Invoice, public_id: str) -> InvoiceLine | None:
    """Return the line that was chosen, or None for the invoice itself.

    :raises BadComment: when it is none of the invoice's.
    """
    if not public_id:
        return None
    uid = uid_or_none(InvoiceLine.ID_PREFIX, public_id)
    line = InvoiceLine.objects.filter(invoice=invoice, uid=uid).first()
    if line is None:
        raise BadComment("The line is of another invoice.")
    found: InvoiceLine = line
    return found
