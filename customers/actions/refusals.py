"""What the rules of this room refuse."""

from __future__ import annotations

from billing_portal.errors import Refused


class ExternalIdTaken(Refused):
    """Another row of the firm has this outside id."""

    code = "customers.external_id_taken"


class ExternalIdMissing(Refused):
    """The outside id is empty."""

    code = "customers.external_id_missing"


class Unknown(Refused):
    """Something was named that the firm does not have."""

    code = "customers.unknown"


class Closed(Refused):
    """It is closed and takes nothing new."""

    code = "customers.closed"


class BadValue(Refused):
    """A value that no column can hold sensibly: a zone, a currency, a name out of form."""

    code = "customers.value"


class CardNumberRefused(Refused):
    """A text holds what looks like a card number; only a gateway's token may be kept."""

    code = "customers.card_number_refused"


class NotAMember(Refused):
    """The person named holds no role in this firm."""

    code = "customers.not_a_member"


class SamePerson(Refused):
    """Four eyes: who proposed it may not approve it."""

    code = "customers.same_person"


class AlreadyDecided(Refused):
    """The proposal has been approved or rejected before."""

    code = "customers.already_decided"


class RatesOverlap(Refused):
    """Two approved rates would hold on one day for the same key."""

    code = "customers.rates_overlap"


class AlreadyProposed(Refused):
    """A proposal waits already; it is decided first."""

    code = "customers.already_proposed"
