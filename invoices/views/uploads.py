"""Uploads to carriers with their evidence, and mail to customers."""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from billing_portal.portal.answers import after
from billing_portal.portal.inbox import InboxItem, first_waiting
from billing_portal.portal.lists import Link, chosen, page_of, url_with
from billing_portal.portal.nouns import row_named
from billing_portal.portal.proving import stepped_up
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from invoices.actions.deliver import queue_delivery
from invoices.actions.submit import cancel_submission, retry_submission, submit_again
from invoices.actions.waiting import start_carrier
from invoices.gateways import files
from invoices.models import Carrier, Delivery, Evidence, Submission
from invoices.queries import uploads as asked_of
from invoices.queries.kept import content_of

_SAID = 2  # of the findings of one upload
_REJECTED = (Submission.State.REJECTED,)
_NOT_MAILED = (Delivery.State.FAILED, Delivery.State.UNKNOWN)
_MAIL_TABS = (
    ("", "All", ()),
    ("waiting", "On their way", (Delivery.State.QUEUED, Delivery.State.SENDING)),
    ("sent", "Sent", (Delivery.State.SENT,)),
    ("failed", "Failed", _NOT_MAILED),
)
_TABS = (
    ("", "All", ()),
    ("waiting", "On their way", asked_of.WAITING),
    ("person", "For a person", asked_of.WANTS_A_PERSON),
    ("confirmed", "Confirmed", (Submission.State.CONFIRMED,)),
    ("rejected", "Rejected", _REJECTED),
)


@require_safe
@may("uploads.read")
def uploads(request: FirmRequest) -> HttpResponse:
    """List uploads, newest first, below what the firm's carriers are up to. Five queries."""
    tab, unknown = chosen(request, "state", [key for key, _, _ in _TABS])
    states = next(states for key, _, states in _TABS if key == tab)
    rows = asked_of.submissions()
    counts = asked_of.counts_by_carrier()
    logins = asked_of.newest_logins()
    carriers = [
        (each, counts.get(each.pk, {}), logins.get(each.pk))
        for each in Carrier.objects.order_by("name")
    ]
    context = {
        "page": page_of(rows.filter(state__in=states) if states else rows, request),
        "tabs": _tabs(tab, counts),
        "unknown": unknown,
        "carriers": carriers,
        "is_filtered": bool(tab),
        "may_edit": request.actor.may("carriers.edit"),
    }
    return render(request, "invoices/uploads.html", context)


def _tabs(current: str, counts: dict[int, dict[str, int]]) -> list[dict[str, Any]]:
    url = reverse("invoices:uploads")
    return [
        {
            "label": label,
            "url": f"{url}?state={key}" if key else url,
            "count": sum(found.get(state, 0) for found in counts.values() for state in states),
            "current": key == current,
        }
        for key, label, states in _TABS
    ]


