"""A LEDES file of another house through the whole stair: LEDES=<file> make demo.

A firm of its own, with the file's LAW_FIRM_ID, takes the file in, bills it and writes it again;
what it writes must equal the original wherever the work decides.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from invoices.ledes.comparing import difference
from invoices.ledes.reading import invoices_in
from invoices.ledes.rows import read
from tests.demo import firms, month_end, reckoning
from tests.demo.firms import Firm, Person
from tests.demo.installation import Refusal
from tests.demo.month_end import Office, Told
from tests.demo.work import Sent, System


def through_the_stair(
    address: str, path: Path, today: date, told: Told
) -> tuple[list[Person], dict[str, Any], dict[str, bool]]:
    """Take the file in, bill it, write it again, and compare.

    Returns who works at the firm, its figures, and what must hold: of the files and of the books.
    """
    data = path.read_bytes()
    original = read(data)
    parsed = invoices_in(original)
    firm = Firm(
        "ledes-house",
        "House of the File LLP",
        "#7c3aed",
        parsed[0].firm_id,
        (("--region", "NY"), ("--city", "Albany"), ("--address", "1 Pearl Street")),
    )
    people = _people(firm)
    firms.open_firm(address, firm, people)
    office, system = Office(address, firm, people), System(address, firm)
    status, answer = system.send("/charges/ledes-files", data, "text/plain")
    if status != 201:
        raise Refusal(f"{path.name} was not taken in: {status} {str(answer)[:800]}")
    for name in month_end.customer_numbers(office):
        month_end.give_address(
            office, name, starts_on=today.isoformat(), line_1="400 State Street",
            city="Albany", region="NY", postal_code="12207", country="US",
        )  # fmt: skip
        month_end.agree_terms(office, [_terms(name, parsed[0].period_starts_on)])
    run = month_end.run(system, "monthly", "beginning-of-the-month", today)
    month_end.send_to_review(office, run)
    month_end.review_in_the_portal(office, system, told, edits=0, returns=False)
    told.drafts += run["progress"]["drafted"]
    told.finalized += month_end.finalize(system, run, today)
    month_end.until_idle(system)
    written = [read(each) for each in month_end.files(system, "ledes1998b")]
    told.ledes_files += len(written)
    found = difference(original, written)
    for each in found[:10]:
        print(f"demo: differs: {each}", flush=True)
    sent = Sent(customers=answer["customers"], charges=sum(answer["counts"].values()))
    figures, checks = reckoning.of_firm(firm, system, sent)
    checks |= {
        f"{path.name}: {len(parsed)} invoices are written again": len(written) == len(parsed),
        f"{path.name}: no field that work determines differs": not found,
        f"{path.name}: every line is billed": figures["unbilled"] == 0,
    }
    return people, {firm.slug: figures}, checks


def _people(firm: Firm) -> list[Person]:
    return [
        Person(firm, "owner", "olga@file.test", "Olga Berg"),
        Person(firm, "owner", "otto@file.test", "Otto Hahn"),
        Person(firm, "biller", "bela@file.test", "Bela Nagy"),
        Person(firm, "reviewer", "rosa@file.test", "Rosa Blum"),
    ]


def _terms(name: str, first_day: date) -> dict[str, object]:
    return {
        "customer_name": name,
        "starts_on": first_day.isoformat(),
        "cadence": "MONTHLY",
        "grouping": "BY_MATTER",
        "anchor": "1",
        "minimum_0": "0.00",
        "minimum_1": "USD",
        "grace_hours": "48",
        "formats": ["pdf", "ledes1998b"],
        "reviewer_name": "Rosa Blum",
    }
