"""Large files: how far they are, and what came of them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from billing_portal.ids import uid_of
from billing_portal.imports.asking import is_for_later, take_in_later
from billing_portal.imports.models import FileImport
from billing_portal.imports.queries import imports_for
from billing_portal.imports.takers import Json, Taker, findings_of, takers
from billing_portal.portal.answers import today_of
from billing_portal.portal.lists import page_of
from billing_portal.portal.nouns import Noun, row_named
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest

_TOLD_REMARKS = 3


@require_safe
@may("imports.read")
def file_imports(request: FirmRequest) -> HttpResponse:
    """List the firm's large files, newest first. One query."""
    page = page_of(imports_for(request.actor).defer("content", "errors"), request)
    known = takers()
    shown = {
        "pager": page.pager,
        "listed": [(row, known[row.kind]) for row in page.rows],
        "senders": [taker for taker in known.values() if request.actor.may(taker.permission)],
    }
    return render(request, "imports/file_imports.html", shown)


@require_safe
@may("imports.read")
def file_import(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show one large file; while its job lives, the part that changes asks again. One query."""
    row = row_named(imports_for(request.actor), public_id)
    taker = takers()[row.kind]
    is_refused = row.state == FileImport.Outcome.REFUSED
    is_taken = row.state == FileImport.Outcome.TAKEN_IN
    findings = findings_of(row.errors) if is_refused else []
    shown = {
        "row": row,
        "taker": taker,
        "progress": {"job": row.job, "title": taker.title},
        "is_refused": is_refused,
        "is_taken": is_taken,
        "said": taker.said(row.answer) if is_taken else "",
        "brought_at": taker.brought_at(row.answer) if is_taken else "",
        "remarks": remarks_on(row.answer) if is_taken else "",
        "findings": findings,
        "found": row.errors_found,
        "may_read_jobs": request.actor.may("jobs.read"),
        "may_send": request.actor.may(taker.permission),
        "crumbs": [(gettext("Large files"), reverse("imports:file_imports"))],
    }
    is_part = bool(request.headers.get("HX-Request"))
    name = "imports/_file_import.html" if is_part else "imports/file_import.html"
    return render(request, name, shown)


def take_or_leave(
    request: FirmRequest, taker: Taker, data: bytes, *, name: str, **options: Any
) -> HttpResponse:
    """Take a file in and lead to what it brought; a large one is left to a job, and shown.

    :raises NotTaken: with every finding.
    :raises Refused: as the taker does.
    """
    by, on = request.actor, today_of(request)
    if is_for_later(taker, data):
        row = take_in_later(taker, data, name=name, by=by, on=on, **options)
        to = reverse("imports:file_import", args=[row.public_id])
        return HttpResponseRedirect(to, status=303)
    answer = taker.take(data, name=name, options=options, by=by, on=on)
    messages.success(request, taker.said(answer))
    if remarks := remarks_on(answer):
        messages.warning(request, remarks)
    return HttpResponseRedirect(taker.brought_at(answer), status=303)


def remarks_on(answer: Json) -> str:
    """Return what a file that was taken in does otherwise than its standard says, in one text."""
    findings = findings_of(answer.get("findings", []))
    if not findings:
        return ""
    told = [
        gettext("Row %(row)s: %(text)s") % {"row": each.row, "text": each.text}
        if each.row
        else each.text
        for each in findings[:_TOLD_REMARKS]
    ]
    left = len(findings) - len(told)
    if left:
        told.append(gettext("Remarks beyond these: %(count)s.") % {"count": f"{left:,}"})
    return " ".join([gettext("Its sender should know:"), *told])


def imports_named(actor: Actor, ids: list[str]) -> dict[str, Noun]:
    """Return what large files are called, and their pages, by public id. One query."""
    if not actor.may("imports.read"):
        return {}
    rows = imports_for(actor).filter(uid__in=[uid_of(FileImport.ID_PREFIX, text) for text in ids])
    return {row.public_id: _noun(row) for row in rows}


def of_jobs(actor: Actor, keys: list[int]) -> dict[int, Noun]:
    """Return large files with their pages, by key, for the jobs that take them in. One query."""
    if not actor.may("imports.read"):
        return {}
    return {row.pk: _noun(row) for row in imports_for(actor).filter(pk__in=keys)}


def _noun(row: FileImport) -> Noun:
    return Noun(str(row), reverse("imports:file_import", args=[row.public_id]))
