"""The firms' customers and what was done for them, sent in by their own systems.

Everything goes over REST with the firm's API key, or as a CSV file; all names are invented. The
same seed gives the same firm.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.demo import firms
from tests.demo.firms import ARNESEN, MIRAMAR, Firm
from tests.demo.installation import Refusal, manage

SEED = 20261101
INSURERS = [
    "Northfield Mutual", "Great Plains Casualty", "Coastal Surety", "Meridian Indemnity",
    "Halvorsen Casualty", "Brightwater Indemnity", "Granite State Casualty", "Harborline Mutual",
    "Pioneer Plains Insurance", "Cascade Marine Underwriters", "Old Colony Assurance",
    "Tamarack Farm Mutual", "Keystone Transit Risk", "Blue Ridge Specialty",
    "Sierra Workers Fund", "Lakeshore Medical Mutual", "Müller & Söhne Rückversicherung",
    "Compañía de Seguros Istmo",
]  # fmt: skip
TRAVELERS = [
    "Orchard Biotech", "Fjordline Shipping", "Casa Verde Foods", "Nimbus Robotics",
    "Ashgrove Press", "Delta Conservatory", "Quarry Bank Architects", "Solstice Apparel",
    "Paloma Textiles", "Ironbridge Games", "Verity Analytics", "Copperfield Museums",
    "Hanami Teahouses", "Redwood Seminars", "Zephyr Airfreight", "Lumen Optics",
    "Beacon Charities", "Tidewater Stevedores", "Brightline Freight", "Saffron Street Films",
    "Atlas Cartography", "Juniper Health",
]  # fmt: skip
LOST = INSURERS[-1]
CARRIERS = {"northfield": 1, "halvorsen": 5, "brightwater": 6}  # by the insurers' numbers
_AMERICAN = [
    ("Albany", "NY", "12207"), ("Sacramento", "CA", "95814"), ("Tampa", "FL", "33602"),
    ("Springfield", "IL", "62701"), ("Austin", "TX", "78701"),
]  # fmt: skip
_BRITISH = [
    ("Bristol", "BS1 2AB"), ("Leeds", "LS1 4AP"), ("Cardiff", "CF10 3NS"), ("Glasgow", "G2 1DY"),
]  # fmt: skip
PLAINTIFFS = ["Alvarez", "Okafor", "Sandoval", "Novak", "Lindqvist", "Park", "Tremblay", "Haas"]
DEFENDANTS = ["Brightline Freight", "Bluestone Quarry", "Meridian Clinics", "Tidewater Docks"]
KEEPERS = [
    ("PRA", "Raman, Priya", "PARTNR", "425.00"),
    ("LOR", "Ortega, Luis", "PARTNR", "410.00"),
    ("SKJ", "Kjær, Søren", "ASSOC", "285.00"),
    ("DWH", "Whitfield, Dara", "ASSOC", "265.00"),
    ("ZMA", "Marsh, Zoe", "PARALG", "120.00"),
]
DONE = [
    ("L120", "A104", "Review and analyze the police report and the carrier's photographs."),
    ("L330", "A109", "Attend deposition of the treating physician; draft summary for adjuster."),
    ("L210", "A103", "Draft answer and affirmative defenses."),
    ("L160", "A106", "Telephone conference with adjuster regarding settlement authority."),
    ("L310", "A103", "Draft responses to the second set of interrogatories."),
    ("L240", "A102", "Research comparative fault for the motion for summary judgment."),
    ("L140", "A110", "Organize exhibits for the mediation binder."),
]
BOOKED = {
    "BOOKING": [
        "Flight Bristol to Oslo, ticketing", "Rail Leeds to London, ticketing",
        "Hotel Copenhagen, three nights", "Flight Glasgow to Lisbon, ticketing",
        "Rental car Cardiff, four days", "Conference hotel block, Leeds",
    ],
    "USAGE": ["Itinerary lookups by API", "Fare alerts sent", "Traveler messages"],
    "FIXED": ["Account management, per week", "Out-of-hours desk, per week"],
    "ADJUSTMENT": ["Goodwill for a missed connection", "Fee waived as agreed"],
}  # fmt: skip
COSTS = [
    ("E115", "Deposition transcript, Halden Reporting", "418.50"),
    ("E110", "Mileage to deposition, 62 miles at 0.67", "41.54"),
    ("E112", "Filing fee, county clerk", "150.00"),
    ("E107", "Messenger to the court", "38.25"),
]


@dataclass
class Sent:
    """What a firm's systems sent, by their own count."""

    customers: int = 0
    charges: int = 0


