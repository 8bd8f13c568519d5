"""Whether the figures of a firm agree, by the portal's own doors and the story's own count."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from tests.demo import month_end, work
from tests.demo.firms import Firm
from tests.demo.work import Sent, System


def of_firm(firm: Firm, system: System, sent: Sent) -> tuple[dict[str, Any], dict[str, bool]]:
    """Return a firm's figures, and what must hold of them."""
    told = work.books(firm)
    charges = list(_all(system, "/charges"))
    invoices = month_end.invoices(system)
    final = [each for each in invoices if each["state"] == "FINALIZED"]
    billed = _billed(system, invoices)
    numbers = sorted(int(each["number"].split("-")[-1]) for each in final)
    series = Counter(each["number"].rsplit("-", 1)[0] for each in final)
    differences = told["trial_balance"]["differences"].values()
    documents = list(_all(system, "/documents"))
    ledes = [each for each in documents if each["kind"] == "ledes1998b"]
    figures = {
        "pdf_files": len(documents) - len(ledes),
        "ledes_files": len(ledes),
        **asdict(sent),
        **told,
        "billed": len(billed),
        "unbilled": len({each["id"] for each in charges} - billed),
        "states": Counter(each["state"] for each in invoices),
    }
    checks = {
        "its key sees its own charges": len(charges) == sent.charges,
        "charges are billed or unbilled": billed <= {each["id"] for each in charges},
        "numbers are gapless in each series": len(numbers)
        == sum(_span(final, name) for name in series),
        "each final invoice has its PDF": figures["pdf_files"] == len(final),
        "each LEDES file is proven": all(_is_proven(each) for each in ledes),
        "the trial balance is zero": set(differences) == {"0.00"},
        "receivables are the open amounts": _receivable(told) == _open(final),
        "ledger_verify says ok": told["verify"] == "ok",
    }
    return figures, {f"{firm.slug}: {name}": holds for name, holds in checks.items()}


def _is_proven(document: dict[str, Any]) -> bool:
    """Return whether sent = approved = booked."""
    proof = document["proof"]
    is_same = proof["total"] == proof["approved"] == proof["booked"]
    return bool(proof["ok"] and is_same and proof["sha256"] == document["sha256"])


def _all(system: System, path: str) -> Any:
    cursor = ""
    while True:
        after = f"&after={cursor}" if cursor else ""
        _, page = system.call("GET", f"{path}?limit=200{after}")
        yield from page["data"]
        cursor = page["next_cursor"]
        if not cursor:
            return


def _billed(system: System, invoices: list[dict[str, Any]]) -> set[str]:
    """Return the charges that final invoices bill."""
    found: set[str] = set()
    for each in invoices:
        if each["state"] == "FINALIZED":
            _, whole = system.call("GET", f"/invoices/{each['id']}")
            found |= {line["charge"] for line in whole["lines"]} - {None}
    return found


def _span(final: list[dict[str, Any]], series: str) -> int:
    """Return last - first + 1 of the numbers in a series."""
    numbers = [
        int(each["number"].rsplit("-", 1)[1])
        for each in final
        if each["number"].rsplit("-", 1)[0] == series
    ]
    return max(numbers) - min(numbers) + 1


def _receivable(told: dict[str, Any]) -> str:
    lines = told["trial_balance"]["lines"]
    minor = sum(
        _cents(line["debit"]) - _cents(line["credit"]) for line in lines if line["role"] == "ar"
    )
    return str(minor)


def _open(final: list[dict[str, Any]]) -> str:
    bills = [each for each in final if each["kind"] == "INVOICE"]
    return str(sum(_cents(each["balance"]["amount"]) for each in bills))


def _cents(amount: str) -> int:
    whole, _, part = amount.partition(".")
    sign = -1 if whole.startswith("-") else 1
    return int(whole) * 100 + sign * int((part + "00")[:2])
