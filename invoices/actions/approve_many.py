"""Approving many invoices at once, each at the version that was seen; what moved is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from billing_portal.errors import Refused
from billing_portal.money import Money, total_of
from billing_portal.tenancy.actors import Actor, MissingPermission
from invoices.actions.review import approve
from invoices.models import Invoice

MOST = 200


class TooManyAtOnce(Refused):
    """More invoices were chosen than are approved at once, or none."""

    code = "invoices.too_many_at_once"


@dataclass(frozen=True)
class Approvals:
    """What can be or was approved, and what cannot, each with the rule that says no."""

    approved: tuple[Invoice, ...] = ()
    refused: tuple[tuple[Invoice, Refused], ...] = ()

    @property
    def totals(self) -> list[Money]:
        """What the approved ones come to, by currency."""
        currencies = sorted({each.currency for each in self.approved})
        return [
            total_of([each.total_money for each in self.approved if each.currency == code], code)
            for code in currencies
        ]


@transaction.atomic
def approve_many(
    seen: Sequence[tuple[Invoice, int]], *, by: Actor, is_trial: bool = False
) -> Approvals:
    """Approve each invoice at the version that was seen; one that cannot be stops no other.

    Each approval is that of ``approve``, with its own verdict, audit row and news.

    :param seen: invoices, each with the version that was read.
    :param is_trial: find out what would be approved; nothing is kept of it.
    :raises TooManyAtOnce: for none, or more than 200.
    :raises MissingPermission: without ``invoices.approve``. Some ten queries an invoice.
    """
    by.must("invoices.approve")
    if not 0 < len(seen) <= MOST:
        raise TooManyAtOnce(f"Choose 1 to {MOST} invoices at once.")
    before = transaction.savepoint()
    approved, refused = [], []
    for invoice, version in sorted(seen, key=lambda pair: pair[0].pk):
        try:
            with transaction.atomic():
                approved.append(approve(invoice, version_seen=version, by=by))
        except MissingPermission:
            raise
        except Refused as no:
            refused.append((invoice, no))
    if is_trial:
        transaction.savepoint_rollback(before)
    else:
        transaction.savepoint_commit(before)
    return Approvals(tuple(approved), tuple(refused))
