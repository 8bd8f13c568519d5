"""One invoice: read it clean, with its changes or as it was worked; edit lines, give a verdict.

What a person typed stays where a rule refuses it, or where the invoice has moved on meanwhile.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing_portal.bounds import whole_number
from billing_portal.errors import Refused, Stale
from billing_portal.money import written
from billing_portal.portal.answers import after, in_words_of_page, today_of
from billing_portal.portal.nouns import row_named
from billing_portal.portal.proving import stepped_up
from billing_portal.tenancy.actors import MissingPermission, may
from billing_portal.tenancy.requests import FirmRequest
from billing_portal.texts import HiddenCharacter
from invoices.actions import credit, review
from invoices.actions import edit as editing_actions
from invoices.actions.comments import BadComment
from invoices.actions.finalize import finalize
from invoices.actions.refusals import ReturnUnanswered, TooManyHours
from invoices.forms.review import AnswerForm, LineForm, ReturnForm
from invoices.models import Invoice, InvoiceLine
from invoices.queries import invoices as asked_of
from invoices.views.page import invoice_named, page, url_of

_WHY = "Why"  # how the page labels the reason of a move


@require_safe
@may("invoices.read")
def invoice(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show an invoice. About fifteen queries, and up to four more where it is final.

    That many whatever the number of lines, edits, comments, payments and reminders.
    """
    return page(request, invoice_named(public_id))


@require_http_methods(["GET", "HEAD", "POST"])
@may("invoices.edit")
def edit_line(request: FirmRequest, public_id: str, line: str) -> HttpResponse:
    """Show the form of a line in its place, or change the line."""
    found = invoice_named(public_id)
    lines = InvoiceLine.objects.filter(invoice=found)
    if request.method != "POST":  # what was typed for a line that is gone is not lost
        lines = lines.filter(is_released=False)
    row = row_named(lines.select_related("charge", "matter", "timekeeper"), line)
    form = LineForm(request.POST or None, line=row)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                changed = editing_actions.edit_line(
                    row,
                    version_seen=_seen(request),
                    changes=form.changes(),
                    reason_code=form.cleaned_data["reason_code"],
                    reason=form.cleaned_data["reason"],
                    by=request.actor,
                    on=today_of(request),
                )
        except MissingPermission:
            raise
        except Stale as stale:
            return _moved_on(request, found, stale, editing=row, form=form)
        except Refused as refusal:
            form.add_error(_field_of(refusal), in_words_of_page(refusal, form.labels()))
        else:
            messages.success(request, f"Line {row.number} changed.")
            return HttpResponseRedirect(f"{url_of(changed)}#line-{row.number}", status=303)
    return page(request, found, editing=row, form=form, status=422 if form.errors else 200)


@require_POST
@may("invoices.approve")
def approve(request: FirmRequest, public_id: str) -> HttpResponse:
    """Approve the version that was shown, and go on to the next one that waits."""
    found = invoice_named(public_id)
    try:
        with transaction.atomic():
            review.approve(found, version_seen=_seen(request), by=request.actor)
    except Stale as stale:
        return _moved_on(request, found, stale)
    except MissingPermission:
        raise
    except Refused as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(url_of(found), status=303)
    return _next(request, found, "Approved")


@require_http_methods(["GET", "HEAD", "POST"])
@may("invoices.approve")
def return_invoice(request: FirmRequest, public_id: str) -> HttpResponse:
    """Ask what is wrong, and send the invoice back to the billing staff."""
    found, form = invoice_named(public_id), ReturnForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                review.return_invoice(
                    found, version_seen=_seen(request), by=request.actor, **form.cleaned_data
                )
        except Stale as stale:
            return _moved_on(request, found, stale, returning=form)
        except MissingPermission:
            raise
        except Refused as refusal:
            form.add_error(_field_of(refusal), in_words_of_page(refusal, form.labels()))
        else:
            return _next(request, found, "Returned")
    status = 422 if form.errors else 200
    return page(request, found, returning=form, status=status)


