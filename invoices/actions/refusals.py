"""What the rules of runs, reviews and final invoices refuse."""

from __future__ import annotations

from billing_portal.errors import Refused


class StaleVersion(Refused):
    """The invoice has changed since it was read; nothing was done.

    :ivar seen: the version that was read.
    :ivar current: the version it is at.
    """

    code = "invoices.version"

    def __init__(self, seen: int, current: int) -> None:
        self.seen, self.current = seen, current
        super().__init__(
            f"You read version {seen}; it is at version {current} now. Nothing was changed."
        )


class WrongState(Refused):
    """The invoice is not in a state in which this can be done."""

    code = "invoices.wrong_state"


class NotApproved(Refused):
    """Only what was approved becomes final."""

    code = "invoices.not_approved"


class NotYours(Refused):
    """The invoice is assigned to another reviewer."""

    code = "invoices.not_yours"


class NoReviewer(Refused):
    """Nobody is named who would review it."""

    code = "invoices.no_reviewer"


class NothingChanged(Refused):
    """The edit leaves the line as it is."""

    code = "invoices.nothing_changed"


class BadLine(Refused):
    """A value that a line cannot have, or a total below zero."""

    code = "invoices.bad_line"


class NoAddress(Refused):
    """The customer has no address, so nobody knows which tax is due."""

    code = "invoices.no_address"


class TaxChanged(Refused):
    """The tax is not the one that was approved; it must be approved again."""

    code = "invoices.tax_changed"


class RunState(Refused):
    """The run is not in a state in which this can be done."""

    code = "runs.wrong_state"
