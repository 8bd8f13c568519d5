"""By which rules the carriers accept a file, or send it back with reasons per line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal

from tests.outside.carrier.ledes_file import Line, Reason
from tests.outside.carrier.master import Carrier

_CENT = Decimal("0.01")
_NUMBERS = ("INVOICE_TOTAL", "LINE_ITEM_TOTAL")
_DAYS = ("INVOICE_DATE", "BILLING_START_DATE", "BILLING_END_DATE", "LINE_ITEM_DATE")
_SAME_ON_ALL = (
    *("INVOICE_TOTAL", "INVOICE_DATE", "BILLING_START_DATE", "BILLING_END_DATE"),
    *("CLIENT_ID", "CLIENT_MATTER_ID"),
)


def audit(
    carrier: Carrier,
    file_name: str,
    lines: list[Line],
    *,
    is_accepted: Callable[[str], bool],
) -> list[Reason]:
    """Return every reason against the file, by row.

    :param is_accepted: whether an invoice number is in the book of accepted files already.
    """
    reasons = list(_file_name(carrier, file_name))
    for line in lines:
        reasons += _form(line)
        reasons += _arithmetic(line)
        reasons += _dates(line)
        reasons += _known(carrier, line)
        reasons += _codes(line)
        reasons += _timekeeper(carrier, line)
    for number, rows in invoices_of(lines).items():
        reasons += _invoice(number, rows)
        if is_accepted(number):
            first = rows[0].row
            text = f"Invoice {number} was accepted before."
            reasons.append(Reason(first, "INVOICE_NUMBER", "DUPLICATE", text))
    return sorted(reasons, key=lambda reason: reason.row)


def invoices_of(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Return the rows of each invoice number, in the order of the file."""
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line["INVOICE_NUMBER"]].append(line)
    return dict(found)


def _file_name(carrier: Carrier, name: str) -> Iterator[Reason]:
    if not name.lower().endswith(carrier.file_endings):
        wanted = " or ".join(carrier.file_endings)
        yield Reason(0, "", "FILE_NAME", f"The file name must end in {wanted}.")


def _form(line: Line) -> Iterator[Reason]:
    for name in ("INVOICE_NUMBER", "CLIENT_ID", "LINE_ITEM_NUMBER", "LINE_ITEM_DESCRIPTION"):
        if not line[name].strip():
            yield Reason(line.row, name, "REQUIRED", f"{name} is required.")
    for name in _NUMBERS:
        if line.number(name) is None:
            yield Reason(line.row, name, "NUMBER", f"{line[name]!r} is not a number.")
    for name in _DAYS:
        if line.day(name) is None:
            yield Reason(line.row, name, "DATE", f"{line[name]!r} is not a date (YYYYMMDD).")
    if line["EXP/FEE/INV_ADJ_TYPE"] not in {"F", "E", "IF", "IE"}:
        text = f"{line['EXP/FEE/INV_ADJ_TYPE']!r} is not F, E, IF or IE."
        yield Reason(line.row, "EXP/FEE/INV_ADJ_TYPE", "LINE_TYPE", text)


def _arithmetic(line: Line) -> Iterator[Reason]:
    total = line.number("LINE_ITEM_TOTAL")
    adjustment = line.number("LINE_ITEM_ADJUSTMENT_AMOUNT")
    if adjustment is None and line["LINE_ITEM_ADJUSTMENT_AMOUNT"]:
        text = f"{line['LINE_ITEM_ADJUSTMENT_AMOUNT']!r} is not a number."
        yield Reason(line.row, "LINE_ITEM_ADJUSTMENT_AMOUNT", "NUMBER", text)
    expected = adjustment or Decimal(0)
    if line["EXP/FEE/INV_ADJ_TYPE"] in {"F", "E"}:
        units, cost = line.number("LINE_ITEM_NUMBER_OF_UNITS"), line.number("LINE_ITEM_UNIT_COST")
        if units is None or cost is None:
            yield Reason(line.row, "LINE_ITEM_UNIT_COST", "NUMBER", "Units and cost are required.")
            return
        expected += (units * cost).quantize(_CENT, ROUND_HALF_UP)
    if total is not None and total != expected:
        text = f"The line comes to {expected}, not {total}."
        yield Reason(line.row, "LINE_ITEM_TOTAL", "ARITHMETIC", text)


