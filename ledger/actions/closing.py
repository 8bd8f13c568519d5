"""Closing a month of the books: one asks, another closes, and what was sealed by then is frozen."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from billing_portal.audit import sealing
from billing_portal.audit.models import PendingSeal, Seal
from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from ledger.actions.snapshots import take_snapshots
from ledger.models import AccountingPeriod
from ledger.queries import CHAIN, trial_balance


class NotClosable(Refused):
    """The period has not ended, is closed, or nobody has asked to close it."""

    code = "ledger.not_closable"


class EarlierOpen(Refused):
    """An earlier month is not closed yet: months are closed in their order."""

    code = "ledger.earlier_open"


class OwnRequest(Refused):
    """Who asked to close a period cannot close it."""

    code = "ledger.own_request"


@transaction.atomic
def request_close(period: AccountingPeriod, *, by: Actor, on: date) -> AccountingPeriod:
    """Ask to close a period that has ended; from now on it takes adjustments only.

    :raises NotClosable: when it has not ended or is not open.
    :raises EarlierOpen: when nobody has asked to close an earlier one.
    """
    by.must("ledger.close")
    period = AccountingPeriod.objects.select_for_update().get(pk=period.pk)
    if period.state != AccountingPeriod.State.OPEN or period.ends_on > on:
        raise NotClosable(f"{period} is not open, or has not ended.")
    _must_be_the_first(period, AccountingPeriod.State.OPEN)
    period.state, period.close_requested_by = AccountingPeriod.State.SOFT_CLOSED, by.ref
    period.save(update_fields=["state", "close_requested_by"])
    record("period.close_requested", period, by=by, **told(period))
    publish("period.close_requested", about=f"period:{period.starts_on}")
    return period


@transaction.atomic
def withdraw_close(period: AccountingPeriod, *, by: Actor) -> AccountingPeriod:
    """Take back that a month was to be closed; it is open again, as long as nobody closed it.

    :raises NotClosable: when nobody has asked, or it is closed.
    """
    by.must("ledger.close")
    period = AccountingPeriod.objects.select_for_update().get(pk=period.pk)
    if period.state != AccountingPeriod.State.SOFT_CLOSED:
        raise NotClosable(f"Nobody has asked to close {period}, or it is closed.")
    period.state, period.close_requested_by = AccountingPeriod.State.OPEN, ""
    period.save(update_fields=["state", "close_requested_by"])
    record("period.close_withdrawn", period, by=by, **told(period))
    publish("period.close_withdrawn", about=f"period:{period.starts_on}")
    return period


@transaction.atomic
def close(period: AccountingPeriod, *, by: Actor, at: datetime) -> AccountingPeriod:
    """Close a period for ever: takes its lock, seals what remains, stores sums, freezes
    the head.

    An entry that is being posted holds the period's row until it commits, so it is either in the
    sealed head or refused.

    :raises OwnRequest: when the closer asked for it.
    :raises NotClosable: when nobody has asked, or the books do not balance.
    :raises EarlierOpen: when an earlier one is not closed yet.
    """
    by.must("ledger.close")
    period = AccountingPeriod.objects.select_for_update().get(pk=period.pk)
    if period.state != AccountingPeriod.State.SOFT_CLOSED:
        raise NotClosable(f"Nobody has asked to close {period}, or it is closed.")
    if period.close_requested_by == by.ref:
        raise OwnRequest("Another person must close the period you asked to close.")
    _must_be_the_first(period, AccountingPeriod.State.OPEN, AccountingPeriod.State.SOFT_CLOSED)
    if any(trial_balance().differences.values()):
        raise NotClosable("The trial balance is not zero.")
    while PendingSeal.objects.filter(chain=CHAIN).exists():
        sealing.seal(CHAIN)
    take_snapshots()
    head = Seal.objects.filter(chain=CHAIN).order_by("-seq").first()
    period.state, period.closed_by, period.closed_at = AccountingPeriod.State.CLOSED, by.ref, at
    period.head_seq = head.seq if head else 0
    period.head_hash = head.hash if head else sealing.GENESIS
    period.save()
    record("period.closed", period, by=by, head=period.head_seq, **told(period))
    publish("period.closed", about=f"period:{period.starts_on}", head=period.head_seq)
    return period


def _must_be_the_first(period: AccountingPeriod, *states: str) -> None:
    """Refuse to go past a month that is in one of the states: behind a closed one nothing moves."""
    earlier = AccountingPeriod.objects.filter(starts_on__lt=period.starts_on, state__in=states)
    first = earlier.order_by("starts_on").first()
    if first is not None:
        raise EarlierOpen(f"{first} is closed before {period}: it comes first.")
