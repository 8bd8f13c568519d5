"""What must hold of bank files, for ``ledger_verify``: each names the first that do not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from django.db.models import Count, F, Min, Q, Sum

from billing_portal.audit.canonical import canonical
from billing_portal.audit.models import AuditEvent
from dunning.bank.statements import may_follow
from dunning.models import BankFile, BankLine, BankStatement

_TOLD = 5
_SAID = (  # by the bank, of a line; what the portal makes of it follows
    *("number", "booked_on", "amount", "currency", "reference", "movement", "payer"),
    *("payer_account", "remittance", "codes", "is_reversal"),
)


def statements_add_up() -> list[str]:
    """Every bank statement comes from its opening balance by its lines to its closing balance.

    Two queries, every line once.
    """
    sums = BankLine.objects.values("statement").annotate(moved=Sum("amount"))
    moved: dict[Any, int] = {row["statement"]: row["moved"] for row in sums}
    wrong = (
        each
        for each in BankStatement.objects.order_by("pk").iterator()
        if each.opening + moved.get(each.pk, 0) != each.closing
    )
    told = islice(wrong, _TOLD)
    return [f"The lines of statement {each} do not come to its balances." for each in told]


def statements_follow_one_another() -> list[str]:
    """Every bank statement comes right after the one before it: by place, balance and number.

    One query.
    """
    return list(islice(_statements_off(), _TOLD))


def _statements_off() -> Iterator[str]:
    before: BankStatement | None = None
    for each in BankStatement.objects.order_by("account", "place", "pk").iterator():
        if before is not None and before.account == each.account:
            if each.place != before.place + 1:
                yield f"No statement is between {before} and {each}, and places are left out."
            elif each.opening != before.closing:
                both = each.opening == before.opening
                why = "both follow the same one" if both else "there is a gap between them"
                yield f"Statement {each} does not follow {before}: {why}."
            elif not _is_numbered_on(each, before):
                why = f"number {each.sequence} comes after number {before.sequence}"
                yield f"Statement {each} does not follow {before}: {why}."
        before = each


def _is_numbered_on(row: BankStatement, before: BankStatement) -> bool:
    if row.sequence is None or before.sequence is None:
        return True
    is_new_year = row.closed_on.year != before.closed_on.year
    return may_follow(row.sequence, before.sequence, is_new_year=is_new_year)


def movements_come_once() -> list[str]:
    """Every movement that a bank gives a reference came with one statement. One query."""
    rows = (
        BankLine.objects.exclude(movement="")
        .values("statement__account", "reference", "booked_on", "amount")
        .annotate(statements=Count("statement", distinct=True), first=Min("pk"))
        .filter(statements__gt=1)
        .order_by("first")[:_TOLD]
    )
    return [
        f"Movement {row['reference']} of {row['booked_on']} on {row['statement__account']} came"
        f" with {row['statements']} statements."
        for row in rows
    ]


def lines_are_their_payments() -> list[str]:
    """Every bank line says what its payment says: amount, currency, day, payer and words.

    One query, every line once.
    """
    same = Q(
        amount=F("payment__amount"),
        currency=F("payment__currency"),
        booked_on=F("payment__received_on"),
        payer=F("payment__payer"),
        remittance=F("payment__remittance"),
    )
    wrong = BankLine.objects.filter(payment__isnull=False).exclude(same).order_by("pk")
    return [
        f"Line {each.number} of statement {each.statement} is not as its payment"
        f" {each.payment.public_id}."  # type: ignore[union-attr]  # filtered
        for each in wrong.select_related("statement", "payment")[:_TOLD]
    ]


def lines_are_as_the_bank_said() -> list[str]:
    """Every statement's lines carry the hash that it tells of them; one of before tells none.

    Two queries, every line once.
    """
    return list(islice(_lines_off(), _TOLD))


def _lines_off() -> Iterator[str]:
    rows = BankLine.objects.only("statement", *_SAID).order_by("statement_id", "number")
    found = {
        key: lines_sha256(list(lines))
        for key, lines in groupby(rows.iterator(), key=lambda line: line.statement_id)
    }
    for each in BankStatement.objects.exclude(lines_sha256="").order_by("pk").iterator():
        if found.get(each.pk, lines_sha256([])) != each.lines_sha256:
            yield f"The lines of statement {each} are not as the bank said."


def lines_sha256(lines: Sequence[Any]) -> str:
    """Return the hash of what the bank says of lines, in the order of the statement."""
    facts = [[getattr(line, name) for name in _SAID] for line in lines]
    return hashlib.sha256(canonical(facts)).hexdigest()


def money_that_came_in_is_a_payment() -> list[str]:
    """Every bank line of money that came in has its payment.

    One query, every line once.
    """
    loose = BankLine.objects.filter(amount__gt=0, is_reversal=False, payment__isnull=True)
    return [
        f"Line {each.number} of statement {each.statement} came in and has no payment."
        for each in loose.select_related("statement").order_by("pk")[:_TOLD]
    ]


def bank_files_are_recorded() -> list[str]:
    """Every bank file's bytes carry the hash that the trail recorded at importing.

    Two queries, and the bytes of every file.
    """
    return list(islice(_files_off(), _TOLD))


def _files_off() -> Iterator[str]:
    deeds = AuditEvent.objects.filter(action="bank_file.imported", subject_kind="bankfile")
    told = dict(deeds.values_list("subject_id", "details__sha256"))
    for file in BankFile.objects.order_by("pk").iterator(chunk_size=20):
        found = hashlib.sha256(bytes(file.content)).hexdigest()
        if not found == file.sha256 == told.get(file.public_id):
            yield f"The bank file {file} is not the one that was imported."
