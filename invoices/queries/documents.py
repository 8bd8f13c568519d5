"""What is asked of frozen invoices and of the files made from them."""

from __future__ import annotations

from django.db.models import QuerySet

from invoices.documents.canonical import snapshot_from
from invoices.documents.snapshot import InvoiceSnapshot
from invoices.models import Document, FrozenInvoice, Invoice


def documents() -> QuerySet[Document]:
    """Return the firm's documents with their invoices."""
    rows: QuerySet[Document] = Document.objects.select_related("invoice")
    return rows


def documents_of(invoice: Invoice) -> list[Document]:
    """Return the files of an invoice, PDF first. One query."""
    return list(Document.objects.filter(invoice=invoice).order_by("-kind"))


def snapshot_of(invoice: Invoice) -> InvoiceSnapshot:
    """Return the frozen facts of a final invoice. One query.

    :raises FrozenInvoice.DoesNotExist: when it is not final.
    :raises NotASnapshot: when the stored bytes are damaged.
    """
    return snapshot_from(bytes(FrozenInvoice.objects.get(invoice=invoice).content))