class System:
    """A firm's own system, calling the portal with its key."""

    def __init__(self, address: str, firm: Firm) -> None:
        self.address, self.firm = address, firm
        self.key = manage("make_api_key", firm.slug, "--name", "case system").strip()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Send a request and return the status and what came back."""
        is_file = isinstance(body, bytes)
        data = body if is_file or body is None else json.dumps(body).encode()
        kind = "text/csv" if is_file else "application/json"
        return self._ask(method, path, data, {"Content-Type": kind, **headers})

    def send(self, path: str, data: bytes, kind: str) -> tuple[int, Any]:
        """Send a file of some kind and return the status and what came back."""
        return self._ask("POST", path, data, {"Content-Type": kind})

    def fetch(self, path: str) -> bytes:
        """Return the bytes of a file."""
        headers = {"Authorization": f"Bearer {self.key}"}
        request = urllib.request.Request(self.address + "/api/v1" + path, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            data: bytes = answer.read()
            return data

    def _ask(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.address + "/api/v1" + path,
            data,
            {"Authorization": f"Bearer {self.key}", **headers},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def upsert(self, noun: str, rows: list[dict[str, Any]]) -> None:
        """Send master data; every row must be taken."""
        status, answer = self.call("POST", f"/{noun}/upserts", {"rows": rows})
        if status != 200 or "refused" in answer["counts"]:
            raise Refusal(f"{noun}: {status} {json.dumps(answer)[:600]}")


def law_firm(address: str, months: list[date]) -> tuple[System, Sent]:
    """Send the law firm's insurers, matters, people, and their work of some months."""
    rolls, system, sent = random.Random(SEED), System(address, ARNESEN), Sent()
    rows = [_insurer(n, name) for n, name in enumerate(INSURERS, 1)]
    system.upsert("customers", rows)
    matters = [
        {
            "external_id": f"2026-{n:04}",
            "customer_external_id": f"INS-{(n - 1) % len(INSURERS) + 1:03}",
            "opened_on": "2026-01-05",
            "name": f"{rolls.choice(PLAINTIFFS)} v. {rolls.choice(DEFENDANTS)}",
            "client_matter_id": f"{rolls.randint(400, 999)}-{rolls.randint(100, 999)}",
        }
        for n in range(1, 2 * len(INSURERS) + 1)
    ]
    system.upsert("matters", matters)
    system.upsert(
        "timekeepers",
        [{"external_id": k, "name": n, "classification": c} for k, n, c, _ in KEEPERS],
    )
    _agree_rates(system, months)
    sent.customers = len(rows)
    for month in months:
        _batches(system, "case-system", list(_legal_work(rolls, month, matters)), sent)
    _file(system, list(_legal_costs(rolls, months[-1], matters)), sent)
    return system, sent


