"""The laws that the migrations laid into the database, and whether they are what stands there.

Policies, triggers and their functions, constraints, unique indexes, what roles may: each by name,
with its definition. ``laws.txt`` holds the name and a hash of each as a freshly migrated database
has them; ``make laws`` writes it anew, and a test compares it with the migrations. Whoever owns the
database can bend any of them, and add what undoes them: both are named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import connection

LIST = Path(__file__).with_name("laws.txt")
_QUERY = Path(__file__).with_name("laws.sql")
ISOLATION = ("policy", "row security", "role")  # what keeps firms apart
_LETTERS = 16


def laws(kinds: Sequence[str] = ()) -> dict[str, str]:
    """Return every law of the connected database by its name, with its definition.

    One query on the catalog, for all kinds where none is named.
    """
    with connection.cursor() as cursor:
        cursor.execute(_query(), {"app": settings.APP_ROLE, "kinds": list(kinds)})
        return {name: str(said) for name, said in cursor.fetchall()}


def listed(found: dict[str, str]) -> str:
    """Return laws as the list keeps them: a line each, by name, with its hash."""
    return "".join(f"{name} {_hash(said)}\n" for name, said in sorted(found.items()))


def broken_laws(kinds: Sequence[str] = ()) -> Iterator[str]:
    """Yield, in a sentence each, what is not as it was laid down, is missing, or came on top."""
    wanted = {
        name: sha256
        for name, sha256 in laid_down().items()
        if not kinds or name.startswith(tuple(f"{kind} " for kind in kinds))
    }
    there = laws(kinds)
    for name in sorted(wanted.keys() | there.keys()):
        said = f"{name[:1].upper()}{name[1:]}"
        if name not in there:
            yield f"{said} is missing."
        elif name not in wanted:
            yield f"{said} was never laid down."
        elif _hash(there[name]) != wanted[name]:
            yield f"{said} is not as it was laid down."


@cache
def laid_down() -> dict[str, str]:
    """Return the hash of each law by its name, as the migrations lay them down. No query."""
    lines = LIST.read_text().splitlines()
    pairs = (line.rpartition(" ") for line in lines)
    return {name: sha256 for name, _, sha256 in pairs}


@cache
def _query() -> str:
    return _QUERY.read_text()


def _hash(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()[:_LETTERS]
