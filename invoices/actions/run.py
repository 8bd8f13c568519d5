"""Running a month end: start, pause, resume, cancel, retry one customer; and its jobs.

The gatekeeper lets only as many batches run as there are slots. A run that is killed anywhere goes
on where it was: what is pending is drafted, what is drafted is not pending.
"""

from __future__ import annotations

from datetime import date

import structlog
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.jobs.models import Job
from billing_portal.jobs.queue import job
from billing_portal.jobs.worker import current_job, progress
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor, system
from billing_portal.tenancy.scope import current_tenant_id, tenant_scope
from invoices.actions.draft import draft_items
from invoices.actions.finalize import finalize
from invoices.actions.numbering import BILLS, must_follow_last_number
from invoices.actions.refusals import RunState, must_be_a_day
from invoices.models import BillingRun, Invoice, RunItem
from invoices.queries.runs import invoices_of

BATCH = 100
FINALIZED_AT_ONCE = 100
_log = structlog.get_logger(__name__)
GATEKEEPER = system("gatekeeper")
_OPEN_JOBS = (Job.State.QUEUED, Job.State.RUNNING, Job.State.WAITING_FOR_HUMAN, Job.State.PAUSED)
_State = BillingRun.State


@transaction.atomic
def start_run(run: BillingRun, *, by: Actor) -> BillingRun:
    """Put a planned run to work; one without items ends at once. Ten queries and its jobs.

    :raises RunState: when it was started or canceled before.
    """
    by.must("runs.start")
    run = _locked(run, _State.PLANNED)
    run.state, run.started_at = _State.RUNNING, Now()
    _save(run, "started", by)
    _enqueue(run)
    _end_if_done(run)
    return run


@transaction.atomic
def pause_run(run: BillingRun, *, by: Actor) -> BillingRun:
    """Begin no further batch; those that run are finished.

    :raises RunState: when it is not running.
    """
    by.must("runs.start")
    run = _locked(run, _State.RUNNING)
    run.state = _State.PAUSED
    _save(run, "paused", by)
    return run


@transaction.atomic
def resume_run(run: BillingRun, *, by: Actor) -> BillingRun:
    """Go on with what is pending.

    :raises RunState: when it is not paused.
    """
    by.must("runs.start")
    run = _locked(run, _State.PAUSED)
    run.state = _State.RUNNING
    _save(run, "resumed", by)
    _enqueue(run)
    _end_if_done(run)
    return run


@transaction.atomic
def cancel_run(run: BillingRun, *, by: Actor) -> BillingRun:
    """Give up what is pending; its charges wait for the next run. Drafts that exist stay.

    :raises RunState: when it has ended or was canceled before.
    """
    by.must("runs.start")
    run = _locked(run, _State.PLANNED, _State.RUNNING, _State.PAUSED)
    run.state = _State.CANCELED
    pending = RunItem.objects.filter(run=run, outcome=RunItem.Outcome.PENDING)
    pending.update(outcome=RunItem.Outcome.CANCELED)
    _save(run, "canceled", by)
    return run


@transaction.atomic
def retry_item(item: RunItem, *, by: Actor) -> RunItem:
    """Draft a parked item again, after its cause is mended.

    :raises RunState: when it is not parked, carried or canceled.
    """
    by.must("runs.start")
    run = _locked(item.run, *_State)
    item = RunItem.objects.select_for_update().get(pk=item.pk)
    again = (RunItem.Outcome.PARKED, RunItem.Outcome.CARRIED, RunItem.Outcome.CANCELED)
    if item.outcome not in again:
        raise RunState(f"{item} is {item.get_outcome_display().lower()}; only parked ones retry.")
    item.outcome = RunItem.Outcome.PENDING
    item.save(update_fields=["outcome"])
    run.state, run.ended_at = _State.RUNNING, None
    _save(run, "retried", by, item=item.public_id)
    draft_items_later.enqueue(
        key=f"draft:{run.uid}:{item.position}:{run.version}",
        group=run.public_id,
        run_id=run.pk,
        first=item.position,
        last=item.position,
    )
    return item


def finalize_approved(run: BillingRun, *, by: Actor, on: date, today: date | None = None) -> Job:
    """Finalize what is approved of a run, in the order of its items, by a job.

    :param today: where a person names ``on``, the day it is.
    :raises BadDay: for a day out of bounds, or after ``today``.
    :raises BeforeLastNumber: when an invoice has a number of a later day than ``on``.
    :raises MissingPermission: when the actor may not finalize.
    """
    by.must("invoices.finalize")
    must_be_a_day(on, today)
    must_follow_last_number(BILLS, on=on)
    with transaction.atomic():
        run = BillingRun.objects.select_for_update().get(pk=run.pk)
        run.version += 1
        run.save(update_fields=["version"])
        record("run.finalizing", run, by=by, on=on.isoformat())
        return finalize_run_later.enqueue(
            key=f"finalize:{run.uid}:{run.version}",
            group=run.public_id,
            run_id=run.pk,
            on=on.isoformat(),
        )


