"""The carriers' sites and the mail server of the story, and how the law firm comes to use them."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.demo import month_end, work
from tests.demo.firms import ARNESEN, MIRAMAR, Firm
from tests.demo.installation import DEMO, Refusal
from tests.demo.month_end import Office
from tests.demo.work import System
from tests.outside.bank.server import DemoBank
from tests.outside.carrier.server import DemoCarriers
from tests.outside.directory.server import DemoDirectory
from tests.outside.mail.server import DemoMail

RECIPES = Path(__file__).parents[1] / "outside/carrier/recipes"
LAYOUTS = {"northfield": "single", "halvorsen": "steps", "brightwater": "table"}
LOGIN, PASSWORD = "billing@arnesen.test", "Lantern-Harbor-40"
UNASSIGNED = "2026-0024"


@dataclass(frozen=True)
class World:
    """What lies outside the house, with books of its own."""

    carriers: DemoCarriers
    mail: DemoMail
    bank: DemoBank
    directory: DemoDirectory


@contextlib.contextmanager
def world() -> Iterator[World]:
    """Run the servers; the portal's mail goes to theirs."""
    with (
        DemoCarriers(book=DEMO / "carriers.db") as carriers,
        DemoMail(book=DEMO / "mailbox") as mail,
        DemoBank(book=DEMO / "bank.db", token="statements") as bank,
        DemoDirectory(book=DEMO / "directory.jsonl") as idp,
    ):
        os.environ["EMAIL_HOST"], os.environ["EMAIL_PORT"] = "127.0.0.1", str(mail.smtp_port)
        for firm in (ARNESEN, MIRAMAR):
            _open_account(bank, firm)
        yield World(carriers, mail, bank, idp)


def _open_account(bank: DemoBank, firm: Firm) -> None:
    """Open a firm's account at the bank, by its number there: neither firm tells payers an IBAN."""
    bank.ask(
        "/_control/accounts",
        {
            "account": firm.account,
            "owner": firm.name,
            "currency": firm.currency,
            "opening": "25000.00",
            "opened_on": "2026-01-01",
        },
    )


def engage_carriers(office: Office, system: System, outside: World) -> None:
    """Let the carriers know the firm, and set them up in the back office.

    One matter is forgotten at its carrier, so that some uploads are rejected.
    """
    matters = {each["external_id"]: each for each in _all_matters(system)}
    office.desk("owner", anew=True)
    for code, number in work.CARRIERS.items():
        assigned = [
            matters[name]["client_matter_id"]
            for name in (f"2026-{number:04}", f"2026-{number + len(work.INSURERS):04}")
            if name != UNASSIGNED
        ]
        name = work.INSURERS[number - 1]
        outside.carriers.ask("/_control/carriers", _carrier(code, name, assigned))
        _set_up(office, code, name, outside.carriers.url)


def _all_matters(system: System) -> list[dict[str, Any]]:
    status, page = system.call("GET", "/matters?limit=200")
    if status != 200:
        raise Refusal(f"matters: {status}")
    found: list[dict[str, Any]] = page["data"]
    return found


def _carrier(code: str, name: str, matters: list[str]) -> dict[str, Any]:
    described = json.loads(RECIPES.with_name("demo.json").read_text("utf-8"))["carriers"]
    known: dict[str, Any] = next(each for each in described if each["key"] == code)
    ascii_names = {"SKJ": "Kjaer, Soren"}
    return known | {
        "name": name,
        "users": {LOGIN: PASSWORD},
        "law_firm_ids": [ARNESEN.tax_id],
        "client_matters": matters,
        "timekeepers": {
            key: {"name": ascii_names.get(key, full), "rates": {"2025-01-01": rate}}
            for key, full, _, rate in work.KEEPERS
        },
    }


def _set_up(office: Office, code: str, name: str, origin: str) -> None:
    desk, room = office.desk("owner"), office.path("admin/invoices/")
    desk.post(f"{room}carrier/add/", code=code, name=name, origin=origin)
    key = month_end.numbers_chosen(desk.get(f"{room}carrier/").text).get(name)
    owner = re.search(r'<option value="(\d+)"[^>]*>Ada Brandt', _login_form(office))
    if key is None or owner is None:
        raise Refusal(f"carrier {code} was not added")
    recipe = json.loads((RECIPES / f"{code}.json").read_text("utf-8"))
    answers = [
        desk.post(f"{room}carrierrecipe/add/", carrier=key, content=json.dumps(recipe)),
        desk.post(
            f"{room}carrierlogin/add/", carrier=key, owner=owner[1], user=LOGIN, secret=PASSWORD
        ),
        desk.post(f"{room}carrier/", action="allow", _selected_action=key),
    ]
    if any(answer.status != 200 or "/add/" in answer.url for answer in answers):
        raise Refusal(f"carrier {code}: {[(each.status, each.url) for each in answers]}")


def _login_form(office: Office) -> str:
    return office.desk("owner").get(office.path("admin/invoices/carrierlogin/add/")).text


def reckon(outside: World, law: System, travel: System) -> tuple[dict[str, int], dict[str, bool]]:
    """Compare the outside's own books with what the portal says; return counts and checks."""
    uploads = list(month_end.pages(law, "/submissions"))
    confirmed = sorted(each["sha256"] for each in uploads if each["state"] == "CONFIRMED")
    rejected = sorted(each["sha256"] for each in uploads if each["state"] == "REJECTED")
    entries = outside.carriers.entries()
    theirs = sorted(each["sha256"] for each in entries if each["status"] != "Rejected")
    refused = sorted(each["sha256"] for each in entries if each["status"] == "Rejected")
    mails = [each for system in (law, travel) for each in month_end.pages(system, "/deliveries")]
    mails += list(month_end.pages(law, "/reminders"))
    sent = sorted(each["message_id"] for each in mails if each["state"] == "SENT")
    kept = sorted(each["message_id"].strip("<>") for each in outside.mail.messages())
    counts = {
        "uploads_confirmed": len(confirmed),
        "uploads_rejected": len(rejected),
        "mails_sent": len(sent),
    }
    return counts, {
        "the carriers' books are the confirmed files": theirs == confirmed,
        "the carriers rejected what the portal says": refused == rejected,
        "no upload is left without an answer": len(uploads) == len(confirmed) + len(rejected),
        "the mailbox is the deliveries and reminders": kept == sent and len(sent) == len(mails),
    }
