"""What the room puts into a person's inbox and into search."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.text import Truncator

from billing_portal.errors import counted
from billing_portal.ids import uid_of
from billing_portal.members.queries import own_refs
from billing_portal.money import Money, written
from billing_portal.portal.beginnings import begins
from billing_portal.portal.inbox import InboxItem, SearchGroup, SearchHit, first_waiting
from billing_portal.portal.nouns import Noun
from billing_portal.tenancy.actors import Actor
from customers.models import Customer, lookup_key
from invoices.models import BillingRun, Invoice, RunItem, Verdict
from invoices.queries.amounts import coming_to, open_at
from invoices.queries.invoices import (
    Answered,
    answered_returns,
    called,
    last_verdicts,
    review_queue,
)
from ledger.queries import open_amount_of

_MOST = 20
_MOST_WORDS = 140  # letters


def inbox_items(actor: Actor) -> list[InboxItem]:
    """Return drafts to review or to mend, notes to decide on, and parked customers."""
    return [*_to_review(actor), *_returned(actor), *_notes(actor), *_parked(actor)]


def _to_review(actor: Actor) -> list[InboxItem]:
    if not actor.may("invoices.approve") or actor.id is None:
        return []
    return first_waiting(
        review_queue(actor.id),
        lambda drafts: _drafts_to_review(drafts, actor),
        what="drafts to review",
        url=f"{reverse('invoices:invoices')}?state=mine",
    )


def _drafts_to_review(drafts: list[Invoice], actor: Actor) -> list[InboxItem]:
    returned = answered_returns(drafts)
    return [_draft_to_review(each, returned.get(each.pk), actor) for each in drafts]


def _draft_to_review(invoice: Invoice, returned: Answered | None, actor: Actor) -> InboxItem:
    return InboxItem(
        kind="review",
        title=f"Review the draft for {invoice.customer}",
        detail=_told_apart(invoice),
        url=reverse("invoices:invoice", args=[invoice.public_id]),
        icon="eye",
        order=f"{invoice.period_starts_on}:{invoice.pk:012}",
        verb="Review",
        tone="info",
        why=_came_back(returned, actor) if returned else "You are its reviewer.",
        amount=invoice.total_money,
    )


def _told_apart(invoice: Invoice) -> str:
    """Return what tells a draft from others of its customer: its letters, matter and period."""
    named = (invoice, invoice.matter, invoice.period)
    return " · ".join(str(each) for each in named if each)


def _came_back(returned: Answered, actor: Actor) -> str:
    """Say who returned a draft and what came of it: the newest words, or the lines changed."""
    verdict = returned.verdict
    who = "You" if verdict.given_by == actor.ref else verdict.given_by_name
    came = ""
    if returned.comments:
        newest = returned.comments[-1]
        words = Truncator(" ".join(newest.text.split())).chars(_MOST_WORDS)
        came = f" {newest.made_by_name} answered: “{words}”"
    if returned.lines:
        came += f" {counted(len(returned.lines), 'line')} changed since."
    return f"{who} returned it before.{came}"


def _returned(actor: Actor) -> list[InboxItem]:
    """Return drafts whose newest verdict sent them back."""
    if not actor.may("invoices.finalize"):
        return []
    drafts = Invoice.objects.filter(state=Invoice.State.DRAFT).select_related("customer", "matter")
    sent_back = Verdict.objects.filter(kind=Verdict.Kind.RETURNED).values("invoice_id")
    return first_waiting(
        drafts.filter(pk__in=sent_back).order_by("pk"),
        _drafts_to_mend,
        what="drafts that were returned",
        url=f"{reverse('invoices:invoices')}?state=DRAFT",
    )


def _drafts_to_mend(found: list[Invoice]) -> list[InboxItem]:
    verdicts = last_verdicts(found)
    return [
        InboxItem(
            kind="returned",
            title=f"Mend the draft for {invoice.customer}",
            detail=f"{_told_apart(invoice)}: {verdicts[invoice.pk].text}",
            url=reverse("invoices:invoice", args=[invoice.public_id]),
            icon="undo-2",
            order=f"{invoice.period_starts_on}:{invoice.pk:012}",
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
    ).exclude(made_by__in=own_refs(actor))
    return first_waiting(
        waiting.select_related("customer", "corrects").order_by("pk"),
        lambda notes: [_note_to_decide(each) for each in notes],
        what="credit notes to decide on",
        url=f"{reverse('invoices:invoices')}?state=CREDIT_NOTES",
    )


def _note_to_decide(note: Invoice) -> InboxItem:
    return InboxItem(
        kind="credit_note",
        title=f"Decide on a credit note for {note.customer}",
        detail=f"{note.corrects}: {note.reason}",
        url=reverse("invoices:invoice", args=[note.public_id]),
        icon="undo-2",
        order=f"{note.made_at:%Y-%m-%d}:{note.pk:012}",
        verb="Decide",
        tone="warn",
        why="A second person must approve it.",
        amount=note.claim,
    )


def _parked(actor: Actor) -> list[InboxItem]:
    if not actor.may("runs.start"):
        return []
    parked = RunItem.objects.filter(outcome=RunItem.Outcome.PARKED)
    return first_waiting(
        parked.select_related("run", "window__customer").order_by("-pk"),
        lambda items: [_one_parked(each) for each in items],
        what="customers who were not billed",
        url=reverse("invoices:runs"),
    )


def _one_parked(item: RunItem) -> InboxItem:
    return InboxItem(
        kind="parked",
        title=f"{item.window.customer} was not billed",
        detail=item.reason,
        url=reverse("invoices:run", args=[item.run.public_id]) + "?outcome=PARKED",
        icon="archive",
        order=f"{item.window.ends_on}:{item.pk:012}",
        verb="Open",
        tone="warn",
        why=f"Parked in the {item.run}.",
    )


def search(actor: Actor, text: str) -> SearchGroup:
    """Find invoices by how they are called, by customer, by total or what is open. One query."""
    hits: list[SearchHit] = []
    if actor.may("invoices.read"):
        customers = Customer.objects.filter(begins("name_key", lookup_key(text)))
        of_customers = Q(customer__in=customers.values("pk"))
        rows = Invoice.objects.filter(
            called(text) | of_customers | coming_to(text) | open_at(text)
        ).annotate(owed=open_amount_of())
        hits = [
            SearchHit(
                title=str(invoice),
                detail=f"{invoice.customer}, {invoice.period}, {_in_amounts(invoice)}",
                url=reverse("invoices:invoice", args=[invoice.public_id]),
            )
            for invoice in rows.select_related("customer").order_by("-pk")[:_MOST]
        ]
    return SearchGroup("Invoices", "file-text", hits)


def _in_amounts(invoice: Any) -> str:
    """Return what an invoice comes to, and what is open where that is a part of it."""
    left = Money.of_minor(int(invoice.owed), invoice.currency)
    is_part = left.amount > 0 and left != invoice.claim
    return f"{written(invoice.claim)}, {written(left)} open" if is_part else written(invoice.claim)


def invoices_named(actor: Actor, ids: list[str]) -> dict[str, Noun]:
    """Return what invoices are called, and their pages, by public id. One query."""
    if not actor.may("invoices.read"):
        return {}
    rows = Invoice.objects.filter(uid__in=[uid_of(Invoice.ID_PREFIX, text) for text in ids])
    return {
        row.public_id: Noun(
            str(row), reverse("invoices:invoice", args=[row.public_id]), row.currency
        )
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
