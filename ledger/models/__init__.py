"""The tables of the books, and the facts of money received."""

from ledger.models.books import Account, AccountingPeriod, BalanceSnapshot, Entry, Posting
from ledger.models.payments import Allocation, Payment
from ledger.models.verifications import Verification

__all__ = [
    "Account",
    "AccountingPeriod",
    "Allocation",
    "BalanceSnapshot",
    "Entry",
    "Payment",
    "Posting",
    "Verification",
]
