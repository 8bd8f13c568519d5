"""What jobs of the room are about, by the keys that their arguments name."""

from __future__ import annotations

from django.urls import reverse

from billing_portal.portal.nouns import Noun
from billing_portal.tenancy.actors import Actor
from invoices.models import BillingRun, Delivery, Invoice, Submission


def of_invoices(actor: Actor, keys: list[int]) -> dict[int, Noun]:
    """Return invoices with their pages, by key. One query."""
    if not actor.may("invoices.read"):
        return {}
    return {row.pk: _invoice(row) for row in Invoice.objects.filter(pk__in=keys)}


def of_deliveries(actor: Actor, keys: list[int]) -> dict[int, Noun]:
    """Return the invoices that mails bring, by the mail's key. One query."""
    if not actor.may("invoices.read"):
        return {}
    rows = Delivery.objects.filter(pk__in=keys).select_related("invoice")
    return {row.pk: _invoice(row.invoice) for row in rows}


def of_uploads(actor: Actor, keys: list[int]) -> dict[int, Noun]:
    """Return uploads with their pages, by key. One query."""
    if not actor.may("uploads.read"):
        return {}
    rows = Submission.objects.filter(pk__in=keys).select_related("invoice", "carrier")
    return {
        row.pk: Noun(
            f"{row.invoice.number} to {row.carrier}",
            reverse("invoices:upload", args=[row.public_id]),
        )
        for row in rows
    }


def of_runs(actor: Actor, keys: list[int]) -> dict[int, Noun]:
    """Return runs with their pages, by key. One query."""
    if not actor.may("runs.read"):
        return {}
    return {
        row.pk: Noun(str(row), reverse("invoices:run", args=[row.public_id]))
        for row in BillingRun.objects.filter(pk__in=keys)
    }


def _invoice(row: Invoice) -> Noun:
    return Noun(str(row), reverse("invoices:invoice", args=[row.public_id]))
