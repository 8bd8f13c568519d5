"""Many rows by one statement whose size does not grow with them: columns travel as arrays.

A statement with a placeholder for each value costs more to write and to parse than its rows to
store; making a model instance for each row costs as much again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, models

from billing_portal.tenancy.scope import current_tenant_id


def insert_many(
    model: type[models.Model],
    each: Mapping[str, Sequence[Any]],
    *,
    ignore_repeats: bool = False,
    returning: Sequence[str] = (),
    **same: Any,
) -> list[tuple[Any, ...]]:
    """Insert rows into a table of the current firm, in the given order. One statement.

    :param each: values by column, one for each row, as the database takes them: JSON as text.
    :param same: values that all rows share, by column; what nobody names takes its default, and
        ``uid`` is made by the database.
    :param returning: columns of the new rows to return.
    """
    fields = {field.column: field for field in model._meta.concrete_fields}
    shared = defaults_of(model, {*each, *same}) | {"tenant_id": current_tenant_id()} | same
    made = ["uid"] if "uid" in fields and "uid" not in each else []
    columns = ", ".join(f'"{column}"' for column in (*shared, *made, *each))
    values = ", ".join([*["%s"] * len(shared), *["gen_random_uuid()"] * len(made), "*"])
    arrays = ", ".join(f"%s::{_array_of(fields[column])}" for column in each)
    statement = (
        f'insert into "{model._meta.db_table}" ({columns})'  # noqa: S608 -- names of the model
        f" select {values} from unnest({arrays})"
    )
    if ignore_repeats:
        statement += " on conflict do nothing"
    if returning:
        statement += f" returning {', '.join(returning)}"
    with connection.cursor() as cursor:
        cursor.execute(statement, [*shared.values(), *map(list, each.values())])
        return cursor.fetchall() if returning else []


def defaults_of(model: type[models.Model], named: set[str]) -> dict[str, Any]:
    """Return by column what the database must be told of a new row beside the columns named."""
    return {
        str(field.column): field.get_db_prep_save(field.get_default(), connection)
        for field in model._meta.concrete_fields
        if field.column not in {*named, "id", "uid", "tenant_id"} and not field.has_db_default()
    }


def plain_array(values: Iterable[object]) -> str:
    """Return the database's own writing of an array, for a column of it.

    Half the time of a list, which the driver quotes value by value. Only for what is written
    without quotes: numbers, days, UUIDs and codes of the house; never for text of people.
    """
    return f"{{{','.join(['null' if value is None else str(value) for value in values])}}}"


def _array_of(field: models.Field[Any, Any]) -> str:
    return f"{str(field.db_type(connection)).partition('(')[0]}[]"
