"""What looks at the books and chains have found, and having a look taken now."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from billing_portal.jobs.models import Job
from billing_portal.jobs.queries import OPEN
from billing_portal.portal.answers import after
from billing_portal.portal.inbox import InboxItem
from billing_portal.portal.lists import page_of
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from ledger.actions.looking import ask_to_verify
from ledger.models import Verification
from ledger.queries import last_verification, newest_look


@require_safe
@may("audit.read")
def verifications(request: FirmRequest) -> HttpResponse:
    """List the looks at the books, newest first, and the one under way. Three queries."""
    page = page_of(Verification.objects.order_by("-pk"), request)
    is_part = bool(request.headers.get("HX-Request"))
    shown = {
        "rows": page.rows,
        "pager": page.pager,
        "look": _look(),
        "may_verify": request.actor.may("ledger.verify"),
        "may_read_jobs": request.actor.may("jobs.read"),
        "is_answer": is_part,
        "crumbs": [(gettext("Ledger"), reverse("ledger:trial_balance"))],
    }
    name = "ledger/_verifying.html" if is_part else "ledger/verifications.html"
    return render(request, name, shown)


@require_POST
@may("ledger.verify")
def start(request: FirmRequest) -> HttpResponse:
    """Have the books looked at now, and show how far that is."""
    to = reverse("ledger:verifications")
    return after(request, lambda: ask_to_verify(by=request.actor), to=to)


def _look() -> dict[str, object] | None:
    """Return the look that waits, is under way, or failed since the last one that was kept."""
    job = newest_look([*OPEN, Job.State.FAILED])
    if job is None:
        return None
    is_live = job.state in OPEN
    last = last_verification()
    if not is_live and last is not None and last.verified_at > (job.ended_at or job.enqueued_at):
        return None
    return {"job": job, "title": gettext("Verify the books"), "is_live": is_live}


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
                "A look at the books found it. Keep the database as it is, and compare it "
                "with a backup."
            ),
            more=len(last.findings) - 1,
        )
    ]
