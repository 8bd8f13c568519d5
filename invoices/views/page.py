"""The page of one invoice: what stands on it, and what its reader may do there."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from billing_portal.bounds import whole_number
from billing_portal.errors import Stale
from billing_portal.members.queries import own_refs
from billing_portal.portal.answers import today_of
from billing_portal.portal.nouns import row_named
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.requests import FirmRequest
from invoices.actions import checking, review
from invoices.actions import edit as editing_actions
from invoices.forms.review import AnswerForm, LineForm, ReturnForm
from invoices.models import Invoice, InvoiceLine, LineEdit, Verdict
from invoices.queries import invoices as asked_of
from invoices.views import comments, shown
from invoices.views.owing import owing

_MODES = ("clean", "changes", "original")
_State = Invoice.State


def invoice_named(public_id: str) -> Invoice:
    """Return the invoice of a path, with what it names. One query.

    :raises Http404: when the firm has none of that id.
    """
    named = ("customer", "matter", "reviewer", "run_item__run", "entry", "corrects", "terms")
    return row_named(Invoice.objects.select_related(*named), public_id)


def url_of(invoice: Invoice) -> str:
    """Return where the page is."""
    return reverse("invoices:invoice", args=[invoice.public_id])


def page(
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
    """Show it as it stands, with the forms that are open on it."""
    actor = request.actor
    edits, verdicts = asked_of.edits_of(invoice), asked_of.verdicts_of(invoice)
    since = whole_number(request.GET.get("since", "")) if since is None else since
    mode = request.GET.get("mode", "changes")
    if since is not None or editing is not None or mode not in _MODES:
        mode = "changes"
    own = [verdict for verdict in verdicts if verdict.given_by == actor.ref]
    on_lines = _lines(request, invoice, edits, since)
    powers = _powers(invoice, actor)
    clash = _clash(on_lines["lines"], editing, form, stale)
    context = {
        "mode": mode,
        "modes": [(each, each.capitalize(), each == mode) for each in _MODES],
        "since": since,
        "my_last": own[-1].version_seen if own else None,
        "stale": stale,
        "version_read": _version_read(request, invoice, stale),
        "clash": clash,
        "editing": editing,
        "form": form,
        "returning": returning,
        "answering": answering,
        "remark": asked_of.unanswered_returns([invoice]).get(invoice.pk) if answering else None,
        "edits": edits,
        "history": shown.history(edits, verdicts, asked_of.milestones_of(invoice)),
        "returned": _returned(invoice, verdicts, edits, on_lines["comments"]),
        "waiting": _waiting(invoice, actor),
        **on_lines,
        **_facts(invoice),
        **powers,
        "owing": owing(invoice, actor, note=powers.get("note"), on=today_of(request)),
    }
    return render(request, "invoices/invoice.html", context, status=status)


def _version_read(request: FirmRequest, invoice: Invoice, stale: Stale | None) -> int:
    """Return the version that a form on the page speaks of.

    That is the one it was opened at, while it is refused for what was typed: who mends a word has
    not agreed to what others changed meanwhile. Once that was shown, it is the newest.
    """
    typed = whole_number(request.POST.get("version", ""))
    return invoice.version if typed is None or stale is not None else typed


def _returned(
    invoice: Invoice, verdicts: list[Verdict], edits: list[LineEdit], said: dict[str, Any]
) -> asked_of.Answered | None:
    """Return how it was sent back last and what came of it, until it is approved. No query."""
    is_open = invoice.state in {_State.DRAFT, _State.IN_REVIEW}
    if not is_open or not verdicts or verdicts[-1].kind != Verdict.Kind.RETURNED:
        return None
    comments = [each for _, thread in said["threads"] for each in thread]
    return asked_of.answer_to(verdicts[-1], comments, edits)


def _clash(
    lines: list[shown.ShownLine],
    editing: InvoiceLine | None,
    form: LineForm | None,
    stale: Stale | None,
) -> dict[str, Any] | None:
    """Return what happened to a line while somebody typed; the form says what stands there now."""
    if editing is None or form is None or not form.is_bound:
        return None
    found = next((each for each in lines if each.line.pk == editing.pk), None)
    if found is None:  # billed no more: its form has no place, and what was typed none but here
        return {"is_gone": True, "typed": form["narrative"].value()}
    if stale is None:
        return None
    form.set_beside(found.line)
    return {"edits": [each for each in found.edits if each.version > (stale.seen or 0)]}


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
        "url": url_of(invoice),
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
