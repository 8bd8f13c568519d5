"""One invoice: read it clean, with its changes or as it was worked; edit lines, give a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing_portal.errors import Refused
from billing_portal.money import Money
from billing_portal.portal.answers import after, today_of, uid_or_none
from billing_portal.tenancy.actors import Actor, MissingPermission, may
from billing_portal.tenancy.requests import FirmRequest
from invoices.actions import review
from invoices.actions.finalize import finalize
from invoices.actions.refusals import StaleVersion
from invoices.forms.review import LineForm, ReturnForm
from invoices.models import Invoice, InvoiceLine, LineEdit, Verdict
from invoices.queries import invoices as asked_of
from ledger.queries import open_amounts

_MODES = ("clean", "changes", "original")
_State = Invoice.State


@dataclass(frozen=True)
class ShownLine:
    """A line as a page shows it."""

    line: InvoiceLine
    amount: Money
    was: Money | None
    is_new_to_reader: bool
    edits: list[LineEdit]

    @property
    def is_edited(self) -> bool:
        """Whether it differs from the work as it was captured."""
        return bool(self.edits) and self.line.is_edited


@require_safe
@may("invoices.read")
def invoice(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show an invoice. About twelve queries, whatever the number of lines."""
    return _page(request, _invoice(public_id))


