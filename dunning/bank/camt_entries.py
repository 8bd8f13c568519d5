"""The movements of a camt.053 statement: one booked entry, and the payments it bundles."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dunning.bank.camt_nodes import Node
from dunning.bank.statements import BankCode, BankEntry, BankPayment

_NO_REFERENCE = "NOTPROVIDED"  # the standard's word for an end-to-end id that nobody gave


def entry_of(node: Node, *, currency: str) -> BankEntry | None:
    """Return a booked entry; nothing for one that is not booked, or after noting what is wrong."""
    status = node.text("Sts/Cd") or node.text("Sts")
    if status != "BOOK":
        if status:
            node.warn("bank.not_booked", f"An entry of status {status} does not count.")
        else:
            node.error("bank.missing", "Sts is missing.")
        return None
    money = node.money()
    booked_on, value_on = node.day("BookgDt", required=True), node.day("ValDt", required=False)
    reversal = node.text("RvslInd") or "false"
    if reversal not in {"true", "false", "1", "0"}:
        node.error("bank.reversal", f"{reversal!r} is neither true nor false.")
    if money is None or booked_on is None:
        return None
    if currency and money[1] != currency:
        text = f"The entry is in {money[1]}, the account in {currency}."
        node.error("bank.currency_differs", text)
        return None
    return _entry(node, money, booked_on, value_on, is_reversal=reversal in {"true", "1"})


def _entry(
    node: Node,
    money: tuple[Decimal, str],
    booked_on: date,
    value_on: date | None,
    *,
    is_reversal: bool,
) -> BankEntry:
    amount, currency = money
    return BankEntry(
        place=node.place,
        amount=amount,
        currency=currency,
        booked_on=booked_on,
        value_on=value_on,
        reference=node.text("AcctSvcrRef"),
        is_reversal=is_reversal,
        codes=_codes(node),
        text=node.text("AddtlNtryInf"),
        payments=_payments(node, amount, currency),
    )


def _payments(node: Node, amount: Decimal, currency: str) -> tuple[BankPayment, ...]:
    """Return the payments of an entry, itemized when the parts add up to the whole."""
    parts = [part for details in node.children("NtryDtls") for part in details.children("TxDtls")]
    if len(parts) > 1:
        amounts = [_amount_of(part, whole=amount, currency=currency) for part in parts]
        known = [each for each in amounts if each is not None]
        if len(known) == len(parts) and sum(known, Decimal(0)) == amount:
            return tuple(
                _payment(node, [part], each) for part, each in zip(parts, known, strict=True)
            )
        text = f"The bank did not itemize {len(parts):,} payments so that they come to {amount:,}."
        node.warn("bank.not_itemized", text)
    if len(parts) == 1:
        known_amount = _amount_of(parts[0], whole=amount, currency=currency)
        if known_amount not in {None, amount}:
            # Whose words are these, when they are about another sum? A person says.
            text = f"The bank's details are about {known_amount:,}, the entry about {amount:,}."
            node.warn("bank.not_itemized", text)
            return (_payment(node, [], amount),)
    return (_payment(node, parts, amount),)


def _amount_of(part: Node, *, whole: Decimal, currency: str) -> Decimal | None:
    """Return a part's signed amount in the account's currency, if the bank gives it."""
    held = part.child("Amt") or part.child("AmtDtls/TxAmt/Amt")
    if held is None or held.element.get("Ccy") != currency:
        return None
    size = held.amount_in(currency)
    if size is None:
        return None
    side = part.text("CdtDbtInd")
    is_incoming = whole >= 0 if side not in {"CRDT", "DBIT"} else side == "CRDT"
    return size if is_incoming else -size


def _payment(entry: Node, parts: list[Node], amount: Decimal) -> BankPayment:
    """Return one payment that takes its words from one part, or from all, or from the entry."""
    held = parts or [entry]
    first = held[0]
    return BankPayment(
        place=first.place,
        amount=amount,
        reference=_first(held, "Refs/AcctSvcrRef") or entry.text("AcctSvcrRef"),
        end_to_end_ids=tuple(
            text for text in _all(held, "Refs/EndToEndId") if text != _NO_REFERENCE
        ),
        structured=_all(held, "RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/RfrdDocInf/Nb"),
        unstructured=_all(
            held, "RmtInf/Ustrd", "RmtInf/Strd/AddtlRmtInf", "AddtlTxInf", "AddtlNtryInf"
        ),
        debtor_name=_first(
            held,
            *("RltdPties/Dbtr/Nm", "RltdPties/Dbtr/Pty/Nm"),
            *("RltdPties/UltmtDbtr/Nm", "RltdPties/UltmtDbtr/Pty/Nm"),
        ),
        debtor_account=_first(held, "RltdPties/DbtrAcct/Id/IBAN", "RltdPties/DbtrAcct/Id/Othr/Id"),
        return_code=_first(held, "RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry"),
    )


def _all(parts: list[Node], *paths: str) -> tuple[str, ...]:
    """Return every text at the paths, of all parts, each once and in order."""
    return tuple(dict.fromkeys(text for part in parts for text in part.texts(*paths)))


def _first(parts: list[Node], *paths: str) -> str:
    found = [text for part in parts for path in paths if (text := part.text(path))]
    return found[0] if found else ""


def _codes(node: Node) -> tuple[BankCode, ...]:
    """Return the codes of the movement exactly as the bank wrote them, known or not."""
    domain = [node.text(f"BkTxCd/Domn/{name}") for name in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")]
    codes = [BankCode("/".join(domain), "ISO")] if any(domain) else []
    own = node.text("BkTxCd/Prtry/Cd")
    if own:
        codes.append(BankCode(own, node.text("BkTxCd/Prtry/Issr")))
    return tuple(codes)