@require_POST
@may("invoices.edit")
def send_to_review(request: FirmRequest, public_id: str) -> HttpResponse:
    """Hand a draft to its reviewer; one that was returned asks for a change or an answer."""
    found, form = invoice_named(public_id), AnswerForm(_typed(request, "answer"))
    answer = form.cleaned_data["answer"] if form.is_valid() else ""
    try:
        with transaction.atomic():
            review.request_review([found], answer=answer, by=request.actor)
    except MissingPermission:
        raise
    except ReturnUnanswered:
        return page(request, found, answering=form, status=422 if form.errors else 409)
    except (BadComment, HiddenCharacter) as refusal:
        form.add_error("answer", in_words_of_page(refusal, {"text": "Your answer"}))
        return page(request, found, answering=form, status=422)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "It is with its reviewer.")
    return HttpResponseRedirect(url_of(found), status=303)


@require_POST
@may("invoices.edit")
def move(request: FirmRequest, public_id: str, deed: str) -> HttpResponse:
    """Reopen or throw away."""
    found, seen, why = invoice_named(public_id), _seen(request), request.POST.get("reason", "")
    deeds = {
        "reopen": (
            lambda: review.reopen(found, version_seen=seen, text=why, by=request.actor),
            "It is a draft again.",
        ),
        "discard": (
            lambda: editing_actions.discard(
                found, version_seen=seen, reason=why, by=request.actor, on=today_of(request)
            ),
            "The draft was thrown away; its work is unbilled again.",
        ),
    }
    if deed not in deeds:
        raise Http404
    action, said = deeds[deed]
    labels = {"reason": _WHY, "text": _WHY}
    return after(request, action, to=url_of(found), said=said, labels=labels)


@require_POST
@may("invoices.finalize")
def finalize_one(request: FirmRequest, public_id: str) -> HttpResponse:
    """Turn an approved invoice into a claim."""
    found = invoice_named(public_id)
    return after(
        request,
        lambda: finalize([found], by=request.actor, on=today_of(request)),
        to=url_of(found),
        said="The invoice is final.",
    )


@require_POST
@may("credit_notes.request")
def request_credit(request: FirmRequest, public_id: str) -> HttpResponse:
    """Ask that an invoice be credited; leads to the note that waits for another person."""
    found = invoice_named(public_id)
    try:
        with transaction.atomic():
            note = credit.request_credit_note(
                found, reason=request.POST.get("reason", ""), by=request.actor
            )
    except MissingPermission:
        raise
    except Refused as refusal:
        messages.error(request, in_words_of_page(refusal, {"reason": _WHY}))
        return HttpResponseRedirect(url_of(found), status=303)
    messages.success(request, "Another person approves the credit note.")
    return HttpResponseRedirect(url_of(note), status=303)


@require_POST
@may("credit_notes.approve")
@stepped_up
def decide_credit(request: FirmRequest, public_id: str, verdict: str) -> HttpResponse:
    """Approve or reject a credit note at the version that was shown."""
    found, seen = invoice_named(public_id), _seen(request)
    deeds = {
        "approve": (
            lambda: credit.approve_credit_note(
                found, version_seen=seen, by=request.actor, on=today_of(request)
            ),
            "The credit note is final.",
        ),
        "reject": (
            lambda: credit.reject_credit_note(found, version_seen=seen, by=request.actor),
            "The credit note was rejected.",
        ),
    }
    if verdict not in deeds:
        raise Http404
    action, said = deeds[verdict]
    return after(request, action, to=url_of(found), said=said)


def _typed(request: FirmRequest, name: str) -> Any:
    """Return what was posted where a form with this field was shown, or None."""
    return request.POST if name in request.POST else None


def _seen(request: FirmRequest) -> int:
    return whole_number(request.POST.get("version", "")) or 0


def _field_of(refusal: Refused) -> str | None:
    """Return the field of a form that a refusal is about, or None for all of it."""
    if isinstance(refusal, HiddenCharacter):
        return refusal.name
    return "quantity" if isinstance(refusal, TooManyHours) else None


def _moved_on(request: FirmRequest, invoice: Invoice, stale: Stale, **typed: Any) -> HttpResponse:
    """Show what has changed since the version that was read, with what was typed; nothing was done.

    :param typed: the form that was sent, as the page takes it.
    """
    now = invoice_named(invoice.public_id)
    return page(request, now, since=stale.seen, stale=stale, status=409, **typed)


def _next(request: FirmRequest, done: Invoice, word: str) -> HttpResponse:
    """Lead a reviewer to the next invoice that waits for them, others back to this one."""
    waiting = asked_of.review_queue(request.actor.id).exclude(pk=done.pk).first()
    messages.success(request, f"{word}: {done.customer}, {written(done.total_money)}.")
    return HttpResponseRedirect(url_of(waiting or done), status=303)
