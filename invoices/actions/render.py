"""Rendering: a final invoice becomes files. Everything comes from its frozen facts.

The work is done outside any transaction, between two short scopes; done twice it makes the same
files under the same names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.jobs.queue import job
from billing_portal.money import Money
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor, system
from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.deliver import queue_delivery
from invoices.actions.freeze import ledes_kinds_of
from invoices.actions.submit import queue_submission
from invoices.documents.paper import paper_of, title_of
from invoices.documents.snapshot import InvoiceSnapshot
from invoices.gateways import files
from invoices.gateways.pdf import PdfMetadata, warm_printer
from invoices.ledes.files import FORMS, write
from invoices.ledes.profile import DEFAULT, Profile, as_json
from invoices.ledes.proof import prove
from invoices.models import Document, FrozenInvoice, Invoice
from invoices.queries.carriers import profile_of
from invoices.queries.documents import snapshot_of
from ledger.models import Posting

PRINTER = system("printer")


class NotProven(Refused):
    """The file does not say what was approved and booked; it never leaves the house."""

    code = "documents.not_proven"


@dataclass(frozen=True)
class Rendered:
    """A file to be kept."""

    kind: str
    name: str
    media_type: str
    data: bytes
    proof: dict[str, Any] | None = None
    changes: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class _Order:
    """What is to be rendered, read in one short scope."""

    snapshot: InvoiceSnapshot
    snapshot_sha256: str
    kinds: tuple[str, ...]
    booked: Money
    wanted: tuple[str, ...]
    profile: Profile


@job(title="Write an invoice's files", queue="documents", timeout=120, scoped=False)
def render_documents_later(*, tenant_id: int, invoice_id: int) -> None:
    """Write the files of a final invoice. Doing it twice does no harm: same bytes, same names.

    The PDF is kept before LEDES is tried, so that what one format cannot carry loses nothing.

    :raises NotRepresentable, NotLedes: when the invoice cannot be said in LEDES.
    :raises NotProven: when a file does not say what was approved and booked.
    """
    with tenant_scope(tenant_id):
        order = _order(Invoice.objects.get(pk=invoice_id))
    refused: Refused | None = None
    for kind in order.wanted:
        if kind in order.kinds:
            continue
        try:
            rendered = render(order.snapshot, kind, order.booked, order.profile)
        except Refused as refusal:
            refused = refusal
            continue
        files.store(tenant_id, rendered.data)
        with tenant_scope(tenant_id):
            keep(Invoice.objects.get(pk=invoice_id), rendered, order.snapshot_sha256, by=PRINTER)
    if refused is not None:
        raise refused


def render(
    snapshot: InvoiceSnapshot, kind: str, booked: Money, profile: Profile = DEFAULT
) -> Rendered:
    """Return one file of a snapshot. Touches no table.

    :param profile: of the carrier that takes the LEDES file.
    :raises NotProven: when a LEDES file does not tie to the snapshot or to what was booked.
    """
    if kind == Document.Kind.PDF:
        return _pdf(snapshot)
    return _ledes(snapshot, booked, kind, profile)


@transaction.atomic
def keep(invoice: Invoice, rendered: Rendered, snapshot_sha256: str, *, by: Actor) -> Document:
    """Write down that a file of an invoice was made; made before, the first one stays."""
    invoice = Invoice.objects.select_for_update(of=("self",)).get(pk=invoice.pk)
    known: Document | None = Document.objects.filter(invoice=invoice, kind=rendered.kind).first()
    if known is not None:
        return known
    document: Document = Document.objects.create(
        invoice=invoice,
        kind=rendered.kind,
        name=rendered.name,
        media_type=rendered.media_type,
        sha256=files.hash_of(rendered.data),
        size=len(rendered.data),
        snapshot_sha256=snapshot_sha256,
        proof=rendered.proof,
        changes=list(rendered.changes),
    )
    facts = {"kind": document.kind, "sha256": document.sha256}
    record("document.rendered", document, by=by, **facts, **told(document))
    publish(
        "invoice.document_rendered",
        about=invoice.public_id,
        document_id=document.public_id,
        document_kind=document.kind,
    )
    _send_out(document, by=by)
    return document


def _send_out(document: Document, *, by: Actor) -> None:
    """Ask for the document to leave the house; a customer without an address loses no document."""
    customer = document.invoice.customer
    is_bill = document.invoice.kind == Invoice.Kind.INVOICE
    try:
        with transaction.atomic():
            if document.kind == Document.Kind.PDF and customer.sends_pdf:
                queue_delivery(document, by=by)
            elif document.kind in FORMS and customer.uploads_ledes and is_bill:
                queue_submission(document, by=by)
    except Refused as refusal:
        record("document.not_sent", document, by=by, code=refusal.code)


def _order(invoice: Invoice) -> _Order:
    snapshot = snapshot_of(invoice)
    frozen = FrozenInvoice.objects.values_list("sha256", flat=True).get(invoice=invoice)
    wanted = [Document.Kind.PDF.value, *ledes_kinds_of(invoice)]
    receivable = Posting.objects.filter(entry=invoice.entry, account__role="ar")
    booked = sum(receivable.values_list("amount", flat=True))
    return _Order(
        snapshot=snapshot,
        snapshot_sha256=frozen,
        kinds=tuple(Document.objects.filter(invoice=invoice).values_list("kind", flat=True)),
        booked=Money.of_minor(booked, invoice.currency),
        wanted=tuple(wanted),
        profile=profile_of(invoice),
    )


def page_of(snapshot: InvoiceSnapshot) -> str:
    """Return the page that is printed, in the English of the firm's country."""
    context = paper_of(snapshot)
    with translation.override(context["language"]):
        return render_to_string("documents/invoice.html", context)


def style_of_pages() -> str:
    """Return the stylesheet of the pages that are printed."""
    return (Path(settings.BASE_DIR) / "static/documents/invoice.css").read_text(encoding="utf-8")


def _pdf(snapshot: InvoiceSnapshot) -> Rendered:
    title = f"{title_of(snapshot)} {snapshot.number}"
    data = warm_printer().print(
        page_of(snapshot),
        assets={},
        style=style_of_pages(),
        metadata=PdfMetadata(title=title, author=snapshot.firm.name),
    )
    return Rendered(Document.Kind.PDF, f"{snapshot.number}.pdf", "application/pdf", data)


def _ledes(snapshot: InvoiceSnapshot, booked: Money, kind: str, profile: Profile) -> Rendered:
    fitted, data = write(kind, snapshot, profile)
    proof = prove(data, fitted.snapshot, profile)
    # The tax of a 1998B file is entered at the carrier, where its profile says so at all.
    unsaid = Decimal(0) if kind == Document.Kind.LEDES_98BI else snapshot.tax_total
    is_booked = proof.total + unsaid == booked.amount and proof.currency == booked.currency
    if not (proof.ok and is_booked):
        raise NotProven(
            f"The LEDES file of {snapshot.number} is not proven: {proof.lines_tied} of"
            f" {proof.lines} lines tied, file {proof.total}, booked {booked}."
        )
    return Rendered(
        kind=kind,
        name=f"{snapshot.number}.txt",
        media_type="text/plain; charset=us-ascii",
        data=data,
        proof={
            **proof.as_json(),
            "booked": str(booked.amount),
            "approved": str(snapshot.total),
            "profile": json.loads(as_json(profile)),
        },
        changes=tuple(
            {
                "line": each.line,
                "field": each.field,
                "was": each.change.was,
                "became": each.change.became,
                "why": str(each.change.why),
            }
            for each in fitted.changes
        ),
    )