def _agree_rates(system: System, months: list[date]) -> None:
    """Propose what an hour of each costs; an owner approves it. One costs less from a month on."""
    rates: list[dict[str, Any]] = [
        {"timekeeper_external_id": keeper, "starts_on": str(months[0]), "amount": _dollars(rate)}
        for keeper, _, _, rate in KEEPERS
    ]
    rates[-1]["ends_on"] = str(months[-1])
    lowered = _dollars(f"{Decimal(KEEPERS[-1][3]) - 5:.2f}")
    rates.append({**rates[-1], "starts_on": str(months[-1]), "ends_on": None, "amount": lowered})
    status, answer = system.call(
        "POST", "/rates/proposals", {"rows": rates}, **{"Idempotency-Key": "rates"}
    )
    if status != 200 or answer["counts"] != {"created": len(rates)}:
        raise Refusal(f"rates: {status} {str(answer)[:600]}")
    owner = next(p for p in firms.PEOPLE if p.firm == system.firm and p.role == "owner")
    office = firms.sign_in(system.address, owner)
    path = f"/t/{system.firm.slug}/admin/customers/rate/"
    found = re.findall(r'name="_selected_action" value="(\d+)"', office.get(path).text)
    office.post(path, action="approve", index="0", _selected_action=found)
    _, page = system.call("GET", "/rates?state=APPROVED&limit=200")
    if len(page["data"]) != len(rates):
        raise Refusal(f"{len(page['data'])} of {len(rates)} rates were approved")


