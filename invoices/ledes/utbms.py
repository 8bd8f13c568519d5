"""UTBMS: the code sets by which carriers read what was done, as data.

Source: the ABA's Uniform Task-Based Management System documents, whose codes and definitions may
be used free of royalty, and the LEDES Oversight Committee's later sets (eDiscovery 2011,
activities 2013, timekeeper classifications 2014, reference document of June 2023). Three facts
that surprise: L600 is eDiscovery, not dispute resolution; a code needs no letter (patent
prosecution codes of 2023 have none); clients add codes of their own, so an unknown code is not
wrong by itself. The eDiscovery and patent sets here are incomplete.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Level(StrEnum):
    """What a code names: a phase heads tasks and is generally not valid on a line."""

    PHASE = "phase"
    TASK = "task"
    ACTIVITY = "activity"
    EXPENSE = "expense"


@dataclass(frozen=True, slots=True)
class Code:
    """One code of one set, such as L510 of the litigation set."""

    code_set: str
    code: str
    name: str
    level: Level


CLASSIFICATIONS = frozenset(
    {
        "ADJSTR", "ADJSMT", "ANALST", "ARBITR", "ASSOC", "TRANEE", "AUDITR", "CLKSEC", "CONSLT",
        "TEMPAT", "TEMPOS", "CSTCNS", "CTRPTR", "DSCATT", "DSCPMG", "DSCANJ", "DSCANS", "DOCCDR",
        "DOCRAT", "DOCRNA", "EVDEVL", "EXPERT", "FLTFEE", "FORANL", "HLNLPF", "INVSTG", "IPSVPV",
        "IPAGNT", "LGLAST", "LGLINT", "LGPRMG", "LIBRRN", "MEDITR", "MDRCRV", "OFCOUN", "NBOTHR",
        "PARALG", "PARTNR", "RSRCHR", "RSPROF", "SECNDE", "SPAGNT", "SOLDSG", "STFATT", "STFCNS",
        "TPADMN", "TRAINR", "TRNDEV", "TRNFAG", "TRANSL", "VIDOGR",
    }
)  # fmt: skip
"""The 51 timekeeper classifications."""

LEGACY_CLASSIFICATIONS: Mapping[str, str] = MappingProxyType(
    {"PT": "PARTNR", "AS": "ASSOC", "PL": "PARALG", "LA": "LGLAST", "OC": "OFCOUN"}
)
"""Two-letter classifications still met in files, and what they are called today."""


@cache
def codes() -> Mapping[str, Code]:
    """Return every code by its text."""
    table = files("invoices.ledes").joinpath("utbms.csv").read_text(encoding="utf-8")
    return MappingProxyType(
        {
            row["code"]: Code(row["set"], row["code"], row["name"], Level(row["level"]))
            for row in csv.DictReader(table.splitlines(), delimiter=";")
        }
    )


def code_of(text: str) -> Code | None:
    """Return the code written so, or None when no published set has it."""
    return codes().get(text)


def codes_at(level: Level) -> tuple[Code, ...]:
    """Return the codes of one level, in the order of their sets."""
    return tuple(each for each in codes().values() if each.level is level)
