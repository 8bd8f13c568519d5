"""Who signed something, in words: what is stored beside a deed is a number that all firms share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.utils.module_loading import import_string
from django.utils.text import capfirst

_REF = re.compile(r"(?:user|key):[0-9]+")


def is_ref(value: Any) -> bool:
    """Say whether a value is how an actor is stored, such as ``user:7``."""
    return isinstance(value, str) and _REF.fullmatch(value) is not None


def names_of(refs: Iterable[str]) -> dict[str, str]:
    """Return the names of actors as they are stored; who is unknown is absent.

    At most two queries, and none for nobody.
    """
    wanted = {ref for ref in refs if ref}
    named: dict[str, str] = import_string(settings.ACTOR_NAMES)(wanted) if wanted else {}
    return named


def signed(column: str) -> Any:
    """Return a column of the back office that names the actor of a stored one. Two queries a row.

    It is for pages of one thing; in a list it would ask for each row.
    """

    @admin.display(description=capfirst(column.replace("_", " ")))
    def name(row: Any) -> str | None:
        ref = getattr(row, column)
        return names_of([ref]).get(ref)

    name.__name__ = f"{column}_name"
    return name
