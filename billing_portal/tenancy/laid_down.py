"""What the migrations laid down to keep rows as they were: triggers, their functions, refusals.

Read from the migrations themselves, in their order, so that no list of guards can fall behind and
no room must be imported. Rooms write guards as SQL files or as ``AppendOnly`` and ``KeepRows``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunSQL

from billing_portal.tenancy.operations import AppendOnly, KeepRows

_STATEMENT = re.compile(
    r"create (?:or replace )?function (?:public\.)?(?P<function>\w+)\([^)]*\)"
    r".*?\$\$(?P<source>.*?)\$\$"
    r"|create (?:constraint )?trigger (?P<trigger>\w+) (?P<when>[^;]*?) on \"?(?P<table>\w+)\"?"
    r"(?P<how>[^;]*?)execute function (?P<calls>\w+)\("
    r"|alter trigger (?P<old>\w+) on (?P<of>\w+) rename to (?P<new>\w+)"
    r"|drop trigger (?:if exists )?(?P<gone>\w+) on \"?(?P<gone_of>\w+)\"?"
    r"|drop function (?:if exists )?(?P<gone_function>\w+)",
    re.IGNORECASE | re.DOTALL,
)
# As pg_trigger.tgtype has them.
_BITS = {"before": 2, "insert": 4, "delete": 8, "update": 16, "truncate": 32}


@dataclass(frozen=True)
class Guard:
    """A trigger, as it must stand in the catalog.

    :ivar type: when it fires, in the bits of ``pg_trigger.tgtype``.
    :ivar has_condition: whether it has a WHEN.
    """

    function: str
    type: int
    has_condition: bool


@dataclass
class LaidDown:
    """The guards after the last migration.

    :ivar triggers: by table and name.
    :ivar functions: the source of each function, by name.
    :ivar kept: tables from which the application removes nothing.
    """

    triggers: dict[tuple[str, str], Guard] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)

    def read(self, sql: str) -> None:
        """Take in what some SQL makes, renames and drops."""
        for found in _STATEMENT.finditer(sql):
            said = found.groupdict()
            if said["function"]:
                self.functions[said["function"].lower()] = said["source"]
            elif said["trigger"]:
                self.triggers[said["table"], said["trigger"]] = _guard(said)
            elif said["old"]:
                self.triggers[said["of"], said["new"]] = self.triggers.pop(
                    (said["of"], said["old"])
                )
            elif said["gone"]:
                self.triggers.pop((said["gone_of"], said["gone"]), None)
            else:
                self.functions.pop(said["gone_function"].lower(), None)


@cache
def laid_down() -> LaidDown:
    """Return what stands after all migrations. Reads each migration once a process; no query."""
    found = LaidDown()
    for label, operation in _operations():
        if isinstance(operation, RunSQL):
            for sql in _texts(operation.sql):
                found.read(sql)
        elif isinstance(operation, AppendOnly | KeepRows):
            model = apps.get_model(label, operation.model)
            found.kept.add(model._meta.db_table)
            for sql in operation.forwards(model):
                found.read(sql)
    return found


def _operations() -> Iterator[tuple[str, Any]]:
    """Yield each operation with its app's label, in the order of migrating."""
    graph = MigrationLoader(None).graph
    plan = dict.fromkeys(key for leaf in graph.leaf_nodes() for key in graph.forwards_plan(leaf))
    for key in plan:
        for operation in graph.nodes[key].operations:
            yield key[0], operation


def _texts(sql: Any) -> list[str]:
    if isinstance(sql, str):
        return [sql]
    return [each if isinstance(each, str) else each[0] for each in sql]


def _guard(said: dict[str, str]) -> Guard:
    words = set(re.findall(r"\w+", said["when"].lower()))
    how = said["how"].lower()
    kind = sum(bit for word, bit in _BITS.items() if word in words)
    kind += 1 if re.search(r"for each row", how) else 0
    return Guard(said["calls"].lower(), kind, re.search(r"\bwhen\s*\(", how) is not None)
