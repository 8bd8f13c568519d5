"""How far days and sums go: what lies beyond is a slip or an attack, never business.

Everything inside fits the tables with room to spare, so that sums of many such amounts do, too.
"""

from __future__ import annotations

from datetime import date

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2099, 12, 31)
DAYS_IN_WORDS = f"a day from {FIRST_DAY} to {LAST_DAY}"
MOST_IN_A_LINE = 10**13
"""Minor units that a charge or a line of an invoice stays below."""
MOST_AT_A_BANK = 10**15
"""Minor units that a movement or balance of a bank account stays below."""
_LONGEST_NUMBER = 18


def is_a_day(day: date) -> bool:
    """Say whether work can be done, billed or paid on a day."""
    return FIRST_DAY <= day <= LAST_DAY


def whole_number(text: str) -> int | None:
    """Return a whole number that a query string, header or hidden field holds, or None.

    Only ASCII digits count, and at most 18 of them, so that every database key and version fits.
    """
    is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return int(text) if is_number else None
