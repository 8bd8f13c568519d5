"""Money received, and which invoices it pays. Every allocation can be taken back.

Locks are taken in one order, here and by whoever calls: the payment, then ``credit`` accounts by
their keys. The account decides alone over what is spent and owed, so who takes back or credits
needs no payment. Neither lock is on a key: rows that name a payment or an account never wait.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count, Sum

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record, record_many
from billing_portal.errors import Refused, Stale
from billing_portal.money import Money
from billing_portal.outbox.events import publish, publish_many
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.inserting import insert_many
from billing_portal.texts import refuse_hidden
from ledger.actions.posting import Line, NewEntry, lock_account, lock_accounts, mirror_of, post
from ledger.actions.receiving import Received, receive_many
from ledger.models import Allocation, Entry, Payment
from ledger.queries import owed_by, unallocated

_ALLOCATION_COLUMNS = ("payment_id", "invoice", "amount", "entry_id")
_KEYS = {"payer_named": "payer", "payer_taken_back": "payer-taken-back"}


class OverAllocated(Refused):
    """More than is left of the payment, or more than is owed on the invoice."""

    code = "ledger.over_allocated"


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
    said = Received(key, customer, amount, received_on, booked_on, bank, payer, remittance)
    (payment,) = receive_many(source, [said], by=by)
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
    record("payment.payer_named", payment, by=by, customer=customer, **told(payment))
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
    record("payment.payer_taken_back", payment, by=by, customer=was, reason=reason, **told(payment))
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
    return allocate_many([(payment, parts, on)], by=by)


Wish = tuple[Payment, Sequence[tuple[UUID, Money]], date]


@transaction.atomic
def allocate_many(wishes: Sequence[Wish], *, by: Actor) -> list[Allocation]:
    """Pay invoices from payments that the caller holds: locked, or received in this transaction.

    Each wish names a payment with a payer, its parts, and the day they are booked on. Some twenty
    queries, whatever the number.

    :raises OverAllocated, PeriodClosed: as ``allocate`` does; nothing is paid then.
    """
    by.must("payments.import")
    lock_accounts({("credit", each.customer, each.currency) for each, _, _ in wishes})
    before = _allocated_before([payment for payment, _, _ in wishes])
    _must_fit(wishes, before)
    flat = [
        (payment, invoice, amount, on, before[payment.pk][0] + number)
        for payment, parts, on in wishes
        for number, (invoice, amount) in enumerate(parts)
    ]
    entries = post([_allocation_entry(*each) for each in flat], by=by)
    allocations = {
        entry.pk: Allocation(payment=payment, invoice=invoice, amount=amount.minor, entry=entry)
        for (payment, invoice, amount, _, _), entry in zip(flat, entries, strict=True)
    }
    rows = list(allocations.values())
    columns = {name: [getattr(row, name) for row in rows] for name in _ALLOCATION_COLUMNS}
    made = insert_many(Allocation, columns, returning=("entry_id", "id", "recorded_at"))
    for entry_id, pk, recorded_at in made:
        allocations[entry_id].pk, allocations[entry_id].recorded_at = pk, recorded_at
        allocations[entry_id]._state.adding = False
    made_of: dict[int, list[Allocation]] = defaultdict(list)
    for row in rows:
        made_of[row.payment_id].append(row)
    deeds = [(payment, _facts(parts, made_of[payment.pk])) for payment, parts, _ in wishes]
    record_many("payment.allocated", deeds, by=by)
    publish_many(
        "payment.allocated",
        [
            (payment.public_id, {"invoices": [str(invoice) for invoice, _ in parts]})
            for payment, parts, _ in wishes
        ],
    )
    return rows


def _facts(parts: Sequence[tuple[UUID, Money]], rows: Sequence[Allocation]) -> dict[str, Any]:
    """Return what a deed tells of how a payment was allocated."""
    return {"parts": [[str(invoice), amount.minor] for invoice, amount in parts], **told(*rows)}


def _allocation_entry(
    payment: Payment, invoice: UUID, amount: Money, on: date, number: int
) -> NewEntry:
    return NewEntry(
        kind="allocation",
        booked_on=on,
        key=f"allocation:{payment.uid}:{number}",
        source=payment.public_id,
        lines=(
            Line("credit", amount, payment.customer, payment=payment.uid),
            Line("ar", -amount, payment.customer, invoice, payment.uid),
        ),
    )


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
    why = {"minor": allocation.amount, "reason": reason}
    record("payment.taken_back", allocation.payment, by=by, **why, **told(undone))
    publish(
        "payment.taken_back",
        about=allocation.payment.public_id,
        invoices=[str(allocation.invoice)],
    )
    return undone


def _lock(payment: Payment) -> None:
    lock_account("credit", payment.customer, payment.currency)


def _allocated_before(payments: Sequence[Payment]) -> dict[int, tuple[int, int]]:
    """Return how many allocations each payment has, and what they come to. One query."""
    found = {payment.pk: (0, 0) for payment in payments}
    rows = Allocation.objects.filter(payment__in=list(found)).values("payment")
    told = rows.annotate(count=Count("pk"), total=Sum("amount"))
    return found | {row["payment"]: (row["count"], row["total"]) for row in told}


def _must_fit(wishes: Sequence[Wish], before: dict[int, tuple[int, int]]) -> None:
    """Pass when every payment has as much left, and every invoice is owed as much. One query."""
    owed = owed_by({invoice for _, parts, _ in wishes for invoice, _ in parts})
    for payment, parts, _ in wishes:
        if any(amount.minor <= 0 or amount.currency != payment.currency for _, amount in parts):
            raise OverAllocated(f"Parts are above zero and in {payment.currency}.")
        left = payment.amount - before[payment.pk][1]
        if sum(amount.minor for _, amount in parts) > left:
            raise OverAllocated(
                f"Only {Money.of_minor(left, payment.currency)} of this payment is left."
            )
        for invoice, amount in parts:
            named = (invoice, payment.customer, payment.currency)
            owed[named] = owed.get(named, 0) - amount.minor
            if owed[named] < 0:
                raise OverAllocated(f"{amount} is more than is owed on the invoice.")
