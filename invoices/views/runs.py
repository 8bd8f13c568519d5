"""Month ends: the list, a run live and as a report, and what people do with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing_portal.bounds import whole_number
from billing_portal.errors import Refused
from billing_portal.money import Money
from billing_portal.portal.answers import after, today_of
from billing_portal.portal.downloads import Cell, csv_answer
from billing_portal.portal.lists import chosen, page_of
from billing_portal.portal.nouns import row_named
from billing_portal.tenancy.actors import may
from billing_portal.tenancy.requests import FirmRequest
from invoices.actions import run as running
from invoices.actions.plan import plan_run
from invoices.forms.review import RunForm
from invoices.models import BillingRun, Invoice, RunItem
from invoices.queries import runs as asked_of
from invoices.schedule import Execution

_PAGE = 50
_REPORT = 500
_DEEDS = {
    "start": (running.start_run, "The run has started."),
    "pause": (running.pause_run, "The run pauses after the batch at work."),
    "resume": (running.resume_run, "The run goes on."),
    "cancel": (running.cancel_run, "The run was canceled; its charges wait."),
}


@require_safe
@may("runs.read")
def runs(request: FirmRequest) -> HttpResponse:
    """List the firm's runs, newest first. Two queries."""
    page = page_of(BillingRun.objects.all(), request)
    progress = asked_of.progress_of_runs(page.rows)
    context = {
        "listed": [(run, progress[run.pk]) for run in page.rows],
        "pager": page.pager,
        "may_start": request.actor.may("runs.start"),
    }
    return render(request, "invoices/runs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@may("runs.start")
def new_run(request: FirmRequest) -> HttpResponse:
    """Plan a run; the plan is looked at before anything is billed."""
    form = RunForm(request.POST or None, initial=_usual(request))
    if request.method == "POST" and form.is_valid():
        try:
            run = plan_run(
                key=f"page:{uuid4()}", now=datetime.now(UTC), by=request.actor, **form.cleaned_data
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("invoices:run", run.public_id)
    status = 422 if form.errors else 200
    return render(request, "invoices/new_run.html", {"form": form}, status=status)


def _usual(request: FirmRequest) -> dict[str, Any]:
    """Return what most firms plan most often."""
    first = Execution.BEGINNING_OF_THE_MONTH.value
    return {"billing_aggregation": "monthly", "period_of_execution": first, "on": today_of(request)}


@require_safe
@may("runs.read")
def run(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show a run: its plan, then how far it is, then what came of it. About ten queries."""
    found = _run(public_id)
    context = _shown(request, found)
    is_part = bool(cast(Any, request).htmx)
    return render(request, "invoices/_run_live.html" if is_part else "invoices/run.html", context)


@require_POST
@may("runs.start")
def move_run(request: FirmRequest, public_id: str, deed: str) -> HttpResponse:
    """Start, pause, resume or cancel a run."""
    if deed not in _DEEDS:
        raise Http404
    found, (action, said) = _run(public_id), _DEEDS[deed]
    return after(request, lambda: action(found, by=request.actor), to=_url(found), said=said)


@require_POST
@may("runs.start")
def retry_item(request: FirmRequest, public_id: str, item: str) -> HttpResponse:
    """Draft a parked customer again."""
    found = _run(public_id)
    row = row_named(RunItem.objects.filter(run=found), item)
    return after(
        request,
        lambda: running.retry_item(row, by=request.actor),
        to=_url(found),
        said="It is being drafted again.",
    )


@require_POST
@may("invoices.finalize")
def finalize_run(request: FirmRequest, public_id: str) -> HttpResponse:
    """Finalize what is approved of a run, by a job."""
    found = _run(public_id)
    return after(
        request,
        lambda: running.finalize_approved(found, by=request.actor, on=today_of(request)),
        to=_url(found),
        said="What is approved is being finalized.",
    )


@require_safe
@may("runs.read")
def run_report(request: FirmRequest, public_id: str) -> HttpResponse:
    """Return what came of each customer as a CSV file."""
    found = _run(public_id)

    def rows() -> Any:
        last = 0
        while items := asked_of.items_of(found, after=last, limit=_REPORT):
            made = asked_of.invoices_by_item(items)
            for item in items:
                yield _report_row(item, made.get(item.pk))
            last = items[-1].position

    head = ["customer", "name", "matter", "from", "to", "outcome", "reason", "planned", "currency"]
    name = f"run-{found.on}-{found.cadence.lower()}.csv"
    return csv_answer(name, [*head, "invoice", "state", "billed"], rows())


def _report_row(item: RunItem, invoice: Invoice | None) -> list[Cell]:
    window = item.window
    billed: list[Cell] = (
        [invoice.number, invoice.state, invoice.total_money.amount] if invoice else ["", "", 0]
    )
    return [
        *(window.customer.external_id, window.customer.name),
        window.matter.external_id if window.matter else "",
        *(str(window.starts_on), str(window.period.last_day), item.outcome, item.reason),
        *(Money.of_minor(item.planned_amount, window.currency).amount, window.currency),
        *billed,
    ]


def _run(public_id: str) -> BillingRun:
    return row_named(BillingRun.objects.all(), public_id)


def _url(run: BillingRun) -> str:
    return reverse("invoices:run", args=[run.public_id])


def _shown(request: FirmRequest, run: BillingRun) -> dict[str, Any]:
    known = {*RunItem.Outcome.values, *map(str.lower, RunItem.Outcome.values)}
    outcome, unknown = chosen(request, "outcome", known)
    outcome = outcome.upper()
    last = whole_number(request.GET.get("after", "")) or 0
    items = asked_of.items_of(run, outcome=outcome, after=last, limit=_PAGE + 1)
    page, progress = items[:_PAGE], asked_of.progress_of(run)
    made = asked_of.invoices_by_item(page)
    before = asked_of.run_before(run)
    states = asked_of.states_of(run)
    return {
        "run": run,
        "is_live": run.state == BillingRun.State.RUNNING,
        "progress": progress,
        "bar": _bar(progress),
        "steps": _steps(run),
        "states": states,
        "by_state": {each.state: each for each in states},
        "billed": asked_of.billed_by(run),
        "before": before,
        "billed_before": asked_of.billed_by(before) if before else {},
        "rows": [(item, _planned(item), made.get(item.pk)) for item in page],
        "outcome": outcome,
        "unknown": unknown,
        "tabs": _tabs(run, progress, outcome),
        "more": f"?outcome={outcome}&after={page[-1].position}" if len(items) > _PAGE else "",
        "without_terms": asked_of.without_terms(),
        "actor_may_start": request.actor.may("runs.start"),
        "actor_may_edit": request.actor.may("invoices.edit"),
        "actor_may_finalize": request.actor.may("invoices.finalize"),
    }


def _planned(item: RunItem) -> Money:
    return Money.of_minor(item.planned_amount, item.window.currency)


def _bar(progress: asked_of.Progress) -> dict[str, Any]:
    return {
        "key": "run-progress",
        "label": "Drafted",
        "total": progress.total,
        "done": progress.ended,
        "unit": "invoices due",
        "stage": "Drafting" if progress.pending else "Done",
        "remaining": f"{progress.pending:,} to go" if progress.pending else "",
    }


def _steps(run: BillingRun) -> list[dict[str, str]]:
    order = ["PLANNED", "RUNNING", "ENDED"]
    at = {"PAUSED": "RUNNING", "CANCELED": "RUNNING"}.get(run.state, run.state)
    place = order.index(at)
    labels = ["Planned", "Drafting", "Report"]
    found = []
    for number, label in enumerate(labels):
        where = "done" if number < place or at == "ENDED" else "todo"
        if number == place and run.state not in {"ENDED", "CANCELED"}:
            where = "current"
        found.append({"label": label, "place": where})
    return found


def _tabs(run: BillingRun, progress: asked_of.Progress, outcome: str) -> list[dict[str, Any]]:
    url = _url(run)
    every = [{"label": "All", "url": url, "count": progress.total, "current": not outcome}]
    named = [
        (name, label, getattr(progress, name.lower())) for name, label in RunItem.Outcome.choices
    ]
    return every + [
        {"label": label, "url": f"{url}?outcome={name}", "count": count, "current": outcome == name}
        for name, label, count in named
        if count or outcome == name
    ]
