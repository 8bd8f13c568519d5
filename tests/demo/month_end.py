"""A month end through every room: run, review, final. People act in the portal, systems over REST.

The earlier month is billed by the same deeds with a past day; nothing is backdated by hand.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from tests.demo import firms
from tests.demo.firms import Firm, Person
from tests.demo.installation import Browser, Refusal
from tests.demo.work import System

PATIENCE = 60


@dataclass
class Told:
    """What the story did, by its own count."""

    drafts: int = 0
    parked: int = 0
    edited: int = 0
    approved: int = 0
    returned: int = 0
    finalized: int = 0
    ledes_files: int = 0
    reminders: int = 0
    credit_notes: int = 0
    runs: list[str] = field(default_factory=list)


class Office:
    """A firm's people at their desks, each signed in once."""

    def __init__(self, address: str, firm: Firm, people: list[Person] | None = None) -> None:
        self.address, self.firm = address, firm
        self.people = people or [person for person in firms.PEOPLE if person.firm == firm]
        self._desks: dict[str, Browser] = {}

    def desk(self, role: str, *, anew: bool = False) -> Browser:
        """Return the browser of the first person who holds a role.

        :param anew: signed in just now, as what is grave asks.
        """
        if anew or role not in self._desks:
            person = self.person(role)
            self._desks[role] = firms.sign_in(self.address, person)
        return self._desks[role]

    def person(self, role: str) -> Person:
        """Return the first person of the firm who holds a role."""
        return next(person for person in self.people if person.role == role)

    def path(self, rest: str) -> str:
        """Return a path within the firm."""
        return f"/t/{self.firm.slug}/{rest}"


def agree_terms(office: Office, terms: list[dict[str, Any]]) -> None:
    """Agree how each customer is invoiced, in the back office's form."""
    desk = office.desk("owner")
    form = office.path("admin/customers/aggregationsetting/add/")
    page = desk.get(form)
    people = dict(re.findall(r'<option value="(\d+)"[^>]*>([^<]+)</option>', page.text))
    by_name = {name: key for key, name in people.items()}
    numbers = customer_numbers(office)
    for each in terms:
        values = dict(each)
        values["customer"] = numbers[values.pop("customer_name")]
        if "reviewer_name" in values:
            values["reviewer"] = by_name[values.pop("reviewer_name")]
        answer = desk.post(form, **values)
        if not answer.url.endswith("/aggregationsetting/"):
            raise Refusal(f"terms of {each['customer_name']}: {_errors(answer.text)}")


def customer_numbers(office: Office) -> dict[str, str]:
    """Return the back office's numbers of customers by name."""
    page = office.desk("owner").get(office.path("admin/customers/customer/"))
    return numbers_chosen(page.text)


def numbers_chosen(page: str) -> dict[str, str]:
    """Return the numbers that a list of the back office sends for its chosen rows, by name."""
    row = r'name="_selected_action" value="(\d+)".*?/change/[^"]*">([^<]+)</a>'
    found = re.findall(row, page, re.DOTALL)
    return {name.replace("&amp;", "&"): key for key, name in found}


def _errors(text: str) -> str:
    return " ".join(re.findall(r'<ul class="errorlist[^>]*>(.*?)</ul>', text, re.DOTALL))[:400]


def give_address(office: Office, customer: str, **address: str) -> None:
    """Say where a customer is, in the back office's form."""
    values = {**address, "customer": customer_numbers(office)[customer]}
    answer = office.desk("owner").post(office.path("admin/customers/address/add/"), **values)
    if not answer.url.endswith("/address/"):
        raise Refusal(f"address of {customer}: {_errors(answer.text)}")


def name_account(office: Office, account: str, name: str, currency: str) -> None:
    """Name an account of the firm in the back office; its statements are taken in from then on."""
    values = {"account": account, "name": name, "currency": currency}
    answer = office.desk("owner", anew=True).post(
        office.path("admin/dunning/bankaccount/add/"), **values
    )
    if not answer.url.endswith("/bankaccount/"):
        raise Refusal(f"account {account}: {_errors(answer.text)}")


