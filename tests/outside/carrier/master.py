"""What a carrier knows before a file comes: its users, matters, timekeepers and rates.

The configuration is JSON: ``{"carriers": [...]}``, one object per carrier with the keys of
``Carrier`` below. ``demo.json`` beside this file is a complete example.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

LAYOUTS = ("single", "steps", "table")


class BadConfiguration(Exception):
    """The configuration file does not describe carriers."""


@dataclass(frozen=True)
class Timekeeper:
    """Somebody whose time the carrier pays: the exact name, and approved rates by first day."""

    name: str
    rates: tuple[tuple[date, Decimal], ...]

    def rate_on(self, day: date) -> Decimal | None:
        """Return the rate in force on a day, or nothing before the first."""
        known = [rate for starts_on, rate in self.rates if starts_on <= day]
        return known[-1] if known else None


@dataclass(frozen=True)
class Carrier:
    """One carrier's site and master data. Without timekeepers, any timekeeper is approved."""

    key: str
    name: str
    layout: str
    prefix: str
    users: Mapping[str, str]
    law_firm_ids: frozenset[str]
    client_matters: frozenset[str]
    timekeepers: Mapping[str, Timekeeper]
    file_endings: tuple[str, ...] = (".txt", ".ledes")
    validation_seconds: float = 0.5
    one_time_code: str = "246810"
    beacon: str = field(default="")


def carriers_from(path: Path) -> dict[str, Carrier]:
    """Read the carriers of a configuration file, by key.

    :raises BadConfiguration: when a carrier is incomplete or has a layout nobody knows.
    """
    described = json.loads(path.read_text("utf-8"))["carriers"]
    carriers = [carrier_from(each) for each in described]
    return {carrier.key: carrier for carrier in carriers}


def carrier_from(described: Mapping[str, Any]) -> Carrier:
    """Return the carrier that a JSON object describes.

    :raises BadConfiguration: when it is incomplete or has a layout nobody knows.
    """
    try:
        layout = described["layout"]
        if layout not in LAYOUTS:
            raise BadConfiguration(f"{layout!r} is no layout; there are {', '.join(LAYOUTS)}.")
        optional = {
            name: described[name]
            for name in ("validation_seconds", "one_time_code", "beacon")
            if name in described
        }
        if "file_endings" in described:
            optional["file_endings"] = tuple(described["file_endings"])
        return Carrier(
            key=described["key"],
            name=described["name"],
            layout=layout,
            prefix=described["prefix"],
            users=dict(described["users"]),
            law_firm_ids=frozenset(described["law_firm_ids"]),
            client_matters=frozenset(described["client_matters"]),
            timekeepers={
                key: _timekeeper(each) for key, each in described.get("timekeepers", {}).items()
            },
            **optional,
        )
    except KeyError as missing:
        raise BadConfiguration(f"A carrier lacks {missing}.") from None


def _timekeeper(described: Mapping[str, Any]) -> Timekeeper:
    rates = sorted(
        (date.fromisoformat(starts_on), Decimal(rate))
        for starts_on, rate in described["rates"].items()
    )
    return Timekeeper(described["name"], tuple(rates))