@require_http_methods(["GET", "HEAD", "POST"])
@may("invoices.edit")
def edit_line(request: FirmRequest, public_id: str, line: str) -> HttpResponse:
    """Show the form of a line in its place, or change the line."""
    found = _invoice(public_id)
    row = (
        InvoiceLine.objects.filter(invoice=found, uid=uid_or_none(InvoiceLine.ID_PREFIX, line))
        .select_related("charge", "matter", "timekeeper")
        .first()
    )
    if row is None or row.is_released:
        raise Http404
    form = LineForm(request.POST or None, line=row)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                changed = review.edit_line(
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
        except StaleVersion as stale:
            return _moved_on(request, found, stale)
        except Refused as refusal:
            form.add_error(None, str(refusal))
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
    except StaleVersion as stale:
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
        except StaleVersion as stale:
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
def move(request: FirmRequest, public_id: str, deed: str) -> HttpResponse:
    """Send to review, reopen or throw away."""
    found, seen, why = _invoice(public_id), _seen(request), request.POST.get("reason", "")
    deeds = {
        "review": (
            lambda: review.request_review([found], by=request.actor),
            "It is with its reviewer.",
        ),
        "reopen": (
            lambda: review.reopen(found, version_seen=seen, text=why, by=request.actor),
            "It is a draft again.",
        ),
        "discard": (
            lambda: review.discard(
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


def _invoice(public_id: str) -> Invoice:
    uid = uid_or_none(Invoice.ID_PREFIX, public_id)
    found: Invoice | None = (
        Invoice.objects.filter(uid=uid)
        .select_related(
            *("customer", "matter", "reviewer", "run_item__run", "entry", "corrects", "terms")
        )
        .first()
    )
    if found is None:
        raise Http404
    return found


def _url(invoice: Invoice) -> str:
    return reverse("invoices:invoice", args=[invoice.public_id])


def _seen(request: FirmRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdigit() else 0


def _moved_on(request: FirmRequest, invoice: Invoice, stale: StaleVersion) -> HttpResponse:
    """Show what has changed since the version that was read; nothing was decided."""
    invoice = _invoice(invoice.public_id)
    return _page(request, invoice, since=stale.seen, stale=stale, status=409)


def _next(request: FirmRequest, done: Invoice, word: str) -> HttpResponse:
    """Lead a reviewer to the next invoice that waits for them, others back to this one."""
    waiting = asked_of.review_queue(request.actor.id).exclude(pk=done.pk).first()
    messages.success(request, f"{word}: {done.customer}, {done.total_money}.")
    return HttpResponseRedirect(_url(waiting or done), status=303)


def _page(
    request: FirmRequest,
    invoice: Invoice,
    *,
    editing: InvoiceLine | None = None,
    form: LineForm | None = None,
    returning: ReturnForm | None = None,
    since: int | None = None,
    stale: StaleVersion | None = None,
    status: int = 200,
) -> HttpResponse:
    actor = request.actor
    edits, verdicts = asked_of.edits_of(invoice), asked_of.verdicts_of(invoice)
    asked = request.GET.get("since", "")
    since = int(asked) if since is None and asked.isdigit() else since
    mode = request.GET.get("mode", "changes")
    if since is not None or editing is not None or mode not in _MODES:
        mode = "changes"
    lines = _lines(invoice, edits, since)
    own = [verdict for verdict in verdicts if verdict.given_by == actor.ref]
    context = {
        "invoice": invoice,
        "lines": lines,
        "groups": _groups(lines),
        "mode": mode,
        "modes": [(each, each.capitalize(), each == mode) for each in _MODES],
        "since": since,
        "my_last": own[-1].version_seen if own else None,
        "stale": stale,
        "editing": editing,
        "form": form,
        "returning": returning,
        "edits": edits,
        "history": _history(edits, verdicts),
        "steps": _steps(invoice),
        "change": _change(invoice),
        "owed": _owed(invoice),
        "tax_said": list(dict.fromkeys(_wordings(lines))),
        "waiting": _waiting(invoice, actor),
        "url": _url(invoice),
        "crumbs": _crumbs(invoice),
        "sub": " · ".join(
            str(part) for part in (invoice.customer, invoice.matter, invoice.period) if part
        ),
        "facts": _facts(invoice),
        **_powers(invoice, actor),
    }
    return render(request, "invoices/invoice.html", context, status=status)


def _crumbs(invoice: Invoice) -> list[tuple[str, str]]:
    found = [("Invoices", reverse("invoices:invoices"))]
    if invoice.run_item is not None:
        run = invoice.run_item.run
        found = [(str(run), reverse("invoices:run", args=[run.public_id]))]
    return found


def _facts(invoice: Invoice) -> list[tuple[str, Any]]:
    known = [
        ("Version", invoice.version),
        ("Reviewer", invoice.reviewer.name if invoice.reviewer else "Nobody yet"),
        ("Issued", invoice.issued_on and f"{invoice.issued_on:%b} {_day(invoice.issued_on)}"),
        ("Due", invoice.due_on and f"{invoice.due_on:%b} {_day(invoice.due_on)}"),
        ("Terms", invoice.terms),
        ("Corrects", invoice.corrects and invoice.corrects.number),
        ("Reason", invoice.reason),
        ("Id", invoice.public_id),
    ]
    return [(label, value) for label, value in known if value]


def _day(on: date) -> str:
    return f"{on.day}, {on.year}"


def _powers(invoice: Invoice, actor: Actor) -> dict[str, bool]:
    is_open = invoice.state in {_State.DRAFT, _State.IN_REVIEW}
    may_edit = actor.may("invoices.edit")
    return {
        "may_edit": is_open and may_edit,
        "may_judge": invoice.state == _State.IN_REVIEW and review.may_judge(invoice, actor),
        "may_send": invoice.state == _State.DRAFT and may_edit,
        "may_reopen": invoice.state == _State.APPROVED and may_edit,
        "may_finalize": invoice.state == _State.APPROVED and actor.may("invoices.finalize"),
    }


def _lines(invoice: Invoice, edits: list[LineEdit], since: int | None) -> list[ShownLine]:
    by_line: dict[int, list[LineEdit]] = {}
    for edit in edits:
        by_line.setdefault(edit.line_id, []).append(edit)
    shown = []
    for line in asked_of.lines_of(invoice):
        own = by_line.get(line.pk, [])
        amount = Money.of_minor(line.amount, invoice.currency)
        was = line.charge.total if line.charge else None
        shown.append(
            ShownLine(
                line=line,
                amount=amount,
                was=was if was != amount else None,
                is_new_to_reader=since is not None and any(e.version > since for e in own),
                edits=own,
            )
        )
    return shown


def _groups(lines: list[ShownLine]) -> list[tuple[str, list[ShownLine]]]:
    """Return lines under the heading of their matter and kind, in their own order."""
    groups: dict[str, list[ShownLine]] = {}
    for shown in lines:
        line = shown.line
        kind = {"TIME": "Fees", "EXPENSE": "Expenses"}.get(line.kind, "Services")
        heading = f"{kind} · {line.matter}" if line.matter else kind
        groups.setdefault(heading, []).append(shown)
    return list(groups.items())


def _history(edits: list[LineEdit], verdicts: list[Verdict]) -> list[dict[str, Any]]:
    icons = {"APPROVED": ("ok", "check"), "RETURNED": ("warn", "undo-2")}
    told = [
        (
            verdict.given_at,
            {
                "tone": icons.get(verdict.kind, ("idle", "circle"))[0],
                "icon": icons.get(verdict.kind, ("idle", "circle"))[1],
                "what": f"{verdict.get_kind_display()} by {verdict.given_by_name}",
                "detail": " · ".join(
                    part
                    for part in (
                        f"Version {verdict.version_seen}",
                        verdict.get_category_display() if verdict.category else "",
                        verdict.text,
                    )
                    if part
                ),
            },
        )
        for verdict in verdicts
    ] + [
        (
            edit.edited_at,
            {
                "tone": "info",
                "icon": "pencil",
                "what": f"Line {edit.line.number} changed by {edit.edited_by_name}",
                "detail": " · ".join(
                    part
                    for part in (
                        f"Version {edit.version}",
                        edit.get_reason_code_display(),
                        edit.reason,
                    )
                    if part
                ),
            },
        )
        for edit in edits
    ]
    return [{**each, "at": at} for at, each in sorted(told, key=lambda pair: pair[0], reverse=True)]


def _steps(invoice: Invoice) -> list[dict[str, str]]:
    order = [_State.DRAFT, _State.IN_REVIEW, _State.APPROVED, _State.FINALIZED]
    place = order.index(_State(invoice.state)) if invoice.state in order else -1
    found = []
    for number, each in enumerate(order):
        where = "done" if number < place or place == len(order) - 1 else "todo"
        if number == place and place < len(order) - 1:
            where = "current"
        found.append({"label": str(each.label), "place": where})
    return found


def _change(invoice: Invoice) -> Money:
    return Money.of_minor(invoice.net - invoice.as_worked, invoice.currency)


def _owed(invoice: Invoice) -> Money | None:
    if invoice.state != _State.FINALIZED or invoice.kind != Invoice.Kind.INVOICE:
        return None
    return Money.of_minor(open_amounts([invoice.uid]).get(invoice.uid, 0), invoice.currency)


def _wordings(lines: list[ShownLine]) -> list[str]:
    said = (str(shown.line.tax_basis.get("wording", "")) for shown in lines)
    return [text for text in said if text]


def _waiting(invoice: Invoice, actor: Actor) -> int:
    """Return how many others wait for this reviewer, at most 100."""
    if invoice.state != _State.IN_REVIEW or not actor.may("invoices.approve"):
        return 0
    queue = asked_of.review_queue(actor.id).order_by().exclude(pk=invoice.pk)
    return int(queue.values("pk")[:100].count())
