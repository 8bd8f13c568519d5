"""The chart of accounts: what each role is, and on which side it usually stands.

An account is made when it is first posted to, one for each role, owner and currency. Owners are
texts that upper rooms choose (a customer's public id, a bank, a jurisdiction); the ledger knows
nobody.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class AccountType(enum.StrEnum):
    """What an account counts."""

    ASSET = "A"
    LIABILITY = "L"
    EQUITY = "E"
    REVENUE = "R"
    EXPENSE = "X"


class Side(enum.StrEnum):
    """The side on which an account usually stands."""

    DEBIT = "D"
    CREDIT = "C"


@dataclass(frozen=True)
class Role:
    """One line of the chart."""

    code: str
    label: str
    type: AccountType
    side: Side


_A, _L, _E, _R, _X = AccountType
_D, _C = Side

ROLES = {
    "cash": Role("1000", "Cash", _A, _D),
    "clearing": Role("1050", "Clearing", _A, _D),
    "disputed": Role("1060", "Disputed", _A, _D),
    "ar": Role("1100", "Receivable", _A, _D),
    "wip": Role("1200", "Unbilled work", _A, _D),
    "shortpay": Role("1300", "Short payments", _A, _D),
    "tax": Role("2100", "Tax", _L, _C),
    "credit": Role("2200", "Customer credit", _L, _C),
    "refunds_in_flight": Role("2250", "Refunds in flight", _L, _C),
    "deferred": Role("2300", "Deferred revenue", _L, _C),
    "opening": Role("3000", "Opening balances", _E, _C),
    "suspense": Role("3900", "Suspense", _E, _C),
    "fees": Role("4000", "Fees", _R, _C),
    "recoveries": Role("4100", "Disbursement recoveries", _R, _C),
    "write_downs": Role("4800", "Write-downs", _R, _D),
    "credit_notes": Role("4900", "Credit notes", _R, _D),
    "write_offs": Role("6000", "Write-offs", _X, _D),
    "bad_debt": Role("6100", "Bad debt", _X, _D),
    "bank_fees": Role("6200", "Bank and gateway fees", _X, _D),
    "rounding": Role("6900", "Rounding", _X, _D),
}
