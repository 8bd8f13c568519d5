"""Add payment methods; propose and approve the bank details that belong to them."""

from __future__ import annotations

import re
from datetime import date

from django.db import transaction

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.encryption import lock_up
from customers.actions import checks
from customers.actions.refusals import AlreadyDecided, AlreadyProposed, BadValue, Closed, SamePerson
from customers.models import BankDetails, Customer, PaymentMethod

_ACCOUNT = re.compile(r"^[A-Z0-9]{4,34}$")


@transaction.atomic
def add_payment_method(
    customer: Customer,
    *,
    kind: str,
    label: str,
    by: Actor,
    gateway: str = "",
    token: str = "",
    mandate_reference: str = "",
) -> PaymentMethod:
    """Add a way to pay; where a gateway collects, only its token is kept.

    :raises CardNumberRefused: when any text holds a card number.
    :raises BadValue: for a token missing or out of place, or a SEPA debit without its mandate.
    :raises Closed: when the customer is closed.
    """
    texts = {"label": label, "gateway": gateway, "token": token, "mandate": mandate_reference}
    customer = checks.locked(customer)
    if customer.state == Customer.State.CLOSED:
        raise Closed(f"{customer} is closed.")
    checks.refuse_card_numbers(texts)
    checks.refuse_hidden_characters(texts)
    method = PaymentMethod(
        customer=customer,
        kind=kind,
        label=label,
        gateway=gateway,
        token=token,
        mandate_reference=mandate_reference,
    )
    _refuse_bad(method)
    method.save()
    about = {"kind": kind, "customer": customer.public_id}
    record("payment_method.added", method, by=by, **about, **told(method))
    publish("customer.changed", about=customer.public_id, fields=["payment_methods"])
    return method


@transaction.atomic
def end_payment_method(method: PaymentMethod, *, on: date, by: Actor) -> PaymentMethod:
    """Stop using a payment method from a day on."""
    method = checks.locked(method)
    if method.ended_on is not None:
        raise Closed(f"{method} ended on {method.ended_on}.")
    method.ended_on = on
    method.save(update_fields=["ended_on"])
    record("payment_method.ended", method, by=by, on=str(on), **told(method))
    publish("customer.changed", about=method.customer.public_id, fields=["payment_methods"])
    return method


@transaction.atomic
def propose_bank_details(
    method: PaymentMethod, *, holder: str, account: str, by: Actor, bank_code: str = ""
) -> BankDetails:
    """Propose bank details; they count once another person has approved them.

    :param account: IBAN or account number; kept encrypted, its last four characters in clear.
    :raises MissingPermission: without ``customers.edit``.
    :raises AlreadyProposed: while another proposal for the method waits.
    :raises BadValue: for an account that is none.
    """
    by.must("customers.edit")
    method = checks.locked(method)
    compact = re.sub(r"[ -]", "", account).upper()
    texts = {"account": compact, "holder": holder, "bank_code": bank_code}
    checks.refuse_card_numbers(texts)
    checks.refuse_hidden_characters(texts)
    if not _ACCOUNT.match(compact):
        raise BadValue("An account is an IBAN or a number of 4 to 34 letters and digits.")
    waiting = BankDetails.objects.filter(payment_method=method, state=BankDetails.State.PROPOSED)
    if waiting.exists():
        raise AlreadyProposed("Bank details of this method wait for approval already.")
    details = BankDetails(
        payment_method=method,
        holder=holder,
        account_ending=compact[-4:],
        bank_code=bank_code,
        proposed_by=by.ref,
    )
    details.sealed_account = lock_up(
        compact, table="customers_bankdetails", column="sealed_account", row=details.uid
    )
    details.save()
    about = {"payment_method": method.public_id}
    record("bank_details.proposed", details, by=by, **about, **told(details))
    publish("bank_details.proposed", about=details.public_id)
    return details


@transaction.atomic
def approve_bank_details(details: BankDetails, *, by: Actor) -> BankDetails:
    """Let proposed bank details count.

    :raises MissingPermission: without ``customers.edit``.
    :raises SamePerson: when ``by`` proposed them.
    """
    by.must("customers.edit")
    details = _undecided(details)
    if details.proposed_by == by.ref:
        raise SamePerson("You proposed these bank details; another person approves them.")
    return _decide(details, BankDetails.State.APPROVED, "bank_details.approved", by)


@transaction.atomic
def reject_bank_details(details: BankDetails, *, by: Actor) -> BankDetails:
    """Turn proposed bank details down; their proposer may take them back so too."""
    by.must("customers.edit")
    return _decide(_undecided(details), BankDetails.State.REJECTED, "bank_details.rejected", by)


def _refuse_bad(method: PaymentMethod) -> None:
    if method.kind not in PaymentMethod.Kind.values:
        raise BadValue(f"{method.kind} is no kind of payment method.")
    if method.is_collected_by_gateway != bool(method.token and method.gateway):
        raise BadValue("A gateway and its token are needed where a gateway collects, only there.")
    if not method.is_collected_by_gateway and (method.token or method.gateway):
        raise BadValue("No gateway collects this kind: leave gateway and token empty.")
    if method.kind == PaymentMethod.Kind.SEPA_DEBIT and not method.mandate_reference:
        raise BadValue("A SEPA debit names its mandate.")


def _undecided(details: BankDetails) -> BankDetails:
    details = checks.locked(details)
    if details.state != BankDetails.State.PROPOSED:
        raise AlreadyDecided(f"They are {details.get_state_display().lower()} already.")
    return details


def _decide(details: BankDetails, state: str, action: str, by: Actor) -> BankDetails:
    details.state, details.decided_by = state, by.ref
    details.save(update_fields=["state", "decided_by"])
    record(action, details, by=by, proposed_by=details.proposed_by, **told(details))
    publish(action, about=details.public_id)
    return details
