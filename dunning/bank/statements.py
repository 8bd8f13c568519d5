"""What a bank statement says, whatever file format it came in.

Amounts are Decimal in major units and signed: money that came in is positive, money that went
out is negative. Codes are kept as the bank wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dunning.bank.findings import Finding


@dataclass(frozen=True, slots=True)
class BankCode:
    """What kind of movement the bank says it is: ``PMNT/RCDT/ESCT``, or a bank's own code."""

    code: str
    issuer: str


@dataclass(frozen=True, slots=True)
class BankPayment:
    """One payment within an entry: who paid, and what for.

    ``reference`` is the bank's own for this payment, or for its entry where it gives none.
    ``structured`` holds creditor references and document numbers, ``unstructured`` free text.
    """

    place: str
    amount: Decimal
    reference: str
    end_to_end_ids: tuple[str, ...]
    structured: tuple[str, ...]
    unstructured: tuple[str, ...]
    debtor_name: str
    debtor_account: str
    return_code: str


@dataclass(frozen=True, slots=True)
class BankEntry:
    """One booked movement of the account.

    The payments' amounts add up to ``amount``. A bundle whose parts the bank did not itemize in
    the account's currency is one payment with all its texts.
    """

    place: str
    amount: Decimal
    currency: str
    booked_on: date
    value_on: date | None
    reference: str
    is_reversal: bool
    codes: tuple[BankCode, ...]
    text: str
    payments: tuple[BankPayment, ...]


@dataclass(frozen=True, slots=True)
class BankStatement:
    """The booked movements of one account between two booked balances.

    ``opening`` plus the amounts of ``entries`` is ``closing``. ``findings`` are warnings.
    """

    id: str
    account: str
    currency: str
    sequence: int | None
    opening: Decimal
    opened_on: date
    closing: Decimal
    closed_on: date
    entries: tuple[BankEntry, ...]
    findings: tuple[Finding, ...]


def may_follow(number: int, last: int, *, is_new_year: bool) -> bool:
    """Say whether a statement's number may come right after that of the last one of its account.

    Numbers go on by one. They may begin anew: at 1, or however a bank likes in a new year.

    :param is_new_year: whether the statement ends in another calendar year than the last one.
    """
    return is_new_year or number == last + 1 or (number == 1 and last != 1)
