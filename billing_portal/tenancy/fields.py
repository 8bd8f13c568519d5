"""Keys between a firm's tables: the tenant rides in them, because foreign keys bypass policies."""

from __future__ import annotations

from typing import Any

from django.db import models


class TenantForeignKey(models.ForeignKey):
    """A key to another table of the same firm.

    The plain constraint is left out; ``GuardTenant`` and ``GuardForeignKey`` add the composite one,
    (tenant, this) to (tenant, id). Nothing is ever deleted along with what it points at, and no
    accessor appears on the other side, so that rooms do not reach upward.
    """

    def __init__(
        self, to: Any, on_delete: Any = models.PROTECT, related_name: str = "+", **options: Any
    ) -> None:
        options["db_constraint"] = False
        super().__init__(to, on_delete, related_name=related_name, **options)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """Describe the field for migrations, by what is not fixed here."""
        name, path, args, options = super().deconstruct()
        options.pop("db_constraint", None)
        return name, path, args, options
