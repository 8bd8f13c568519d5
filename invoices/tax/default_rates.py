"""The rows a new firm starts from: a few jurisdictions, each row with its source, none approved.

Sources: GOBL's regimes and ibericode's vat-rates (they agree on every rate here), the German law
of June 29, 2020 on the second half of that year, and the states' statutes. A row whose history the
tables contradict begins where they agree. No row stands for the whole United States: Hawaii, New
Mexico and South Dakota do tax legal services.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from invoices.tax.tables import TaxRow, TaxTable, Treatment

_GOBL = "invopop/gobl@7a4ad62 data/regimes; ibericode/vat-rates@5abb1e1"
_REVIEWED = "reviewed 2026-11-20"
_STALE_FROM_ON = date(2027, 7, 1)
_LEGAL = "legal-services"
_GERMAN_CUT = (date(2020, 7, 1), date(2021, 1, 1))


def _vat(  # noqa: PLR0917 -- a row of a table
    country: str,
    category: str,
    percent: str,
    from_on: date,
    to_on: date | None = None,
    name: str = "VAT",
) -> TaxRow:
    return TaxRow(
        jurisdiction=country,
        category=category,
        rate=Decimal(percent) / 100,
        from_on=from_on,
        to_on=to_on,
        name=name,
        source=_GOBL,
        edition=_REVIEWED,
    )


def _german(category: str, percent: str, in_the_cut: str) -> tuple[TaxRow, ...]:
    begins, ends = _GERMAN_CUT
    return (
        _vat("DE", category, percent, date(2007, 1, 1), begins, "Umsatzsteuer"),
        _vat("DE", category, in_the_cut, begins, ends, "Umsatzsteuer"),
        _vat("DE", category, percent, ends, None, "Umsatzsteuer"),
    )


def _untaxed(
    jurisdiction: str, category: str, treatment: Treatment, source: str, wording: str
) -> TaxRow:
    return TaxRow(
        jurisdiction=jurisdiction,
        category=category,
        rate=Decimal(0),
        from_on=date(2011, 1, 4),
        treatment=treatment,
        name="VAT" if jurisdiction == "GB" else "Sales tax",
        source=source,
        edition=_REVIEWED,
        wording=wording,
    )


def _american(region: str, statute: str) -> TaxRow:
    return _untaxed(
        f"US-{region}",
        _LEGAL,
        Treatment.EXEMPT,
        statute,
        "No sales tax: legal services are not taxable.",
    )


ROWS: tuple[TaxRow, ...] = (
    *_german("standard", "19", "16"),
    *_german(_LEGAL, "19", "16"),
    *_german("reduced", "7", "5"),
    _vat("AT", "standard", "20", date(2011, 1, 4)),
    _vat("AT", _LEGAL, "20", date(2011, 1, 4)),
    _vat("AT", "reduced", "10", date(2011, 1, 4)),
    _vat("FR", "standard", "20", date(2014, 1, 1)),
    _vat("FR", _LEGAL, "20", date(2014, 1, 1)),
    _vat("FR", "reduced", "5.5", date(2014, 1, 1)),
    _vat("GB", "standard", "20", date(2011, 1, 4)),
    _vat("GB", _LEGAL, "20", date(2011, 1, 4)),
    _vat("GB", "reduced", "5", date(2011, 1, 4)),
    _untaxed(
        "GB",
        "zero",
        Treatment.ZERO_RATED,
        "Value Added Tax Act 1994, schedule 8",
        "Zero-rated (schedule 8, Value Added Tax Act 1994).",
    ),
    _untaxed(
        "GB",
        "exempt",
        Treatment.EXEMPT,
        "Value Added Tax Act 1994, schedule 9",
        "Exempt (schedule 9, Value Added Tax Act 1994).",
    ),
    _american("CA", "California Revenue and Taxation Code section 6051: tangible goods only"),
    _american("FL", "Florida Statutes section 212.05: services named there only"),
    _american("IL", "35 ILCS 120/2: tangible goods only"),
    _american("NY", "New York Tax Law section 1105 (c): services named there only"),
    _american("TX", "Texas Tax Code section 151.0101: services named there only"),
)


def default_table() -> TaxTable:
    """Return the table of these rows; past its review date it calls itself stale."""
    return TaxTable(ROWS, stale_from_on=_STALE_FROM_ON)
