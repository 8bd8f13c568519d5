"""Comments: what reviewers and billing staff say to each other about an invoice or a line."""

from __future__ import annotations

from django.db import transaction

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from billing_portal.texts import refuse_hidden
from customers.actions.checks import has_card_number
from invoices.actions.refusals import WrongState
from invoices.models import Comment, Invoice, InvoiceLine

LONGEST = 2000


class BadComment(Refused):
    """The comment says nothing or too much, or names a line of another invoice."""

    code = "comments.bad"


@transaction.atomic
def add_comment(
    invoice: Invoice, *, text: str, by: Actor, line: InvoiceLine | None = None
) -> Comment:
    """Say something about an invoice or one of its lines; the version stays as it is.

    The words stand in its own row only, never in the trail or in news.

    :raises MissingPermission: without ``invoices.edit``, which reviewers and billing staff have.
    :raises BadComment: for no text, more than 2,000 letters, a card number, or a strange line.
    :raises HiddenCharacter: for a character that cannot be seen.
    :raises WrongState: when the invoice was thrown away. Six queries.
    """
    by.must("invoices.edit")
    invoice = Invoice.objects.select_for_update(of=("self",)).get(pk=invoice.pk)
    if invoice.state == Invoice.State.VOID:
        raise WrongState("It was thrown away; nothing more is said about it.")
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise BadComment(f"Write something, at most {LONGEST:,} letters.")
    refuse_hidden({"text": text}, prose=["text"])
    if has_card_number(text):
        raise BadComment("The text holds what looks like a card number.")
    if line is not None and line.invoice_id != invoice.pk:
        raise BadComment("The line is of another invoice.")
    comment: Comment = Comment.objects.create(
        invoice=invoice,
        line=line,
        version=invoice.version,
        text=text,
        made_by=by.ref,
        made_by_name=by.name,
    )
    about = {"comment": comment.public_id} | ({"line": line.number} if line else {})
    record("invoice.commented", invoice, by=by, **about, **told(comment))
    publish("invoice.commented", about=invoice.public_id, **about)
    return comment
