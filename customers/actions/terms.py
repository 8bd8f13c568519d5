"""Agree how a customer's charges become invoices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db import transaction

from billing_portal.audit.trail import record
from billing_portal.members.models import User
from billing_portal.money import Money
from billing_portal.outbox.events import publish
from billing_portal.periods import Cadence
from billing_portal.tenancy.actors import Actor
from customers.actions import checks
from customers.actions.refusals import BadValue, Closed, Unknown
from customers.models import FORMATS, AggregationSetting, Customer, Matter, PaymentMethod

_ANCHORS = {
    Cadence.SEMIMONTHLY: (1, 15),
    Cadence.WEEKLY: range(1, 8),
    Cadence.BIWEEKLY: range(1, 8),
}
_LONGEST_GRACE = 24 * 31


@transaction.atomic
def agree_terms(
    customer: Customer,
    *,
    starts_on: date,
    cadence: str,
    by: Actor,
    matter: Matter | None = None,
    anchor: int = 1,
    began_on: date | None = None,
    grouping: str = AggregationSetting.Grouping.COLLECTIVE,
    time_zone: str = "",
    payment_method: PaymentMethod | None = None,
    minimum: Money | None = None,
    grace_hours: int = 48,
    formats: Sequence[str] = ("pdf",),
    reviewer: User | None = None,
) -> AggregationSetting:
    """Agree from which day on, how often and how a customer (or one matter) is invoiced.

    Earlier terms stay as they were; the newest that has started holds.

    :param anchor: as in ``billing_portal.periods.period_containing``.
    :param time_zone: the customer's own unless given.
    :param minimum: in the customer's currency; nothing unless given.
    :raises Closed: when the customer is closed.
    :raises BadValue: for a cadence, anchor, zone, currency or format that does not exist.
    :raises Unknown: for a matter or payment method of another customer.
    """
    customer = checks.locked(customer)
    if customer.state == Customer.State.CLOSED:
        raise Closed(f"{customer} is closed.")
    minimum = Money.zero(customer.currency) if minimum is None else minimum
    zone_name = time_zone or customer.time_zone
    _refuse_bad_calendar(cadence, anchor, grouping, zone_name)
    _refuse_bad_output(formats, grace_hours, minimum, customer.currency)
    _refuse_others(customer, matter, payment_method)
    checks.refuse_strangers(reviewer)
    terms: AggregationSetting = AggregationSetting.objects.create(
        customer=customer,
        matter=matter,
        starts_on=starts_on,
        cadence=cadence,
        anchor=anchor,
        began_on=began_on,
        grouping=grouping,
        time_zone=zone_name,
        payment_method=payment_method,
        minimum=minimum.amount,
        minimum_currency=minimum.currency,
        grace_hours=grace_hours,
        formats=list(formats),
        reviewer=reviewer,
    )
    record("terms.agreed", customer, by=by, terms=terms.public_id, starts_on=str(starts_on))
    record("terms.agreed", terms, by=by, customer=customer.public_id, cadence=cadence)
    publish("customer.terms_agreed", about=customer.public_id, terms_id=terms.public_id)
    return terms


def _refuse_bad_calendar(cadence: str, anchor: int, grouping: str, zone_name: str) -> None:
    if cadence not in list(Cadence):
        raise BadValue(f"{cadence} is no cadence.")
    allowed = _ANCHORS.get(Cadence(cadence), range(1, 32))
    if anchor not in allowed:
        words = "1 or 15" if cadence == Cadence.SEMIMONTHLY else f"1 to {allowed[-1]}"
        raise BadValue(f"The anchor of this cadence is {words}.")
    if grouping not in AggregationSetting.Grouping.values:
        raise BadValue(f"{grouping} is no grouping.")
    checks.refuse_bad_places({"time_zone": zone_name})


def _refuse_bad_output(
    formats: Sequence[str], grace_hours: int, minimum: Money, currency: str
) -> None:
    strange = sorted(set(formats) - set(FORMATS))
    if strange:
        raise BadValue(f"There is no format {', '.join(strange)}.")
    if not 0 <= grace_hours <= _LONGEST_GRACE:
        raise BadValue(f"Grace is 0 to {_LONGEST_GRACE} hours.")
    if minimum.currency != currency or minimum.amount < 0:
        raise BadValue(f"The minimum is an amount in {currency}, not negative.")


def _refuse_others(
    customer: Customer, matter: Matter | None, payment_method: PaymentMethod | None
) -> None:
    if matter is not None and matter.customer_id != customer.pk:
        raise Unknown(f"{matter} is not a matter of {customer}.")
    if payment_method is None:
        return
    if payment_method.customer_id != customer.pk or payment_method.ended_on is not None:
        raise Unknown(f"{customer} has no such payment method.")
