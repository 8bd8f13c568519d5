"""Delivering: the PDF of a final invoice goes to the customer by mail.

What is meant to happen is committed before the mail server is called, and what came of it after;
the mail carries the delivery's own Message-ID, so that a repeat is the same mail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import structlog
from babel import Locale
from babel.dates import format_date
from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.template.loader import render_to_string

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.jobs.queue import job
from billing_portal.jobs.worker import current_job
from billing_portal.money import written
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor, system
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id, tenant_scope
from customers.models import Contact, Customer
from invoices.documents.paper import language_of
from invoices.gateways import files, mail
from invoices.models import Delivery, Document, Invoice
from invoices.queries.kept import content_of

POSTMAN = system("postman")
_ATTEMPTS = 6
_State = Delivery.State
_log = structlog.get_logger(__name__)


class NoMailAddress(Refused):
    """The customer has no address for invoices."""

    code = "deliveries.no_address"


class NotToSend(Refused):
    """The delivery is on its way, or this customer gets no PDF."""

    code = "deliveries.not_to_send"


@dataclass(frozen=True)
class Mailed:
    """What came of an attempt to mail something."""

    state: str
    code: str = ""
    text: str = ""
    answer: str = ""
    error: Exception | None = None


@dataclass(frozen=True)
class _Letter:
    """A mail as it will go out, but for the file."""

    delivery: Delivery
    file_name: str
    media_type: str
    subject: str
    text: str
    html: str
    sender: str
    headers: tuple[tuple[str, str], ...]


def address_of(customer: Customer) -> str:
    """Return where invoices go: the customer's own address, else a billing contact's.

    One query where the customer has none.

    :raises NoMailAddress: when there is neither.
    """
    if customer.invoice_email:
        return str(customer.invoice_email)
    contact = (
        Contact.objects.filter(customer=customer, purpose=Contact.Purpose.BILLING, ended_on=None)
        .exclude(email="")
        .order_by("pk")
        .first()
    )
    if contact is None:
        raise NoMailAddress(f"{customer} has no address for invoices.")
    return str(contact.email)


@transaction.atomic
def queue_delivery(document: Document, *, by: Actor, again: bool = False) -> Delivery:
    """Ask for a PDF to be mailed; asked for twice, it is one mail, unless a person wants another.

    :raises NoMailAddress: when nobody said where to.
    :raises NotToSend: when the last mail has not ended yet.
    """
    if again:
        by.must("invoices.finalize")
    invoice = Invoice.objects.select_for_update(of=("self",)).get(pk=document.invoice_id)
    known = Delivery.objects.filter(invoice=invoice).order_by("-number")
    last: Delivery | None = known.first()
    if last is not None and not again:
        return last
    if last is not None and last.state in {_State.QUEUED, _State.SENDING}:
        raise NotToSend("The last mail is still on its way.")
    number = (known.aggregate(last=Max("number"))["last"] or 0) + 1
    delivery = Delivery(
        invoice=invoice,
        document=document,
        number=number,
        recipient=address_of(invoice.customer),
    )
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2]
    delivery.message_id = f"{delivery.public_id}@{domain}"
    delivery.save()
    record("delivery.queued", delivery, by=by, invoice=invoice.public_id, **told(delivery))
    publish("invoice.delivery_queued", about=invoice.public_id, delivery_id=delivery.public_id)
    deliver_later.enqueue(key=f"deliver:{delivery.uid}", delivery_id=delivery.pk)
    return delivery


@job(
    title="Mail a document",
    queue="mail",
    timeout=90,
    max_attempts=_ATTEMPTS,
    backoff=10,
    scoped=False,
)
def deliver_later(*, tenant_id: int, delivery_id: int) -> None:
    """Mail a document. Twice does no harm: what was sent stays, and a repeat is the same mail.

    :raises MailDown: while the server does not take it; the job is tried again later.
    :raises MailUnknown: when nobody knows; it is repeated under the same Message-ID.
    :raises FileDamaged, FileMissing: when the file is damaged or gone; nothing was sent.
    """
    with tenant_scope(tenant_id):
        letter = _begin(delivery_id)
    if letter is None:
        return
    try:
        data = content_of(tenant_id, letter.delivery.document)
    except files.UNREADABLE as no:
        with tenant_scope(tenant_id):
            end(delivery_id, _State.FAILED, no.code, str(no))
        raise
    mailed = attempt(lambda: _send(letter, data, at=letter.delivery.queued_at), most=_ATTEMPTS)
    with tenant_scope(tenant_id):
        end(delivery_id, mailed.state, mailed.code, mailed.text, mailed.answer)
    if mailed.error is not None:
        raise mailed.error


def attempt(send: Callable[[], str], *, most: int) -> Mailed:
    """Send a mail and say what came of it; what is to be tried again carries its error.

    :param most: how many attempts the job has.
    """
    try:
        return Mailed(_State.SENT, answer=send())
    except mail.MailRefused as refusal:
        return Mailed(_State.FAILED, refusal.code, str(refusal))
    except mail.MailUnknown as error:
        return Mailed(_State.UNKNOWN, "mail.unknown", str(error), error=error)
    except mail.MailDown as error:
        me = current_job()
        is_last = me is not None and me.attempts >= most
        state = _State.FAILED if is_last else _State.QUEUED
        return Mailed(state, "mail.down", str(error), error=error)


def _begin(delivery_id: int) -> _Letter | None:
    """Write down that the mail goes out now; nothing when it went before."""
    delivery = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery_id)
    if delivery.state in {_State.SENT, _State.FAILED}:
        return None
    delivery.state = _State.SENDING
    delivery.attempts += 1
    delivery.version += 1
    delivery.save(update_fields=["state", "attempts", "version"])
    document = delivery.document
    firm = Tenant.objects.get(pk=current_tenant_id())
    context = letter_context(firm, delivery.invoice)
    return _Letter(
        delivery=delivery,
        file_name=document.name,
        media_type=document.media_type,
        subject=render_to_string("mail/base_subject.txt", context).strip(),
        text=render_to_string("mail/base.txt", context),
        html=render_to_string("mail/base.html", context),
        sender=sender_of(firm),
        headers=replies_to(firm),
    )


def sender_of(firm: Tenant) -> str:
    """Return the From address of a firm's mail."""
    name = firm.name.replace('"', "")
    return f'"{name}" <{settings.DEFAULT_FROM_EMAIL}>'


