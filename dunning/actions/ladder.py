"""The firm's own ladder of reminders: which step comes how long after the due day."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from billing_portal.audit.trail import record
from billing_portal.errors import Refused, Stale
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from dunning.models import ReminderStep

MOST_DAYS = 365
MOST_STEPS = 9


class BadLadder(Refused):
    """Steps are numbered once, and each comes later than the one below it."""

    code = "reminders.bad_ladder"


@transaction.atomic
def add_step(*, level: int, days_after_due: int, by: Actor, is_active: bool = True) -> ReminderStep:
    """Add a step; the first of them takes the place of the house's ladder.

    :raises BadLadder: when the level is taken, or the step does not come between its neighbors.
    """
    by.must("dunning.edit")
    try:
        with transaction.atomic():
            step: ReminderStep = ReminderStep.objects.create(
                level=level, days_after_due=days_after_due, is_active=is_active
            )
    except IntegrityError as error:
        raise BadLadder(f"There is a step {level} already.") from error
    _must_climb()
    record("reminder_step.added", step, by=by, level=level, days=days_after_due)
    publish("reminder_ladder.changed", about=step.public_id)
    return step


@transaction.atomic
def change_step(
    step: ReminderStep, *, days_after_due: int, is_active: bool, version_seen: int, by: Actor
) -> ReminderStep:
    """Change when a step comes, or let it rest. Reminders that went out stay as they were.

    :raises Stale: when it has changed since it was read.
    :raises BadLadder: when it does not come between its neighbors.
    """
    by.must("dunning.edit")
    step = ReminderStep.objects.select_for_update().get(pk=step.pk)
    if step.version != version_seen:
        raise Stale(version_seen, step.version)
    before = [step.days_after_due, step.is_active]
    step.days_after_due, step.is_active = days_after_due, is_active
    step.version += 1
    step.save(update_fields=["days_after_due", "is_active", "version"])
    _must_climb()
    record("reminder_step.changed", step, by=by, was=before, now=[days_after_due, is_active])
    publish("reminder_ladder.changed", about=step.public_id)
    return step


def _must_climb() -> None:
    rows = ReminderStep.objects.filter(is_active=True).order_by("level")
    days = list(rows.values_list("days_after_due", flat=True))
    levels = ReminderStep.objects.values_list("level", flat=True)
    if days != sorted(set(days)) or any(not 1 <= each <= MOST_DAYS for each in days):
        raise BadLadder(f"Each step comes later than the one below it, at most {MOST_DAYS} days.")
    if any(not 1 <= each <= MOST_STEPS for each in levels):
        raise BadLadder(f"Steps are numbered from 1 to {MOST_STEPS}.")
