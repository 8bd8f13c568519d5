"""Submitting: a proven LEDES file is handed to its carrier by a browser, with evidence.

Confirmed only by the carrier's own reference. An attempt that may have handed the file over is
followed by a look at the site before any second upload, also when the worker died in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Max, Value
from django.db.models.functions import Now

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.jobs.models import Job
from billing_portal.jobs.queries import live_jobs_of
from billing_portal.jobs.queue import job
from billing_portal.jobs.worker import current_job
from billing_portal.outbox.events import publish
from billing_portal.periods import local_day
from billing_portal.tenancy.actors import Actor, system
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id, tenant_scope
from invoices.actions.carriers import (
    CarrierNotReady,
    credentials_of,
    recipe_of,
    refuse_login,
    require_on,
    stop_carrier,
)
from invoices.gateways import files
from invoices.gateways.carriers import browser
from invoices.gateways.carriers.base import (
    CarrierDown,
    CarrierFailure,
    CodeWanted,
    Credentials,
    LoginRefused,
    Outcome,
    OutcomeUnknown,
    PageChanged,
    UploadFile,
    Wanted,
)
from invoices.gateways.carriers.base import Evidence as Seen
from invoices.gateways.carriers.recipe import Recipe
from invoices.models import Document, Evidence, Invoice, Submission
from invoices.queries.carriers import carrier_of
from invoices.queries.kept import content_of

UPLOADER = system("uploader")
_ATTEMPTS = 6
_State = Submission.State
_OPEN = (_State.QUEUED, _State.UPLOADING, _State.UNSURE)


class NothingToSubmit(Refused):
    """There is no proven LEDES file of the invoice."""

    code = "submissions.no_file"


class NotRetryable(Refused):
    """The upload is on its way, or has been answered."""

    code = "submissions.not_retryable"


@dataclass(frozen=True)
class _Visit:
    """All that a browser needs, read before it starts."""

    submission: Submission
    recipe: Recipe
    credentials: Credentials
    file_name: str
    sha256: str
    number: str
    origin: str
    looks_first: bool
    earlier: tuple[str, ...]


@transaction.atomic
def queue_submission(document: Document, *, by: Actor) -> Submission:
    """Ask for a LEDES file to be uploaded to its carrier; asked for twice, it is one upload.

    :raises NoCarrier: when no carrier is named, or the firm has none of that code.
    :raises NothingToSubmit: when the file is not a proven LEDES file.
    """
    if document.proof is None or not document.proof.get("ok"):
        raise NothingToSubmit("Only a proven LEDES file is uploaded.")
    invoice = Invoice.objects.select_for_update(of=("self",)).get(pk=document.invoice_id)
    known = Submission.objects.filter(invoice=invoice)
    last: Submission | None = known.order_by("-number").first()
    if last is not None and last.state != _State.CANCELED:
        return last
    submission: Submission = Submission.objects.create(
        invoice=invoice,
        document=document,
        carrier=carrier_of(invoice),
        number=(known.aggregate(last=Max("number"))["last"] or 0) + 1,
        sha256=document.sha256,
        # Canceled while nobody knew: it may be there, so this one looks first too.
        was_handed_over=known.filter(was_handed_over=True).exists(),
    )
    record("submission.queued", submission, by=by, invoice=invoice.public_id, **told(submission))
    publish("submission.queued", about=submission.public_id, invoice_id=invoice.public_id)
    enqueue(submission)
    return submission


@transaction.atomic
def retry_submission(submission: Submission, *, by: Actor) -> Submission:
    """Try an upload again; if the file may be there already, the site is looked at first.

    :raises NotRetryable: when it is on its way, confirmed, rejected or canceled.
    """
    by.must("uploads.retry")
    submission = _locked_in(submission, {_State.NEEDS_PERSON, _State.UNSURE})
    move(submission, _State.QUEUED, by=by)
    enqueue(submission)
    return submission


@transaction.atomic
def submit_again(submission: Submission, *, by: Actor) -> Submission:
    """Upload a rejected file once more, after its cause was mended at the carrier.

    :raises NotRetryable: when it was not rejected, or a newer upload exists.
    """
    by.must("uploads.retry")
    submission = Submission.objects.select_for_update(of=("self",)).get(pk=submission.pk)
    newer = Submission.objects.filter(invoice=submission.invoice_id, number__gt=submission.number)
    if submission.state != _State.REJECTED or newer.exists():
        raise NotRetryable(f"The upload is {submission.get_state_display().lower()}.")
    again: Submission = Submission.objects.create(
        invoice=submission.invoice,
        document=submission.document,
        carrier=submission.carrier,
        number=submission.number + 1,
        sha256=submission.sha256,
    )
    record("submission.queued", again, by=by, invoice=submission.invoice.public_id, **told(again))
    publish("submission.queued", about=again.public_id, invoice_id=submission.invoice.public_id)
    enqueue(again)
    return again


def _locked_in(submission: Submission, states: set[str]) -> Submission:
    found: Submission = Submission.objects.select_for_update(of=("self",)).get(pk=submission.pk)
    if found.state not in states:
        raise NotRetryable(f"The upload is {found.get_state_display().lower()}.")
    return found


@transaction.atomic
def cancel_submission(submission: Submission, *, by: Actor) -> Submission:
    """Give an upload up; a person sees to it otherwise.

    :raises NotRetryable: when it is on its way, or was answered.
    """
    by.must("uploads.retry")
    submission = _locked_in(submission, {_State.NEEDS_PERSON, _State.UNSURE, _State.QUEUED})
    move(submission, _State.CANCELED, by=by)
    return submission


@job(
    title="Upload a file to a carrier",
    queue="browser",
    timeout=240,
    max_attempts=_ATTEMPTS,
    backoff=15,
    scoped=False,
)
def submit_later(*, tenant_id: int, submission_id: int) -> None:
    """Upload a file. Twice does no harm: whatever may have been handed over is looked for first.

    :raises CarrierDown, OutcomeUnknown: when it is to be tried again, which the job does.
    """
    with tenant_scope(tenant_id):
        visit = _begin(submission_id)
    if visit is None:
        return
    try:
        outcome = _look(visit) if visit.looks_first else None
        if outcome is None:
            if visit.looks_first:
                with tenant_scope(tenant_id):
                    _handing_over(submission_id)
            outcome = _upload(visit, content_of(tenant_id, visit.submission.document))
    except files.UNREADABLE as no:
        with tenant_scope(tenant_id):
            _stop_unread(visit, no)
        raise
    except CarrierFailure as failure:
        kept = _keep_bytes(tenant_id, failure.evidence)
        with tenant_scope(tenant_id):
            again = _fail(visit, failure, kept)
        if again:
            raise
        return
    kept = _keep_bytes(tenant_id, outcome.evidence)
    with tenant_scope(tenant_id):
        _answer(submission_id, outcome, kept)


def _look(visit: _Visit) -> Outcome | None:
    wanted = Wanted(visit.file_name, visit.sha256, visit.number)
    return browser.look_up(
        visit.recipe, visit.credentials, wanted, origin=visit.origin, earlier=visit.earlier
    )


def _upload(visit: _Visit, data: bytes) -> Outcome:
    file = UploadFile(visit.file_name, data, visit.sha256)
    return browser.submit(
        visit.recipe,
        visit.credentials,
        file,
        origin=visit.origin,
        invoice_number=visit.number,
        earlier=visit.earlier,
    )


def _begin(submission_id: int) -> _Visit | None:
    """Write down that an attempt begins, and that it may hand the file over; None when answered.

    A first attempt says so here, in the same commit; later ones look first and say so afterwards.
    """
    submission = (
        Submission.objects.select_for_update(of=("self",))
        .select_related("carrier", "invoice", "document")
        .get(pk=submission_id)
    )
    if submission.state not in _OPEN:
        return None
    carrier = submission.carrier
    try:
        require_on(carrier)
        recipe_row, recipe = recipe_of(carrier)
        credentials = credentials_of(carrier, on=today())
    except CarrierNotReady as no:
        # It stays queued: whoever makes the carrier ready lets all that wait go on.
        submission.code, submission.reason = no.code, str(no)
        move(submission, _State.QUEUED, by=UPLOADER)
        return None
    if _another_is_at_it(submission):
        return None
    looks_first = submission.was_handed_over
    submission.recipe = recipe_row
    submission.attempts += 1
    submission.was_handed_over = True
    submission.save(update_fields=["recipe", "attempts", "was_handed_over"])
    move(submission, _State.UPLOADING, by=UPLOADER)
    return _Visit(
        submission=submission,
        recipe=recipe,
        credentials=credentials,
        file_name=submission.document.name,
        sha256=submission.sha256,
        number=submission.invoice.number,
        origin=carrier.origin,
        looks_first=looks_first,
        earlier=_earlier_references(submission),
    )


def _earlier_references(submission: Submission) -> tuple[str, ...]:
    """Return what the carrier answered to earlier uploads of the invoice. One query."""
    rows = Submission.objects.filter(
        invoice=submission.invoice_id, carrier=submission.carrier_id, number__lt=submission.number
    ).exclude(reference="")
    return tuple(rows.order_by("number").values_list("reference", flat=True))


def _another_is_at_it(submission: Submission) -> bool:
    """Say whether another job is on the carrier's site with this very file. One query."""
    me = current_job()
    jobs = live_jobs_of(submit_later.name, "submission_id", Value(str(submission.pk)))
    at_it = jobs.filter(state=Job.State.RUNNING, lease_until__gt=Now())
    return bool(at_it.exclude(pk=me.pk if me else 0).exists())


