"""What is odd about a draft, found by rules from its facts, before anybody approves it.

A check blocks (it cannot become final like this), warns (look at it), or notes. Each names its
cause, and its line where it has one. For customers who get a LEDES file the checks say what the
file will say, letter by letter: the format knows only ASCII, and what it cannot spell becomes "?".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from billing_portal.errors import Refused
from invoices.documents.narrative import SPELLINGS, Substitution, Why
from invoices.documents.snapshot import InvoiceSnapshot, LineKind, SnapshotLine
from invoices.ledes import fields as at
from invoices.ledes.files import FORMS, write
from invoices.ledes.fitting import FittedSnapshot, TextChange, fit_for
from invoices.ledes.profile import DEFAULT, Profile

_HOURS_OF_A_DAY = 24
_SHOWN = 8
OF_LETTERS = frozenset({"ledes.letters", "ledes.spelling"})
_WORKED = {LineKind.FEE, LineKind.EXPENSE}


class Severity(StrEnum):
    """How bad it is: it blocks, warns, or is only told."""

    BLOCK = "BLOCK"
    WARN = "WARN"
    INFO = "INFO"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to know before approving.

    :ivar rule: a short stable name, such as ``ledes.letters``.
    :ivar lines: the numbers of the lines concerned; none where the invoice itself is meant.
    """

    rule: str
    severity: Severity
    title: str
    cause: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileText:
    """What a LEDES file will say in place of an approved narrative."""

    text: str
    changes: tuple[Substitution, ...]

    @property
    def is_lossy(self) -> bool:
        """Whether words are lost on the way."""
        return any(is_lossy(each) for each in self.changes)

    @property
    def said(self) -> list[str]:
        """The changes in words, each once."""
        return list(dict.fromkeys(in_words(each) for each in self.changes))


@dataclass(frozen=True, slots=True)
class Checked:
    """All checks of a draft, the worst first, and the narratives that the file says otherwise.

    :ivar in_file: by the number of the line.
    """

    checks: tuple[Check, ...] = ()
    in_file: Mapping[str, FileText] = field(default_factory=dict)


def checks_of(
    snapshot: InvoiceSnapshot, ledes: Sequence[str], profile: Profile = DEFAULT
) -> Checked:
    """Return what is odd about a draft.

    :param snapshot: its facts, as they would be frozen now.
    :param ledes: the LEDES files that it would leave as, by the names of ``FORMS``.
    :param profile: of the carrier that would take them.
    """
    found = [*_of_lines(snapshot.lines), *_of_period(snapshot), *_of_days(snapshot.lines)]
    in_file: dict[str, FileText] = {}
    for kind in ledes:
        fitted = fit_for(snapshot, FORMS[kind][0], profile)
        in_file |= _narratives(fitted)
        found += [
            *_of_format(kind, snapshot, profile),
            *_of_codes(snapshot.lines),
            *_of_letters(fitted),
        ]
    order = list(Severity)
    return Checked(tuple(sorted(found, key=lambda each: order.index(each.severity))), in_file)


def is_lossy(change: Substitution) -> bool:
    """Say whether a change loses words: letters become "?", or the end is cut off."""
    if change.why in {Why.CUT, Why.NOTHING_LEFT}:
        return True
    return change.why is Why.LETTER and "?" in change.became and change.was not in SPELLINGS


def _of_lines(lines: Sequence[SnapshotLine]) -> Iterator[Check]:
    silent = _numbers(each for each in lines if each.kind in _WORKED and not each.narrative.strip())
    if silent:
        title = "A line says nothing" if len(silent) == 1 else "Lines say nothing"
        cause = "A narrative is missing; carriers send such lines back."
        yield Check("line.narrative", Severity.WARN, title, cause, silent)
    for same in _alike(lines):
        cause = "The same day, person, quantity, price and words."
        yield Check("line.twice", Severity.WARN, "The same work stands twice", cause, same)
    free = _numbers(each for each in lines if each.kind in _WORKED and not each.total)
    if free:
        cause = "They stay on the invoice with an amount of zero."
        yield Check("line.free", Severity.INFO, "Billed at nothing", cause, free)


def _alike(lines: Sequence[SnapshotLine]) -> list[tuple[str, ...]]:
    groups: dict[object, list[SnapshotLine]] = defaultdict(list)
    for each in lines:
        words = " ".join(each.narrative.split()).lower()
        facts = (each.kind, each.worked_on, each.firm_matter_id, each.timekeeper_id)
        if each.kind in _WORKED and words:
            groups[*facts, each.units, each.unit_price, words].append(each)
    return [_numbers(group) for group in groups.values() if len(group) > 1]


def _of_period(snapshot: InvoiceSnapshot) -> Iterator[Check]:
    late = _numbers(
        each
        for each in snapshot.lines
        if each.worked_on is not None and each.worked_on < snapshot.period_starts_on
    )
    if late:
        cause = "It came in after its own period was billed."
        yield Check("line.late", Severity.INFO, "Work of an earlier period", cause, late)


