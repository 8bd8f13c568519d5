"""Open, change and close customers; say where they are and what the tax office calls them."""

from __future__ import annotations

from datetime import date
from typing import TypedDict, Unpack

from django.db import transaction

from billing_portal.audit.trail import record
from billing_portal.errors import Refused, counted
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from customers.actions import checks
from customers.actions.refusals import BadValue, Closed
from customers.models import Address, Contact, Customer, Matter, TaxIdentity

_LONGEST_TERMS = 365


class CustomerValues(TypedDict, total=False):
    """What may be said of a customer, and changed later."""

    external_id: str
    name: str
    legal_name: str
    time_zone: str
    invoice_email: str
    sends_pdf: bool
    uploads_ledes: bool
    carrier_code: str
    ledes_client_id: str
    payment_terms_days: int


class AddressValues(TypedDict, total=False):
    """The lines of an address; ``country`` in two letters."""

    line_1: str
    line_2: str
    city: str
    region: str
    postal_code: str
    country: str


class HasOpenMatters(Refused):
    """The customer has matters that still take work."""

    code = "customers.open_matters"


CHANGEABLE = frozenset(CustomerValues.__annotations__)


@transaction.atomic
def open_customer(
    *, currency: str, on: date, by: Actor, **values: Unpack[CustomerValues]
) -> Customer:
    """Take on a customer, taxable from the day given. Nine statements.

    :param currency: ISO 4217; it never changes, because the books are kept in it.
    :raises Refused: for an id that is missing or taken, a card number in a text, a bad value.
    """
    checks.refuse_known_names(values, CHANGEABLE)
    _refuse_bad(values, currency=currency)
    customer = Customer(currency=currency, **values)
    checks.save_named(customer)
    TaxIdentity.objects.create(customer=customer, starts_on=on)
    record("customer.opened", customer, by=by, external_id=customer.external_id, on=str(on))
    publish("customer.opened", about=customer.public_id, version=customer.version)
    return customer


@transaction.atomic
def change_customer(
    customer: Customer, *, version_seen: int, by: Actor, **values: Unpack[CustomerValues]
) -> Customer:
    """Change what is said of a customer; values that are as before change nothing, nor the version.

    :raises Stale: when somebody changed it since ``version_seen``.
    :raises Refused: when it is closed, or as in ``open_customer``.
    """
    checks.refuse_known_names(values, CHANGEABLE)
    customer = checks.locked(customer)
    checks.take_version(customer, version_seen)
    _refuse_closed(customer)
    _refuse_bad(values)
    differing = checks.changed(customer, values)
    if not differing:
        customer.version = version_seen
        return customer
    checks.save_named(customer)
    record("customer.changed", customer, by=by, **differing)
    _publish_change(customer, sorted(differing))
    return customer


@transaction.atomic
def close_customer(
    customer: Customer, *, version_seen: int, by: Actor, reason: str = ""
) -> Customer:
    """Close a customer: nothing new is captured or agreed; what is owed stays owed.

    :raises HasOpenMatters: while one of its matters is open.
    """
    checks.refuse_hidden_characters({"reason": reason})
    customer = checks.locked(customer)
    checks.take_version(customer, version_seen)
    _refuse_closed(customer)
    waiting = Matter.objects.filter(customer=customer, state=Matter.State.OPEN).count()
    if waiting:
        raise HasOpenMatters(f"{customer} has {counted(waiting, 'open matter')} still.")
    customer.state = Customer.State.CLOSED
    customer.save(update_fields=["state", "version"])
    record("customer.closed", customer, by=by, reason=reason)
    publish("customer.closed", about=customer.public_id, version=customer.version)
    return customer


@transaction.atomic
def move_customer(
    customer: Customer, *, starts_on: date, by: Actor, **address: Unpack[AddressValues]
) -> Address:
    """Say where the customer is from a day on; a day in the past is allowed and recorded."""
    customer = checks.locked(customer)
    _refuse_closed(customer)
    checks.refuse_card_numbers(address)
    checks.refuse_hidden_characters(address)
    if not address.get("line_1") or not address.get("city"):
        raise BadValue("An address has a first line and a city.")
    row: Address = Address.objects.create(customer=customer, starts_on=starts_on, **address)
    record("customer.moved", customer, by=by, starts_on=str(starts_on))
    _publish_change(customer, ["address"])
    return row


@transaction.atomic
def register_for_tax(
    customer: Customer, *, starts_on: date, status: str, by: Actor, tax_id: str = ""
) -> TaxIdentity:
    """Say what the customer is to the tax office from a day on.

    :raises BadValue: for reverse charge without a tax id.
    """
    customer = checks.locked(customer)
    _refuse_closed(customer)
    checks.refuse_card_numbers({"tax_id": tax_id})
    checks.refuse_hidden_characters({"tax_id": tax_id})
    if status not in TaxIdentity.Status.values:
        raise BadValue(f"{status} is no tax status.")
    if status == TaxIdentity.Status.REVERSE_CHARGE and not tax_id:
        raise BadValue("Reverse charge needs the customer's tax id.")
    row: TaxIdentity = TaxIdentity.objects.create(
        customer=customer, starts_on=starts_on, status=status, tax_id=tax_id
    )
    record("customer.registered_for_tax", customer, by=by, status=status, starts_on=str(starts_on))
    _publish_change(customer, ["tax_identity"])
    return row


@transaction.atomic
def add_contact(
    customer: Customer,
    *,
    name: str,
    by: Actor,
    email: str = "",
    phone: str = "",
    purpose: str = Contact.Purpose.BILLING,
) -> Contact:
    """Add a person at a customer."""
    customer = checks.locked(customer)
    _refuse_closed(customer)
    said = {"name": name, "email": email, "phone": phone}
    checks.refuse_card_numbers(said)
    checks.refuse_hidden_characters(said)
    contact: Contact = Contact.objects.create(
        customer=customer, name=name, email=email, phone=phone, purpose=purpose
    )
    record("contact.added", customer, by=by, purpose=purpose)
    _publish_change(customer, ["contacts"])
    return contact


@transaction.atomic
def end_contact(contact: Contact, *, on: date, by: Actor) -> Contact:
    """Stop writing to a person from a day on."""
    customer = checks.locked(contact.customer)
    contact = Contact.objects.select_for_update().get(pk=contact.pk)
    if contact.ended_on is not None:
        raise Closed(f"{contact} ended on {contact.ended_on}.")
    contact.ended_on = on
    contact.save(update_fields=["ended_on"])
    record("contact.ended", customer, by=by, purpose=contact.purpose, on=str(on))
    _publish_change(customer, ["contacts"])
    return contact


def _refuse_bad(values: CustomerValues, **more: str) -> None:
    checks.refuse_card_numbers(values)
    checks.refuse_hidden_characters(values)
    checks.refuse_bad_places({**values, **more})
    if not values.get("name", "-").strip():
        raise BadValue("A customer has a name.")
    if not 0 <= values.get("payment_terms_days", 0) <= _LONGEST_TERMS:
        raise BadValue(f"Payment terms are 0 to {_LONGEST_TERMS} days.")


def _refuse_closed(customer: Customer) -> None:
    if customer.state == Customer.State.CLOSED:
        raise Closed(f"{customer} is closed.")


def _publish_change(customer: Customer, fields: list[str]) -> None:
    publish("customer.changed", about=customer.public_id, version=customer.version, fields=fields)
