"""Money received, and which invoices it pays. Every allocation can be taken back.

Locks are taken in one order, here and by whoever calls: the payment, then ``credit`` accounts by
their keys. The account decides alone over what is spent and owed, so who takes back or credits
needs no payment. Neither lock is on a key: rows that name a payment or an account never wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from django.db import IntegrityError, transaction

from billing_portal.audit.trail import record
from billing_portal.errors import Refused, Stale
from billing_portal.money import Money
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from billing_portal.texts import refuse_hidden
from ledger.actions.posting import Line, NewEntry, lock_account, mirror_of, post
from ledger.models import Allocation, Entry, Payment
from ledger.queries import open_amounts, unallocated

_KEYS = {"payer_named": "payer", "payer_taken_back": "payer-taken-back"}


class OverAllocated(Refused):
    """More than is left of the payment, or more than is owed on the invoice."""

    code = "ledger.over_allocated"


class PaymentChanged(Refused):
    """The source named this payment before, with another amount, day or customer."""

    code = "ledger.payment_changed"


class TakenBackAlready(Refused):
    """An allocation is taken back once."""

    code = "ledger.taken_back_already"


class PayerUnknown(Refused):
    """Nobody has said yet whose payment it is, so it can pay no invoice."""

    code = "ledger.payer_unknown"


class PayerKnown(Refused):
    """Whose payment it is has been said; a payment has one payer at a time."""

    code = "ledger.payer_known"


class PayerHasPaid(Refused):
    """The payment pays invoices of its payer; what it paid is taken back first."""

    code = "ledger.payer_has_paid"


@transaction.atomic
def receive(
    *,
    source: str,
    key: str,
    customer: str,
    amount: Money,
    received_on: date,
    booked_on: date,
    bank: str,
    by: Actor,
    payer: str = "",
    remittance: str = "",
) -> Payment:
    """Book money that came in: cash to the customer's credit, or to suspense while unknown.

    :raises PaymentChanged: when it was named before with other facts.
    :raises PeriodClosed: when the books of ``booked_on`` are closed.
    """
    by.must("payments.import")
    known = Payment.objects.filter(source=source, key=key).first()
    if known is not None:
        return _same(known, amount, received_on)
    target = Line("credit", -amount, customer) if customer else Line("suspense", -amount)
    booked = NewEntry(
        kind="payment",
        booked_on=booked_on,
        effective_on=received_on,
        key=f"payment:{source}:{key}",
        lines=(Line("cash", amount, bank), target),
    )
    (entry,) = post([booked], by=by)
    known = Payment.objects.filter(entry=entry).first()
    if known is not None:  # the same payment came in by two doors at once; the other was first
        return _same(known, amount, received_on)
    payment: Payment = Payment.objects.create(
        source=source,
        key=key,
        customer=customer,
        currency=amount.currency,
        amount=amount.minor,
        received_on=received_on,
        payer=payer[:140],
        remittance=remittance[:500],
        entry=entry,
    )
    record("payment.received", payment, by=by, minor=amount.minor, currency=amount.currency)
    publish("payment.received", about=payment.public_id, customer=customer)
    return payment


@transaction.atomic
def name_payer(payment: Payment, customer: str, *, by: Actor, on: date) -> Payment:
    """Say whose payment it is that stands in suspense: it becomes that customer's credit.

    :param customer: a public id.
    :raises PayerKnown: when it has a payer.
    :raises PeriodClosed: when the books of ``on`` are closed.
    """
    by.must("payments.import")
    payment = _locked(payment)
    if payment.customer:
        raise PayerKnown("This payment has a payer already.")
    _move(payment, "payer_named", from_=("suspense", ""), to=("credit", customer), by=by, on=on)
    payment.customer = customer
    payment.save(update_fields=["customer"])
    record("payment.payer_named", payment, by=by, customer=customer)
    publish("payment.payer_named", about=payment.public_id, customer=customer)
    return payment


@transaction.atomic
def take_payer_back(payment: Payment, *, by: Actor, on: date, reason: str) -> Payment:
    """Take back whose payment it was said to be: it stands in suspense again. Some fifteen queries.

    Whether a person or the matching named the payer, and however often before.

    :raises PayerUnknown: when it has none.
    :raises PayerHasPaid: while an invoice is paid from it.
    :raises HiddenCharacter: for a reason with a character that cannot be seen.
    :raises PeriodClosed: when the books of ``on`` are closed.
    """
    by.must("payments.import")
    refuse_hidden({"reason": reason}, prose=["reason"])
    payment = _locked(payment)
    if not payment.customer:
        raise PayerUnknown("Nobody has said whose payment it is.")
    _lock(payment)
    if unallocated(payment) != payment.amount:
        raise PayerHasPaid("It pays invoices of this payer; take back what it paid first.")
    was = payment.customer
    sides = {"from_": ("credit", was), "to": ("suspense", "")}
    _move(payment, "payer_taken_back", **sides, by=by, on=on, reason=reason)
    payment.customer = ""
    payment.save(update_fields=["customer"])
    record("payment.payer_taken_back", payment, by=by, customer=was, reason=reason)
    publish("payment.payer_taken_back", about=payment.public_id, customer=was)
    return payment


def _move(
    payment: Payment,
    kind: str,
    *,
    from_: tuple[str, str],
    to: tuple[str, str],
    by: Actor,
    on: date,
    reason: str = "",
) -> None:
    """Book a whole payment from one side to another: suspense, or a customer's credit.

    Its payer is named and taken back in turns, so each has a number of its own in the key; the
    first naming has none, as it never had. The payment is locked by the caller.
    """
    before = Entry.objects.filter(source=payment.public_id, kind=kind).count()
    amount = Money.of_minor(payment.amount, payment.currency)
    moved = NewEntry(
        kind=kind,
        booked_on=on,
        key=f"{_KEYS[kind]}:{payment.uid}" + (f":{before + 1}" if before else ""),
        source=payment.public_id,
        reason=reason,
        lines=(
            Line(from_[0], amount, from_[1], payment=payment.uid),
            Line(to[0], -amount, to[1], payment=payment.uid),
        ),
    )
    post([moved], by=by)


def _locked(payment: Payment) -> Payment:
    """Return the payment as the database has it now, locked until the deed ends. One query."""
    rows = Payment.objects.select_for_update(of=("self",), no_key=True)
    found: Payment = rows.get(pk=payment.pk)
    return found


def _same(known: Payment, amount: Money, received_on: date) -> Payment:
    facts = (amount.minor, amount.currency, received_on)
    if (known.amount, known.currency, known.received_on) != facts:
        raise PaymentChanged(f"{known.source} named {known.key} before, with other facts.")
    return known


@transaction.atomic
def allocate(
    payment: Payment, parts: Sequence[tuple[UUID, Money]], *, by: Actor, on: date
) -> list[Allocation]:
    """Pay invoices from a payment, in whole or in part; what is left stays the customer's credit.

    Locks the customer's credit account, so that two hands cannot spend the same money. Some twenty
    queries, whatever the number of invoices. Only what this customer owes in the payment's currency
    can be paid: another payer's invoice is moved to them first.

    :raises PayerUnknown: for a payment that stands in suspense.
    :raises Stale: when its payer is another by now.
    :raises OverAllocated: when more is asked than is left of the payment or owed on an invoice.
    :raises PeriodClosed: when the books of ``on`` are closed.
    """
    by.must("payments.import")
    seen, payment = payment.customer, _locked(payment)
    if not payment.customer:
        raise PayerUnknown("Say first whose payment it is.")
    if payment.customer != seen:
        raise Stale
    _lock(payment)
    _must_fit(payment, parts)
    first = Allocation.objects.filter(payment=payment).count()
    entries = post(
        [
            NewEntry(
                kind="allocation",
                booked_on=on,
                key=f"allocation:{payment.uid}:{number}",
                source=payment.public_id,
                lines=(
                    Line("credit", amount, payment.customer, payment=payment.uid),
                    Line("ar", -amount, payment.customer, invoice, payment.uid),
                ),
            )
            for number, (invoice, amount) in enumerate(parts, first)
        ],
        by=by,
    )
    allocations = Allocation.objects.bulk_create(
        Allocation(payment=payment, invoice=invoice, amount=amount.minor, entry=entry)
        for (invoice, amount), entry in zip(parts, entries, strict=True)
    )
    record("payment.allocated", payment, by=by, parts=[[str(i), m.minor] for i, m in parts])
    publish("payment.allocated", about=payment.public_id, invoices=[str(i) for i, _ in parts])
    return allocations


@transaction.atomic
def take_back(allocation: Allocation, *, by: Actor, on: date, reason: str) -> Allocation:
    """Take an allocation back by its exact mirror; the money is the customer's credit again.

    :raises TakenBackAlready: when it was, or is itself a taking back.
    :raises HiddenCharacter: for a reason with a character that cannot be seen.
    """
    by.must("payments.import")
    refuse_hidden({"reason": reason}, prose=["reason"])
    if allocation.takes_back_id is not None:
        raise TakenBackAlready("This is itself a taking back.")
    _lock(allocation.payment)
    if Allocation.objects.filter(takes_back=allocation).exists():
        raise TakenBackAlready("This allocation was taken back before.")
    key = f"taken-back:{allocation.entry.uid}"
    (entry,) = post([mirror_of(allocation.entry, key=key, on=on, reason=reason)], by=by)
    try:
        undone: Allocation = Allocation.objects.create(
            payment=allocation.payment,
            invoice=allocation.invoice,
            amount=-allocation.amount,
            entry=entry,
            takes_back=allocation,
        )
    except IntegrityError as error:
        raise TakenBackAlready("This allocation was taken back in the meantime.") from error
    record("payment.taken_back", allocation.payment, by=by, minor=allocation.amount, reason=reason)
    publish(
        "payment.taken_back",
        about=allocation.payment.public_id,
        invoices=[str(allocation.invoice)],
    )
    return undone


def _lock(payment: Payment) -> None:
    lock_account("credit", payment.customer, payment.currency)


def _must_fit(payment: Payment, parts: Sequence[tuple[UUID, Money]]) -> None:
    wanted = sum(amount.minor for _, amount in parts)
    if any(amount.minor <= 0 or amount.currency != payment.currency for _, amount in parts):
        raise OverAllocated(f"Parts are above zero and in {payment.currency}.")
    left = unallocated(payment)
    if wanted > left:
        raise OverAllocated(
            f"Only {Money.of_minor(left, payment.currency)} of this payment is left."
        )
    named = [invoice for invoice, _ in parts]
    owed = open_amounts(named, customer=payment.customer, currency=payment.currency)
    for invoice, amount in parts:
        owed[invoice] = owed.get(invoice, 0) - amount.minor
        if owed[invoice] < 0:
            raise OverAllocated(f"{amount} is more than is owed on the invoice.")
