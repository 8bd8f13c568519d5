"""What is asked of invoices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from billing_portal.audit.models import AuditEvent
from billing_portal.ids import NotAnId, uid_of, uids_spoken
from billing_portal.portal.beginnings import begins
from invoices.models import Comment, Invoice, InvoiceLine, LineEdit, Verdict
from ledger.queries import open_amount_of


@dataclass(frozen=True)
class Answered:
    """A return, and what came of it since.

    :ivar lines: the numbers of the lines that were changed.
    """

    verdict: Verdict
    comments: list[Comment]
    lines: list[int]

    @property
    def tone(self) -> str:
        """How urgent it looks: something came of it, or nothing did."""
        return "info" if self.comments or self.lines else "warn"


MILESTONES = (
    *("invoice.drafted", "invoice.review_requested", "invoice.finalized", "invoice.discarded"),
    *("credit_note.requested", "credit_note.finalized", "credit_note.rejected"),
)


def _notes(corrects: Any) -> QuerySet[Invoice]:
    notes: QuerySet[Invoice] = Invoice.objects.filter(corrects=corrects)
    return notes.exclude(state=Invoice.State.VOID)


def by_public_ids(public_ids: Iterable[str]) -> list[Invoice]:
    """Return the firm's invoices of those ids, with what they name. One query."""
    uids = []
    for each in public_ids:
        with suppress(NotAnId):
            uids.append(uid_of(Invoice.ID_PREFIX, each))
    rows = Invoice.objects.filter(uid__in=uids).select_related("customer", "matter", "reviewer")
    return list(rows)


def called(text: str) -> Q:
    """Return what finds invoices by their number's beginning, or the letters a draft is called by.

    Ranges of indexes.
    """
    meant = uids_spoken(text)
    of_drafts = Q(uid__range=meant) if meant else Q(pk__in=[])
    return begins("number", text.upper()) | of_drafts


def note_of(invoice: Invoice) -> Invoice | None:
    """Return the credit note that was asked for or made for an invoice. One query."""
    found: Invoice | None = _notes(invoice).first()
    return found


def invoices() -> QuerySet[Invoice]:
    """Return the firm's invoices with what they name and what is owed on them (``owed``).

    ``note_uid`` is the credit note that was asked for or made, ``is_credited`` whether it is final.
    """
    named = ("customer", "matter", "reviewer", "corrects")
    rows: QuerySet[Any] = Invoice.objects.select_related(*named)
    notes = _notes(OuterRef("pk"))
    found: QuerySet[Invoice] = rows.annotate(
        owed=open_amount_of(),
        note_uid=Subquery(notes.values("uid")[:1]),
        is_credited=Exists(notes.filter(state=Invoice.State.FINALIZED)),
    )
    return found


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    """Return the lines that are billed, with charge, matter and timekeeper, in order. One query."""
    rows = InvoiceLine.objects.filter(invoice=invoice, is_released=False)
    return list(rows.select_related("charge", "matter", "timekeeper").order_by("number"))


def edits_of(invoice: Invoice) -> list[LineEdit]:
    """Return the edits of an invoice, oldest first, each with its line. One query."""
    return list(LineEdit.objects.filter(invoice=invoice).select_related("line").order_by("pk"))


def verdicts_of(invoice: Invoice) -> list[Verdict]:
    """Return what was said about an invoice, oldest first. One query."""
    return list(Verdict.objects.filter(invoice=invoice).order_by("pk"))


def comments_of(invoice: Invoice) -> QuerySet[Comment]:
    """Return what was said about an invoice and its lines, with the line."""
    rows: QuerySet[Comment] = Comment.objects.filter(invoice=invoice)
    return rows.select_related("line")


def last_verdicts(invoices: Sequence[Invoice]) -> dict[int, Verdict]:
    """Return the newest verdict of each invoice that has one, by the invoice's key. One query."""
    return {verdict.invoice_id: verdict for verdict in _newest_verdicts(invoices)}


