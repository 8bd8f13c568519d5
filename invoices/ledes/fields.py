"""The columns of LEDES 1998B (24) and 98BI V2 (52), in their order, with names, sizes and needs.

Source: the LEDES 1998B field table (revision of July 2014) and the 98BI V2 table (ratified 2006),
as published by e-billing vendors. "12.4" there is 12 digits before the point and 4 after it.
Three facts that surprise: the spelling ``LAW_FIRM_STATEorREGION`` is mixed; an IF or IE line needs
neither units nor unit cost; the shorter form's columns are the first 24 of the longer one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LONGEST_NUMBER = 18
"""Digits on either side of the point beyond which no profile goes and no figure is read: products
of such figures are still exact."""

FEE, EXPENSE, FEE_ADJUSTMENT, EXPENSE_ADJUSTMENT = "F", "E", "IF", "IE"
LINE_TYPES = frozenset({FEE, EXPENSE, FEE_ADJUSTMENT, EXPENSE_ADJUSTMENT})
ADJUSTMENT_TYPES = frozenset({FEE_ADJUSTMENT, EXPENSE_ADJUSTMENT})

ALL = LINE_TYPES
PRICED = frozenset({FEE, EXPENSE})
FEES = frozenset({FEE})
NONE: frozenset[str] = frozenset()

(
    INVOICE_DATE,
    INVOICE_NUMBER,
    CLIENT_ID,
    LAW_FIRM_MATTER_ID,
    INVOICE_TOTAL,
    BILLING_START_DATE,
    BILLING_END_DATE,
    INVOICE_DESCRIPTION,
    LINE_ITEM_NUMBER,
    LINE_TYPE,
    UNITS,
    ADJUSTMENT,
    LINE_TOTAL,
    LINE_DATE,
    TASK_CODE,
    EXPENSE_CODE,
    ACTIVITY_CODE,
    TIMEKEEPER_ID,
    LINE_DESCRIPTION,
    LAW_FIRM_ID,
    UNIT_COST,
    TIMEKEEPER_NAME,
    CLASSIFICATION,
    CLIENT_MATTER_ID,
) = range(24)
(
    PO_NUMBER,
    CLIENT_TAX_ID,
    MATTER_NAME,
    INVOICE_TAX_TOTAL,
    INVOICE_NET_TOTAL,
    INVOICE_CURRENCY,
    TIMEKEEPER_LAST_NAME,
    TIMEKEEPER_FIRST_NAME,
    ACCOUNT_TYPE,
    LAW_FIRM_NAME,
    LAW_FIRM_ADDRESS_1,
    LAW_FIRM_ADDRESS_2,
    LAW_FIRM_CITY,
    LAW_FIRM_REGION,
    LAW_FIRM_POSTCODE,
    LAW_FIRM_COUNTRY,
    CLIENT_NAME,
    CLIENT_ADDRESS_1,
    CLIENT_ADDRESS_2,
    CLIENT_CITY,
    CLIENT_REGION,
    CLIENT_POSTCODE,
    CLIENT_COUNTRY,
    TAX_RATE,
    LINE_TAX_TOTAL,
    TAX_TYPE,
    REPORTED_TAX_TOTAL,
    TAX_CURRENCY,
) = range(24, 52)

PROSE = frozenset({INVOICE_DESCRIPTION, LINE_DESCRIPTION})
NAMES = frozenset(
    {
        *(TIMEKEEPER_NAME, TIMEKEEPER_LAST_NAME, TIMEKEEPER_FIRST_NAME, MATTER_NAME),
        *range(LAW_FIRM_NAME, LAW_FIRM_CITY + 1),
        *range(CLIENT_NAME, CLIENT_CITY + 1),
    }
)
"""What people read in one line; every other text is an id or a code."""


class Kind(StrEnum):
    """How a column is written: free text, YYYYMMDD, or digits with a point."""

    TEXT = "text"
    DATE = "date"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a form.

    :ivar longest: characters of a text.
    :ivar digits: digits before the point of a number.
    :ivar decimals: digits after the point of a number.
    :ivar required: the line types on which the column must be filled.
    """

    name: str
    kind: Kind
    longest: int = 0
    digits: int = 0
    decimals: int = 0
    required: frozenset[str] = NONE


@dataclass(frozen=True, slots=True)
class Form:
    """One flat LEDES format: its first line, the first lines met in the wild, its columns."""

    name: str
    first_line: str
    variants: frozenset[str]
    columns: tuple[Column, ...]

    @property
    def header(self) -> str:
        """The second line of a file, with its terminator."""
        return "|".join(each.name for each in self.columns) + "[]"


def _text(name: str, longest: int = 20, required: frozenset[str] = NONE) -> Column:
    return Column(name, Kind.TEXT, longest=longest, required=required)


