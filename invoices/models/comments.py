"""What people of the firm say to each other about a bill; it never leaves the house."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.models import PublicModel
from invoices.models.invoices import Invoice, InvoiceLine


class Comment(PublicModel):
    """One remark on an invoice or on one of its lines. Rows never change: an answer is another."""

    ID_PREFIX: ClassVar[str] = "cmt"
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("invoice_id", "line_id", "version", "text", "made_by", "made_by_name"),
    )

    invoice = TenantForeignKey(Invoice)
    line = TenantForeignKey(InvoiceLine, null=True, help_text="Empty: about all of it.")
    version = models.PositiveIntegerField(help_text="The invoice's version when it was said.")
    text = models.CharField(max_length=2000)
    made_by = models.CharField(max_length=60)
    made_by_name = models.CharField(max_length=120)
    made_at = models.DateTimeField(db_default=Now())

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="comment_uid_is_unique"),
            models.CheckConstraint(condition=~Q(text=""), name="comment_says_something"),
        ]
        indexes = [models.Index(fields=["tenant", "invoice", "id"], name="comment_of_invoice")]

    def __str__(self) -> str:
        return f"Comment by {self.made_by_name}"