def _dollars(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def travel_desk(address: str, months: list[date]) -> tuple[System, Sent]:
    """Send the travel desk's companies and their bookings."""
    rolls, system, sent = random.Random(SEED + 1), System(address, MIRAMAR), Sent()
    rows = [_traveler(n, name) for n, name in enumerate(TRAVELERS, 1)]
    system.upsert("customers", rows)
    sent.customers = len(rows)
    for month in months:
        _batches(system, "bookings", list(_bookings(rolls, month, len(rows))), sent)
    return system, sent


def _insurer(number: int, name: str) -> dict[str, Any]:
    """Return an insurer; the last one has told nobody where it is."""
    city, region, postal_code = _AMERICAN[number % len(_AMERICAN)]
    told: dict[str, Any] = {
        "external_id": f"INS-{number:03}",
        "name": name,
        "currency": "USD",
        "invoice_email": f"claims@ins{number:03}.test",
        "ledes_client_id": f"C{number:05}",
    }
    if name == LOST:
        return told
    for code, known in CARRIERS.items():
        if known == number:
            told |= {"carrier_code": code, "uploads_ledes": True}
    street = f"{100 + 7 * number} Commerce Street"
    return told | {
        "address": {
            "line_1": street, "city": city, "region": region, "postal_code": postal_code,
        }
    }  # fmt: skip


def _traveler(number: int, name: str) -> dict[str, Any]:
    city, postal_code = _BRITISH[number % len(_BRITISH)]
    return {
        "external_id": f"CO-{number:03}",
        "name": name,
        "currency": "GBP",
        "time_zone": "Europe/London",
        "invoice_email": f"travel@co{number:03}.test",
        "address": {
            "line_1": f"{number} Market Row",
            "city": city,
            "postal_code": postal_code,
            "country": "GB",
        },
    }


def insurers_terms(first_day: date, reviewer: str) -> list[dict[str, Any]]:
    """Return how insurers are invoiced: by matter each month, some twice, some collectively."""
    terms = []
    for number, name in enumerate(INSURERS):
        by_halves = number % 6 == 4
        together = number % 6 == 5 and number + 1 not in CARRIERS.values()
        terms.append(
            _terms(name, first_day, "USD")
            | {
                "cadence": "SEMIMONTHLY" if by_halves else "MONTHLY",
                "grouping": "COLLECTIVE" if together else "BY_MATTER",
                "formats": ["pdf"] if together else ["pdf", "ledes1998b"],
                "reviewer_name": reviewer,
            }
        )
    return terms


def travelers_terms(first_day: date, reviewer: str) -> list[dict[str, Any]]:
    """Return how companies are invoiced: collectively, some twice a month, two for each charge."""
    terms = []
    for number, name in enumerate(TRAVELERS):
        cadence = "PER_CHARGE" if number >= len(TRAVELERS) - 2 else "MONTHLY"
        cadence = "SEMIMONTHLY" if number % 5 == 3 and cadence == "MONTHLY" else cadence
        terms.append(
            _terms(name, first_day, "GBP")
            | {"cadence": cadence, "grouping": "COLLECTIVE", "reviewer_name": reviewer}
        )
    return terms


def _terms(name: str, first_day: date, currency: str) -> dict[str, Any]:
    return {
        "customer_name": name,
        "starts_on": first_day.isoformat(),
        "anchor": "1",
        "minimum_0": "0.00",
        "minimum_1": currency,
        "grace_hours": "48",
        "formats": ["pdf"],
    }


def _legal_work(
    rolls: random.Random, month: date, matters: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    for matter in matters:
        for number in range(rolls.randint(4, 9)):
            keeper, *_ = rolls.choice(KEEPERS)
            task, activity, narrative = rolls.choice(DONE)
            yield {
                "key": f"{month:%Y-%m}:{matter['external_id']}:{number}",
                "kind": "TIME",
                "customer": matter["customer_external_id"],
                "matter": matter["external_id"],
                "timekeeper": keeper,
                "worked_on": str(month + timedelta(days=rolls.randint(0, 27))),
                "quantity": str(rolls.randint(2, 40) / 10),
                "task_code": task,
                "activity_code": activity,
                "narrative": narrative,
            }


def _legal_costs(
    rolls: random.Random, month: date, matters: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    for matter in matters[::2]:
        code, narrative, price = rolls.choice(COSTS)
        yield {
            "key": f"cost:{month:%Y-%m}:{matter['external_id']}",
            "kind": "EXPENSE",
            "customer": matter["customer_external_id"],
            "matter": matter["external_id"],
            "worked_on": str(month + timedelta(days=rolls.randint(0, 27))),
            "quantity": "1",
            "unit_price": price,
            "expense_code": code,
            "narrative": narrative,
        }


def _bookings(rolls: random.Random, month: date, companies: int) -> Iterator[dict[str, Any]]:
    for number in range(companies * 6):
        kind = rolls.choice(["BOOKING", "BOOKING", "BOOKING", "USAGE", "FIXED", "ADJUSTMENT"])
        price = {"USAGE": "0.08", "FIXED": "95.00", "ADJUSTMENT": "-12.50"}.get(kind, "34.00")
        yield {
            "key": f"{month:%Y-%m}:{number}",
            "kind": kind,
            "customer": f"CO-{rolls.randint(1, companies):03}",
            "worked_on": str(month + timedelta(days=rolls.randint(0, 27))),
            "quantity": str(rolls.randint(100, 4000)) if kind == "USAGE" else "1",
            "unit_price": price,
            "narrative": rolls.choice(BOOKED[kind]),
        }


def _batches(system: System, source: str, rows: list[dict[str, Any]], sent: Sent) -> None:
    for start in range(0, len(rows), 500):
        batch = {"source": source, "rows": rows[start : start + 500]}
        status, answer = system.call("POST", "/charges/batches", batch)
        if status != 200 or set(answer["counts"]) != {"accepted"}:
            raise Refusal(f"charges: {status} {json.dumps(answer)[:600]}")
        status, again = system.call("POST", "/charges/batches", batch)
        if set(again["counts"]) != {"duplicate"}:
            raise Refusal(f"a repeated batch: {status} {again['counts']}")
    sent.charges += len(rows)


def _file(system: System, rows: list[dict[str, Any]], sent: Sent) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    status, answer = system.call("POST", "/charges/files", text.getvalue().encode())
    if (status, answer.get("counts")) != (201, {"accepted": len(rows)}):
        raise Refusal(f"file: {status} {json.dumps(answer)[:600]}")
    sent.charges += len(rows)


def books(firm: Firm) -> dict[str, Any]:
    """Return what the books say of a firm, by the portal's own commands."""
    (report,) = json.loads(manage("ledger_verify", "--tenant", firm.slug, "--seal", "--json"))
    balance = json.loads(manage("trial_balance", firm.slug, "--all", "--json"))
    return {"verify": report["status"], "entries": report["entries"], "trial_balance": balance}
