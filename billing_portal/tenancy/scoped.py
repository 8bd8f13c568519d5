"""The manager every firm's table has: it refuses before there is a queryset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import models

from billing_portal.tenancy.scope import OtherTenant, current_tenant_id

M = TypeVar("M", bound=models.Model)


class TenantQuerySet(models.QuerySet[M]):
    """Rows of one firm; writes for another firm are refused here and by the database."""

    def create(self, **fields: Any) -> M:
        """Write one row of the current firm."""
        return super().create(**_for_current(fields))

    def bulk_create(self, objs: Iterable[M], *args: Any, **options: Any) -> list[M]:
        """Write many rows of the current firm.

        :raises OtherTenant: when one of them names another firm; nothing is written then.
        """
        rows = list(objs)
        tenant_id = current_tenant_id()
        for row in rows:
            if row.tenant_id != tenant_id:  # type: ignore[attr-defined]  # every model here has it
                raise OtherTenant(f"{type(row).__name__} of another firm.")
        return super().bulk_create(rows, *args, **options)


class TenantManager(models.Manager[M]):
    """Sees only the current firm's rows, and refuses to look outside a scope."""

    def get_queryset(self) -> TenantQuerySet[M]:
        """Return the current firm's rows.

        :raises NoTenant: outside any scope.
        """
        rows: TenantQuerySet[M] = TenantQuerySet(self.model, using=self._db)
        return rows.filter(tenant_id=current_tenant_id())


def manager_of(rows: type[TenantQuerySet[Any]]) -> type[TenantManager[Any]]:
    """Return a guarded manager whose querysets carry the filters of ``rows``."""

    class ScopedManager(TenantManager.from_queryset(rows)):  # type: ignore[misc]
        def get_queryset(self) -> Any:
            return rows(self.model, using=self._db).filter(tenant_id=current_tenant_id())

    return ScopedManager


def _for_current(fields: dict[str, Any]) -> dict[str, Any]:
    tenant_id = current_tenant_id()
    named = fields.get("tenant_id", getattr(fields.get("tenant"), "pk", tenant_id))
    if named != tenant_id:
        raise OtherTenant("A row of another firm.")
    return fields