def unanswered_returns(drafts: Sequence[Invoice]) -> dict[int, Verdict]:
    """Return what sent drafts back, by the invoice's key, where nothing came of it. One query.

    The version counts content, so it has moved where a line has changed. A comment by anybody but
    who returned it is an answer.
    """
    said_since = Comment.objects.filter(
        invoice=OuterRef("invoice"), made_at__gt=OuterRef("given_at")
    )
    answers = said_since.exclude(made_by=OuterRef("given_by"))
    rows = _newest_verdicts(drafts).annotate(is_answered=Exists(answers))
    versions = {draft.pk: draft.version for draft in drafts}
    return {
        verdict.invoice_id: verdict
        for verdict in rows
        if verdict.kind == Verdict.Kind.RETURNED
        and verdict.version_seen == versions[verdict.invoice_id]
        and not verdict.is_answered
    }


def unapproved(invoices: Sequence[Invoice]) -> list[Invoice]:
    """Return those whose newest verdict does not approve them as they are. One query.

    A draft that was discarded was never a claim, and needs none.
    """
    newest = {verdict.invoice_id: verdict for verdict in _newest_verdicts(invoices)}
    return [
        each
        for each in invoices
        if each.number or each.state != Invoice.State.VOID
        if not _approves(newest.get(each.pk), each)
    ]


def _approves(verdict: Verdict | None, invoice: Invoice) -> bool:
    if verdict is None or verdict.kind != Verdict.Kind.APPROVED:
        return False
    return (verdict.version_seen, verdict.given_by) == (invoice.version, invoice.approved_by)


def answer_to(verdict: Verdict, comments: Iterable[Comment], edits: Iterable[LineEdit]) -> Answered:
    """Return what came of a return among an invoice's comments and edits. No query.

    More words of who returned it count where nobody else said or changed anything.
    """
    said = [each for each in comments if each.made_at > verdict.given_at]
    changed = {each.line.number for each in edits if each.version > verdict.version_seen}
    answers = [each for each in said if each.made_by != verdict.given_by]
    if not answers and not changed:
        answers = said
    return Answered(verdict, sorted(answers, key=lambda each: each.pk), sorted(changed))


def answered_returns(invoices: Sequence[Invoice]) -> dict[int, Answered]:
    """Return what was sent back last, by the invoice's key, with what came of it.

    Three queries at most, whatever the number.
    """
    returned = {
        key: verdict
        for key, verdict in last_verdicts(invoices).items()
        if verdict.kind == Verdict.Kind.RETURNED
    }
    if not returned:
        return {}
    since = min(verdict.given_at for verdict in returned.values())
    seen = min(verdict.version_seen for verdict in returned.values())
    comments: dict[int, list[Comment]] = defaultdict(list)
    for said in Comment.objects.filter(invoice__in=returned, made_at__gt=since).select_related(
        "line"
    ):
        comments[said.invoice_id].append(said)
    edits: dict[int, list[LineEdit]] = defaultdict(list)
    for edit in LineEdit.objects.filter(invoice__in=returned, version__gt=seen).select_related(
        "line"
    ):
        edits[edit.invoice_id].append(edit)
    return {key: answer_to(verdict, comments[key], edits[key]) for key, verdict in returned.items()}


def _newest_verdicts(invoices: Sequence[Invoice]) -> QuerySet[Any]:
    rows: QuerySet[Any] = Verdict.objects.filter(invoice__in=[each.pk for each in invoices])
    return rows.order_by("invoice_id", "-pk").distinct("invoice_id")


def review_queue(reviewer: int | None) -> QuerySet[Invoice]:
    """Return what waits for a reviewer, oldest period first; without one, for anybody."""
    rows = invoices().filter(state=Invoice.State.IN_REVIEW, kind=Invoice.Kind.INVOICE)
    if reviewer is not None:
        rows = rows.filter(reviewer=reviewer)
    return rows.order_by("period_starts_on", "pk")


def milestones_of(invoice: Invoice) -> list[AuditEvent]:
    """Return what the trail tells of an invoice's way beside edits and verdicts. One query."""
    rows = AuditEvent.objects.filter(
        subject_kind="invoice", subject_id=invoice.public_id, action__in=MILESTONES
    )
    return list(rows.order_by("pk"))
