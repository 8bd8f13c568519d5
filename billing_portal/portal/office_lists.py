"""Lists and choices of the back office that stay quick, and whole over tampered addresses."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.admin.widgets import AutocompleteSelect
from django.core.paginator import Paginator
from django.db import models
from django.utils.functional import cached_property

from billing_portal.bounds import whole_number

COUNTED_AT_MOST = 1_000


class CappedPaginator(Paginator):
    """Pages that never count further than a reader would leaf: 1,000 rows."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most 1,000. One query."""
        rows = cast("models.QuerySet[Any]", self.object_list)
        return rows.order_by()[:COUNTED_AT_MOST].count()


class OfficeSelect(AutocompleteSelect):
    """A select that looks its choices up; a tampered key is shown as no choice at all."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """Look up keys only: Django's own crashes over any other text."""
        keys = [each for each in value if whole_number(str(each)) is not None]
        return super().optgroups(name, keys, attr)
