"""Invoices by an amount that somebody typed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress

from django.db.models import Q, Sum

from billing_portal.money import CURRENCIES_IN_USE, NotAnAmount, amount_typed
from ledger.models import Posting

_SIGNS = "$€£ "
_NOTHING = Q(pk__in=[])


def coming_to(text: str) -> Q:
    """Return what finds invoices by their exact total, in any currency that an amount may be of.

    No index has totals: the firm's invoices are walked, newest first, for a text that is an amount
    and for no other.
    """
    found = _NOTHING
    for minor, currencies in _meant(text).items():
        found |= Q(total=minor, currency__in=currencies)
    return found


def open_at(text: str) -> Q:
    """Return what finds invoices on which exactly an amount is open; nothing at all is none.

    It sums what the books say of all invoices once, for a text that is an amount and for no other:
    30,000 take some 30 ms.
    """
    sums = Q()
    for minor, currencies in _meant(text).items():
        if minor:
            sums |= Q(left=minor, currency__in=currencies)
    if not sums:
        return _NOTHING
    owed = Posting.objects.filter(account__role="ar", invoice__isnull=False)
    by_invoice = owed.values("invoice", "currency").annotate(left=Sum("amount"))
    return Q(uid__in=by_invoice.filter(sums).values("invoice"))


def _meant(text: str) -> Mapping[int, list[str]]:
    """Return the currencies that a typed amount may be of, by what it comes to in minor units."""
    digits, meant = text.strip().lstrip(_SIGNS), defaultdict(list)
    for currency in CURRENCIES_IN_USE:
        with suppress(NotAnAmount):  # most texts are none, or have too many decimals
            meant[amount_typed(digits, currency).minor].append(currency)
    return meant