@require_safe
@may("uploads.read")
def upload(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show one upload: how it went, and what the browser saw. Four queries."""
    found = row_named(asked_of.submissions(), public_id)
    newer = asked_of.newer_than(found)
    seen = asked_of.evidence_of(found)
    is_stuck = found.state in asked_of.WANTS_A_PERSON
    context = {
        "upload": found,
        "about": _about(found),
        "shots": [_shot(found, each) for each in seen if each.kind == Evidence.Kind.SCREENSHOT],
        "texts": [
            (each, _seen(each), _text_of(request, each))
            for each in seen
            if each.kind == Evidence.Kind.PAGE_TEXT
        ],
        "steps": _steps(found),
        "file": {
            "name": found.document.name,
            "url": reverse("invoices:document", args=[found.document.public_id]),
            "size": f"{found.document.size / 1024:.0f} kB",
            "sha256": found.sha256,
            "icon": "file-check",
        },
        "facts": [
            (label, value)
            for label, value in (
                ("Carrier's reference", found.reference),
                ("Carrier's word", found.carrier_status),
                ("Attempts", found.attempts),
                ("Upload steps", f"Version {found.recipe.version}" if found.recipe else ""),
                ("Code", found.code),
                ("Id", found.public_id),
            )
            if value
        ],
        "may_retry": is_stuck and request.actor.may("uploads.retry"),
        "newer": newer,
        "may_submit_again": found.state == Submission.State.REJECTED
        and newer is None
        and request.actor.may("uploads.retry"),
        "may_cancel": (is_stuck or found.state == Submission.State.QUEUED)
        and request.actor.may("uploads.retry"),
    }
    return render(request, "invoices/upload.html", context)


def _about(upload: Submission) -> str:
    """Return whose bill it is; where the carrier itself is the customer, what it is for."""
    invoice = upload.invoice
    is_same = invoice.customer.name == upload.carrier.name
    return str((invoice.matter or invoice.period) if is_same else invoice.customer)


def _shot(of: Submission, each: Evidence) -> dict[str, Any]:
    url = reverse("invoices:evidence", args=[of.public_id, each.attempt, each.position])
    return {
        "url": url,
        "image_url": url,
        "alt": _seen(each),
        "name": _seen(each),
        "step": each.step,
    }


def _text_of(request: FirmRequest, each: Evidence) -> str:
    """Return a page's text; one that cannot be read does not hide the others."""
    try:
        return content_of(request.tenant.pk, each).decode("utf-8", "replace")
    except files.UNREADABLE as no:
        return str(no)


def _seen(each: Evidence) -> str:
    """Return what a picture or text shows, as the recipe names it; else its step in words."""
    name: str = each.name or re.sub(r"\[(\d+)\]", r", step \1", each.step)
    return name[:1].upper() + name[1:]


def _steps(found: Submission) -> list[dict[str, str]]:
    state = found.state
    ended = {"CONFIRMED": "done", "REJECTED": "failed", "CANCELED": "failed"}.get(state, "todo")
    is_under_way = state in {Submission.State.UPLOADING, *asked_of.WANTS_A_PERSON}
    uploading = "current" if is_under_way else "done" if ended != "todo" else "todo"
    return [
        {"label": "Queued", "place": "current" if state == Submission.State.QUEUED else "done"},
        {"label": "Uploading", "place": uploading},
        {"label": "Rejected" if state == "REJECTED" else "Confirmed", "place": ended},
    ]


@require_POST
@may("uploads.retry")
def move_upload(request: FirmRequest, public_id: str, deed: str) -> HttpResponse:
    """Retry an upload, cancel it, or send a rejected file once more; lead to the last."""
    deeds = {
        "retry": (retry_submission, "It is tried again; the site is looked at first."),
        "again": (submit_again, "It is uploaded once more: this is the new upload."),
        "cancel": (cancel_submission, "The upload was canceled."),
    }
    if deed not in deeds:
        raise Http404
    found, (action, said) = row_named(Submission.objects.all(), public_id), deeds[deed]
    answer = after(request, lambda: action(found, by=request.actor), to=_page_of(found), said=said)
    answer["Location"] = _page_of(asked_of.newer_than(found) or found)
    return answer


def _page_of(upload: Submission) -> str:
    return reverse("invoices:upload", args=[upload.public_id])


@require_POST
@may("carriers.edit")
@stepped_up
def resume_carrier(request: FirmRequest, public_id: str) -> HttpResponse:
    """Say that a stopped carrier may be used again."""
    found = row_named(Carrier.objects.all(), public_id)
    return after(
        request,
        lambda: start_carrier(found, by=request.actor),
        to=reverse("invoices:uploads"),
        said=f"{found} is used again; what waited for it goes on.",
    )


@require_safe
@may("uploads.read")
def evidence(request: FirmRequest, public_id: str, attempt: int, position: int) -> HttpResponse:
    """Return a screenshot of an upload by its place there; its hash is checked."""
    upload = row_named(Submission.objects.all(), public_id)
    shots = Evidence.objects.filter(submission=upload, kind=Evidence.Kind.SCREENSHOT)
    found = shots.filter(attempt=attempt, position=position).first()
    if found is None:
        raise Http404
    answer = HttpResponse(content_of(request.tenant.pk, found), content_type="image/png")
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, max-age=3600"
    return answer


@require_safe
@may("invoices.read")
def deliveries(request: FirmRequest) -> HttpResponse:
    """List mail to customers, newest first, of some states or all. Two queries."""
    tab, unknown = chosen(request, "state", [key for key, _, _ in _MAIL_TABS])
    states = next(states for key, _, states in _MAIL_TABS if key == tab)
    rows = asked_of.deliveries()
    context = {
        "page": page_of(rows.filter(state__in=states) if states else rows, request),
        "tabs": [
            Link(label, url_with(request, state=key), key == tab) for key, label, _ in _MAIL_TABS
        ],
        "unknown": unknown,
        "is_filtered": bool(tab),
        "may_send": request.actor.may("invoices.finalize"),
    }
    return render(request, "invoices/deliveries.html", context)


@require_POST
@may("invoices.finalize")
def send_again(request: FirmRequest, public_id: str) -> HttpResponse:
    """Mail a document once more."""
    found = row_named(Delivery.objects.select_related("document"), public_id)
    return after(
        request,
        lambda: queue_delivery(found.document, by=request.actor, again=True),
        to=reverse("invoices:deliveries"),
        said="It is being mailed again.",
    )


def inbox_items(actor: Actor) -> list[InboxItem]:
    """Return carriers and uploads that want a person, and mail that failed. Eight queries."""
    found = _carriers_waited_for() if actor.may("carriers.edit") else []
    if actor.may("uploads.retry"):
        found += [*_uploads("person", asked_of.WANTS_A_PERSON), *_uploads("rejected", _REJECTED)]
    if actor.may("invoices.finalize"):
        found += first_waiting(
            asked_of.deliveries().filter(state__in=_NOT_MAILED).order_by("-pk"),
            lambda failed: [_not_mailed(each) for each in failed],
            what="mails that failed",
            url=f"{reverse('invoices:deliveries')}?state=failed",
        )
    return found


def _uploads(tab: str, states: tuple[Submission.State, ...]) -> list[InboxItem]:
    return first_waiting(
        asked_of.wanting_a_person().filter(state__in=states).order_by("-pk"),
        lambda stuck: [_to_look_at(each) for each in stuck],
        what="uploads to look at" if tab == "person" else "rejected uploads to look at",
        url=f"{reverse('invoices:uploads')}?state={tab}",
    )


def _to_look_at(upload: Submission) -> InboxItem:
    findings = upload.reason.splitlines()
    return InboxItem(
        kind="upload",
        title=f"Look at the upload of {upload.invoice.number} to {upload.carrier}",
        detail=f"{upload.get_state_display()}: {' '.join(findings[:_SAID])}",
        more=max(0, len(findings) - _SAID),
        url=reverse("invoices:upload", args=[upload.public_id]),
        icon="upload",
        order=f"{upload.queued_at:%Y-%m-%d}:{upload.pk:012}",
        verb="Open",
        tone="warn",
        amount=upload.invoice.total_money,
    )


def _not_mailed(mail: Delivery) -> InboxItem:
    return InboxItem(
        kind="mail",
        title=f"{mail.invoice.number} could not be mailed to {mail.recipient}",
        detail=mail.error_text,
        url=reverse("invoices:deliveries"),
        icon="mail",
        order=f"{mail.queued_at:%Y-%m-%d}:{mail.pk:012}",
        verb="Open",
        tone="bad",
        why=mail.get_state_display(),
    )


def _carriers_waited_for() -> list[InboxItem]:
    return [
        InboxItem(
            kind="carrier",
            title=f"{count} file{'' if count == 1 else 's'} wait for {carrier}",
            detail=why,
            url=reverse("invoices:uploads"),
            icon="upload",
            order=f"0:{carrier.pk}",
            verb="Open",
            tone="warn",
            why="Nothing is uploaded there now.",
        )
        for carrier, count, why in asked_of.carriers_waited_for()
    ]