@job(title="Finalize a run's invoices", queue="default", timeout=280, max_attempts=5, scoped=False)
def finalize_run_later(*, tenant_id: int, run_id: int, on: str) -> None:
    """Finalize a run's approved invoices, one batch of a hundred at a time, each a transaction.

    Twice does no harm: what is final is not approved any more. What a rule refuses stays approved
    and is counted as failed; the job's row names the first reason.
    """
    done = failed = after = 0
    first: dict[str, str] = {}
    while True:
        with tenant_scope(tenant_id):
            approved = invoices_of(BillingRun.objects.get(pk=run_id)).filter(
                state=Invoice.State.APPROVED, run_item__position__gt=after
            )
            batch = list(approved.select_related("run_item")[:FINALIZED_AT_ONCE])
            if not batch:
                break
            refused = _finalize_or_split(batch, on=date.fromisoformat(on))
            done, failed = done + len(batch) - len(refused), failed + len(refused)
            after = max(each.run_item.position for each in batch if each.run_item)
        if refused and not first:
            first = {"error_code": refused[0].code, "error_text": str(refused[0])[:500]}
        progress(done=done, failed=failed, stage="finalizing", **first)


def _finalize_or_split(batch: list[Invoice], *, on: date) -> list[Refused]:
    """Finalize a batch, or the halves of it that a rule does not refuse; return the refusals.

    Each stands on its item of the run until the invoice is final.
    """
    items = RunItem.objects.filter(pk__in=[each.run_item_id for each in batch])
    try:
        with transaction.atomic():
            finalize(batch, by=GATEKEEPER, on=on)
            items.exclude(code="").update(code="", reason="")
            return []
    except Refused as refusal:
        if len(batch) == 1:
            _log.warning("not finalized", invoice=batch[0].public_id, code=refusal.code)
            record("invoice.not_finalized", batch[0], by=GATEKEEPER, code=refusal.code)
            items.update(code=refusal.code, reason=f"Not final: {refusal}"[:500])
            return [refusal]
    middle = len(batch) // 2
    return [
        *_finalize_or_split(batch[:middle], on=on),
        *_finalize_or_split(batch[middle:], on=on),
    ]


@job(title="Draft a run's invoices", queue="default", timeout=240, max_attempts=3)
def draft_items_later(*, run_id: int, first: int, last: int) -> None:
    """Draft a batch. Twice does no harm: what is drafted is not pending.

    After a failure the batch is halved, so that one that kills its worker ends up alone.
    """
    run = BillingRun.objects.get(pk=run_id)
    if run.state != _State.RUNNING:
        return
    me = current_job()
    if me is not None and me.attempts > 1 and last > first:
        middle = (first + last) // 2
        _enqueue_ranges(run, [(first, middle), (middle + 1, last)])
        return
    progress(total=last - first + 1, stage="drafting")
    done, parked = draft_items(run, first=first, last=last, by=GATEKEEPER)
    progress(done=done, failed=parked)
    _end_if_done(run)


@transaction.atomic
def settle_run(run: BillingRun, *, by: Actor) -> None:
    """Park what no job will bring on any more. Twice does no harm: it is parked already then.

    A batch whose job failed for good, or whose workers died on it, leaves items pending.
    """
    run = BillingRun.objects.select_for_update().get(pk=run.pk)
    jobs = Job.objects.filter(tenant_id=current_tenant_id(), group=run.public_id)
    if run.state != _State.RUNNING or jobs.filter(state__in=_OPEN_JOBS).exists():
        return
    failed = jobs.filter(state=Job.State.FAILED).order_by("-pk").first()
    pending = RunItem.objects.filter(run=run, outcome=RunItem.Outcome.PENDING)
    if failed is None and pending.exists():
        _enqueue(run)  # its jobs were canceled, or never came to be
        return
    text = failed.error_text if failed else ""
    left = pending.update(
        outcome=RunItem.Outcome.PARKED, code="runs.job_failed", reason=text or "Its job failed."
    )
    if left:
        record("run.items_parked", run, by=by, items=left)
    _end_if_done(run)


def _locked(run: BillingRun, *allowed: str) -> BillingRun:
    run = BillingRun.objects.select_for_update().get(pk=run.pk)
    if run.state not in allowed:
        raise RunState(f"{run} is {run.get_state_display().lower()}; that cannot be done now.")
    return run


def _save(run: BillingRun, deed: str, by: Actor, **details: str) -> None:
    run.version += 1
    run.save(update_fields=["state", "started_at", "ended_at", "version"])
    run.refresh_from_db(fields=["started_at", "ended_at"])
    record(f"run.{deed}", run, by=by, **details)
    publish(f"run.{deed}", about=run.public_id, **details)


def _enqueue(run: BillingRun) -> None:
    pending = RunItem.objects.filter(run=run, outcome=RunItem.Outcome.PENDING)
    last = pending.aggregate(last=Max("position"))["last"] or 0
    ranges = [(at, min(at + BATCH - 1, last)) for at in range(1, last + 1, BATCH)]
    _enqueue_ranges(run, ranges)


def _enqueue_ranges(run: BillingRun, ranges: list[tuple[int, int]]) -> None:
    draft_items_later.enqueue_many(
        [
            (
                f"draft:{run.uid}:{first}-{last}:{run.version}",
                {"run_id": run.pk, "first": first, "last": last},
            )
            for first, last in ranges
        ],
        group=run.public_id,
    )


def _end_if_done(run: BillingRun) -> None:
    """Say that the run has ended when nothing is pending; whoever is last says it, once.

    The lock comes first: of two batches that end together, the second sees what the first wrote.
    """
    run = BillingRun.objects.select_for_update().get(pk=run.pk)
    pending = RunItem.objects.filter(run=run, outcome=RunItem.Outcome.PENDING)
    if run.state == _State.RUNNING and not pending.exists():
        run.state, run.ended_at = _State.ENDED, Now()
        _save(run, "ended", GATEKEEPER)
