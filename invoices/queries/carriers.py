"""Which carrier takes an invoice, and by which LEDES profile."""

from __future__ import annotations

from collections.abc import Iterable

from billing_portal.errors import Refused
from invoices.ledes import profile
from invoices.ledes.profile import DEFAULT, Profile
from invoices.models import Carrier, Invoice


class NoCarrier(Refused):
    """Neither the matter nor the customer names a carrier that the firm has."""

    code = "submissions.no_carrier"


def carrier_code_of(invoice: Invoice) -> str:
    """Return the code of the carrier that takes an invoice: its matter's, else its customer's."""
    return (invoice.matter.carrier_code if invoice.matter else "") or invoice.customer.carrier_code


def carrier_of(invoice: Invoice) -> Carrier:
    """Return the carrier that takes the invoice: its matter's, else its customer's.

    :raises NoCarrier: when none is named or known.
    """
    code = carrier_code_of(invoice)
    carrier: Carrier | None = Carrier.objects.filter(code=code).first() if code else None
    if carrier is None:
        raise NoCarrier(f"No carrier {code or 'is named'} for {invoice.customer}.")
    return carrier


def profiles_of(invoices: Iterable[Invoice]) -> dict[str, Profile]:
    """Return the LEDES profiles of the carriers that take invoices, by code. One query.

    Of a code that no carrier has, or none, the standard: the file is made all the same.

    :raises BadProfile: when a stored profile is none.
    """
    codes = {carrier_code_of(each) for each in invoices}
    rows = Carrier.objects.filter(code__in=codes - {""})
    found = {row.code: profile.profile_of(row.code, row.profile) for row in rows}
    return {code: found.get(code, DEFAULT) for code in codes}


def profile_of(invoice: Invoice) -> Profile:
    """Return the LEDES profile of the carrier that takes an invoice. One query.

    :raises BadProfile: when the stored profile is none.
    """
    return profiles_of([invoice])[carrier_code_of(invoice)]