def _handing_over(submission_id: int) -> None:
    """Write down that the site was looked at, the file was not there, and goes there now."""
    submission = Submission.objects.select_for_update(of=("self",)).get(pk=submission_id)
    record("submission.looked_for", submission, by=UPLOADER, found=False)


def _fail(visit: _Visit, failure: CarrierFailure, kept: Sequence[tuple[Seen, str]]) -> bool:
    """Write down how an attempt ended without an answer; say whether the job tries again."""
    submission = Submission.objects.select_for_update(of=("self",)).get(pk=visit.submission.pk)
    seen = _keep(submission, kept)
    submission.code, submission.reason = failure.code, str(failure)[:1000]
    me = current_job()
    is_last = me is not None and me.attempts >= _ATTEMPTS
    if isinstance(failure, LoginRefused):
        refuse_login(submission.carrier, reason=str(failure), by=UPLOADER)
    elif isinstance(failure, PageChanged):
        stop_carrier(submission.carrier, reason=str(failure), by=UPLOADER)
    if isinstance(failure, CarrierDown | LoginRefused | CodeWanted | PageChanged):
        # These come before the file leaves: the next attempt looks first only if this one did.
        submission.was_handed_over = visit.looks_first
        submission.save(update_fields=["was_handed_over"])
    again = isinstance(failure, CarrierDown | OutcomeUnknown) and not is_last
    state = _State.NEEDS_PERSON
    if isinstance(failure, OutcomeUnknown):
        state = _State.UNSURE
    elif again:
        state = _State.QUEUED
    move(submission, state, by=UPLOADER, seen=seen)
    return again