def _day(name: str) -> Column:
    return Column(name, Kind.DATE, required=ALL)


def _number(name: str, digits: int, decimals: int, required: frozenset[str] = NONE) -> Column:
    return Column(name, Kind.NUMBER, digits=digits, decimals=decimals, required=required)


_COLUMNS_1998B = (
    _day("INVOICE_DATE"),
    _text("INVOICE_NUMBER", 20, ALL),
    _text("CLIENT_ID", 20, ALL),
    _text("LAW_FIRM_MATTER_ID", 20, ALL),
    _number("INVOICE_TOTAL", 12, 4, ALL),
    _day("BILLING_START_DATE"),
    _day("BILLING_END_DATE"),
    _text("INVOICE_DESCRIPTION", 15_360),
    _text("LINE_ITEM_NUMBER", 20, ALL),
    _text("EXP/FEE/INV_ADJ_TYPE", 2, ALL),
    _number("LINE_ITEM_NUMBER_OF_UNITS", 10, 4, PRICED),
    _number("LINE_ITEM_ADJUSTMENT_AMOUNT", 10, 4),
    _number("LINE_ITEM_TOTAL", 10, 4, ALL),
    _day("LINE_ITEM_DATE"),
    _text("LINE_ITEM_TASK_CODE"),
    _text("LINE_ITEM_EXPENSE_CODE"),
    _text("LINE_ITEM_ACTIVITY_CODE"),
    _text("TIMEKEEPER_ID", 20, FEES),
    _text("LINE_ITEM_DESCRIPTION", 15_360),
    _text("LAW_FIRM_ID", 20, ALL),
    _number("LINE_ITEM_UNIT_COST", 10, 4, PRICED),
    _text("TIMEKEEPER_NAME", 30),
    _text("TIMEKEEPER_CLASSIFICATION", 10),
    _text("CLIENT_MATTER_ID"),
)

_COLUMNS_ADDED_BY_98BI = (
    _text("PO_NUMBER", 100),
    _text("CLIENT_TAX_ID", 20, ALL),
    _text("MATTER_NAME", 255, ALL),
    _number("INVOICE_TAX_TOTAL", 12, 4),
    _number("INVOICE_NET_TOTAL", 12, 4, ALL),
    _text("INVOICE_CURRENCY", 3, ALL),
    _text("TIMEKEEPER_LAST_NAME", 30, FEES),
    _text("TIMEKEEPER_FIRST_NAME", 30, FEES),
    _text("ACCOUNT_TYPE", 1, ALL),
    _text("LAW_FIRM_NAME", 60),
    _text("LAW_FIRM_ADDRESS_1", 60),
    _text("LAW_FIRM_ADDRESS_2", 60),
    _text("LAW_FIRM_CITY", 40),
    _text("LAW_FIRM_STATEorREGION", 40),
    _text("LAW_FIRM_POSTCODE", 20),
    _text("LAW_FIRM_COUNTRY", 3),
    _text("CLIENT_NAME", 60),
    _text("CLIENT_ADDRESS_1", 60),
    _text("CLIENT_ADDRESS_2", 60),
    _text("CLIENT_CITY", 40),
    _text("CLIENT_STATEorREGION", 40),
    _text("CLIENT_POSTCODE", 20),
    _text("CLIENT_COUNTRY", 3),
    _number("LINE_ITEM_TAX_RATE", 1, 10),
    _number("LINE_ITEM_TAX_TOTAL", 10, 4, ALL),
    _text("LINE_ITEM_TAX_TYPE", 20),
    _number("INVOICE_REPORTED_TAX_TOTAL", 12, 4),
    _text("INVOICE_TAX_CURRENCY", 3),
)

FORM_1998B = Form(
    name="1998B",
    first_line="LEDES1998B[]",
    variants=frozenset({"LEDES1998B", "LEDES 1998B[]", "LEDES98B[]", "LEDES1998B V2[]"}),
    columns=_COLUMNS_1998B,
)
FORM_98BI = Form(
    name="98BI V2",
    first_line="LEDES98BI V2[]",
    variants=frozenset(
        {
            "LEDES98BI V2",
            "LEDES98BI V5[]",
            "LEDES98BI[]",
            "LEDES98BIV2[]",
            "LEDES1998BI[]",
            "LEDES1998BI V2[]",
            "LEDES1998BIV2[]",
            "LEDES1998BIv2[]",
        }
    ),
    columns=_COLUMNS_1998B + _COLUMNS_ADDED_BY_98BI,
)
FORMS = (FORM_1998B, FORM_98BI)
COLUMN_NAMES = frozenset(each.name for each in FORM_98BI.columns)
