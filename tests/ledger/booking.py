"""An entry as pages of the books show it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import uuid4

from billing_portal.money import Money
from ledger.actions.posting import Line, NewEntry, post

DAY = date(2026, 10, 15)


def book(by, amount="12.50", *, key="", role="wip", owner="cus_a", currency="USD", **facts):
    value = Money(Decimal(amount), currency)
    named = facts.pop("named", {"charge": uuid4()})
    lines = (Line(role, value, owner, **named), Line("fees", -value))
    new = NewEntry("charge", DAY, key or f"k:{uuid4()}", lines, source="chg_1")
    (entry,) = post([replace(new, **facts)], by=by)
    return entry
