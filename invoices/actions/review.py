"""Review: a draft is read, and somebody says yes or no.

A verdict names the version that was seen. If the invoice has moved, nothing is decided.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record, record_many
from billing_portal.errors import Refused
from billing_portal.members.models import User
from billing_portal.members.queries import is_vouched_for, own_refs
from billing_portal.outbox.events import publish, publish_many
from billing_portal.tenancy.actors import Actor, ActorKind
from billing_portal.texts import refuse_hidden
from customers.actions.checks import refuse_strangers
from invoices.actions.comments import add_comment
from invoices.actions.edit import locked, require_may_edit, retotal
from invoices.actions.refusals import (
    BadLine,
    KeyNotVouchedFor,
    NoReviewer,
    NotYours,
    OwnEdit,
    ReturnUnanswered,
    WrongState,
)
from invoices.models import Invoice, LineEdit, Verdict
from invoices.queries.invoices import unanswered_returns

_State = Invoice.State
_FOR_OTHERS = "invoices.approve_for_others"


@transaction.atomic
def assign_reviewer(invoice: Invoice, *, reviewer: User, version_seen: int, by: Actor) -> Invoice:
    """Say who reviews an invoice that has not been decided on.

    :raises WrongState: when it was approved, or is final.
    :raises Stale: when it has changed since it was read.
    :raises NotAMember: when the person holds no role in the firm.
    """
    by.must("invoices.edit")
    invoice = locked(invoice, version_seen, _State.DRAFT, _State.IN_REVIEW)
    refuse_strangers(reviewer)
    invoice.reviewer = reviewer
    invoice.save(update_fields=["reviewer"])
    record("invoice.assigned", invoice, by=by, reviewer=reviewer.public_id)
    publish("invoice.assigned", about=invoice.public_id, version=invoice.version)
    return invoice


@transaction.atomic
def request_review(invoices: Sequence[Invoice], *, by: Actor, answer: str = "") -> list[Invoice]:
    """Hand drafts to their reviewers, all or none; those in review already stay so.

    :param answer: what is said to whoever returned them; kept as a comment of each draft.
    :raises NoReviewer: when nobody is named for one of them.
    :raises WrongState: when one was approved, or is final.
    :raises ReturnUnanswered: without an answer, when one was returned and nothing came of it.
    :raises BadComment: for an answer that cannot be kept. Seven queries, whatever the number; six
        more for each draft with an answer.
    """
    by.must("invoices.edit")
    ids = [invoice.pk for invoice in invoices]
    found = list(Invoice.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    for refusal in against_review(found).values():
        if not (isinstance(refusal, ReturnUnanswered) and answer.strip()):
            raise refusal
    drafts = [invoice for invoice in found if invoice.state == _State.DRAFT]
    if answer.strip():
        for invoice in drafts:
            add_comment(invoice, text=answer, by=by)
    Invoice.objects.filter(pk__in=[each.pk for each in drafts]).update(state=_State.IN_REVIEW)
    for invoice in drafts:
        invoice.state = _State.IN_REVIEW
    record_many("invoice.review_requested", [(each, {}) for each in drafts], by=by)
    publish_many(
        "invoice.review_requested", [(each.public_id, {"version": each.version}) for each in drafts]
    )
    return found


def against_review(invoices: Sequence[Invoice]) -> dict[int, Refused]:
    """Return what stands against handing invoices to their reviewers, by key. One query."""
    drafts = [invoice for invoice in invoices if invoice.state == _State.DRAFT]
    remarks = unanswered_returns(drafts)
    found: dict[int, Refused] = {}
    for invoice in invoices:
        if invoice.state not in {_State.DRAFT, _State.IN_REVIEW}:
            found[invoice.pk] = WrongState(f"{invoice} is {invoice.get_state_display().lower()}.")
        elif invoice.reviewer_id is None:
            no_one = f"Nobody is named to review the draft for {invoice.customer}."
            found[invoice.pk] = NoReviewer(no_one)
        elif invoice.pk in remarks:
            found[invoice.pk] = ReturnUnanswered(remarks[invoice.pk])
    return found


@transaction.atomic
def approve(invoice: Invoice, *, version_seen: int, by: Actor) -> Invoice:
    """Approve the version that was seen; only what was approved becomes final.

    :raises Stale: when it has changed since it was read.
    :raises WrongState: when it is not in review.
    :raises NotYours: when another reviewer is assigned.
    :raises OwnEdit: when who approves in another's place has changed its lines.
    """
    invoice = _judged(invoice, version_seen, by, _State.IN_REVIEW)
    _refuse_own_edits(invoice, by)
    invoice.state, invoice.approved_by = _State.APPROVED, by.ref
    invoice.save(update_fields=["state", "approved_by"])
    _say(invoice, Verdict.Kind.APPROVED, by)
    return invoice


@transaction.atomic
def return_invoice(
    invoice: Invoice, *, version_seen: int, category: str, text: str, by: Actor
) -> Invoice:
    """Send an invoice back to the billing staff, saying what is wrong with it.

    :raises Stale: when it has changed since it was read.
    :raises WrongState: when it is not in review.
    :raises NotYours: when another reviewer is assigned.
    :raises BadLine: without a category or text.
    :raises HiddenCharacter: for a character that cannot be seen.
    """
    if category not in Verdict.Category.values or not category or not text.strip():
        raise BadLine("Say what is wrong: a category and a text.")
    refuse_hidden({"text": text}, prose=["text"])
    invoice = _judged(invoice, version_seen, by, _State.IN_REVIEW)
    invoice.state = _State.DRAFT
    invoice.save(update_fields=["state"])
    _say(invoice, Verdict.Kind.RETURNED, by, category=category, text=text.strip())
    return invoice


@transaction.atomic
def reopen(invoice: Invoice, *, version_seen: int, text: str, by: Actor) -> Invoice:
    """Take an approval back while the invoice is not final; it is a draft again.

    :raises Stale: when it has changed since it was read.
    :raises NotYours: when another reviewer is assigned.
    :raises WrongState: when it is not approved.
    :raises HiddenCharacter: for a character that cannot be seen.
    """
    by.must("invoices.edit")
    refuse_hidden({"text": text}, prose=["text"])
    invoice = locked(invoice, version_seen, _State.APPROVED)
    require_may_edit(invoice, by)
    retotal(invoice, None)
    invoice.state, invoice.approved_by = _State.DRAFT, ""
    invoice.save(update_fields=["state", "approved_by", "net", "tax", "total"])
    _say(invoice, Verdict.Kind.REOPENED, by, text=text.strip())
    return invoice


def may_judge(invoice: Invoice, by: Actor) -> bool:
    """Say whether an actor may approve or return an invoice. No query."""
    if not by.may("invoices.approve"):
        return False
    return _is_assigned(invoice, by) or by.may(_FOR_OTHERS)


def _is_assigned(invoice: Invoice, by: Actor) -> bool:
    return by.kind is ActorKind.USER and by.id == invoice.reviewer_id


def _refuse_own_edits(invoice: Invoice, by: Actor) -> None:
    """Pass who has not changed what nobody has approved since; a key is whoever asked for it.

    The reviewer in person corrects and approves: that is what the invoice was assigned for.

    :raises OwnEdit: otherwise. At most three queries.
    """
    if _is_assigned(invoice, by):
        return
    given = Verdict.objects.filter(invoice=invoice, kind=Verdict.Kind.APPROVED)
    approved = given.aggregate(version=Max("version_seen"))["version"] or 0
    edits = LineEdit.objects.filter(invoice=invoice, version__gt=approved)
    editors = set(edits.values_list("edited_by", flat=True))
    if editors & own_refs(by):
        raise OwnEdit("Its lines were changed by you or by a key of yours: another approves it.")


def _judged(invoice: Invoice, version_seen: int, by: Actor, *allowed: str) -> Invoice:
    by.must("invoices.approve")
    invoice = locked(invoice, version_seen, *allowed)
    if invoice.kind != Invoice.Kind.INVOICE:
        raise WrongState("A credit note is decided on as such.")
    if not may_judge(invoice, by):
        raise NotYours(f"{invoice.reviewer or 'Nobody'} reviews this invoice.")
    if by.kind is ActorKind.KEY and not is_vouched_for(by.id or 0, _FOR_OTHERS):
        raise KeyNotVouchedFor("Two people who may approve for others must stand for this key.")
    return invoice


def _say(
    invoice: Invoice, kind: Verdict.Kind, by: Actor, *, category: str = "", text: str = ""
) -> None:
    verdict = Verdict.objects.create(
        invoice=invoice,
        kind=kind,
        version_seen=invoice.version,
        category=category,
        text=text[:2000],
        given_by=by.ref,
        given_by_name=by.name,
    )
    name = f"invoice.{kind.value.lower()}"
    facts = {"version": invoice.version, "category": category}
    record(name, invoice, by=by, **facts, **told(verdict))
    publish(name, about=invoice.public_id, version=invoice.version)
