"""One invoice: read it clean, with its changes or as it was worked; edit lines, give a verdict."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing_portal.bounds import whole_number
from billing_portal.errors import Refused, Stale
from billing_portal.members.queries import own_refs
from billing_portal.money import written
from billing_portal.portal.answers import after, today_of
from billing_portal.portal.nouns import row_named
from billing_portal.portal.proving import stepped_up
from billing_portal.tenancy.actors import Actor, MissingPermission, may
from billing_portal.tenancy.requests import FirmRequest
from billing_portal.texts import HiddenCharacter
from invoices.actions import checking, credit, review
from invoices.actions import edit as editing_actions
from invoices.actions.comments import BadComment
from invoices.actions.finalize import finalize
from invoices.actions.refusals import ReturnUnanswered, TooManyHours
from invoices.forms.review import AnswerForm, LineForm, ReturnForm
from invoices.models import Invoice, InvoiceLine, LineEdit
from invoices.queries import invoices as asked_of
from invoices.views import comments, shown

_MODES = ("clean", "changes", "original")
_State = Invoice.State


@require_safe
@may("invoices.read")
def invoice(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show an invoice. About fifteen queries, whatever the number of lines."""
    return _page(request, _invoice(public_id))


@require_http_methods(["GET", "HEAD", "POST"])
@may("invoices.edit")
def edit_line(request: FirmRequest, public_id: str, line: str) -> HttpResponse:
    """Show the form of a line in its place, or change the line."""
    found = _invoice(public_id)
    lines = InvoiceLine.objects.filter(invoice=found, is_released=False)
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
            return _moved_on(request, found, stale)
        except Refused as refusal:
            field = "quantity" if isinstance(refusal, TooManyHours) else None
            form.add_error(field, str(refusal))
        else:
            messages.success(request, f"Line {row.number} changed.")
            return HttpResponseRedirect(f"{_url(changed)}#line-{row.number}", status=303)
    return _page(request, found, editing=row, form=form, status=422 if form.errors else 200)


@require_POST
@may("invoices.approve")
def approve(request: FirmRequest, public_id: str) -> HttpResponse:
    """Approve the version that was shown, and go on to the next one that waits."""
    found = _invoice(public_id)
    try:
        with transaction.atomic():
            review.approve(found, version_seen=_seen(request), by=request.actor)
    except Stale as stale:
        return _moved_on(request, found, stale)
    except MissingPermission:
        raise
    except Refused as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(_url(found), status=303)
    return _next(request, found, "Approved")


@require_http_methods(["GET", "HEAD", "POST"])
@may("invoices.approve")
def return_invoice(request: FirmRequest, public_id: str) -> HttpResponse:
    """Ask what is wrong, and send the invoice back to the billing staff."""
    found, form = _invoice(public_id), ReturnForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                review.return_invoice(
                    found, version_seen=_seen(request), by=request.actor, **form.cleaned_data
                )
        except Stale as stale:
            return _moved_on(request, found, stale)
        except MissingPermission:
            raise
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return _next(request, found, "Returned")
    status = 422 if form.errors else 200
    return _page(request, found, returning=form, status=status)


@require_POST
@may("invoices.edit")
def send_to_review(request: FirmRequest, public_id: str) -> HttpResponse:
    """Hand a draft to its reviewer; one that was returned asks for a change or an answer."""
    found, form = _invoice(public_id), AnswerForm(_typed(request, "answer"))
    answer = form.cleaned_data["answer"] if form.is_valid() else ""
    try:
        with transaction.atomic():
            review.request_review([found], answer=answer, by=request.actor)
    except MissingPermission:
        raise
    except ReturnUnanswered:
        return _page(request, found, answering=form, status=422 if form.errors else 409)
    except (BadComment, HiddenCharacter) as refusal:
        form.add_error("answer", str(refusal))
        return _page(request, found, answering=form, status=422)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "It is with its reviewer.")
    return HttpResponseRedirect(_url(found), status=303)


@require_POST
@may("invoices.edit")
def move(request: FirmRequest, public_id: str, deed: str) -> HttpResponse:
    """Reopen or throw away."""
    found, seen, why = _invoice(public_id), _seen(request), request.POST.get("reason", "")
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
    return after(request, action, to=_url(found), said=said)


@require_POST
@may("invoices.finalize")
def finalize_one(request: FirmRequest, public_id: str) -> HttpResponse:
    """Turn an approved invoice into a claim."""
    found = _invoice(public_id)
    return after(
        request,
        lambda: finalize([found], by=request.actor, on=today_of(request)),
        to=_url(found),
        said="The invoice is final.",
    )


@require_POST
@may("credit_notes.request")
def request_credit(request: FirmRequest, public_id: str) -> HttpResponse:
    """Ask that an invoice be credited; leads to the note that waits for another person."""
    found = _invoice(public_id)
    try:
        with transaction.atomic():
            note = credit.request_credit_note(
                found, reason=request.POST.get("reason", ""), by=request.actor
            )
    except MissingPermission:
        raise
    except Refused as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(_url(found), status=303)
    messages.success(request, "Another person approves the credit note.")
    return HttpResponseRedirect(_url(note), status=303)


@require_POST
@may("credit_notes.approve")
@stepped_up
def decide_credit(request: FirmRequest, public_id: str, verdict: str) -> HttpResponse:
    """Approve or reject a credit note at the version that was shown."""
    found, seen = _invoice(public_id), _seen(request)
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
    return after(request, action, to=_url(found), said=said)


