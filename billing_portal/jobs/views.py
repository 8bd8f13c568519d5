"""The job console: what runs, what waits, what failed, and trying it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from billing_portal.errors import Refused
from billing_portal.ids import uid_of
from billing_portal.jobs import actions, queries
from billing_portal.jobs.engines import UnknownJob, function_of
from billing_portal.jobs.models import Job
from billing_portal.portal.inbox import InboxItem
from billing_portal.portal.lists import Link, chosen, page_of, url_with
from billing_portal.portal.looks import LOOKS
from billing_portal.portal.nouns import Noun, row_named
from billing_portal.portal.templatetags.portal import words
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from billing_portal.tenancy.scope import current_tenant_id

_MOST = 100
_QUEUES = {
    "default": _("General"),
    "documents": _("Documents"),
    "mail": _("Mail"),
    "browser": _("Carriers' sites"),
    "checks": _("Looks at the books"),
    "imports": _("Large files"),
}


@dataclass(frozen=True)
class JobRow:
    """One job, what it is about, and what this reader may do to it."""

    job: Job
    title: str
    queue: str
    subject: Noun | None
    polls: bool
    may_retry: bool
    may_cancel: bool


@require_safe
@may("jobs.read")
def jobs(request: FirmRequest) -> HttpResponse:
    """Show the firm's jobs, newest first, of one state or all.

    One query, and one for each kind of thing that they are about.
    """
    state, unknown = chosen(request, "state", Job.State.values)
    rows = queries.jobs_of(request.tenant)
    page = page_of(rows.filter(state=state) if state else rows, request)
    subjects = _subjects(page.rows, request.actor)
    shown = {
        "rows": [
            _row(job, request, polls=job.state == Job.State.RUNNING, about=subjects.get(job.pk))
            for job in page.rows
        ],
        "pager": page.pager,
        "state": state,
        "unknown": unknown,
        "tabs": [
            Link(label, url_with(request, state=value), value == state)
            for value, label in [("", gettext("All")), *_states()]
        ],
    }
    return render(request, "jobs/jobs.html", shown)


@require_safe
@may("jobs.read")
def job(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show one job. At most three queries."""
    row = row_named(queries.jobs_of(request.tenant).select_related("retry_of"), public_id)
    again = queries.jobs_of(request.tenant).filter(retry_of=row).first()
    about = _subjects([row], request.actor).get(row.pk)
    shown = {
        "row": _row(row, request, polls=row.state in queries.OPEN, about=about),
        "crumbs": [(gettext("Jobs"), reverse("jobs:jobs"))],
        "facts": [(words(name), value) for name, value in row.args.items()],
        "again": again,
    }
    return render(request, "jobs/job.html", shown)


@require_safe
@may("jobs.read")
def progress(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show how far one job is, and what may be done to it now. One query."""
    row = row_named(queries.jobs_of(request.tenant), public_id)
    shown = {"row": _row(row, request, polls=row.state in queries.OPEN), "is_answer": True}
    return render(request, "jobs/_progress.html", shown)


@require_POST
@may("jobs.retry")
def retry(request: FirmRequest, public_id: str) -> HttpResponse:
    """Ask for the work of a job anew, and show the new job."""
    row = row_named(queries.jobs_of(request.tenant), public_id)
    try:
        again = actions.retry(row, by=request.actor)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("jobs:job", row.public_id)
    messages.success(request, gettext("Asked for again."))
    return redirect("jobs:job", again.public_id)


@require_POST
@may("jobs.retry")
def cancel(request: FirmRequest, public_id: str) -> HttpResponse:
    """Cancel a job that has not ended."""
    row = row_named(queries.jobs_of(request.tenant), public_id)
    try:
        actions.cancel(row, by=request.actor, at=datetime.now(UTC))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, gettext("Canceled."))
    return redirect("jobs:job", row.public_id)


def inbox_items(actor: Actor) -> list[InboxItem]:
    """Return one item for all jobs that failed and were not tried again. One query."""
    if not actor.may("jobs.retry"):
        return []
    failed = list(queries.failed_and_left()[: _MOST + 1])
    if not failed:
        return []
    count = len(failed) if len(failed) <= _MOST else f"{_MOST}+"
    first = failed[0]
    return [
        InboxItem(
            kind="jobs",
            title=ngettext("A job failed", "%(count)s jobs failed", len(failed)) % {"count": count},
            detail=f"{_title(first)}: {first.error_text or first.error_code}",
            url=f"{reverse('jobs:jobs')}?state={Job.State.FAILED}",
            icon="activity",
            order=f"0:{first.pk}",
            verb=gettext("Open"),
            tone="bad",
            why=gettext("What it was to do has not been done. Retry it, or see to it otherwise."),
        )
    ]


def jobs_named(actor: Actor, ids: list[str]) -> dict[str, Noun]:
    """Return what jobs are called, and their pages, by public id. One query."""
    if not actor.may("jobs.read"):
        return {}
    uids = [uid_of(Job.ID_PREFIX, text) for text in ids]
    return {
        job.public_id: Noun(_title(job), reverse("jobs:job", args=[job.public_id]))
        for job in Job.objects.filter(tenant_id=current_tenant_id(), uid__in=uids)
    }


def _row(job: Job, request: FirmRequest, *, polls: bool, about: Noun | None = None) -> JobRow:
    may_act = request.actor.may("jobs.retry")
    return JobRow(
        job=job,
        title=_title(job),
        queue=str(_QUEUES.get(job.queue, job.queue)),
        subject=about,
        polls=polls,
        may_retry=may_act and job.state in actions.RETRYABLE,
        may_cancel=may_act and job.state in actions.CANCELABLE,
    )


def _subjects(jobs: list[Job], actor: Actor) -> dict[int, Noun]:
    """Return what jobs are about, by the job's key; rooms say it by ``settings.JOB_SUBJECTS``."""
    found: dict[int, Noun] = {}
    for name, provider in settings.JOB_SUBJECTS.items():
        wanted = {job.pk: job.args[name] for job in jobs if isinstance(job.args.get(name), int)}
        known = import_string(provider)(actor, sorted(set(wanted.values()))) if wanted else {}
        found |= {pk: known[key] for pk, key in wanted.items() if key in known}
    return found


def _states() -> list[tuple[str, str]]:
    return [(value, str(LOOKS[value.upper()].label)) for value in Job.State.values]


def _title(job: Job) -> str:
    """Return what a job does; of a function that is gone since, its name as words."""
    try:
        title = function_of(job.name).title
    except UnknownJob:
        title = ""
    return gettext(title) if title else words(job.name.rpartition(".")[2].removesuffix("_later"))
