"""A LEDES 1998B file as a firm on the demo carriers' panel would send it, written out by hand."""

from __future__ import annotations

from dataclasses import dataclass

from tests.outside.carrier.ledes_file import HEADER


@dataclass(frozen=True)
class SampleLine:
    """One fee line; the defaults are an approved timekeeper's two hours."""

    number: str = "1"
    units: str = "2.0"
    cost: str = "425.00"
    adjustment: str = "0"
    total: str = "850.00"
    day: str = "20261014"
    task: str = "L120"
    activity: str = "A104"
    timekeeper: str = "T-101"
    name: str = "Okafor, Ada"
    kind: str = "F"
    expense: str = ""


def sample(
    invoice: str,
    matter: str,
    *lines: SampleLine,
    total: str = "850.00",
    starts_on: str = "20261001",
    last_day: str = "20261031",
    invoiced_on: str = "20261102",
) -> bytes:
    """Return a file with one invoice."""
    rows = ["LEDES1998B[]", HEADER]
    for line in lines or (SampleLine(),):
        values = [
            *(invoiced_on, invoice, "CL-7", "LF-881", total, starts_on, last_day),
            *("Services in October", line.number, line.kind, line.units, line.adjustment),
            *(line.total, line.day, line.task, line.expense, line.activity, line.timekeeper),
            *("Review of the adjuster's file", "98-7654321", line.cost, line.name, "PT", matter),
        ]
        rows.append("|".join(values) + "[]")
    return ("\r\n".join(rows) + "\r\n").encode("ascii")
