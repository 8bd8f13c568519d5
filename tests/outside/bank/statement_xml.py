"""A day's statement as camt.053.001.08."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from lxml import etree

from tests.outside.bank.ledger import Day

_SPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_CODES = {
    "payment": ("PMNT", "RCDT", "DMCT"),
    "batch": ("PMNT", "RCDT", "DMCT"),
    "fee": ("ACMT", "MDOP", "CHRG"),
    "reversal": ("PMNT", "RCDT", "RRTN"),
}


def statement_xml(day: Day, *, at: str) -> bytes:
    """Return the statement as a file; ``at`` is the moment it was made."""
    document = etree.Element(f"{{{_SPACE}}}Document", nsmap={None: _SPACE})
    message = _in(document, "BkToCstmrStmt")
    header = _in(message, "GrpHdr")
    _in(header, "MsgId", f"CTB-{day.account.iban[-6:]}-{day.day:%Y%m%d}")
    _in(header, "CreDtTm", at)
    statement = _in(message, "Stmt")
    _in(statement, "Id", f"{day.account.iban}-{day.day:%Y%m%d}")
    _in(statement, "ElctrncSeqNb", str(day.sequence))
    _in(statement, "CreDtTm", at)
    account = _in(statement, "Acct")
    _account(account, day.account.iban)
    _in(account, "Ccy", day.account.currency)
    _in(_in(account, "Ownr"), "Nm", day.account.owner)
    _balance(statement, day, "OPBD", day.opening)
    _balance(statement, day, "CLBD", day.closing)
    for entry in day.entries:
        _entry(statement, day.account.currency, entry)
    return bytes(etree.tostring(document, xml_declaration=True, encoding="UTF-8"))


def _balance(statement: etree._Element, day: Day, kind: str, amount: Decimal) -> None:
    balance = _in(statement, "Bal")
    _in(_in(_in(balance, "Tp"), "CdOrPrtry"), "Cd", kind)
    _money(balance, day.account.currency, amount)
    _in(_in(balance, "Dt"), "Dt", day.day.isoformat())


def _entry(statement: etree._Element, currency: str, entry: dict[str, Any]) -> None:
    held = _in(statement, "Ntry")
    _money(held, currency, Decimal(entry["amount"]))
    if entry["kind"] == "reversal":
        _in(held, "RvslInd", "true")
    _in(_in(held, "Sts"), "Cd", "BOOK")
    _in(_in(held, "BookgDt"), "Dt", entry["booked_on"])
    _in(_in(held, "ValDt"), "Dt", entry["value_on"])
    _in(held, "AcctSvcrRef", entry["reference"])
    domain, family, detail = _CODES[entry["kind"]]
    code = _in(_in(held, "BkTxCd"), "Domn")
    _in(code, "Cd", domain)
    below = _in(code, "Fmly")
    _in(below, "Cd", family)
    _in(below, "SubFmlyCd", detail)
    if entry["payments"]:
        details = _in(held, "NtryDtls")
        for payment in entry["payments"]:
            _payment(details, currency, payment)
    if entry["text"]:
        _in(held, "AddtlNtryInf", entry["text"])


def _payment(details: etree._Element, currency: str, payment: dict[str, Any]) -> None:
    held = _in(details, "TxDtls")
    _in(_in(held, "Refs"), "EndToEndId", payment["end_to_end_id"] or "NOTPROVIDED")
    _money(held, currency, Decimal(payment["amount"]))
    parties = _in(held, "RltdPties")
    _in(_in(_in(parties, "Dbtr"), "Pty"), "Nm", payment["payer_name"])
    if payment["payer_account"]:
        _account(_in(parties, "DbtrAcct"), payment["payer_account"])
    if payment["remittance"] or payment["reference"]:
        remittance = _in(held, "RmtInf")
        for text in payment["remittance"]:
            _in(remittance, "Ustrd", text)
        if payment["reference"]:
            _in(_in(_in(remittance, "Strd"), "CdtrRefInf"), "Ref", payment["reference"])
    if payment.get("reason"):
        _in(_in(_in(held, "RtrInf"), "Rsn"), "Cd", payment["reason"])


def _account(parent: etree._Element, number: str) -> None:
    """Name an account by its IBAN, or by the bank's own number where there is none."""
    named = _in(parent, "Id")
    if _IBAN.fullmatch(number):
        _in(named, "IBAN", number)
    else:
        _in(_in(named, "Othr"), "Id", number)


def _money(parent: etree._Element, currency: str, amount: Decimal) -> None:
    _in(parent, "Amt", f"{abs(amount):f}").set("Ccy", currency)
    _in(parent, "CdtDbtInd", "CRDT" if amount >= 0 else "DBIT")


def _in(parent: etree._Element, name: str, text: str = "") -> etree._Element:
    made = etree.SubElement(parent, f"{{{_SPACE}}}{name}")
    if text:
        made.text = text
    return made
