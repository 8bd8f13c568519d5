"""Frozen facts, the files made from them, and those files on their way out."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing_portal import ids
from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.models import PublicModel, TenantModel
from invoices.models.invoices import Invoice


class FrozenInvoice(TenantModel):
    """The canonical bytes of a final invoice: all that a document may know of it."""

    invoice = TenantForeignKey(Invoice, db_index=False)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    frozen_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "invoice"], name="frozen_invoice_is_one"),
        ]

    def __str__(self) -> str:
        return self.sha256[:12]


class Document(PublicModel):
    """A file made from a frozen invoice. Its bytes are kept below FILES_DIR, by their hash."""

    ID_PREFIX: ClassVar[str] = "doc"
    IS_SUBJECT: ClassVar[bool] = True
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("invoice_id", "kind", "name", "media_type", "sha256", "size", "snapshot_sha256"),
        *("proof", "changes"),
    )

    class Kind(models.TextChoices):
        PDF = "pdf", "PDF"
        LEDES_1998B = "ledes1998b", "LEDES 1998B"
        LEDES_98BI = "ledes98bi", "LEDES 98BI"

    invoice = TenantForeignKey(Invoice)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    name = models.CharField(max_length=120)
    media_type = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    snapshot_sha256 = models.CharField(max_length=64)
    proof = models.JSONField(null=True, help_text="Sent = approved = booked, of a LEDES file.")
    changes = models.JSONField(default=list, help_text="Texts made fit for the format.")
    rendered_at = models.DateTimeField(db_default=Now())

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="document_uid_is_unique"),
            models.UniqueConstraint(
                fields=["tenant", "invoice", "kind"], name="document_is_one_a_kind"
            ),
            models.CheckConstraint(
                condition=Q(kind="pdf") | Q(proof__isnull=False),
                name="document_for_a_carrier_is_proven",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Delivery(PublicModel):
    """A document on its way to the customer by mail."""

    ID_PREFIX: ClassVar[str] = "dlv"
    IS_SUBJECT: ClassVar[bool] = True
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("invoice_id", "document_id", "number", "recipient", "message_id", "ended_as"),
    )

    class State(models.TextChoices):
        QUEUED = "QUEUED", "Queued"
        SENDING = "SENDING", "Sending"
        SENT = "SENT", "Sent"
        UNKNOWN = "UNKNOWN", "Unknown"
        FAILED = "FAILED", "Failed"

    invoice = TenantForeignKey(Invoice)
    document = TenantForeignKey(Document)
    number = models.PositiveSmallIntegerField(default=1, help_text="1 is the first sending.")
    recipient = models.EmailField()
    message_id = models.CharField(max_length=160)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    error_text = models.CharField(max_length=500, blank=True)
    answer = models.CharField(max_length=200, blank=True, help_text="The mail server's word.")
    queued_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="delivery_uid_is_unique"),
            models.UniqueConstraint(
                fields=["tenant", "invoice", "number"], name="delivery_happens_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "message_id"], name="delivery_message_id_is_unique"
            ),
            models.CheckConstraint(
                condition=~Q(state="SENT") | Q(sent_at__isnull=False),
                name="delivery_that_was_sent_says_when",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-id"], name="delivery_page")]

    def __str__(self) -> str:
        return f"Mail {ids.spoken(self.uid)}"

    @property
    def ended_as(self) -> str:
        """The state that a deed told; empty while the mail is on its way, of which none tells."""
        return self.state if self.state in {self.State.SENT, self.State.FAILED} else ""
