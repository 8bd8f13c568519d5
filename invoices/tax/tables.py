"""Effective-dated tax rates as rows, and the question which row is in force on a day.

A row is data with a source and an approver; it comes from the firm's tables, not from code. Three
facts that surprise: the tax point decides, not today; a region's row wins over its country's; a
gap is never bridged, because public tables contradict each other on history.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from billing_portal.errors import Refused


class NoRate(Refused):
    """No row says how this category is taxed there on that day."""

    code = "tax.no_rate"


class Treatment(StrEnum):
    """How a line stands to the tax; EN 16931 calls them S, Z, E, AE and O."""

    TAXED = "TAXED"
    ZERO_RATED = "ZERO_RATED"
    EXEMPT = "EXEMPT"
    REVERSE_CHARGE = "REVERSE_CHARGE"
    OUTSIDE_SCOPE = "OUTSIDE_SCOPE"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRow:
    """One rate of one category in one jurisdiction, from a day on.

    :ivar jurisdiction: ISO 3166: "DE", or "US-NY" for a region.
    :ivar rate: a fraction: 0.19 is 19 %.
    :ivar to_on: the first day on which it is no longer in force; None means until further notice.
    :ivar edition: which edition of the source was read.
    :ivar approved_by: who vouches for the row in this firm; empty until somebody does.
    :ivar wording: what the invoice must say about it, such as why no tax is charged.
    :raises ValueError: for an empty span, a negative rate, or a rate where none is charged.
    """

    jurisdiction: str
    category: str
    rate: Decimal
    from_on: date
    to_on: date | None = None
    treatment: Treatment = Treatment.TAXED
    name: str
    source: str
    edition: str
    approved_by: str = ""
    wording: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.rate, Decimal):
            raise TypeError("A rate is a Decimal.")
        if not self.rate.is_finite() or self.rate < 0:
            raise ValueError("A rate is not below zero.")
        if (self.treatment is Treatment.TAXED) != (self.rate > 0):
            raise ValueError("A taxed category has a rate above zero, any other has none.")
        if self.treatment in {Treatment.REVERSE_CHARGE, Treatment.OUTSIDE_SCOPE}:
            raise ValueError("Reverse charge and scope follow from the parties, not from a table.")
        if self.to_on is not None and self.to_on <= self.from_on:
            raise ValueError("A row is in force for at least one day.")

    def is_in_force(self, on: date) -> bool:
        """Say whether the row holds on a day."""
        return self.from_on <= on and (self.to_on is None or on < self.to_on)


@dataclass(frozen=True, slots=True)
class TaxTable:
    """Rows that never contradict each other.

    :ivar stale_from_on: from this day on nobody vouches that the table is up to date.
    :raises ValueError: when two rows of a jurisdiction and category share a day.
    """

    rows: tuple[TaxRow, ...]
    stale_from_on: date | None = None
    _found: dict[tuple[str, str], list[TaxRow]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[tuple[str, str], list[TaxRow]] = {}
        rows = tuple(sorted(self.rows, key=lambda row: row.from_on))
        for row in rows:
            found.setdefault((row.jurisdiction, row.category), []).append(row)
        for (jurisdiction, category), same in found.items():
            for earlier, later in pairwise(same):
                if earlier.to_on is None or earlier.to_on > later.from_on:
                    raise ValueError(
                        f"Two rows for {category} in {jurisdiction} on {later.from_on}."
                    )
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "_found", found)

    def in_force(self, jurisdictions: Iterable[str], category: str, on: date) -> TaxRow:
        """Return the row in force on a day, of the first jurisdiction that has one.

        :param jurisdictions: the closest first: ("US-NY", "US").
        :raises NoRate: when none has a row that day.
        """
        asked = tuple(jurisdictions)
        for jurisdiction in asked:
            for row in self._found.get((jurisdiction, category), ()):
                if row.is_in_force(on):
                    return row
        raise NoRate(
            f"No tax rate is in force for {category} in {asked[0]} on {on:%B} {on.day}, {on.year}."
        )

    def is_stale(self, on: date) -> bool:
        """Say whether a tax point lies beyond what the table was reviewed for."""
        return self.stale_from_on is not None and on >= self.stale_from_on