def _invoice(public_id: str) -> Invoice:
    named = ("customer", "matter", "reviewer", "run_item__run", "entry", "corrects", "terms")
    return row_named(Invoice.objects.select_related(*named), public_id)


def _url(invoice: Invoice) -> str:
    return reverse("invoices:invoice", args=[invoice.public_id])


def _typed(request: FirmRequest, name: str) -> Any:
    """Return what was posted where a form with this field was shown, or None."""
    return request.POST if name in request.POST else None


def _seen(request: FirmRequest) -> int:
    return whole_number(request.POST.get("version", "")) or 0


def _moved_on(request: FirmRequest, invoice: Invoice, stale: Stale) -> HttpResponse:
    """Show what has changed since the version that was read; nothing was decided."""
    invoice = _invoice(invoice.public_id)
    return _page(request, invoice, since=stale.seen, stale=stale, status=409)


def _next(request: FirmRequest, done: Invoice, word: str) -> HttpResponse:
    """Lead a reviewer to the next invoice that waits for them, others back to this one."""
    waiting = asked_of.review_queue(request.actor.id).exclude(pk=done.pk).first()
    messages.success(request, f"{word}: {done.customer}, {written(done.total_money)}.")
    return HttpResponseRedirect(_url(waiting or done), status=303)


def _page(
    request: FirmRequest,
    invoice: Invoice,
    *,
    editing: InvoiceLine | None = None,
    form: LineForm | None = None,
    returning: ReturnForm | None = None,
    answering: AnswerForm | None = None,
    since: int | None = None,
    stale: Stale | None = None,
    status: int = 200,
) -> HttpResponse:
    actor = request.actor
    edits, verdicts = asked_of.edits_of(invoice), asked_of.verdicts_of(invoice)
    since = whole_number(request.GET.get("since", "")) if since is None else since
    mode = request.GET.get("mode", "changes")
    if since is not None or editing is not None or mode not in _MODES:
        mode = "changes"
    own = [verdict for verdict in verdicts if verdict.given_by == actor.ref]
    context = {
        "mode": mode,
        "modes": [(each, each.capitalize(), each == mode) for each in _MODES],
        "since": since,
        "my_last": own[-1].version_seen if own else None,
        "stale": stale,
        "editing": editing,
        "form": form,
        "returning": returning,
        "answering": answering,
        "remark": asked_of.unanswered_returns([invoice]).get(invoice.pk) if answering else None,
        "edits": edits,
        "history": shown.history(edits, verdicts),
        "waiting": _waiting(invoice, actor),
        **_lines(request, invoice, edits, since),
        **_facts(invoice),
        **_powers(invoice, actor),
    }
    return render(request, "invoices/invoice.html", context, status=status)


def _lines(
    request: FirmRequest, invoice: Invoice, edits: list[LineEdit], since: int | None
) -> dict[str, Any]:
    """Return its lines, with what checks and people say about them."""
    rows = asked_of.lines_of(invoice)
    found = checking.checked(invoice, rows, on=today_of(request))
    said = comments.shown(invoice, rows, request.actor, request.GET.get("about", ""))
    lines = shown.lines(invoice, rows, edits, found, said=comments.counts(said), since=since)
    return {
        "lines": lines,
        "groups": shown.groups(lines),
        "tax_said": list(dict.fromkeys(shown.wordings(lines))),
        "checks": shown.checks(found, lines),
        "is_checked": checking.is_checked(invoice),
        "comments": said,
    }


def _facts(invoice: Invoice) -> dict[str, Any]:
    """Return what is known of it besides its lines."""
    named = (invoice.customer, invoice.matter, invoice.period)
    return {
        "invoice": invoice,
        "steps": shown.steps(invoice),
        "files": shown.files(invoice),
        "ways": shown.ways(invoice),
        "change": shown.change(invoice),
        "owed": shown.owed(invoice),
        "url": _url(invoice),
        "crumbs": shown.crumbs(invoice),
        "sub": " · ".join(str(part) for part in named if part),
        "facts": shown.facts(invoice),
    }


def _powers(invoice: Invoice, actor: Actor) -> dict[str, Any]:
    """Return what this reader may do, and the note that stands against a final invoice."""
    if invoice.kind == Invoice.Kind.CREDIT_NOTE:
        is_waiting = invoice.state == _State.IN_REVIEW and invoice.made_by not in own_refs(actor)
        return {"may_decide_credit": is_waiting and actor.may("credit_notes.approve")}
    is_open = invoice.state in {_State.DRAFT, _State.IN_REVIEW}
    may_edit = editing_actions.may_edit(invoice, actor)
    note = asked_of.note_of(invoice) if invoice.state == _State.FINALIZED else None
    return {
        "note": note,
        "may_edit": is_open and may_edit,
        "may_judge": invoice.state == _State.IN_REVIEW and review.may_judge(invoice, actor),
        "may_send": invoice.state == _State.DRAFT and may_edit,
        "may_reopen": invoice.state == _State.APPROVED and may_edit,
        "may_request_credit": invoice.state == _State.FINALIZED
        and note is None
        and actor.may("credit_notes.request"),
        "may_finalize": invoice.state == _State.APPROVED and actor.may("invoices.finalize"),
    }


def _waiting(invoice: Invoice, actor: Actor) -> int:
    """Return how many others wait for this reviewer, at most 100."""
    if invoice.state != _State.IN_REVIEW or not actor.may("invoices.approve"):
        return 0
    queue = asked_of.review_queue(actor.id).order_by().exclude(pk=invoice.pk)
    return int(queue.values("pk")[:100].count())
