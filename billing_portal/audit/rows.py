"""What rows say, told by the deeds that write them: a hash of each, never its words.

A model names in ``RECORDED`` what of it a deed tells. Of rows that change, each deed that changes
one of these tells it anew, and the last one counts. What is empty is left out of the hash, so that
a column added later, empty so far, changes no hash of before.

A model whose public id is not made of its ``uid`` says in ``NAMED_BY`` which column it is made of,
and in ``key_named`` how.

A model that says ``IS_SUBJECT`` has no row without a deed about that very row.
"""

from __future__ import annotations

import hashlib
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models

from billing_portal.audit.canonical import canonical
from billing_portal.money import Money


def told(*rows: models.Model) -> dict[str, dict[str, str]]:
    """Return the details by which a deed tells how rows are now; they are saved already.

    :returns: such as ``{"rows": {"payment:pay_01h…": "<sha256>"}}``.
    """
    return {"rows": {f"{row._meta.model_name}:{row_name(row)}": row_sha256(row) for row in rows}}


def row_name(row: models.Model) -> str:
    """Return how a told row is named: publicly, or where nothing outside names it, by its key."""
    return str(getattr(row, "public_id", row.pk))


def row_sha256(row: models.Model) -> str:
    """Return the hash of what is recorded of a row: its firm, its own name, and ``RECORDED``."""
    names: tuple[str, ...] = row.RECORDED  # type: ignore[attr-defined]  # only such rows are told
    facts = {name: _plain(row, name) for name in names}
    whose = (row._meta.model_name, row_name(row), row.tenant_id)  # type: ignore[attr-defined]  # all are a firm's
    said = [*whose, {name: fact for name, fact in facts.items() if fact}]
    return hashlib.sha256(canonical(said)).hexdigest()


@cache
def recorded_models() -> dict[str, type[models.Model]]:
    """Return the models whose rows deeds tell, by the names that the trail has for them."""
    return {
        str(model._meta.model_name): model
        for model in apps.get_models()
        if hasattr(model, "RECORDED")
    }


def _plain(row: models.Model, name: str) -> Any:
    """Return a value as the database gives it back: numbers without the zeros of their column."""
    value = getattr(row, name)
    if isinstance(value, Money):
        return f"{value.amount.normalize():f} {value.currency}" if value.amount else ""
    if isinstance(value, Decimal):
        places = Decimal(1).scaleb(-row._meta.get_field(name).decimal_places)  # type: ignore[union-attr]  # a DecimalField
        rounded = value.quantize(places, rounding=ROUND_HALF_UP)  # as the database does
        return f"{rounded.normalize():f}" if rounded else ""
    return value
