"""How far days and sums go: what lies beyond is a slip or an attack, never business.

Everything inside fits the tables with room to spare, so that sums of many such amounts do, too.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2099, 12, 31)
DAYS_IN_WORDS = f"a day from {FIRST_DAY} to {LAST_DAY}"
MOST_IN_A_LINE = 10**13
"""Minor units that a charge or a line of an invoice stays below."""
MOST_AT_A_BANK = 10**15
"""Minor units that a movement or balance of a bank account stays below."""
MOST_HOURS = 24
"""Hours that a person can work on one day, and so a charge of time can have."""
MOST_DAYS_AHEAD = 31
"""Days after today on which work can be said to be done."""
_LONGEST_NUMBER = 18
_DECIMAL = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")


def is_a_day(day: date) -> bool:
    """Say whether work can be done, billed or paid on a day."""
    return FIRST_DAY <= day <= LAST_DAY


def is_too_far_ahead(day: date, today: date) -> bool:
    """Say whether work of a day is dated later than anybody can know of it."""
    return day > today + timedelta(days=MOST_DAYS_AHEAD)


def is_more_than_a_day(hours: Decimal) -> bool:
    """Say whether nobody can have worked so many hours on one day."""
    return hours > MOST_HOURS


def is_plain_decimal(text: str) -> bool:
    """Say whether a text is a number as every door takes it: ASCII digits with at most one point.

    A minus may lead. There is no exponent, no plus, no sign between thousands, no space, and a
    digit stands on both sides of the point.
    """
    return _DECIMAL.fullmatch(text) is not None


def whole_number(text: str) -> int | None:
    """Return a whole number that a query string, header or hidden field holds, or None.

    Only ASCII digits count, and at most 18 of them, so that every database key and version fits.
    """
    is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return int(text) if is_number else None
