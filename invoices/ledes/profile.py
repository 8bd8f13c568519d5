"""How one carrier, or one customer at a carrier, deviates from the standard: data, with a version.

A profile changes what a reader finds wrong and what a writer will carry. The default is the
standard itself; everything in a profile is an exception to it, so an empty one means the standard.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from billing_portal.errors import Refused
from invoices.ledes.fields import (
    COLUMN_NAMES,
    EXPENSE,
    FEE,
    LINE_TYPES,
    LONGEST_NUMBER,
    Column,
    Form,
)
from invoices.ledes.findings import Finding, Severity


class BadProfile(Refused):
    """A profile names a column, a line type or a value that does not exist."""

    code = "ledes.bad_profile"


class LineEnding(StrEnum):
    """What follows the terminator of each line."""

    CRLF = "\r\n"
    LF = "\n"


class CodePolicy(StrEnum):
    """What is said of a task, activity or expense code that no published set has."""

    ANY = "any"
    WARN = "warn"
    KNOWN_ONLY = "known_only"


class TaxIn1998B(StrEnum):
    """What becomes of a taxed invoice in a format that knows no tax.

    REFUSE: it is not written. NET: the net amounts are written, the tax is entered at the carrier.
    """

    REFUSE = "refuse"
    NET = "net"


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """One version of one carrier's deviations.

    :ivar longest: column name to characters.
    :ivar required: column name to the line types on which it must be filled; none is optional.
    :ivar digits: column name to digits before the point.
    :ivar decimals: column name to digits after the point.
    :ivar money_decimals: decimals to which the carrier rounds units x cost when it recomputes.
    :ivar tolerance: largest difference that its arithmetic forgives, in currency units.
    :ivar currencies: ISO 4217 codes that a 1998B file may be in, which itself cannot say so.
    :ivar severities: rule ("M01.line_total") or its number ("M01") to error, warning, info or off.
    :ivar adjustment_lines: how many IF and how many IE lines an invoice may have.
    :ivar other_lines_as: the line type of what is neither fee nor expense; empty refuses it.
    """

    name: str
    version: int = 1
    longest: Mapping[str, int] = field(default_factory=dict)
    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    digits: Mapping[str, int] = field(default_factory=dict)
    decimals: Mapping[str, int] = field(default_factory=dict)
    line_ending: LineEnding = LineEnding.CRLF
    money_decimals: int = 2
    tolerance: Decimal = Decimal(0)
    currencies: tuple[str, ...] = ("USD",)
    tax_in_1998b: TaxIn1998B = TaxIn1998B.REFUSE
    codes: CodePolicy = CodePolicy.WARN
    extra_codes: tuple[str, ...] = ()
    severities: Mapping[str, str] = field(default_factory=dict)
    adjustment_lines: int = 1
    negative_units: bool = True
    credit_notes: bool = False
    other_lines_as: str = ""
    first_line_98bi: str = "LEDES98BI V2[]"

    def __post_init__(self) -> None:
        named = {*self.longest, *self.required, *self.digits, *self.decimals}
        if strangers := named - COLUMN_NAMES:
            raise BadProfile(f"{self.name}: no column is called {', '.join(sorted(strangers))}.")
        if strangers := {each for types in self.required.values() for each in types} - LINE_TYPES:
            raise BadProfile(f"{self.name}: no line type is called {', '.join(sorted(strangers))}.")
        if strangers := set(self.severities.values()) - {*Severity, "off"}:
            raise BadProfile(f"{self.name}: {', '.join(sorted(strangers))} is no severity.")
        if self.other_lines_as not in {"", FEE, EXPENSE}:
            raise BadProfile(f"{self.name}: other lines can be written as F or E only.")
        self._require_sizes()

    def _require_sizes(self) -> None:
        if min((*self.longest.values(), *self.digits.values()), default=1) < 1:
            raise BadProfile(f"{self.name}: a size is below what a value needs.")
        decimals = (*self.decimals.values(), self.money_decimals)
        if min(decimals) < 0 or max(*decimals, *self.digits.values(), 0) > LONGEST_NUMBER:
            raise BadProfile(f"{self.name}: numbers have 0 to {LONGEST_NUMBER} digits a side.")
        if self.tolerance < 0:
            raise BadProfile(f"{self.name}: a tolerance is negative.")

    def columns(self, form: Form) -> tuple[Column, ...]:
        """Return the form's columns as this carrier wants them."""
        return tuple(self._column(each) for each in form.columns)

    def _column(self, column: Column) -> Column:
        required = self.required.get(column.name)
        return replace(
            column,
            longest=self.longest.get(column.name, column.longest),
            digits=self.digits.get(column.name, column.digits),
            decimals=self.decimals.get(column.name, column.decimals),
            required=column.required if required is None else frozenset(required),
        )

    def weighed(self, findings: list[Finding]) -> list[Finding]:
        """Return the findings with this carrier's severities; what it does not mind is left out."""
        if not self.severities:
            return findings
        weighed = []
        for each in findings:
            wanted = self.severities.get(each.rule) or self.severities.get(each.rule[:3])
            if wanted is None:
                weighed.append(each)
            elif wanted != "off":
                weighed.append(replace(each, severity=Severity(wanted)))
        return weighed


