"""Propose, approve and reject rates: one person names the price, another lets it hold."""

from __future__ import annotations

from datetime import date

from django.db import IntegrityError, transaction

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.money import Money
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from customers.actions import checks
from customers.actions.refusals import AlreadyDecided, BadValue, RatesOverlap, SamePerson
from customers.models import Customer, Matter, Rate, Timekeeper


@transaction.atomic
def propose_rate(
    *,
    amount: Money,
    starts_on: date,
    by: Actor,
    matter: Matter | None = None,
    customer: Customer | None = None,
    timekeeper: Timekeeper | None = None,
    level: str = "",
    ends_on: date | None = None,
) -> Rate:
    """Propose the price of an hour; it holds once another person has approved it.

    Without matter and customer it stands on the firm's card; without timekeeper and level it is for
    anybody.

    :param amount: for one hour, up to four decimals, not negative.
    :raises MissingPermission: without ``rates.edit``.
    :raises BadValue: for two cards or two addressees at once, an empty period, a bad amount or
        currency.
    """
    by.must("rates.edit")
    if matter is not None and customer is not None:
        raise BadValue("A rate stands on a matter's card or a customer's, not on both.")
    if timekeeper is not None and level:
        raise BadValue("A rate is for a timekeeper or for a level, not for both.")
    if ends_on is not None and ends_on <= starts_on:
        raise BadValue("A rate ends after it starts.")
    if amount.amount < 0 or amount.amount != round(amount.amount, 4):
        raise BadValue("A rate is not negative and has at most four decimals.")
    checks.refuse_bad_places({"currency": amount.currency})
    checks.refuse_card_numbers({"level": level})
    checks.refuse_hidden_characters({"level": level})
    rate: Rate = Rate.objects.create(
        matter=matter,
        customer=customer,
        timekeeper=timekeeper,
        level=level,
        starts_on=starts_on,
        ends_on=ends_on,
        amount=amount.amount,
        amount_currency=amount.currency,
        proposed_by=by.ref,
    )
    record("rate.proposed", rate, by=by, amount=str(amount), starts_on=str(starts_on), **told(rate))
    publish("rate.proposed", about=rate.public_id)
    return rate


@transaction.atomic
def approve_rate(rate: Rate, *, by: Actor) -> Rate:
    """Let a proposed rate hold; an older open-ended one of its key ends where it starts.

    :raises MissingPermission: without ``rates.approve``.
    :raises SamePerson: when ``by`` proposed it.
    :raises RatesOverlap: when approved rates of its key would hold on the same day still.
    """
    by.must("rates.approve")
    rate = _undecided(rate)
    if rate.proposed_by == by.ref:
        raise SamePerson("You proposed this rate; another person approves it.")
    ended = _end_predecessor(rate)
    rate.state, rate.decided_by = Rate.State.APPROVED, by.ref
    try:
        with transaction.atomic():
            rate.save(update_fields=["state", "decided_by"])
    except IntegrityError as error:
        if checks.violated(error) != "rate_overlaps_no_other":
            raise
        raise RatesOverlap("An approved rate holds on some of these days already.") from error
    about = {"proposed_by": rate.proposed_by, "ended": ended.public_id if ended else None}
    record("rate.approved", rate, by=by, **about, **told(rate, *([ended] if ended else [])))
    publish("rate.approved", about=rate.public_id, starts_on=str(rate.starts_on))
    return rate


@transaction.atomic
def reject_rate(rate: Rate, *, by: Actor, reason: str = "") -> Rate:
    """Turn a proposed rate down; its proposer may take it back so too.

    :raises MissingPermission: without ``rates.approve``, unless ``by`` proposed it.
    """
    rate = _undecided(rate)
    if rate.proposed_by != by.ref:
        by.must("rates.approve")
    rate.state, rate.decided_by = Rate.State.REJECTED, by.ref
    rate.save(update_fields=["state", "decided_by"])
    record("rate.rejected", rate, by=by, reason=reason, **told(rate))
    publish("rate.rejected", about=rate.public_id)
    return rate


def _undecided(rate: Rate) -> Rate:
    rate = checks.locked(rate)
    if rate.state != Rate.State.PROPOSED:
        raise AlreadyDecided(f"This rate is {rate.get_state_display().lower()} already.")
    return rate


def _end_predecessor(rate: Rate) -> Rate | None:
    """End the open-ended rate of the same key that started earlier, and say which it was."""
    older: Rate | None = (
        Rate.objects.approved()
        .select_for_update()
        .filter(
            matter=rate.matter_id,
            customer=rate.customer_id,
            timekeeper=rate.timekeeper_id,
            level=rate.level,
            amount_currency=rate.price.currency,
            starts_on__lt=rate.starts_on,
            ends_on__isnull=True,
        )
        .first()
    )
    if older is None:
        return None
    older.ends_on = rate.starts_on
    older.save(update_fields=["ends_on"])
    return older
