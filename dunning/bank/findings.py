"""What a reader of bank files says: findings, and the refusal that carries them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from billing_portal.errors import Refused

_SHOWN = 3


class Severity(StrEnum):
    """Whether a finding refuses the file or is only told."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or odd in a bank file.

    ``place`` is a path such as ``Stmt[1]/Ntry[2]/Amt``; ``row`` is the line of the file, counted
    from 1, and 0 where the file as a whole is meant.
    """

    rule: str
    place: str
    row: int
    severity: Severity
    text: str

    def __str__(self) -> str:
        parts = [self.place, f"line {self.row}" if self.row else ""]
        where = ", ".join(part for part in parts if part)
        return f"{where[:1].upper()}{where[1:]}: {self.text}" if where else self.text


class NotAStatement(Refused):
    """The file is no booked bank statement that adds up. Nothing of it may be imported.

    ``findings`` holds everything that was found, warnings too; the message shows the first few.
    """

    code = "bank.not_a_statement"

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [each for each in findings if each.severity is Severity.ERROR]
        shown = " ".join(str(each) for each in errors[:_SHOWN])
        more = f" And {len(errors) - _SHOWN:,} more." if len(errors) > _SHOWN else ""
        super().__init__(f"This is not a bank statement that can be imported. {shown}{more}")
