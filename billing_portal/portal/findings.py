"""What the doctor is told by whoever looked at a part of the installation."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Level(enum.IntEnum):
    """How bad it is; also the exit code of the doctor who found nothing worse."""

    OK = 0
    WARN = 1
    FAIL = 2


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's.

    :ivar what: the part that was looked at, in a word or two.
    :ivar advice: what to do; empty where nothing is to be done.
    """

    level: Level
    what: str
    words: str
    advice: str = ""


def ok(what: str, words: str) -> Finding:
    """Return that a part is well."""
    return Finding(Level.OK, what, words)


def warn(what: str, words: str, advice: str) -> Finding:
    """Return that a part will do for now, and what to do."""
    return Finding(Level.WARN, what, words, advice)


def fail(what: str, words: str, advice: str) -> Finding:
    """Return that a part does not do its work or is not safe, and what to do."""
    return Finding(Level.FAIL, what, words, advice)


def by_measure(
    what: str, words: str, measure: float, *, warns_at: float, fails_at: float, advice: str
) -> Finding:
    """Return a finding as bad as a measure is high."""
    if measure < warns_at:
        return ok(what, words)
    return (fail if measure >= fails_at else warn)(what, words, advice)
