"""A plan held against the run before it, before anything is billed."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from billing_portal.portal.downloads import Cell, csv_answer
from billing_portal.portal.nouns import row_named
from billing_portal.tenancy.actors import may
from billing_portal.tenancy.requests import FirmRequest
from invoices.models import BillingRun
from invoices.queries.previews import Compared, Missing, Preview, Standing, preview_of

_SHOWN = 200
_LABELS = {
    Standing.MISSING: _("Missing"),
    Standing.NEW: _("New"),
    Standing.MORE: _("Much more"),
    Standing.LESS: _("Much less"),
    Standing.USUAL: _("As usual"),
}
_REASONS = {
    Missing.NO_WORK: _("No unbilled work."),
    Missing.OTHER_TERMS: _("Other terms hold now; another kind of run bills it."),
    Missing.NO_TERMS: _("Nothing is agreed on how it is invoiced."),
    Missing.CLOSED: _("The customer is closed."),
    Missing.LATER: _("There is unbilled work, in a window that was billed or has not ended."),
}


@require_safe
@may("runs.read")
def preview(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show what a run would bill against the run before it, largest difference first.

    About ten queries; the 200 largest differences, and all of them as a file.
    """
    run = row_named(BillingRun.objects.all(), public_id)
    found = preview_of(run)
    chosen = next((each for each in Standing if each == request.GET.get("standing")), None)
    rows = [row for row in found.rows if chosen in (None, row.standing)]
    context = {
        "run": run,
        "before": found.before,
        "tabs": _tabs(run, found, chosen),
        "rows": [(row, _REASONS.get(row.reason) if row.reason else "") for row in rows[:_SHOWN]],
        "left_out": max(len(rows) - _SHOWN, 0),
        "chosen": chosen,
        "has_items": any(row.charges for row in found.rows),
        "actor_may_start": request.actor.may("runs.start"),
    }
    return render(request, "invoices/preview.html", context)


@require_safe
@may("runs.read")
def preview_file(request: FirmRequest, public_id: str) -> HttpResponse:
    """Return the whole comparison as a CSV file."""
    run = row_named(BillingRun.objects.all(), public_id)
    head = ["customer", "name", "matter", "standing", "reason", "charges", "now", "before"]
    rows = (_file_row(row) for row in preview_of(run).rows)
    return csv_answer(f"preview-{run.on}-{run.cadence.lower()}.csv", [*head, "currency"], rows)


def _file_row(row: Compared) -> list[Cell]:
    return [
        *(row.customer.external_id, row.customer.name),
        row.matter.external_id if row.matter else "",
        *(row.standing, row.reason or "", row.charges),
        *(row.now.amount, row.before.amount, row.now.currency),
    ]


def _tabs(run: BillingRun, found: Preview, chosen: Standing | None) -> list[dict[str, Any]]:
    url = reverse("invoices:preview", args=[run.public_id])
    every = {"label": gettext("All"), "url": url, "count": len(found.rows), "current": not chosen}
    return [every] + [
        {
            "label": label,
            "url": f"{url}?standing={standing}",
            "count": found.counts[standing],
            "current": standing == chosen,
        }
        for standing, label in _LABELS.items()
        if found.counts[standing] or standing == chosen
    ]
