"""Tables to take along as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.http import HttpResponse

_WIDE = ("\uff1d", "\uff0b", "\uff0d", "\uff20")  # East Asian spreadsheets take these too
_BEGIN_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", *_WIDE)

Cell = str | int | Decimal


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> HttpResponse:
    """Return a CSV file to be saved under a name; texts cannot become formulas.

    UTF-8 with a byte order mark, because spreadsheets take it for something else without.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    answer = HttpResponse(text.getvalue().encode("utf-8-sig"), content_type="text/csv")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def harmless(cell: Cell) -> str:
    """Return a cell as text; one that a spreadsheet would run as a formula gets a quote in front.

    Numbers stay numbers, negative ones too.
    """
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_BEGIN_A_FORMULA):
        return f"'{cell}"
    return str(cell)
