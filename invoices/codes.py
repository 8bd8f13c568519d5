"""Task, activity and expense codes: what a text must be to go through every format."""

from __future__ import annotations

import re

CODES = ("task_code", "activity_code", "expense_code")
IN_WORDS = "letters, digits and . _ / -, at most 20"
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/ -]{0,19}")


def is_code(text: str) -> bool:
    """Say whether a text may stand in a code's place: LEDES carries no bar and no line break."""
    return not text or (_CODE.fullmatch(text) is not None and text == text.strip())