def _dates(line: Line) -> Iterator[Reason]:
    starts_on, last_day = line.day("BILLING_START_DATE"), line.day("BILLING_END_DATE")
    worked_on, invoiced_on = line.day("LINE_ITEM_DATE"), line.day("INVOICE_DATE")
    if starts_on is None or last_day is None:
        return
    if starts_on > last_day:
        text = "The billing period ends before it begins."
        yield Reason(line.row, "BILLING_END_DATE", "DATE_ORDER", text)
    elif worked_on is not None and not starts_on <= worked_on <= last_day:
        text = "The line is dated outside the billing period."
        yield Reason(line.row, "LINE_ITEM_DATE", "DATE_ORDER", text)
    if invoiced_on is not None and invoiced_on < last_day:
        text = "The invoice is dated before the billing period ends."
        yield Reason(line.row, "INVOICE_DATE", "DATE_ORDER", text)


def _known(carrier: Carrier, line: Line) -> Iterator[Reason]:
    if line["CLIENT_MATTER_ID"] not in carrier.client_matters:
        text = f"Matter {line['CLIENT_MATTER_ID']!r} is not assigned to your firm."
        yield Reason(line.row, "CLIENT_MATTER_ID", "MATTER", text)
    if line["LAW_FIRM_ID"] not in carrier.law_firm_ids:
        text = f"Firm {line['LAW_FIRM_ID']!r} is not on the panel."
        yield Reason(line.row, "LAW_FIRM_ID", "FIRM", text)


def _codes(line: Line) -> Iterator[Reason]:
    kind = line["EXP/FEE/INV_ADJ_TYPE"]
    if kind == "F":
        for name in ("LINE_ITEM_TASK_CODE", "LINE_ITEM_ACTIVITY_CODE"):
            if not line[name]:
                yield Reason(line.row, name, "CODE", "A fee needs a task and an activity code.")
    if kind == "E" and not line["LINE_ITEM_EXPENSE_CODE"]:
        text = "An expense needs an expense code."
        yield Reason(line.row, "LINE_ITEM_EXPENSE_CODE", "CODE", text)


def _timekeeper(carrier: Carrier, line: Line) -> Iterator[Reason]:
    if line["EXP/FEE/INV_ADJ_TYPE"] != "F" or not carrier.timekeepers:
        return
    person = carrier.timekeepers.get(line["TIMEKEEPER_ID"])
    if person is None:
        text = f"Timekeeper {line['TIMEKEEPER_ID']!r} is not approved."
        yield Reason(line.row, "TIMEKEEPER_ID", "TIMEKEEPER", text)
        return
    if person.name != line["TIMEKEEPER_NAME"]:
        text = f"Timekeeper {line['TIMEKEEPER_ID']} is {person.name}."
        yield Reason(line.row, "TIMEKEEPER_NAME", "TIMEKEEPER", text)
    worked_on, cost = line.day("LINE_ITEM_DATE"), line.number("LINE_ITEM_UNIT_COST")
    if worked_on is None or cost is None:
        return
    approved = person.rate_on(worked_on)
    if approved is None or cost > approved:
        text = f"Rate {cost} exceeds the approved rate {approved or 'none'}."
        yield Reason(line.row, "LINE_ITEM_UNIT_COST", "RATE", text)


def _invoice(number: str, rows: list[Line]) -> Iterator[Reason]:
    first = rows[0]
    for name in _SAME_ON_ALL:
        for line in rows[1:]:
            if line[name] != first[name]:
                text = f"{name} differs from row {first.row} of invoice {number}."
                yield Reason(line.row, name, "NOT_THE_SAME", text)
    seen: set[str] = set()
    for line in rows:
        if line["LINE_ITEM_NUMBER"] in seen:
            text = f"Line number {line['LINE_ITEM_NUMBER']} is used twice."
            yield Reason(line.row, "LINE_ITEM_NUMBER", "LINE_NUMBER", text)
        seen.add(line["LINE_ITEM_NUMBER"])
    total = sum((line.number("LINE_ITEM_TOTAL") or Decimal(0) for line in rows), Decimal(0))
    stated = first.number("INVOICE_TOTAL")
    if stated is not None and stated != total:
        text = f"The lines come to {total}, the invoice says {stated}."
        yield Reason(first.row, "INVOICE_TOTAL", "INVOICE_TOTAL", text)
