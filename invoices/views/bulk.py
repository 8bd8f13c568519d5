"""Deeds on many invoices, in two steps: what can be done and what cannot, then to do it."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from billing_portal.bounds import whole_number
from billing_portal.errors import Refused, Stale
from billing_portal.money import written
from billing_portal.portal.nouns import row_named
from billing_portal.tenancy.actors import MissingPermission, may
from billing_portal.tenancy.requests import FirmRequest
from invoices.actions.approve_many import Approvals, approve_many
from invoices.actions.send_run import Sending, send_to_review
from invoices.models import BillingRun, Invoice
from invoices.queries.invoices import by_public_ids

_NAMED = 200


@require_POST
@may("invoices.approve")
def approve_chosen(request: FirmRequest) -> HttpResponse:
    """Show which of the chosen versions can be approved; the second step approves exactly those."""
    is_sure, url = "sure" in request.POST, f"{reverse('invoices:invoices')}?state=IN_REVIEW"
    seen = _seen(request.POST.getlist("pick"))
    try:
        done = approve_many(seen, by=request.actor, is_trial=not is_sure)
    except MissingPermission:
        raise
    except Refused as no:
        messages.error(request, str(no))
        return HttpResponseRedirect(url, status=303)
    if is_sure and not done.refused:
        messages.success(request, f"{_counted(done)}: {_totals(done)}.")
        return HttpResponseRedirect(url, status=303)
    versions = {invoice.pk: version for invoice, version in seen}
    context = {
        "is_done": is_sure,
        "done": done,
        "chosen": len(seen),
        "listed": [(each, versions[each.pk]) for each in done.approved],
        "totals": _totals(done),
        "list_url": url,
        "crumbs": [("Invoices", url)],
    }
    # What was approved stays approved: an answer of 4xx would take all of it back.
    status = 409 if is_sure and not done.approved else 200
    return render(request, "invoices/approve_chosen.html", context, status=status)


@require_POST
@may("invoices.edit")
def send_run_to_review(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show which drafts of a run can go to their reviewers; the second step sends as many."""
    run = row_named(BillingRun.objects.all(), public_id)
    url = reverse("invoices:run", args=[run.public_id])
    expected = whole_number(request.POST.get("expected", ""))
    if expected is not None:
        try:
            with transaction.atomic():
                done = send_to_review(run, by=request.actor, expected=expected)
        except Stale:
            messages.error(request, "It is another number by now; nothing was sent. Look again.")
        else:
            messages.success(request, _sent(done))
            return HttpResponseRedirect(url, status=303)
    found = send_to_review(run, by=request.actor, is_trial=True)
    context = {
        "run": run,
        "found": found,
        "drafts": len(found.sent) + len(found.left),
        "named": found.left[:_NAMED],
        "unnamed": len(found.left[_NAMED:]),
        "url": url,
        "crumbs": [(str(run), url)],
    }
    status = 200 if expected is None else 409
    return render(request, "invoices/send_drafts.html", context, status=status)


def _sent(done: Sending) -> str:
    count = len(done.sent)
    said = ngettext(
        "%(count)s draft is with its reviewer.", "%(count)s drafts are with their reviewers.", count
    )
    return said % {"count": f"{count:,}"}


def _seen(picks: list[str]) -> list[tuple[Invoice, int]]:
    """Return the firm's invoices that were chosen, each with the version shown. One query."""
    versions = {}
    for pick in picks:
        public_id, _, text = pick.partition(":")
        version = whole_number(text)
        if version is not None:
            versions[public_id] = version
    return [(each, versions[each.public_id]) for each in by_public_ids(versions)]


def _counted(done: Approvals) -> str:
    count = len(done.approved)
    said = ngettext("%(count)s invoice approved", "%(count)s invoices approved", count)
    return said % {"count": count}


def _totals(done: Approvals) -> str:
    return " + ".join(written(each) for each in done.totals)
