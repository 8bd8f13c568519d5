"""Sending a run's drafts to their reviewers; what cannot go is left, and named with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from billing_portal.errors import Refused, Stale
from billing_portal.tenancy.actors import Actor
from invoices.actions.review import against_review, request_review
from invoices.models import BillingRun, Invoice
from invoices.queries.runs import invoices_of


@dataclass(frozen=True)
class Sending:
    """Which drafts can go or went to their reviewers, and which stay, each with the rule."""

    sent: tuple[Invoice, ...] = ()
    left: tuple[tuple[Invoice, Refused], ...] = ()


@transaction.atomic
def send_to_review(
    run: BillingRun, *, by: Actor, is_trial: bool = False, expected: int | None = None
) -> Sending:
    """Hand a run's drafts to their reviewers, but for those that one by one would be refused.

    :param is_trial: find out which would go; nothing is sent.
    :param expected: how many go, as was shown before.
    :raises Stale: when it is another number by now; nothing was sent. Nine queries.
    """
    by.must("invoices.edit")
    named = ("customer", "matter", "reviewer")
    drafts = invoices_of(run).filter(state=Invoice.State.DRAFT).select_related(*named)
    if not is_trial:
        drafts = drafts.select_for_update(of=("self",))
    found = list(drafts)
    against = against_review(found)
    going = [each for each in found if each.pk not in against]
    if expected is not None and expected != len(going):
        raise Stale
    if not is_trial:
        request_review(going, by=by)
    left = [(each, against[each.pk]) for each in found if each.pk in against]
    return Sending(tuple(going), tuple(left))
