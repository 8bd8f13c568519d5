"""The two kinds of error: what a rule refuses, and everything else, which crashes."""

from __future__ import annotations


class Refused(Exception):
    """A business rule said no.

    The message is fit for the person who asked: views show it, the API sends it as 409 with
    ``code``, jobs log it. Anything else that goes wrong is a bug and is left to crash.
    """

    code = "refused"


class Stale(Refused):
    """It has changed since it was read; nothing was done. The API answers 412, as to If-Match.

    :ivar seen: the version that was read, and ``current`` the one it is at; none where what was
        read has no versions.
    """

    code = "version.conflict"

    def __init__(self, seen: int | None = None, current: int | None = None) -> None:
        self.seen, self.current = seen, current
        said = f"You read version {seen}; it is at version {current} now."
        if seen is None or current is None:
            said = "Somebody changed it since you read it."
        super().__init__(f"{said} Nothing was changed.")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, as refusals say it: ``1 row``, ``2,000 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def sized(count: int) -> str:
    """Return so many bytes as refusals say a bound: ``20 MB``, or exactly where it is no whole."""
    megabytes, rest = divmod(count, 1_000_000)
    return counted(count, "byte") if rest or not megabytes else f"{megabytes:,} MB"
