"""What the nightly look at the books and chains has found."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from billing_portal.portal.inbox import InboxItem
from billing_portal.portal.lists import page_of
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from ledger.models import Verification
from ledger.queries import last_verification


@require_safe
@may("audit.read")
def verifications(request: FirmRequest) -> HttpResponse:
    """List the looks at the books, newest first, with what was found. One query."""
    page = page_of(Verification.objects.order_by("-pk"), request)
    shown = {
        "rows": page.rows,
        "pager": page.pager,
        "crumbs": [(gettext("Ledger"), reverse("ledger:trial_balance"))],
    }
    return render(request, "ledger/verifications.html", shown)


def inbox_items(actor: Actor) -> list[InboxItem]:
    """Return what the newest verification found broken, until one finds nothing. One query."""
    if not actor.may("audit.read"):
        return []
    last = last_verification()
    if last is None or last.is_whole:
        return []
    return [
        InboxItem(
            kind="verification",
            title=gettext("The books or the audit trail are not whole"),
            detail=last.first,
            url=reverse("ledger:verifications"),
            icon="triangle-alert",
            order=f"0:{last.pk}",
            verb=gettext("Open"),
            tone="bad",
            why=gettext(
                "The nightly verification found it. Keep the database as it is, and compare it "
                "with a backup."
            ),
            more=len(last.findings) - 1,
        )
    ]
