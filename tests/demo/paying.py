"""Getting paid: the bank's file, a reminder for what is overdue, a credit note by two people."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from tests.demo import month_end
from tests.demo.installation import Refusal, manage
from tests.demo.month_end import Office, Told
from tests.demo.outside_world import IBAN, World
from tests.demo.work import System


def get_paid(office: Office, system: System, outside: World, today: date, told: Told) -> None:
    """Let customers pay, in full, in part and obscurely; import, credit, and remind the rest."""
    month_end.name_account(office, IBAN, "Operating account", "USD")
    final = sorted(
        month_end.invoices(system, state="FINALIZED", kind="INVOICE"),
        key=lambda each: str(each["number"]),
    )
    for each in final[:8]:
        _pay(outside, each["total"]["amount"], f"Invoice {each['number']}", today)
    part = f"{float(final[8]['total']['amount']) / 2:.2f}"
    _pay(outside, part, f"{final[8]['number']} first half", today)
    _pay(outside, "77.70", "with thanks", today)
    statement = outside.bank.statement(today.isoformat(), account=IBAN)
    status, answer = system.send("/bank-files?name=hudson-valley.xml", statement, "application/xml")
    if status != 201:
        raise Refusal(f"bank file: {status} {str(answer)[:600]}")
    again, _ = system.send("/bank-files?name=again.xml", statement, "application/xml")
    if again != 409:
        raise Refusal(f"the same bank file again: {again}")
    _credit(office, final[9], told)
    reminders = json.loads(manage("remind", office.firm.slug, "--on", today.isoformat(), "--json"))
    told.reminders += len(reminders)
    repeated = json.loads(manage("remind", office.firm.slug, "--on", today.isoformat(), "--json"))
    if repeated:
        raise Refusal(f"reminded twice: {repeated}")
    month_end.until_idle(system)


def _pay(outside: World, amount: str, words: str, today: date) -> None:
    outside.bank.pay(
        payer_name="Claims Payments Inc",
        amount=amount,
        booked_on=today.isoformat(),
        remittance=words,
        account=IBAN,
    )


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


def reckon(system: System, outside: World, told: Told) -> tuple[dict[str, int], dict[str, bool]]:
    """Compare the bank's own book with what the portal says; return counts and checks."""
    received = [each["amount"]["amount"] for each in month_end.pages(system, "/payments")]
    credited = [each["amount"] for each in outside.bank.entries(IBAN)]
    bills = month_end.invoices(system, state="FINALIZED", kind="INVOICE")
    owed = [(each["total"]["amount"], each["balance"]["amount"]) for each in bills]
    reminders = list(month_end.pages(system, "/reminders"))
    counts = {
        "paid": sum(balance == "0.00" for _, balance in owed) - told.credit_notes,
        "partly_paid": sum(balance not in {"0.00", total} for total, balance in owed),
    }
    return counts, {
        "the bank's file is the receipts": sorted(received) == sorted(credited),
        "every reminder was sent once": len(reminders) == told.reminders
        and {each["state"] for each in reminders} <= {"SENT"},
    }
