"""The rules that decide on a line, tried in order; the first that speaks decides.

Wordings are those the invoice must carry. The European Union is a dated list of members, because
an invoice of an earlier year keeps the Union of its tax point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from invoices.tax.tables import TaxRow, TaxTable, Treatment

_UNION = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_MEMBERS = frozenset(_UNION.split())
_JOINED_ON = {"HR": date(2013, 7, 1), "BG": date(2007, 1, 1), "RO": date(2007, 1, 1)}
_LEFT_ON = {"GB": date(2021, 1, 1)}  # the end of the transition
_DIRECTIVE = "Directive 2006/112/EC"
_UK_ACT = "Value Added Tax Act 1994"
_NOTHING = Decimal(0)
_OF_ARTICLE_59 = frozenset({"legal-services"})


class TaxStatus(StrEnum):
    """What is known of the customer at the tax point.

    A VAT id that could not be checked is UNVERIFIED, one checked too long ago STALE; neither is
    INVALID. EXEMPT holds a certificate of exemption.
    """

    CONSUMER = "CONSUMER"
    BUSINESS = "BUSINESS"
    VAT_ID_VALID = "VAT_ID_VALID"
    VAT_ID_UNVERIFIED = "VAT_ID_UNVERIFIED"
    VAT_ID_STALE = "VAT_ID_STALE"
    VAT_ID_INVALID = "VAT_ID_INVALID"
    EXEMPT = "EXEMPT"


_DOUBTFUL = frozenset({TaxStatus.VAT_ID_UNVERIFIED, TaxStatus.VAT_ID_STALE})
_WITH_VAT_ID = _DOUBTFUL | {TaxStatus.VAT_ID_VALID}
_BUSINESSES = _WITH_VAT_ID | {TaxStatus.BUSINESS}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a party is: ISO 3166 country and, where taxes differ inside it, the region's code."""

    country: str
    region: str = ""

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        """The closest first: ("US-NY", "US")."""
        own = (f"{self.country}-{self.region}",) if self.region else ()
        return (*own, self.country)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the firm and the customer are at the tax point."""

    firm: Place
    customer: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a rule said. ``row`` is the table's row behind it, where there is one."""

    rule: str
    jurisdiction: str
    treatment: Treatment
    rate: Decimal = _NOTHING
    wording: str = ""
    source: str = ""
    edition: str = ""
    row: TaxRow | None = None
    evidence_is_missing: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    category: str
    places: Places
    status: TaxStatus
    tax_point: date

    @property
    def crosses_a_border(self) -> bool:
        return self.places.firm.country != self.places.customer.country

    def is_in_union(self, place: Place) -> bool:
        left_on = _LEFT_ON.get(place.country)
        if left_on is not None:
            return self.tax_point < left_on
        joined_on = _JOINED_ON.get(place.country, date.min)
        return place.country in _MEMBERS and joined_on <= self.tax_point


def decide(
    category: str, places: Places, status: TaxStatus, tax_point: date, table: TaxTable
) -> Decision:
    """Return how a category is taxed between two places on a day.

    :raises NoRate: when a rate is needed and none is in force.
    """
    case = _Case(category, places, status, tax_point)
    for rule in _RULES:
        decision = rule(case)
        if decision is not None:
            return decision
    return _by_table(case, table)


def _certificate(case: _Case) -> Decision | None:
    if case.status is not TaxStatus.EXEMPT:
        return None
    return Decision(
        rule="customer.exempt",
        jurisdiction=case.places.customer.jurisdictions[0],
        treatment=Treatment.EXEMPT,
        wording="Exempt: the customer holds a certificate of exemption.",
        source="certificate of exemption",
    )


def _union_reverse_charge(case: _Case) -> Decision | None:
    both = case.is_in_union(case.places.firm) and case.is_in_union(case.places.customer)
    if not (both and case.crosses_a_border and case.status in _WITH_VAT_ID):
        return None
    return Decision(
        rule="eu.reverse_charge",
        jurisdiction=case.places.customer.country,
        treatment=Treatment.REVERSE_CHARGE,
        wording=f"Reverse charge: the customer owes the VAT (article 196, {_DIRECTIVE}).",
        source=f"{_DIRECTIVE}, articles 44 and 196",
        evidence_is_missing=case.status in _DOUBTFUL,
    )


def _leaves_the_union(case: _Case) -> Decision | None:
    leaves = case.is_in_union(case.places.firm) and not case.is_in_union(case.places.customer)
    if not leaves:
        return None
    if case.status in _BUSINESSES:
        return _outside(case, "eu.export_to_business", f"article 44, {_DIRECTIVE}")
    if case.category in _OF_ARTICLE_59:
        return _outside(case, "eu.export_to_consumer", f"article 59 (c), {_DIRECTIVE}")
    return None


def _leaves_the_kingdom(case: _Case) -> Decision | None:
    firm = case.places.firm
    if firm.country != "GB" or case.is_in_union(firm) or not case.crosses_a_border:
        return None
    if case.status in _BUSINESSES:
        return _outside(case, "uk.export_to_business", f"section 7A, {_UK_ACT}")
    if case.category in _OF_ARTICLE_59:
        return _outside(case, "uk.export_to_consumer", f"schedule 4A, paragraph 16, {_UK_ACT}")
    return None


def _leaves_the_states(case: _Case) -> Decision | None:
    if case.places.firm.country != "US" or not case.crosses_a_border:
        return None
    return _outside(case, "us.export", "sales tax is due at the customer's place in the US")


_RULES: tuple[Callable[[_Case], Decision | None], ...] = (
    _certificate,
    _union_reverse_charge,
    _leaves_the_union,
    _leaves_the_kingdom,
    _leaves_the_states,
)


def _outside(case: _Case, rule: str, source: str) -> Decision:
    return Decision(
        rule=rule,
        jurisdiction=case.places.customer.country,
        treatment=Treatment.OUTSIDE_SCOPE,
        wording=f"Outside the scope of the tax at the firm's place ({source}).",
        source=source,
    )


def _by_table(case: _Case, table: TaxTable) -> Decision:
    """Tax where the firm is; in the United States where the customer is."""
    place = case.places.customer if case.places.firm.country == "US" else case.places.firm
    row = table.in_force(place.jurisdictions, case.category, case.tax_point)
    return Decision(
        rule="table",
        jurisdiction=row.jurisdiction,
        treatment=row.treatment,
        rate=row.rate,
        wording=row.wording,
        source=row.source,
        edition=row.edition,
        row=row,
    )
