"""Add and change the people whose time is billed."""

from __future__ import annotations

from typing import TypedDict, Unpack

from django.db import IntegrityError, transaction

from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.members.models import User
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from customers.actions import checks
from customers.actions.refusals import BadValue
from customers.models import CLASSIFICATIONS, Timekeeper


class TimekeeperValues(TypedDict, total=False):
    """What may be said of a timekeeper, and changed later."""

    external_id: str
    name: str
    classification: str
    level: str
    user: User | None
    state: str


class UserTaken(Refused):
    """The user keeps time under another name already."""

    code = "customers.user_taken"


CHANGEABLE = frozenset(TimekeeperValues.__annotations__)


@transaction.atomic
def add_timekeeper(*, by: Actor, **values: Unpack[TimekeeperValues]) -> Timekeeper:
    """Add somebody whose time is billed.

    :raises BadValue: for a name that is not “Surname, First” or an unknown classification.
    :raises Refused: for an id that is missing or taken, a stranger as user.
    """
    checks.refuse_known_names(values, CHANGEABLE)
    timekeeper = Timekeeper(**values)
    _refuse_bad(values, timekeeper)
    _save(timekeeper)
    record("timekeeper.added", timekeeper, by=by, external_id=timekeeper.external_id)
    publish("timekeeper.added", about=timekeeper.public_id, version=1)
    return timekeeper


@transaction.atomic
def change_timekeeper(
    timekeeper: Timekeeper, *, version_seen: int, by: Actor, **values: Unpack[TimekeeperValues]
) -> Timekeeper:
    """Change what is said of a timekeeper; values that are as before change nothing.

    :raises Stale: when somebody changed it since ``version_seen``.
    """
    checks.refuse_known_names(values, CHANGEABLE)
    timekeeper = checks.locked(timekeeper)
    checks.take_version(timekeeper, version_seen)
    differing = checks.changed(timekeeper, values)
    if not differing:
        timekeeper.version = version_seen
        return timekeeper
    _refuse_bad(values, timekeeper)
    _save(timekeeper)
    record("timekeeper.changed", timekeeper, by=by, **differing)
    publish(
        "timekeeper.changed",
        about=timekeeper.public_id,
        version=timekeeper.version,
        fields=sorted(differing),
    )
    return timekeeper


def _refuse_bad(values: TimekeeperValues, timekeeper: Timekeeper) -> None:
    checks.refuse_card_numbers(values)
    checks.refuse_hidden_characters(values)
    checks.refuse_strangers(values.get("user"))
    surname, comma, first = timekeeper.name.partition(", ")
    if not (surname and comma and first):
        raise BadValue("A timekeeper's name is written “Surname, First”: LEDES wants it so.")
    if timekeeper.classification not in CLASSIFICATIONS:
        raise BadValue(f"{timekeeper.classification} is no LEDES classification.")
    if timekeeper.state not in Timekeeper.State.values:
        raise BadValue(f"{timekeeper.state} is no state of a timekeeper.")


def _save(timekeeper: Timekeeper) -> None:
    try:
        checks.save_named(timekeeper)
    except IntegrityError as error:
        if checks.violated(error) != "timekeeper_is_one_a_user":
            raise
        raise UserTaken(f"{timekeeper.user} keeps time under another name already.") from error
