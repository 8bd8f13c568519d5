"""Getting paid: the banks' files, reminders for what is overdue, a credit note by two people."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from tests.demo import month_end, work
from tests.demo.firms import ARNESEN, MIRAMAR, Firm
from tests.demo.installation import Refusal, manage
from tests.demo.month_end import Office, Told
from tests.demo.outside_world import World
from tests.demo.work import System

_DAYS = 4  # on which payments come in, today's the last
_CLEARING = "Claims Payments Inc"


def get_paid(
    offices: tuple[Office, Office],
    systems: tuple[System, System],
    outside: World,
    today: date,
    told: Told,
) -> None:
    """Let both firms' customers pay over some days; import, credit, and remind the law firm's."""
    (arnesen, miramar), (law, travel) = offices, systems
    bills = _bills(law)
    _pay_all(outside, ARNESEN, bills[:9], today)
    day = today.isoformat()
    outside.bank.pay(
        payer_name=_CLEARING, amount="77.70", booked_on=day, remittance="with thanks",
        account=ARNESEN.account,
    )  # fmt: skip
    _take_in(arnesen, law, outside, "hudson-valley", today)
    _pay_all(outside, MIRAMAR, _bills(travel)[:5], today)
    _take_in(miramar, travel, outside, "avon", today)
    _credit(arnesen, bills[9], told)
    reminders = json.loads(manage("remind", ARNESEN.slug, "--on", day, "--json"))
    told.reminders += len(reminders)
    repeated = json.loads(manage("remind", ARNESEN.slug, "--on", day, "--json"))
    if repeated:
        raise Refusal(f"reminded twice: {repeated}")
    for system in systems:
        month_end.until_idle(system)


def _bills(system: System) -> list[dict[str, Any]]:
    final = month_end.invoices(system, state="FINALIZED", kind="INVOICE")
    return sorted(final, key=lambda each: str(each["number"]))


def _pay_all(outside: World, firm: Firm, bills: list[dict[str, Any]], today: date) -> None:
    """Pay each invoice on one of the days, the last one in half."""
    for place, bill in enumerate(bills):
        total, words = bill["total"]["amount"], f"Invoice {bill['number']}"
        if bill is bills[-1]:
            total, words = f"{float(total) / 2:.2f}", f"{bill['number']} first half"
        outside.bank.pay(
            payer_name=_payer(bill["customer"], place),
            amount=total,
            booked_on=_days(today)[place % _DAYS].isoformat(),
            remittance=words,
            account=firm.account,
        )


def _payer(customer: str, place: int) -> str:
    """Return who pays for a customer: itself, or an insurer's claims office every other time."""
    kind, _, number = customer.partition("-")
    name = (work.INSURERS if kind == "INS" else work.TRAVELERS)[int(number) - 1]
    return f"{name} Claims Office" if kind == "INS" and place % 2 else name


def _days(today: date) -> list[date]:
    return [today - timedelta(days=before) for before in range(_DAYS - 1, -1, -1)]


def _take_in(office: Office, system: System, outside: World, bank: str, today: date) -> None:
    """Name the firm's account, and take in the bank's file of each day, once."""
    firm = office.firm
    month_end.name_account(office, firm.account, "Operating account", firm.currency)
    for day in _days(today):
        statement = outside.bank.statement(day.isoformat(), account=firm.account)
        path = f"/bank-files?name={bank}-{day}.xml"
        status, answer = system.send(path, statement, "application/xml")
        if status != 201:
            raise Refusal(f"bank file of {day}: {status} {str(answer)[:600]}")
        again, _ = system.send(path.replace(bank, "again"), statement, "application/xml")
        if again != 409:
            raise Refusal(f"the same bank file again: {again}")


def _credit(office: Office, invoice: dict[str, Any], told: Told) -> None:
    """Ask for a credit note as biller; approve it as owner."""
    path = office.path(f"invoices/{invoice['id']}/")
    asked = office.desk("biller").press(
        path, f"{path}credit/", reason="Billed to the wrong insurer."
    )
    note = asked.url.partition(office.address)[2]
    answer = office.desk("owner", anew=True).press(note, f"{note}credit/approve/", version="1")
    if answer.status != 200 or "CN-" not in answer.text:
        raise Refusal(f"credit note: {answer.status} {answer.url}")
    told.credit_notes += 1


def reckon(
    systems: tuple[System, System], outside: World, told: Told
) -> tuple[dict[str, int], dict[str, bool]]:
    """Compare the bank's own book with what the portal says; return counts and checks."""
    law, _travel = systems
    is_same = []
    for system, firm in zip(systems, (ARNESEN, MIRAMAR), strict=True):
        received = [each["amount"]["amount"] for each in month_end.pages(system, "/payments")]
        credited = [each["amount"] for each in outside.bank.entries(firm.account)]
        is_same.append(bool(credited) and sorted(received) == sorted(credited))
    bills = [bill for system in systems for bill in _bills(system)]
    owed = [(each["total"]["amount"], each["balance"]["amount"]) for each in bills]
    reminders = list(month_end.pages(law, "/reminders"))
    counts = {
        "paid": sum(balance == "0.00" for _, balance in owed) - told.credit_notes,
        "partly_paid": sum(balance not in {"0.00", total} for total, balance in owed),
    }
    return counts, {
        "the bank's file is the receipts": all(is_same),
        "every reminder was sent once": len(reminders) == told.reminders
        and {each["state"] for each in reminders} <= {"SENT"},
    }
