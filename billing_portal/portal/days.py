"""Days in figures, as they are written in a country."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale

_TWO_DIGITS = re.compile(r"(?<!y)yy(?!y)")


@cache
def numeric(locale: str) -> str:
    """Return the pattern of days in figures there, always with all four of the year's."""
    pattern: str = Locale.parse(locale).date_formats["short"].pattern
    return _TWO_DIGITS.sub("yyyy", pattern)
