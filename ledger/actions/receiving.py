"""Money received: booked once, by whatever door and however often its source tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record_many
from billing_portal.errors import Refused
from billing_portal.money import Money
from billing_portal.outbox.events import publish_many
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.inserting import insert_many
from ledger.actions.posting import Line, NewEntry, post
from ledger.models import Entry, Payment

_PAYMENT_COLUMNS = (
    *("uid", "source", "key", "customer", "currency", "amount", "received_on", "payer"),
    *("remittance", "entry_id"),
)


class PaymentChanged(Refused):
    """The source named this payment before, with another amount, day or customer."""

    code = "ledger.payment_changed"


@dataclass(frozen=True)
class Received:
    """Money that came in, as its source tells.

    :ivar key: the source's own name for it.
    :ivar customer: a public id; empty while nobody knows.
    :ivar bank: which account of the firm's it came to.
    """

    key: str
    customer: str
    amount: Money
    received_on: date
    booked_on: date
    bank: str
    payer: str = ""
    remittance: str = ""


@transaction.atomic
def receive_many(source: str, said: Sequence[Received], *, by: Actor) -> list[Payment]:
    """Book money that came in, in the given order. Some fifteen queries, whatever the number.

    :raises PaymentChanged: when one was named before with other facts.
    :raises PeriodClosed: when the books of a day of booking are closed.
    """
    by.must("payments.import")
    known = _known(source, said)
    fresh = [each for each in said if each.key not in known]
    entries = post([_entry_of(source, each) for each in fresh], by=by)
    # The same payment may have come in by two doors at once; then the other was first.
    known |= _known(source, fresh)
    pairs = [(each, entry) for each, entry in zip(fresh, entries, strict=True)]
    known |= _kept(source, [pair for pair in pairs if pair[0].key not in known], by=by)
    return [_same(known[each.key], each.amount, each.received_on) for each in said]


def _known(source: str, said: Sequence[Received]) -> dict[str, Payment]:
    rows = Payment.objects.filter(source=source, key__in=[each.key for each in said])
    return {payment.key: payment for payment in rows} if said else {}


def _entry_of(source: str, said: Received) -> NewEntry:
    amount = said.amount
    target = Line("credit", -amount, said.customer) if said.customer else Line("suspense", -amount)
    return NewEntry(
        kind="payment",
        booked_on=said.booked_on,
        effective_on=said.received_on,
        key=f"payment:{source}:{said.key}",
        lines=(Line("cash", amount, said.bank), target),
    )


def _kept(source: str, pairs: Sequence[tuple[Received, Entry]], *, by: Actor) -> dict[str, Payment]:
    payments = {
        said.key: Payment(
            source=source,
            key=said.key,
            customer=said.customer,
            currency=said.amount.currency,
            amount=said.amount.minor,
            received_on=said.received_on,
            payer=said.payer[:140],
            remittance=said.remittance[:500],
            entry=entry,
        )
        for said, entry in pairs
    }
    rows = list(payments.values())
    each = {name: [getattr(row, name) for row in rows] for name in _PAYMENT_COLUMNS}
    made = insert_many(Payment, each, returning=("key", "id", "recorded_at")) if rows else []
    for key, pk, recorded_at in made:
        payments[key].pk, payments[key].recorded_at = pk, recorded_at
        payments[key]._state.adding = False
    facts = [(row, {"minor": row.amount, "currency": row.currency, **told(row)}) for row in rows]
    record_many("payment.received", facts, by=by)
    publish_many("payment.received", [(row.public_id, {"customer": row.customer}) for row in rows])
    return payments


def _same(known: Payment, amount: Money, received_on: date) -> Payment:
    facts = (amount.minor, amount.currency, received_on)
    if (known.amount, known.currency, known.received_on) != facts:
        raise PaymentChanged(f"{known.source} named {known.key} before, with other facts.")
    return known
