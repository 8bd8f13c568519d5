"""Open, change and close matters."""

from __future__ import annotations

from datetime import date
from typing import TypedDict, Unpack

from django.db import transaction

from billing_portal.audit.trail import record
from billing_portal.members.models import User
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from customers.actions import checks
from customers.actions.refusals import BadValue, Closed
from customers.models import Customer, Matter


class MatterValues(TypedDict, total=False):
    """What may be said of a matter, and changed later."""

    external_id: str
    client_matter_id: str
    name: str
    responsible: User | None
    carrier_code: str
    ledes_client_id: str
    invoice_description: str


CHANGEABLE = frozenset(MatterValues.__annotations__)


@transaction.atomic
def open_matter(
    customer: Customer, *, opened_on: date, by: Actor, **values: Unpack[MatterValues]
) -> Matter:
    """Open a matter of a customer.

    :raises Closed: when the customer is closed.
    :raises Refused: for an id that is missing or taken, a card number, a stranger as responsible.
    """
    checks.refuse_known_names(values, CHANGEABLE)
    customer = checks.locked(customer)
    if customer.state == Customer.State.CLOSED:
        raise Closed(f"{customer} is closed.")
    _refuse_bad(values)
    matter = Matter(customer=customer, opened_on=opened_on, **values)
    checks.save_named(matter)
    record("matter.opened", matter, by=by, external_id=matter.external_id, on=str(opened_on))
    publish("matter.opened", about=matter.public_id, version=1, customer_id=customer.public_id)
    return matter


@transaction.atomic
def change_matter(
    matter: Matter, *, version_seen: int, by: Actor, **values: Unpack[MatterValues]
) -> Matter:
    """Change what is said of a matter; values that are as before change nothing, nor the version.

    :raises Stale: when somebody changed it since ``version_seen``.
    :raises Closed: when it is closed.
    """
    checks.refuse_known_names(values, CHANGEABLE)
    matter = checks.locked(matter)
    checks.take_version(matter, version_seen)
    _refuse_closed(matter)
    _refuse_bad(values)
    differing = checks.changed(matter, values)
    if not differing:
        matter.version = version_seen
        return matter
    checks.save_named(matter)
    record("matter.changed", matter, by=by, **differing)
    publish(
        "matter.changed",
        about=matter.public_id,
        version=matter.version,
        fields=sorted(differing),
    )
    return matter


@transaction.atomic
def close_matter(matter: Matter, *, on: date, version_seen: int, by: Actor) -> Matter:
    """Close a matter: it takes no work of that day or later; what is unbilled is still billed."""
    matter = checks.locked(matter)
    checks.take_version(matter, version_seen)
    _refuse_closed(matter)
    if on < matter.opened_on:
        raise BadValue(f"{matter} opened on {matter.opened_on}.")
    matter.state, matter.closed_on = Matter.State.CLOSED, on
    matter.save(update_fields=["state", "closed_on", "version"])
    record("matter.closed", matter, by=by, on=str(on))
    publish("matter.closed", about=matter.public_id, version=matter.version)
    return matter


def _refuse_bad(values: MatterValues) -> None:
    checks.refuse_card_numbers(values)
    checks.refuse_hidden_characters(values)
    checks.refuse_strangers(values.get("responsible"))
    if not values.get("name", "-").strip():
        raise BadValue("A matter has a name.")


def _refuse_closed(matter: Matter) -> None:
    if matter.state == Matter.State.CLOSED:
        raise Closed(f"{matter} is closed.")
