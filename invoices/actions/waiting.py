"""What waits without a job: uploads whose carrier was not ready, and whatever a job left behind.

A job that failed for good (its workers died, or a bug) leaves its row in the middle. Nothing stays
there unseen: uploads come to a person, mail is failed or unknown, and a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet

from billing_portal.jobs.queries import without_live_job
from billing_portal.tenancy.actors import Actor
from invoices.actions import deliver, submit
from invoices.actions.carriers import (
    CarrierNotReady,
    allow_automation,
    credentials_of,
    recipe_of,
    require_on,
)
from invoices.models import Carrier, Delivery, Submission

_MENDED_AT_THE_CARRIER = ("carrier.login_refused", "carrier.page_changed")
_State = Submission.State
_M = TypeVar("_M", bound=Model)


@transaction.atomic
def start_carrier(carrier: Carrier, *, by: Actor) -> Carrier:
    """Allow automated sign-in at a carrier, and let go on what waited for it.

    What failed at its door only (a refused login, a changed page) is tried again with the rest.
    """
    carrier = allow_automation(carrier, by=by)
    if not _is_ready(carrier):
        return carrier
    stuck = Submission.objects.filter(carrier=carrier, state=_State.NEEDS_PERSON)
    _go_on(stuck.filter(code__in=_MENDED_AT_THE_CARRIER), by=by)
    _go_on(_uploads_left(Submission.objects.filter(carrier=carrier, state=_State.QUEUED)), by=by)
    return carrier


@transaction.atomic
def settle_uploads(*, by: Actor) -> int:
    """Bring on uploads that no job will bring on; return how many. One query where there is none.

    Those of a carrier that is ready go on; those that a job left in the middle come to a person.
    """
    waiting = _uploads_left(Submission.objects.filter(state__in=(_State.QUEUED, _State.UPLOADING)))
    ready: dict[int, bool] = {}
    settled = 0
    for found in _locked(waiting):
        if found.carrier_id not in ready:
            ready[found.carrier_id] = _is_ready(found.carrier)
        if found.state == _State.QUEUED and found.code == CarrierNotReady.code:
            if not ready[found.carrier_id]:
                continue
            _go_on([found], by=by)
        else:
            found.code = "submissions.job_failed"
            found.reason = "The attempt ended without a word. Retrying looks at the site first."
            submit.move(found, _State.NEEDS_PERSON, by=by)
        settled += 1
    return settled


@transaction.atomic
def settle_deliveries() -> int:
    """End mail that no job will bring on: failed, or unknown where it may have left."""
    state = Delivery.State
    waiting = Delivery.objects.filter(state__in=(state.QUEUED, state.SENDING))
    found = _locked(without_live_job(waiting, deliver.deliver_later.name, "delivery_id"))
    for delivery in found:
        ended = state.UNKNOWN if delivery.state == state.SENDING else state.FAILED
        deliver.end(delivery.pk, ended, "deliveries.job_failed", "It ended without a word.")
    return len(found)


def _is_ready(carrier: Carrier) -> bool:
    try:
        require_on(carrier)
        recipe_of(carrier)
        credentials_of(carrier, on=submit.today())
    except CarrierNotReady:
        return False
    return True


def _go_on(found: Iterable[Submission], *, by: Actor) -> None:
    for submission in _locked(found) if isinstance(found, QuerySet) else found:
        submission.code = submission.reason = ""
        submit.move(submission, _State.QUEUED, by=by)
        submit.enqueue(submission)


def _locked(rows: QuerySet[_M]) -> list[_M]:
    return list(rows.select_for_update(of=("self",)).order_by("pk"))


def _uploads_left(rows: QuerySet[Submission]) -> QuerySet[Submission]:
    return without_live_job(rows, submit.submit_later.name, "submission_id")