def run(system: System, aggregation: str, execution: str, on: date) -> dict[str, Any]:
    """Plan and start what a line of the schedule asks for, and wait until it has ended."""
    line = {"billing_aggregation": aggregation, "period_of_execution": execution}
    planned = _must(system, 201, "POST", "/runs", {**line, "on": on.isoformat()})
    path = f"/runs/{planned['id']}"
    _must(system, 202, "POST", f"{path}/start")
    return _until_ended(system, path)


def _until_ended(system: System, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    told: dict[str, Any] = {}
    while time.monotonic() < deadline:
        told = _must(system, 200, "GET", path)
        if told["state"] == "ENDED":
            return told
        time.sleep(0.2)
    raise Refusal(f"{path} did not end: {told}")


def retry_parked(system: System, told: dict[str, Any]) -> dict[str, Any]:
    """Draft again what a run parked; the cause has been mended."""
    path = f"/runs/{told['id']}"
    for item in list(pages(system, f"{path}/items", status="PARKED")):
        _must(system, 202, "POST", f"{path}/items/{item['id']}/retry")
    return _until_ended(system, path)


def invoices(system: System, **filters: str) -> list[dict[str, Any]]:
    """Return all invoices that fit, page by page."""
    return list(pages(system, "/invoices", **filters))


def send_to_review(office: Office, told: dict[str, Any]) -> None:
    """Hand a run's drafts to their reviewers, by the button of the run's page and the next one."""
    desk = office.desk("biller")
    page = office.path(f"runs/{told['id']}/")
    target = office.path(f"runs/{told['id']}/review/")
    can = re.search(r'name="expected" value="(\d+)"', desk.press(page, target).text)
    if can is None:
        raise Refusal(f"No draft of {page} can be sent to review.")
    answer = desk.press(page, target, expected=can[1])
    if answer.status != 200:
        raise Refusal(f"send to review: {answer.status}")


def review_in_the_portal(
    office: Office,
    system: System,
    told: Told,
    *,
    edits: int,
    leaves: bool = False,
    returns: bool = True,
) -> None:
    """Let the reviewer work down the queue: edit some lines, return one, approve the rest."""
    desk = office.desk("reviewer")
    waiting = sorted(invoices(system, state="IN_REVIEW"), key=_place)
    for place, invoice in enumerate(waiting[: -3 if leaves else None]):
        path = office.path(f"invoices/{invoice['id']}/")
        version = invoice["version"]
        if place < edits:
            version = _edit_first_line(desk, system, office, invoice)
            told.edited += 1
        if returns and place == edits:
            answer = desk.post(
                f"{path}return/", version=str(version), category="NEEDS_DETAIL",
                text="The carrier wants the deponent named in the first entry.",
            )  # fmt: skip
            told.returned += 1
        else:
            answer = desk.press(path, f"{path}approve/", version=str(version))
            told.approved += 1
        if answer.status != 200:
            raise Refusal(f"verdict on {invoice['id']}: {answer.status}")


def _place(invoice: dict[str, Any]) -> tuple[str, ...]:
    """Return what orders invoices the same way in every telling of the story."""
    named = (invoice[name] for name in ("customer", "matter", "period_starts_on"))
    return tuple(str(each) for each in named)


def _edit_first_line(desk: Browser, system: System, office: Office, invoice: dict[str, Any]) -> int:
    whole = _must(system, 200, "GET", f"/invoices/{invoice['id']}")
    line = whole["lines"][0]
    shorter = f"{float(line['quantity']) / 2:.1f}"
    answer = desk.post(
        office.path(f"invoices/{invoice['id']}/lines/{line['id']}/"),
        version=str(whole["version"]),
        quantity=shorter if line["kind"] == "TIME" else line["quantity"],
        unit_price=line["unit_price"],
        narrative=f"{line['narrative']} (abbreviated for the carrier)",
        task_code=line["task_code"],
        activity_code=line["activity_code"],
        expense_code=line["expense_code"],
        reason_code="GUIDELINE",
        reason="The guideline caps this task.",
    )
    if answer.status != 200:
        raise Refusal(f"edit of {line['id']}: {answer.status} {_errors(answer.text)}")
    return int(whole["version"]) + 1


def review_over_rest(system: System, told: Told, *, leaves: int) -> None:
    """Approve what waits through the API, each at the version read; leave some to look at."""
    for invoice in invoices(system, state="IN_REVIEW")[leaves:]:
        headers = {"If-Match": f'"{invoice["version"]}"'}
        _must(system, 200, "POST", f"/invoices/{invoice['id']}/approval", None, **headers)
        told.approved += 1


def mend_and_resend(office: Office, system: System, told: Told) -> None:
    """Let billing staff mend what was returned; the reviewer approves it then."""
    desk = office.desk("biller")
    for invoice in invoices(system, state="DRAFT"):
        path = office.path(f"invoices/{invoice['id']}/")
        if "Returned by" not in desk.get(path).text:
            continue
        version = _edit_first_line(desk, system, office, invoice)
        desk.press(path, f"{path}review/", version=str(version))
        reviewer = office.desk("reviewer")
        answer = reviewer.press(path, f"{path}approve/", version=str(version))
        if answer.status != 200:
            raise Refusal(f"second verdict on {invoice['id']}: {answer.status}")
        told.edited += 1
        told.approved += 1


def finalize(system: System, told_run: dict[str, Any], on: date) -> int:
    """Finalize what is approved of a run on a day, and wait for its job; return how many."""
    before = len(invoices(system, state="FINALIZED"))
    asked = {"on": on.isoformat()}
    job = _must(system, 202, "POST", f"/runs/{told_run['id']}/finalization", asked)
    deadline = time.monotonic() + PATIENCE
    now: dict[str, Any] = {}
    while time.monotonic() < deadline:
        now = _must(system, 200, "GET", f"/jobs/{job['id']}")
        if now["status"] == "succeeded":
            return len(invoices(system, state="FINALIZED")) - before
        if now["status"] not in {"queued", "running"}:
            raise Refusal(f"finalizing: {now}")
        time.sleep(0.2)
    raise Refusal(f"finalizing did not end: {now}")


def until_idle(system: System) -> None:
    """Wait until nothing waits or runs in the firm."""
    deadline = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < deadline:
        if not _must(system, 200, "GET", "/jobs?status=queued,running&limit=1")["data"]:
            return
        time.sleep(0.3)
    raise Refusal(f"{system.firm.slug} is still at work after {2 * PATIENCE} s")


def pages(system: System, path: str, **filters: str) -> Iterator[dict[str, Any]]:
    """Yield all rows of a list of the API, newest first."""
    named = {**filters, "limit": "200"}
    while True:
        query = "&".join(f"{name}={value}" for name, value in named.items())
        page = _must(system, 200, "GET", f"{path}?{query}")
        yield from page["data"]
        if not page["next_cursor"]:
            return
        named["after"] = page["next_cursor"]


def files(system: System, kind: str) -> list[bytes]:
    """Return the bytes of all documents of a kind, oldest first."""
    found = [
        system.fetch(f"/documents/{each['id']}/content")
        for each in pages(system, "/documents", kind=kind)
    ]
    return found[::-1]


def counts(system: System) -> Counter[str]:
    """Return how many invoices stand in each state."""
    return Counter(str(each["state"]) for each in invoices(system))


def first_of_next(month: date) -> date:
    """Return the first day of the month after."""
    return (month + timedelta(days=32)).replace(day=1)


def _must(
    system: System, wanted: int, method: str, path: str, body: Any = None, **headers: str
) -> Any:
    """Call the API and return what came back; a POST carries a key of its own."""
    if method == "POST" and body is None:
        body = {}
    if method == "POST" and "If-Match" not in headers:
        headers["Idempotency-Key"] = str(uuid4())
    status, answer = system.call(method, path, body, **headers)
    if status != wanted:
        raise Refusal(f"{method} {path}: {status} {str(answer)[:600]}")
    return answer
