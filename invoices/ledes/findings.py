"""What a check says: which rule, where, how bad, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: an error blocks the file, a warning is shown, the rest is told."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check says about a file.

    :ivar rule: the number of the rule and a short name, as ``F03.date``.
    :ivar text: what is wrong, fit for the person who has to mend it.
    :ivar row: the line in the file, from 1; None where the whole file is meant.
    :ivar column: the field in the row, from 1; None where the whole row is meant.
    :ivar field: the field's name in the header, empty where there is no column.
    """

    rule: str
    severity: Severity
    text: str
    row: int | None = None
    column: int | None = None
    field: str = ""

    def as_json(self) -> dict[str, str | int | None]:
        """Return the finding as plain values for JSON."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "text": self.text,
            "row": self.row,
            "column": self.column,
            "field": self.field,
        }


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings as a reader meets them: the file's, then by row, column and rule."""
    return tuple(
        sorted(findings, key=lambda each: (each.row or 0, each.column or 0, each.rule, each.text))
    )


def errors_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return only what blocks the file."""
    return tuple(each for each in findings if each.severity is Severity.ERROR)
