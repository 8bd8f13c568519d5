"""What the rules of runs, reviews and final invoices refuse."""

from __future__ import annotations

from datetime import date

from billing_portal.bounds import DAYS_IN_WORDS, is_a_day
from billing_portal.errors import Refused
from invoices.models import Verdict


class WrongState(Refused):
    """The invoice is not in a state in which this can be done."""

    code = "invoices.wrong_state"


class NotApproved(Refused):
    """Only what was approved becomes final."""

    code = "invoices.not_approved"


class NotYours(Refused):
    """The invoice is assigned to another reviewer."""

    code = "invoices.not_yours"


class OwnEdit(Refused):
    """Who changed the lines approves them in nobody's place."""

    code = "invoices.own_edit"


class KeyNotVouchedFor(Refused):
    """The API key was asked for or approved by somebody who may not approve for others."""

    code = "invoices.key_not_vouched_for"


class NoReviewer(Refused):
    """Nobody is named who would review it."""

    code = "invoices.no_reviewer"


class ReturnUnanswered(Refused):
    """The draft is as it was when it was returned, and nobody has answered."""

    code = "invoices.return_unanswered"

    def __init__(self, remark: Verdict) -> None:
        said, name = remark.text.strip(), remark.given_by_name
        self.more = {"returned_by": name, "category": remark.category, "remark": said}
        stop = "" if said.endswith((".", "!", "?")) else "."
        super().__init__(f"Returned by {name}: {said}{stop} Nothing was changed since.")


class NothingChanged(Refused):
    """The edit leaves the line as it is."""

    code = "invoices.nothing_changed"


class BadLine(Refused):
    """A value that a line cannot have, or a total below zero."""

    code = "invoices.bad_line"


class TooManyHours(Refused):
    """A line of time has more hours than a day; a charge is refused with the same code."""

    code = "charges.too_many_hours"


class NoAddress(Refused):
    """The customer has no address, so nobody knows which tax is due."""

    code = "invoices.no_address"


class TaxChanged(Refused):
    """The tax is not the one that was approved; it must be approved again."""

    code = "invoices.tax_changed"


class BadDay(Refused):
    """A run or a final invoice names a day that it cannot have."""

    code = "invoices.date"


class BeforeWork(Refused):
    """An invoice would be issued before the last day of the work that it bills."""

    code = "invoices.before_work"


class BeforeLastNumber(Refused):
    """An invoice would be issued before the day of the last number of its series."""

    code = "invoices.before_last_number"


class IssuedOnAnotherDay(Refused):
    """The invoice is final, and was issued on another day than the one asked for."""

    code = "invoices.issued_on_another_day"


class RunState(Refused):
    """The run is not in a state in which this can be done."""

    code = "runs.wrong_state"


def must_be_a_day(on: date, today: date | None = None) -> None:
    """Pass when something can be planned or issued on a day.

    :param today: the door's day, where it must have come: a claim of a later day would hold up all
        others of its series until then.
    :raises BadDay: otherwise.
    """
    if not is_a_day(on):
        raise BadDay(f"{on} is not {DAYS_IN_WORDS}.")
    if today is not None and on > today:
        raise BadDay(f"{on} has not come yet: today is {today}.")
