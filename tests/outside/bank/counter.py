"""The bank as a function from request to answer: statements behind a token, and the control.

``GET /statements/<date>.xml?account=IBAN`` wants ``Authorization: Bearer TOKEN`` and closes the
day. ``/_control/...`` stands for the payers, and for the auditor who reads the bank's book.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.outside.bank.ledger import Account, Ledger, NotBooked
from tests.outside.bank.statement_xml import statement_xml
from tests.outside.web import Request, Response, answer, moment

_STATEMENT = re.compile(r"/statements/([0-9]{4}-[0-9]{2}-[0-9]{2})\.xml")


@dataclass(frozen=True)
class Counter:
    """The whole bank."""

    ledger: Ledger
    token: str

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        try:
            return self._answered(request)
        except NotBooked as refusal:
            return answer({"error": str(refusal)}, status=409)
        except (KeyError, TypeError, ValueError, InvalidOperation) as trouble:
            return answer({"error": f"{type(trouble).__name__}: {trouble}"}, status=400)

    def _answered(self, request: Request) -> Response:
        named = _STATEMENT.fullmatch(request.path)
        if named is not None:
            return self._statement(request, date.fromisoformat(named[1]))
        controls = {
            "GET /_control/book": self._book,
            "POST /_control/accounts": self._open,
            "POST /_control/payments": self._pay,
            "POST /_control/batches": self._pay_together,
            "POST /_control/fees": self._charge_fee,
            "POST /_control/reversals": self._reverse,
        }
        control = controls.get(f"{request.method} {request.path}")
        return answer({"error": "Not found."}, status=404) if control is None else control(request)

    def _statement(self, request: Request, day: date) -> Response:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            return answer({"error": "A token is wanted."}, status=401)
        told = self.ledger.statement(self._account(request.query), day)
        if told is None:
            return answer({"error": "The account was not open then."}, status=404)
        return Response(200, statement_xml(told, at=moment()), "application/xml")

    def _book(self, request: Request) -> Response:
        accounts = [
            {
                "account": account.iban,
                "owner": account.owner,
                "currency": account.currency,
                "opening": str(account.opening),
                "opened_on": account.opened_on.isoformat(),
            }
            for account in self.ledger.accounts()
        ]
        entries = self.ledger.entries(request.query.get("account", ""))
        return answer({"accounts": accounts, "entries": entries})

    def _open(self, request: Request) -> Response:
        self.ledger.open_account(account_from(request.json()))
        return answer({"opened": True}, status=201)

    def _pay(self, request: Request) -> Response:
        asked = request.json()
        account = self._account(asked)
        return self._booked(account, asked, "payment", [_payment(account, asked)])

    def _pay_together(self, request: Request) -> Response:
        asked = request.json()
        account = self._account(asked)
        return self._booked(
            account, asked, "batch", [_payment(account, each) for each in asked["payments"]]
        )

    def _charge_fee(self, request: Request) -> Response:
        asked = request.json()
        booked_on = date.fromisoformat(asked["booked_on"])
        reference = self.ledger.book(
            self._account(asked),
            kind="fee",
            amount=-_amount(asked["amount"]),
            booked_on=booked_on,
            value_on=booked_on,
            payments=[],
            text=str(asked.get("text", "Account charges")),
        )
        return answer({"reference": reference}, status=201)

    def _reverse(self, request: Request) -> Response:
        asked = request.json()
        entries = {each["reference"]: each for each in self.ledger.entries()}
        entry = entries[asked["reference"]]
        if any(each["reverses"] == entry["reference"] for each in entries.values()):
            raise NotBooked(f"{entry['reference']} was reversed before.")
        booked_on = date.fromisoformat(asked["booked_on"])
        payments = [
            {**each, "amount": str(-Decimal(each["amount"])), "reason": asked.get("reason", "MS03")}
            for each in entry["payments"]
        ]
        reference = self.ledger.book(
            self._account({"account": entry["account"]}),
            kind="reversal",
            amount=-Decimal(entry["amount"]),
            booked_on=booked_on,
            value_on=booked_on,
            payments=payments,
            text=f"Reversal of {entry['reference']}",
            reverses=entry["reference"],
        )
        return answer({"reference": reference}, status=201)

    def _booked(
        self,
        account: Account,
        asked: Mapping[str, Any],
        kind: str,
        payments: list[dict[str, Any]],
    ) -> Response:
        booked_on = date.fromisoformat(asked["booked_on"])
        reference = self.ledger.book(
            account,
            kind=kind,
            amount=sum((Decimal(each["amount"]) for each in payments), Decimal(0)),
            booked_on=booked_on,
            value_on=date.fromisoformat(asked.get("value_on", asked["booked_on"])),
            payments=payments,
        )
        return answer({"reference": reference}, status=201)

    def _account(self, asked: Mapping[str, Any]) -> Account:
        accounts = self.ledger.accounts()
        wanted = asked.get("account") or accounts[0].iban
        return {account.iban: account for account in accounts}[wanted]


def account_from(described: Mapping[str, Any]) -> Account:
    """Return the account that a JSON object describes."""
    return Account(
        iban=described["account"],
        owner=described["owner"],
        currency=described["currency"],
        opening=Decimal(described["opening"]),
        opened_on=date.fromisoformat(described["opened_on"]),
    )


def _payment(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    if asked.get("currency", account.currency) != account.currency:
        raise NotBooked(f"{account.iban} is kept in {account.currency}.")
    remittance = asked.get("remittance", [])
    return {
        "payer_name": str(asked["payer_name"]),
        "payer_account": str(asked.get("payer_account", "")),
        "amount": str(_amount(asked["amount"])),
        "remittance": [remittance] if isinstance(remittance, str) else list(remittance),
        "reference": str(asked.get("reference", "")),
        "end_to_end_id": str(asked.get("end_to_end_id", "")),
    }


def _amount(text: object) -> Decimal:
    amount = Decimal(str(text))
    if not amount.is_finite() or amount <= 0 or amount != amount.quantize(Decimal("0.01")):
        raise ValueError(f"{text!r} is no amount in whole cents above zero.")
    return amount