def _of_days(lines: Sequence[SnapshotLine]) -> Iterator[Check]:
    days: dict[tuple[str, object], list[SnapshotLine]] = defaultdict(list)
    for each in lines:
        if each.kind is LineKind.FEE:
            days[each.timekeeper_name, each.worked_on].append(each)
    for (name, day), group in days.items():
        hours = sum((each.units for each in group), Decimal(0))
        if hours > _HOURS_OF_A_DAY:
            cause = f"{name or 'Somebody'} has {hours.normalize():f} hours on {day}."
            title = "More hours than a day has"
            yield Check("line.day", Severity.WARN, title, cause, _numbers(group))


def _of_format(kind: str, snapshot: InvoiceSnapshot, profile: Profile) -> Iterator[Check]:
    """Find what the format cannot say at all: the same that refuses the invoice at its end."""
    try:
        write(kind, snapshot, profile)
    except Refused as no:
        title = "It cannot become a LEDES file"
        cause = str(no).replace(f"Invoice {snapshot.number}", "The invoice")
        yield Check("ledes.format", Severity.BLOCK, title, cause)


def _of_codes(lines: Sequence[SnapshotLine]) -> Iterator[Check]:
    bare = _numbers(
        each
        for each in lines
        if (each.kind is LineKind.FEE and not each.task_code)
        or (each.kind is LineKind.EXPENSE and not each.expense_code)
    )
    if bare:
        cause = "Carriers price and sort by task and expense codes."
        yield Check("ledes.code", Severity.WARN, "A code is missing", cause, bare)


def _of_letters(fitted: FittedSnapshot) -> Iterator[Check]:
    """Find texts that the file says otherwise: narratives by line, other fields by their names."""
    lossy = {(each.field, each.line) for each in fitted.changes if is_lossy(each.change)}
    lost: dict[tuple[str, str], list[TextChange]] = defaultdict(list)
    spelled: list[TextChange] = []
    for each in fitted.changes:
        if (each.field, each.line) not in lossy:
            spelled.append(each)
        elif is_lossy(each.change):
            key = each.line if each.field == _NARRATIVE else ""
            lost[each.field, key].append(each)
    for changes in lost.values():
        title = "Words are lost in the LEDES file"
        yield Check("ledes.letters", Severity.WARN, title, _causes(changes), _lines_told(changes))
    if spelled:
        title = "Letters are spelled otherwise in the LEDES file"
        yield Check("ledes.spelling", Severity.INFO, title, _causes(spelled), _lines_told(spelled))


def _lines_told(changes: Iterable[TextChange]) -> tuple[str, ...]:
    """Return the lines whose narratives change, each once."""
    return tuple(dict.fromkeys(each.line for each in changes if each.field == _NARRATIVE))


def _causes(changes: Iterable[TextChange]) -> str:
    """Name the changes; those to other texts than narratives with their field and line."""
    by_field: dict[str, list[TextChange]] = defaultdict(list)
    for each in changes:
        by_field[each.field].append(each)
    return " ".join(
        f"{_place(field, own)}{_said(each.change for each in own)}"
        for field, own in by_field.items()
    )


def _place(field: str, changes: Sequence[TextChange]) -> str:
    """Return where a text stands, such as "Timekeeper name of line 2 and 3 more: "."""
    if field == _NARRATIVE:
        return ""
    lines = list(dict.fromkeys(each.line for each in changes if each.line))
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    of_line = f" of line {lines[0]}{more}" if lines else ""
    return f"{field.replace('_', ' ').capitalize()}{of_line}: "


def _said(changes: Iterable[Substitution]) -> str:
    """Name the changes, each once, the first few."""
    said = list(dict.fromkeys(in_words(each) for each in changes))
    more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    return f"{', '.join(said[:_SHOWN])}{more}."


def in_words(change: Substitution) -> str:
    """Say one change: what was, an arrow, what becomes of it."""
    if change.why is Why.CUT:
        return f"the last {len(change.was)} letters are cut off"
    if change.why in {Why.LINE_BREAK, Why.CONTROL, Why.SPACES}:
        return {
            Why.LINE_BREAK: "line breaks become spaces",
            Why.CONTROL: "control characters become spaces",
            Why.SPACES: "runs of spaces become one",
        }[change.why]
    return f"{change.was} → {change.became or 'nothing'}"


_NARRATIVE = FORMS["ledes1998b"][0].columns[at.LINE_DESCRIPTION].name


def _narratives(fitted: FittedSnapshot) -> dict[str, FileText]:
    emitted = {each.number: each.emitted_narrative for each in fitted.snapshot.lines}
    changes: dict[str, list[Substitution]] = defaultdict(list)
    for each in fitted.changes:
        if each.field == _NARRATIVE:
            changes[each.line].append(each.change)
    return {number: FileText(emitted[number], tuple(own)) for number, own in changes.items()}


def _numbers(lines: Iterable[SnapshotLine]) -> tuple[str, ...]:
    return tuple(each.number for each in lines)