DEFAULT = Profile(name="standard")
"""The standard itself."""


def as_json(profile: Profile) -> str:
    """Return the profile as JSON with sorted keys; only what deviates from the standard."""
    plain = {
        each.name: _plain(getattr(profile, each.name))
        for each in fields(profile)
        if each.name in {"name", "version"}
        or getattr(profile, each.name) != getattr(DEFAULT, each.name)
    }
    return json.dumps(plain, ensure_ascii=False, sort_keys=True)


def profile_from(stored: str) -> Profile:
    """Return the profile that the JSON describes; what it does not name is as in the standard.

    :raises BadProfile: when it is no JSON object, or names or holds what no profile has.
    """
    try:
        return Profile(**_members(json.loads(stored)))
    except (ValueError, TypeError, InvalidOperation) as reason:
        raise BadProfile(f"This is no profile: {reason}.") from reason


def profile_of(carrier: str, deviations: Any) -> Profile:
    """Return the profile of a carrier from what it wants otherwise; nothing is the standard itself.

    :raises BadProfile: when that names or holds what no profile has.
    """
    if not deviations:
        return DEFAULT
    if not isinstance(deviations, dict):
        raise BadProfile("This is no profile: it is no object.")
    return profile_from(json.dumps({"name": carrier} | deviations))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return list(value) if isinstance(value, tuple) else value


_READERS: Mapping[str, Any] = {
    "line_ending": LineEnding,
    "tax_in_1998b": TaxIn1998B,
    "codes": CodePolicy,
    "tolerance": Decimal,
    "currencies": tuple,
    "extra_codes": tuple,
}
_TYPES: Mapping[str, type] = {
    each.name: type(getattr(DEFAULT, each.name)) for each in fields(Profile)
}


def _members(plain: Any) -> dict[str, Any]:
    """Return the JSON object as a profile's arguments, or raise TypeError or ValueError."""
    if not isinstance(plain, dict):
        raise TypeError("it is no object")
    if strangers := plain.keys() - _TYPES.keys():
        raise TypeError(f"no profile has {', '.join(sorted(strangers))}")
    return {name: _typed(name, value) for name, value in plain.items()}


_MEMBERS: Mapping[str, type] = {
    "longest": int,
    "digits": int,
    "decimals": int,
    "severities": str,
    "required": list,
    "currencies": str,
    "extra_codes": str,
}
"""What the mappings and lists of a profile hold."""


def _typed(name: str, value: Any) -> Any:
    kinds: Mapping[type, type] = {dict: dict, tuple: list, bool: bool, int: int}
    expected: Any = kinds.get(_TYPES[name], str)
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        raise TypeError(f"{name} cannot be {value!r}")
    members = value.values() if isinstance(value, dict) else value
    if name in _MEMBERS and any(type(each) is not _MEMBERS[name] for each in members):
        raise TypeError(f"{name} cannot hold {value!r}")
    if name == "required":
        return {column: tuple(map(str, types)) for column, types in value.items()}
    return _READERS[name](value) if name in _READERS else value
