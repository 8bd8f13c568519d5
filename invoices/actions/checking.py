"""Checking a draft: its facts as they would be frozen now, and what is odd about them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import date

from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id
from customers.queries import party_of
from invoices.actions.freeze import ledes_kinds_of, snapshot_of
from invoices.checks import Checked, checks_of
from invoices.ledes.profile import DEFAULT
from invoices.models import Invoice, InvoiceLine
from invoices.queries.carriers import profile_of

_OPEN = {Invoice.State.DRAFT, Invoice.State.IN_REVIEW, Invoice.State.APPROVED}


def is_checked(invoice: Invoice) -> bool:
    """Say whether there is anything left to check: a bill that is not final yet."""
    return invoice.kind == Invoice.Kind.INVOICE and invoice.state in _OPEN


def checked(invoice: Invoice, lines: Sequence[InvoiceLine], *, on: date) -> Checked:
    """Return the checks of an invoice that is not final; of any other, none. Four queries.

    Nothing is written. It is looked at as if it became final on a day, under a number of no series.

    :param lines: those billed, in the order of their numbers, with matter and timekeeper.
    """
    if not is_checked(invoice) or not lines:
        return Checked()
    draft = copy.copy(invoice)
    draft.number, draft.issued_on, draft.due_on = f"{on.year}-00000", on, on
    party = party_of(invoice.customer, invoice.period_ends_on)
    firm = Tenant.objects.get(pk=current_tenant_id())
    kinds = ledes_kinds_of(invoice)
    profile = profile_of(invoice) if kinds else DEFAULT
    return checks_of(snapshot_of(draft, lines, party, firm), kinds, profile)
