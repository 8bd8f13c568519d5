"""Two firms and their people, so that isolation shows. All names are invented."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.demo.installation import Browser, Refusal, manage

PASSWORD = "month end in every room"


@dataclass(frozen=True)
class Firm:
    """One of the demo's firms; ``account`` is the one that payers are told of."""

    slug: str
    name: str
    color: str
    tax_id: str
    place: tuple[tuple[str, str], ...]
    account: str = ""
    currency: str = "USD"


@dataclass(frozen=True)
class Person:
    """Somebody who works there."""

    firm: Firm
    role: str
    email: str
    name: str


ARNESEN = Firm(
    "arnesen-pike",
    "Arnesen Pike LLP",
    "#1f5fbf",
    "24-6437381",
    (
        ("--address", "400 State Street, Floor 9"),
        ("--city", "Albany"),
        ("--region", "NY"),
        ("--postal-code", "12207"),
        ("--email", "billing@arnesen.test"),
        ("--remittance", "Wire to Hudson Valley Bank, ABA 021000000, account 400 118 220"),
    ),
    account="400118220",
)
MIRAMAR = Firm(
    "miramar-travel",
    "Miramar Travel Desk Ltd",
    "#0f766e",
    "GB 914 2201 33",
    (
        ("--address", "18 Quay Street"),
        ("--city", "Bristol"),
        ("--postal-code", "BS1 4DZ"),
        ("--country", "GB"),
        ("--currency", "GBP"),
        ("--time-zone", "Europe/London"),
        ("--email", "accounts@miramar.test"),
        ("--remittance", "Transfer to Avon Bank, sort code 00-11-22, account 40118220"),
    ),
    account="40118220",
    currency="GBP",
)
PEOPLE = [
    Person(ARNESEN, "owner", "ada@arnesen.test", "Ada Brandt"),
    Person(ARNESEN, "owner", "luis@arnesen.test", "Luis Ortega"),
    Person(ARNESEN, "biller", "dana@arnesen.test", "Dana Whitlock"),
    Person(ARNESEN, "reviewer", "priya@arnesen.test", "Priya Raman"),
    Person(ARNESEN, "timekeeper", "soren@arnesen.test", "Søren Kjær"),
    Person(ARNESEN, "auditor", "omar@arnesen.test", "Omar Haddad"),
    Person(MIRAMAR, "owner", "ines@miramar.test", "Inês Duarte"),
    Person(MIRAMAR, "owner", "tom@miramar.test", "Tom Weaver"),
    Person(MIRAMAR, "biller", "yuki@miramar.test", "Yuki Tanaka"),
    Person(MIRAMAR, "reviewer", "noor@miramar.test", "Noor Aziz"),
]


def open_both(address: str) -> list[Person]:
    """Open the firms by command; each person chooses a password by the link they were sent."""
    for firm in (ARNESEN, MIRAMAR):
        open_firm(address, firm, [person for person in PEOPLE if person.firm == firm])
    return PEOPLE


def open_firm(address: str, firm: Firm, people: list[Person]) -> None:
    """Open a firm by command; each person chooses a password by the link they were sent."""
    members = [part for p in people for part in ("--member", p.role, p.email, p.name)]
    links = json.loads(
        manage(
            *("open_firm", firm.slug, "--name", firm.name, "--color", firm.color),
            *("--tax-id", firm.tax_id, "--json", *members),
            *(part for option in firm.place for part in option),
        )
    )
    for person in people:
        answer = Browser(address).post(urlsplit(links[person.email]).path, password=PASSWORD)
        if not answer.url.endswith("/accounts/login/"):
            raise Refusal(f"{person.email} could not join: {answer.status}")


def sign_in(address: str, person: Person) -> Browser:
    """Sign a person in, as a browser does."""
    browser = Browser(address)
    answer = browser.post("/accounts/login/", login=person.email, password=PASSWORD)
    if answer.status != 200 or "/inbox/" not in answer.url:
        raise Refusal(f"{person.email} could not sign in: {answer.status} {answer.url}")
    return browser


def check_doors(address: str, people: list[Person]) -> dict[str, bool]:
    """Return what holds: each person sees their own firm, and another looks like none."""
    own, others, foreign = [], [], []
    for person in people:
        browser = sign_in(address, person)
        other = MIRAMAR if person.firm == ARNESEN else ARNESEN
        page = browser.get(f"/t/{person.firm.slug}/inbox/")
        own.append(page.status == 200 and person.firm.name in page.text)
        theirs, nobodys = (browser.get(f"/t/{slug}/inbox/") for slug in (other.slug, "no-firm"))
        others.append(theirs.status == 404 and nobodys.status == 404)
        foreign += re.findall(r'(?:src|href)="(https?://[^"]+)"', page.text)
    return {
        "everybody sees their own firm": all(own),
        "another firm looks like one that does not exist": all(others),
        "no page asks another host for anything": not foreign,
        "without a key the API answers 401": Browser(address).get("/api/v1/jobs").status == 401,
    }
