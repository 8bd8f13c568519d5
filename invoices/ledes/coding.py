"""What is wrong with the codes of a line: C01, the code sets, and classifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoices.ledes import fields as at
from invoices.ledes.findings import Severity
from invoices.ledes.profile import CodePolicy
from invoices.ledes.utbms import CLASSIFICATIONS, LEGACY_CLASSIFICATIONS, Level, code_of

if TYPE_CHECKING:
    from invoices.ledes.profile import Profile

Said = tuple[int, str, Severity, str]
"""Position of the field, rule, severity, text."""


def check_codes(
    line_type: str,
    task: str,
    expense: str,
    activity: str,
    classification: str,
    *,
    profile: Profile,
) -> tuple[Said, ...]:
    """Return what the codes of one line give to say, by the profile's policy."""
    said: list[Said] = []
    for index, code, level in (
        (at.TASK_CODE, task, Level.TASK),
        (at.EXPENSE_CODE, expense, Level.EXPENSE),
        (at.ACTIVITY_CODE, activity, Level.ACTIVITY),
    ):
        if code and code not in profile.extra_codes:
            said.extend(_about(index, code, level, profile.codes))
    if line_type == at.FEE and expense:
        text = "A fee line carries an expense code."
        said.append((at.EXPENSE_CODE, "C01.code_on_wrong_line", Severity.WARNING, text))
    if line_type == at.EXPENSE and activity:
        text = "An expense line carries an activity code."
        said.append((at.ACTIVITY_CODE, "C01.code_on_wrong_line", Severity.WARNING, text))
    if classification:
        said.extend(_about_classification(classification))
    return tuple(said)


def _about(index: int, code: str, level: Level, policy: CodePolicy) -> list[Said]:
    if policy is CodePolicy.ANY:
        return []
    known = code_of(code)
    if known is None:
        severity = Severity.ERROR if policy is CodePolicy.KNOWN_ONLY else Severity.WARNING
        text = f"{code[:20]!r} is in no published code set."
        return [(index, "C01.unknown_code", severity, text)]
    if known.level is Level.PHASE:
        text = f"{code} ({known.name}) is a phase; a line needs a task of it."
        return [(index, "C01.phase_code", Severity.WARNING, text)]
    if known.level is not level:
        text = f"{code} ({known.name}) is an {known.level} code, not {level}."
        return [(index, "C01.code_in_wrong_field", Severity.ERROR, text)]
    return []


def _about_classification(classification: str) -> list[Said]:
    if classification in CLASSIFICATIONS:
        return []
    rule = "C01.classification"
    if classification in LEGACY_CLASSIFICATIONS:
        today = LEGACY_CLASSIFICATIONS[classification]
        text = f"{classification} is an old classification; today it is {today}."
        return [(at.CLASSIFICATION, rule, Severity.WARNING, text)]
    text = f"{classification[:20]!r} is no timekeeper classification."
    return [(at.CLASSIFICATION, rule, Severity.ERROR, text)]
