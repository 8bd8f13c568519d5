"""What the room puts into a person's inbox and into search."""

from __future__ import annotations

from django.db.models import Q
from django.urls import reverse

from billing_portal.ids import uid_of
from billing_portal.money import written
from billing_portal.portal.inbox import InboxItem, SearchGroup, SearchHit
from billing_portal.portal.nouns import Noun
from billing_portal.tenancy.actors import Actor
from customers.models import Customer, lookup_key
from invoices.models import BillingRun, Invoice, RunItem, Verdict
from invoices.queries.invoices import last_verdicts, review_queue

_MOST = 20
_LAST_LETTER = "\U0010ffff"


def inbox_items(actor: Actor) -> list[InboxItem]:
    """Return drafts to review or to mend, notes to decide on, and parked customers."""
    return [*_to_review(actor), *_returned(actor), *_notes(actor), *_parked(actor)]


def _to_review(actor: Actor) -> list[InboxItem]:
    if not actor.may("invoices.approve") or actor.id is None:
        return []
    return [
        InboxItem(
            kind="review",
            title=f"Review the draft for {invoice.customer}",
            detail=str(invoice.matter or invoice.period),
            url=reverse("invoices:invoice", args=[invoice.public_id]),
            icon="eye",
            order=f"{invoice.period_starts_on}:{invoice.pk}",
            verb="Review",
            tone="info",
            why="You are its reviewer.",
            amount=invoice.total_money,
        )
        for invoice in review_queue(actor.id)[:_MOST]
    ]


def _returned(actor: Actor) -> list[InboxItem]:
    """Return drafts whose newest verdict sent them back."""
    if not actor.may("invoices.finalize"):
        return []
    drafts = Invoice.objects.filter(state=Invoice.State.DRAFT).select_related("customer", "matter")
    sent_back = Verdict.objects.filter(kind=Verdict.Kind.RETURNED).values("invoice_id")
    found = list(drafts.filter(pk__in=sent_back).order_by("pk")[:_MOST])
    verdicts = last_verdicts(found)
    return [
        InboxItem(
            kind="returned",
            title=f"Mend the draft for {invoice.customer}",
            detail=verdicts[invoice.pk].text,
            url=reverse("invoices:invoice", args=[invoice.public_id]),
            icon="undo-2",
            order=f"{invoice.period_starts_on}:{invoice.pk}",
            verb="Open",
            tone="warn",
            why=f"{verdicts[invoice.pk].given_by_name} returned it.",
            amount=invoice.total_money,
        )
        for invoice in found
        if verdicts[invoice.pk].kind == Verdict.Kind.RETURNED
    ]


def _notes(actor: Actor) -> list[InboxItem]:
    """Return credit notes that another person asked for."""
    if not actor.may("credit_notes.approve"):
        return []
    waiting = Invoice.objects.filter(
        kind=Invoice.Kind.CREDIT_NOTE, state=Invoice.State.IN_REVIEW
    ).exclude(made_by=actor.ref)
    return [
        InboxItem(
            kind="credit_note",
            title=f"Decide on a credit note for {note.customer}",
            detail=note.reason,
            url=reverse("invoices:invoice", args=[note.public_id]),
            icon="undo-2",
            order=f"{note.made_at:%Y-%m-%d}:{note.pk}",
            verb="Decide",
            tone="warn",
            why="A second person must approve it.",
            amount=note.total_money,
        )
        for note in waiting.select_related("customer").order_by("pk")[:_MOST]
    ]


def _parked(actor: Actor) -> list[InboxItem]:
    if not actor.may("runs.start"):
        return []
    parked = (
        RunItem.objects.filter(outcome=RunItem.Outcome.PARKED)
        .select_related("run", "window__customer")
        .order_by("-pk")[:_MOST]
    )
    return [
        InboxItem(
            kind="parked",
            title=f"{item.window.customer} was not billed",
            detail=item.reason,
            url=reverse("invoices:run", args=[item.run.public_id]) + "?outcome=PARKED",
            icon="archive",
            order=f"{item.window.ends_on}:{item.pk}",
            verb="Open",
            tone="warn",
            why=f"Parked in the {item.run}.",
        )
        for item in parked
    ]


def search(actor: Actor, text: str) -> SearchGroup:
    """Find invoices whose number or customer begins with a text. One query."""
    hits: list[SearchHit] = []
    if actor.may("invoices.read"):
        key, upper = lookup_key(text), text.upper()
        customers = Customer.objects.filter(name_key__gte=key, name_key__lt=key + _LAST_LETTER)
        rows = Invoice.objects.filter(
            Q(number__gte=upper, number__lt=upper + _LAST_LETTER)
            | Q(customer__in=customers.values("pk"))
        )
        hits = [
            SearchHit(
                title=str(invoice),
                detail=f"{invoice.customer}, {invoice.period}, {written(invoice.total_money)}",
                url=reverse("invoices:invoice", args=[invoice.public_id]),
            )
            for invoice in rows.select_related("customer").order_by("-pk")[:_MOST]
        ]
    return SearchGroup("Invoices", "file-text", hits)


def invoices_named(actor: Actor, ids: list[str]) -> dict[str, Noun]:
    """Return what invoices are called, and their pages, by public id. One query."""
    if not actor.may("invoices.read"):
        return {}
    rows = Invoice.objects.filter(uid__in=[uid_of(Invoice.ID_PREFIX, text) for text in ids])
    return {
        row.public_id: Noun(str(row), reverse("invoices:invoice", args=[row.public_id]))
        for row in rows
    }


def runs_named(actor: Actor, ids: list[str]) -> dict[str, Noun]:
    """Return what runs are called, and their pages, by public id. One query."""
    if not actor.may("runs.read"):
        return {}
    rows = BillingRun.objects.filter(uid__in=[uid_of(BillingRun.ID_PREFIX, text) for text in ids])
    return {
        row.public_id: Noun(str(row), reverse("invoices:run", args=[row.public_id])) for row in rows
    }