def _stop_unread(visit: _Visit, no: Refused) -> None:
    """Write down that the file could not be read, and so did not leave."""
    submission = Submission.objects.select_for_update(of=("self",)).get(pk=visit.submission.pk)
    submission.code, submission.reason = no.code, str(no)
    submission.was_handed_over = visit.looks_first
    submission.save(update_fields=["was_handed_over"])
    move(submission, _State.NEEDS_PERSON, by=UPLOADER)


def _answer(submission_id: int, outcome: Outcome, kept: Sequence[tuple[Seen, str]]) -> None:
    """Write down the carrier's definite answer, with its evidence."""
    submission = Submission.objects.select_for_update(of=("self",)).get(pk=submission_id)
    if submission.state not in _OPEN:
        return
    seen = _keep(submission, kept)
    is_rejected = outcome.status in {"REJECTED", "FILE_ERROR"}
    submission.carrier_status = outcome.status[:24]
    submission.reference = outcome.reference[:60]
    submission.code = "carrier.rejected" if is_rejected else ""
    submission.reason = "\n".join(outcome.messages)[:1000]
    state = _State.REJECTED if is_rejected else _State.CONFIRMED
    if not outcome.status:  # a word that the recipe does not know confirms nothing
        state, submission.code = _State.NEEDS_PERSON, "carrier.unknown_word"
        submission.reason = f"The carrier says “{outcome.carrier_status}”; the recipe does not."
    submission.answered_at = Now()
    submission.save(update_fields=["carrier_status", "reference", "code", "reason", "answered_at"])
    submission.refresh_from_db(fields=["answered_at"])
    move(submission, state, by=UPLOADER, seen=seen)


def _keep_bytes(tenant_id: int, seen: Sequence[Seen]) -> list[tuple[Seen, str]]:
    return [(each, files.store(tenant_id, each.data)) for each in seen]


def _keep(submission: Submission, kept: Sequence[tuple[Seen, str]]) -> list[Evidence]:
    rows: list[Evidence] = Evidence.objects.bulk_create(
        Evidence(
            submission=submission,
            attempt=submission.attempts,
            position=position,
            kind=Evidence.Kind[each.kind.name],
            step=each.step[:120],
            name=each.name[:120],
            sha256=sha256,
            size=len(each.data),
            taken_at=Now(),
        )
        for position, (each, sha256) in enumerate(kept, 1)
    )
    return rows


def move(submission: Submission, state: str, *, by: Actor, seen: Sequence[Evidence] = ()) -> None:
    """Write down where an upload, locked by the caller, is now, and what was seen on the way."""
    submission.state = state
    submission.version += 1
    submission.save(update_fields=["state", "version", "code", "reason"])
    rows = told(submission, *seen)
    record(f"submission.{state.lower()}", submission, by=by, code=submission.code, **rows)
    publish(
        f"submission.{state.lower()}",
        about=submission.public_id,
        invoice_id=submission.invoice.public_id,
        version=submission.version,
    )


def enqueue(submission: Submission) -> None:
    """Ask for the next attempt; one job for each version."""
    key = f"submit:{submission.uid}:{submission.version}"
    submit_later.enqueue(key=key, submission_id=submission.pk)


def today() -> date:
    """Return the firm's day by the database's clock. One query."""
    firm = Tenant.objects.annotate(now=Now()).get(pk=current_tenant_id())
    return local_day(firm.now, firm.time_zone)
