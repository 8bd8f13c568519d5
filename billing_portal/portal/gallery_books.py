"""Sample data for the gallery: payments, the trial balance, reminders and the audit log."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

RECEIPTS = [
    ("ACH 77120391", "Meridian Indemnity", date(2026, 11, 19), "61377.40", "61377.40", "UNAPPLIED"),
    ("Check 004418", "Coastal Surety", date(2026, 11, 18), "22064.00", "4500.00", "PARTLY_APPLIED"),
    ("Lockbox 31-7", "Great Plains Casualty", date(2026, 11, 17), "1940.00", "0.00", "APPLIED"),
]

ALLOCATIONS = [
    (
        "2026-00998",
        date(2026, 9, 8),
        "41200.00",
        "41200.00",
        "Amount and reference in the remittance line",
    ),
    ("2026-01003", date(2026, 9, 22), "15177.40", "15177.40", "Completes the sum exactly"),
    ("2026-01011", date(2026, 10, 6), "6250.00", "5000.00", "Oldest after that; short by 1,250.00"),
]

ACCOUNTS = [
    ("", "Assets", 1, "", "", True),
    ("1010", "Operating bank", 2, "412806.15", "", False),
    ("1020", "Trust bank", 2, "90000.00", "", False),
    ("1200", "Receivables", 2, "731945.85", "", False),
    ("1210", "Unbilled work", 2, "208310.00", "", False),
    ("", "Liabilities", 1, "", "", True),
    ("2100", "Sales tax payable", 2, "", "18204.50", False),
    ("2200", "Client funds held", 2, "", "90000.00", False),
    ("2300", "Unapplied receipts", 2, "", "65877.40", False),
    ("", "Income", 1, "", "", True),
    ("4000", "Fees", 2, "", "1198740.10", False),
    ("4100", "Expenses recovered", 2, "", "88420.00", False),
    ("4900", "Guideline reductions", 2, "18180.00", "", False),
]

AGEING = [
    ("Not yet due", "402180.45", "1"),
    ("1 to 30 days", "171940.00", "2"),
    ("31 to 60 days", "92010.00", "3"),
    ("61 to 90 days", "61377.40", "4"),
    ("Over 90 days", "4438.00", "5"),
]

REMINDERS = [
    {
        "tone": "ok",
        "icon": "send",
        "what": "Invoice 2026-00998 sent",
        "when": "Sep 8",
        "detail": "billing@meridian.test, PDF and LEDES 1998B",
    },
    {
        "tone": "ok",
        "icon": "mail",
        "what": "Friendly reminder",
        "when": "Oct 12",
        "detail": "Opened; no answer",
    },
    {
        "tone": "warn",
        "icon": "flag",
        "what": "Disputed in part: 1,250.00",
        "when": "Oct 20",
        "detail": "Expert's retainer. Reminders stopped for this invoice until settled.",
    },
    {
        "tone": "info",
        "icon": "handshake",
        "what": "Promise to pay 60,127.40",
        "when": "Nov 3",
        "detail": "Given by M. Novak on the phone; watched by Ada Brandt",
    },
    {
        "tone": "idle",
        "icon": "bell",
        "what": "Second reminder",
        "when": "Nov 24",
        "detail": "Only if the promise is broken; at least 7 days after the last mail",
        "planned": True,
    },
    {
        "tone": "idle",
        "icon": "hand",
        "what": "A person decides",
        "when": "Dec 8",
        "detail": "The ladder ends here",
        "planned": True,
    },
]

AUDIT = [
    (
        84112,
        "Dana Whitlock",
        "invoice.approved",
        "Draft 1V9XEK, version 4",
        "7f3c9a51",
        "203.0.113.7",
    ),
    (
        84111,
        "System",
        "submission.confirmed",
        "2026-01043 at Northfield Mutual",
        "c09b11e4",
        "job 55120",
    ),
    (
        84110,
        "Luis Ortega",
        "invoice.line_edited",
        "Draft 4Q8R2M, line 2: 2.4 h → 1.8 h",
        "4be7725a",
        "203.0.113.9",
    ),
    (
        84109,
        "API key “case system”",
        "charge.captured",
        "41 charges, none refused",
        "a2e4b811",
        "198.51.100.20",
    ),
    (
        84108,
        "Ada Brandt",
        "payment.allocated",
        "Check 004418 to 2026-01041",
        "1f6ad90e",
        "203.0.113.12",
    ),
]


def _amount(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def context() -> dict[str, Any]:
    """Return the samples for payments, ledger, reminders and the audit log."""
    accounts: list[dict[str, Any]] = [
        {"number": number, "name": name, "level": level, "heading": heading}
        | {"debit": _amount(debit), "credit": _amount(credit)}
        for number, name, level, debit, credit, heading in ACCOUNTS
    ]
    return {
        "receipts": [
            {"name": name, "payer": payer, "on": on, "amount": Decimal(amount)}
            | {"left": Decimal(left), "state": state}
            for name, payer, on, amount, left, state in RECEIPTS
        ],
        "allocations": [
            {"invoice": invoice, "due_on": due_on, "open": Decimal(open_amount)}
            | {"apply": apply, "why": why}
            for invoice, due_on, open_amount, apply, why in ALLOCATIONS
        ],
        "accounts": accounts,
        "debit_total": sum((row["debit"] or Decimal(0) for row in accounts), Decimal(0)),
        "credit_total": sum((row["credit"] or Decimal(0) for row in accounts), Decimal(0)),
        "receivables": Decimal("731945.85"),
        "ageing": [
            {"label": label, "amount": Decimal(amount), "currency": "USD", "shade": shade}
            for label, amount, shade in AGEING
        ],
        "reminders": REMINDERS,
        "customer_facts": [
            ("Open", "$61,377.40"),
            ("Overdue", "$61,377.40 since Oct 8"),
            ("Last payment", "Oct 2, 2026"),
            ("Next action", "Nov 24, second reminder"),
        ],
        "audit": [
            {"number": number, "who": who, "deed": deed, "subject": subject, "hash": digest}
            | {"place": place, "at": datetime(2026, 11, 20, 14, 60 - (84113 - number), tzinfo=UTC)}
            for number, who, deed, subject, digest, place in AUDIT
        ],
    }
