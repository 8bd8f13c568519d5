"""Who signed something, in words: what is stored beside a deed is a number that all firms share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.utils.module_loading import import_string
from django.utils.text import capfirst
from django.utils.translation import gettext

from billing_portal.portal.templatetags.deeds import facts, in_words
from billing_portal.portal.templatetags.portal import words

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


def facts_of(deeds: Sequence[Mapping[str, Any]]) -> list[list[tuple[str, str]]]:
    """Return what each deed tells: the names of its details and their values, in words.

    Where a value is an actor it is their name. Two queries, whatever the number.
    """
    names = names_of(value for deed in deeds for value in deed.values() if is_ref(value))
    return [[(words(name), _told(value, names)) for name, value in facts(deed)] for deed in deeds]


def _told(value: Any, names: Mapping[str, str]) -> str:
    return names.get(value, gettext("Somebody")) if is_ref(value) else in_words(value)


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
