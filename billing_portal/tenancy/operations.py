"""Migration operations that lay a firm's laws into the database."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.migrations import AddField, AlterField
from django.db.migrations.operations.base import Operation

from billing_portal.tenancy.fields import TenantForeignKey

_OURS = "tenant_id = nullif(current_setting('app.tenant', true), '')::bigint"


class _TableOperation(Operation):
    reduces_to_sql = True
    reversible = True

    def __init__(self, model: str) -> None:
        self.model = model

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing that Django's models know."""

    def database_forwards(self, app_label: str, editor: Any, old: Any, new: Any) -> None:
        for statement in self.forwards(new.apps.get_model(app_label, self.model)):
            editor.execute(statement)

    def database_backwards(self, app_label: str, editor: Any, old: Any, new: Any) -> None:
        for statement in self.backwards(old.apps.get_model(app_label, self.model)):
            editor.execute(statement)

    def forwards(self, model: type[models.Model]) -> list[str]:
        raise NotImplementedError

    def backwards(self, model: type[models.Model]) -> list[str]:
        raise NotImplementedError


class GuardTenant(_TableOperation):
    """Close a new table to other firms: policy, FORCE, (tenant, id) key, composite foreign keys."""

    def forwards(self, model: type[models.Model]) -> list[str]:
        table = model._meta.db_table
        return [
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
            f'CREATE POLICY tenant ON "{table}" USING ({_OURS}) WITH CHECK ({_OURS})',
            f'ALTER TABLE "{table}" ADD CONSTRAINT "{_unique(table)}" UNIQUE (tenant_id, id)',
            *(_add_key(model, field) for field in tenant_keys(model)),
        ]

    def backwards(self, model: type[models.Model]) -> list[str]:
        table = model._meta.db_table
        return [
            *(_drop_key(model, field) for field in tenant_keys(model)),
            f'ALTER TABLE "{table}" DROP CONSTRAINT "{_unique(table)}"',
            f'DROP POLICY tenant ON "{table}"',
            f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY',
        ]

    def describe(self) -> str:
        return f"Close {self.model} to other firms"


class GuardForeignKey(_TableOperation):
    """Add the composite key of one foreign key that came after its table was guarded."""

    def __init__(self, model: str, field: str) -> None:
        super().__init__(model)
        self.field = field

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model, self.field], {}

    def forwards(self, model: type[models.Model]) -> list[str]:
        return [_add_key(model, model._meta.get_field(self.field))]

    def backwards(self, model: type[models.Model]) -> list[str]:
        return [_drop_key(model, model._meta.get_field(self.field))]

    def describe(self) -> str:
        return f"Tie {self.model}.{self.field} to its firm"


class AppendOnly(_TableOperation):
    """Refuse UPDATE, DELETE and TRUNCATE, by trigger for everybody and by grant for the app."""

    def forwards(self, model: type[models.Model]) -> list[str]:
        table = model._meta.db_table
        return [
            _trigger("rows_never_change", "UPDATE OR DELETE", table, "ROW"),
            _trigger("table_is_never_emptied", "TRUNCATE", table, "STATEMENT"),
            f'REVOKE UPDATE, DELETE, TRUNCATE ON "{table}" FROM "{settings.APP_ROLE}"',
        ]

    def backwards(self, model: type[models.Model]) -> list[str]:
        table = model._meta.db_table
        return [
            f'DROP TRIGGER rows_never_change ON "{table}"',
            f'DROP TRIGGER table_is_never_emptied ON "{table}"',
            f'GRANT UPDATE, DELETE ON "{table}" TO "{settings.APP_ROLE}"',
        ]

    def describe(self) -> str:
        return f"Make {self.model} append-only"


class KeepRows(_TableOperation):
    """Take DELETE and TRUNCATE from the application: what a firm wrote is ended, never removed."""

    def forwards(self, model: type[models.Model]) -> list[str]:
        table = model._meta.db_table
        return [f'REVOKE DELETE, TRUNCATE ON "{table}" FROM "{settings.APP_ROLE}"']

    def backwards(self, model: type[models.Model]) -> list[str]:
        return [f'GRANT DELETE ON "{model._meta.db_table}" TO "{settings.APP_ROLE}"']

    def describe(self) -> str:
        return f"Keep the rows of {self.model}"


class GrantToApp(Operation):
    """Let the application's role read and write what is there and what will be made."""

    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing that Django's models know."""

    def database_forwards(self, app_label: str, editor: Any, old: Any, new: Any) -> None:
        role = f'"{settings.APP_ROLE}"'
        rows, numbers = "SELECT, INSERT, UPDATE, DELETE ON", "USAGE, SELECT ON"
        editor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        editor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        editor.execute(f"GRANT {rows} ALL TABLES IN SCHEMA public TO {role}")
        editor.execute(f"GRANT {numbers} ALL SEQUENCES IN SCHEMA public TO {role}")
        change = "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT"
        editor.execute(f"{change} {rows} TABLES TO {role}")
        editor.execute(f"{change} {numbers} SEQUENCES TO {role}")

    def database_backwards(self, app_label: str, editor: Any, old: Any, new: Any) -> None:
        role = f'"{settings.APP_ROLE}"'
        change = "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE"
        rows = "SELECT, INSERT, UPDATE, DELETE"
        editor.execute(f"{change} {rows} ON TABLES FROM {role}")
        numbers = "USAGE, SELECT"
        editor.execute(f"{change} {numbers} ON SEQUENCES FROM {role}")

    def describe(self) -> str:
        return "Grant the application's role its rights"


def tenant_keys(model: type[models.Model]) -> list[models.ForeignKey]:
    """Return the model's keys to other tables of the firm."""
    return [f for f in model._meta.local_fields if isinstance(f, TenantForeignKey)]


def _unique(table: str) -> str:
    return f"{table}_tenant_id_id_key"


def _trigger(name: str, when: str, table: str, each: str) -> str:
    return (
        f'CREATE TRIGGER {name} BEFORE {when} ON "{table}" '
        f"FOR EACH {each} EXECUTE FUNCTION portal_refuse_change()"
    )


def _add_key(model: type[models.Model], field: Any) -> str:
    table, target = model._meta.db_table, field.related_model._meta.db_table
    return (
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{_key_name(table, field)}" '
        f'FOREIGN KEY (tenant_id, "{field.column}") REFERENCES "{target}" (tenant_id, id) '
        "DEFERRABLE INITIALLY DEFERRED"
    )


def _drop_key(model: type[models.Model], field: Any) -> str:
    table = model._meta.db_table
    return f'ALTER TABLE "{table}" DROP CONSTRAINT "{_key_name(table, field)}"'


def _key_name(table: str, field: Any) -> str:
    return f"{table}_{field.column}_same_tenant"[:63]


def give_public_ids(model: str) -> list[Operation]:
    """Return what gives a table with rows its public ids: each row another, new ones by the model.

    The constraint that keeps them unique follows them.
    """
    drawn = models.UUIDField(editable=False, db_default=RandomUUID())
    kept = models.UUIDField(default=uuid.uuid4, editable=False)
    return [AddField(model, "uid", drawn), AlterField(model, "uid", kept)]