def replies_to(firm: Tenant) -> tuple[tuple[str, str], ...]:
    """Return the header that lets an answer reach the firm, where it has an address."""
    return (("Reply-To", firm.email),) if firm.email else ()


def footer_of(firm: Tenant) -> list[str]:
    """Return where to ask, where the firm has said so."""
    return [f"Questions? Write to {firm.email}."] if firm.email else []


def in_letters(day: date, firm: Tenant) -> str:
    """Return a day in full, as it is written in the firm's country."""
    locale = Locale.parse(language_of(firm.country), sep="-")
    text: str = format_date(day, "long", locale=locale)
    return text


def how_to_pay(firm: Tenant, invoice: Invoice) -> list[str]:
    """Return the firm's words on paying, and what to name; nothing where it has said none."""
    said = firm.remittance.splitlines()
    return [*said, f"Please name {invoice.number} with your payment."] if said else []


def letter_context(firm: Tenant, invoice: Invoice) -> dict[str, Any]:
    """Return what the mail of an invoice says: numbers, days and how to pay; no narratives."""
    if invoice.corrects is not None:
        return _note_context(firm, invoice, invoice.corrects)
    subject = f"Invoice {invoice.number}, {written(invoice.total_money)}"
    facts = [("Invoice", invoice.number), ("Amount", written(invoice.total_money))]
    if invoice.due_on:
        facts.append(("Please pay by", in_letters(invoice.due_on, firm)))
    return {
        "firm": firm,
        "subject": subject,
        "heading": f"Invoice {invoice.number}",
        "preheader": subject,
        "paragraphs": [
            "Thank you for your business.",
            f"Our invoice for {invoice.customer} is attached as a PDF.",
            *how_to_pay(firm, invoice),
        ],
        "facts": [*facts, _period(firm, invoice)],
        "footer": footer_of(firm),
    }


def _note_context(firm: Tenant, note: Invoice, credited: Invoice) -> dict[str, Any]:
    subject = f"Credit note {note.number}, {written(note.total_money)}"
    return {
        "firm": firm,
        "subject": subject,
        "heading": f"Credit note {note.number}",
        "preheader": subject,
        "paragraphs": [
            f"Our credit note for {note.customer} is attached as a PDF.",
            f"It credits invoice {credited.number} in full. There is nothing to pay on it.",
        ],
        "facts": [
            ("Credit note", note.number),
            ("Credits invoice", credited.number),
            *([("Of", in_letters(credited.issued_on, firm))] if credited.issued_on else []),
            ("Amount credited", written(note.total_money)),
            _period(firm, note),
        ],
        "footer": footer_of(firm),
    }


def _period(firm: Tenant, invoice: Invoice) -> tuple[str, str]:
    first, last = invoice.period.starts_on, invoice.period.last_day
    if first == last:
        return "Day", in_letters(first, firm)
    return "Period", f"{in_letters(first, firm)} to {in_letters(last, firm)}"


def _send(letter: _Letter, data: bytes, *, at: datetime) -> str:
    message = mail.OutgoingMail(
        message_id=letter.delivery.message_id,
        sender=letter.sender,
        recipients=(letter.delivery.recipient,),
        subject=letter.subject,
        headers=letter.headers,
        text=letter.text,
        html=letter.html,
        written_at=at.astimezone(UTC),
        attachments=(
            mail.MailAttachment(name=letter.file_name, content=data, media_type=letter.media_type),
        ),
    )
    return send_now(message)


def send_now(message: mail.OutgoingMail) -> str:
    """Hand a mail to the installation's server; return its words, raise what the gateway raises."""
    accepted = mail.send(
        message,
        host=settings.EMAIL_HOST,
        port=settings.EMAIL_PORT,
        user=settings.EMAIL_HOST_USER,
        password=settings.EMAIL_HOST_PASSWORD,
        starttls=settings.EMAIL_USE_TLS,
        timeout=settings.EMAIL_TIMEOUT,
    )
    return accepted.answer


def end(delivery_id: int, state: str, code: str = "", text: str = "", answer: str = "") -> None:
    """Write down what came of it, and tell of what is final."""
    delivery = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery_id)
    delivery.state, delivery.error_code, delivery.error_text = state, code, text[:500]
    delivery.version += 1
    fields = ["state", "error_code", "error_text", "version"]
    if state == _State.SENT:
        delivery.sent_at = Now()
        delivery.answer = answer[:200]
        fields += ["sent_at", "answer"]
    delivery.save(update_fields=fields)
    if state in {_State.SENT, _State.FAILED}:
        word = "delivered" if state == _State.SENT else "delivery_failed"
        record(f"delivery.{state.lower()}", delivery, by=POSTMAN, code=code, **told(delivery))
        publish(
            f"invoice.{word}",
            about=delivery.invoice.public_id,
            delivery_id=delivery.public_id,
        )
