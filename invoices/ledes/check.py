"""All that can be said against a LEDES file, in one list, in the order of the file.

Rules F01-F07 (form), M01-M03 (arithmetic) and C01 (codes). What needs master data of a carrier or
the judgment of a person is checked elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from invoices.ledes.arithmetic import check_sums
from invoices.ledes.findings import Finding, errors_of, in_order
from invoices.ledes.profile import DEFAULT, Profile
from invoices.ledes.rows import LedesFile, read

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class Checked:
    """A file and every finding about it."""

    file: LedesFile
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing blocks the file; warnings do not."""
        return not errors_of(self.findings)


def check(data: bytes, profile: Profile = DEFAULT, *, today: date | None = None) -> Checked:
    """Read a 1998B or 98BI file and check it by a carrier's profile. Never raises, never stops.

    :param today: dates after it are errors; None allows any.
    """
    file = read(data, profile)
    sums = profile.weighed(check_sums(file, profile, today=today))
    return Checked(file, in_order([*file.findings, *sums]))
