"""Agree how a customer's charges become invoices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TypedDict, Unpack

from django.db import transaction

from billing_portal.audit.rows import told
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


class TermsValues(TypedDict, total=False):
    """What may be agreed besides the cadence; what is left out is as the model says."""

    matter: Matter | None
    anchor: int
    began_on: date | None
    grouping: str
    time_zone: str
    payment_method: PaymentMethod | None
    minimum: Money
    grace_hours: int
    formats: Sequence[str]
    reviewer: User | None


AGREEABLE = frozenset(TermsValues.__annotations__)


@transaction.atomic
def agree_terms(
    customer: Customer,
    *,
    starts_on: date,
    cadence: str,
    by: Actor,
    **values: Unpack[TermsValues],
) -> AggregationSetting:
    """Agree from which day on, how often and how a customer (or one matter) is invoiced.

    Earlier terms stay as they were; the newest that has started holds. Unless given: anchor 1, one
    collective invoice, the customer's own ``time_zone``, no ``minimum`` (it is in the customer's
    currency), 48 hours of grace, a PDF. ``anchor`` is that of ``periods.period_containing``.

    :raises Closed: when the customer is closed.
    :raises BadValue: for a cadence, anchor, zone, currency or format that does not exist.
    :raises Unknown: for a matter or payment method of another customer.
    """
    checks.refuse_known_names(values, AGREEABLE)
    customer = checks.locked(customer)
    if customer.state == Customer.State.CLOSED:
        raise Closed(f"{customer} is closed.")
    terms = _drafted(customer, starts_on, cadence, values)
    _refuse_bad_calendar(terms.cadence, terms.anchor, terms.grouping, terms.time_zone)
    _refuse_bad_output(terms.formats, terms.grace_hours, terms.least, customer.currency)
    _refuse_others(customer, terms.matter, terms.payment_method)
    checks.refuse_strangers(terms.reviewer)
    terms.save()
    record("terms.agreed", customer, by=by, terms=terms.public_id, starts_on=str(starts_on))
    about = {"customer": customer.public_id, "cadence": cadence}
    record("terms.agreed", terms, by=by, **about, **told(terms))
    publish("customer.terms_agreed", about=customer.public_id, terms_id=terms.public_id)
    return terms


def _drafted(
    customer: Customer, starts_on: date, cadence: str, values: TermsValues
) -> AggregationSetting:
    least = values.pop("minimum", Money.zero(customer.currency))
    formats = list(values.pop("formats", ["pdf"]))
    zone_name = values.pop("time_zone", "") or customer.time_zone
    return AggregationSetting(
        customer=customer,
        starts_on=starts_on,
        cadence=cadence,
        minimum=least.amount,
        minimum_currency=least.currency,
        formats=formats,
        time_zone=zone_name,
        **values,
    )


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
    if len([each for each in formats if each.startswith("ledes")]) > 1:
        raise BadValue("A customer gets one LEDES file, of one form.")
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
