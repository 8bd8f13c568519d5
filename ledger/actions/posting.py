"""``post`` and ``reverse``: the only writers of entries and postings.

Set-based: however many entries, their postings go in by one statement and their headers by the
next. The rules are checked here first, for the sake of good messages, and by the database always.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from billing_portal.audit.canonical import canonical
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.money import Money
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.inserting import plain_array
from billing_portal.tenancy.scope import current_tenant_id
from billing_portal.texts import refuse_hidden
from ledger.actions.months import PeriodClosed, must_be_open, periods_of
from ledger.models import Account, AccountingPeriod, Entry, Payment, Posting
from ledger.models.chart import ROLES
from ledger.queries import CHAIN

ADJUSTMENT = "adjustment"
_LONGEST_REASON = 200  # the deed that books keeps all of it


class Unbalanced(Refused):
    """An entry has fewer than two lines, or its debits and credits differ in some currency."""

    code = "ledger.unbalanced"


class KeyReused(Refused):
    """The key was used for an entry with other content. Nothing was posted."""

    code = "ledger.key_reused"


class AlreadyReversed(Refused):
    """An entry is reversed once."""

    code = "ledger.already_reversed"


class NotReversible(Refused):
    """The entry belongs to a document, which is undone as such and not behind its back."""

    code = "ledger.not_reversible"


@dataclass(frozen=True)
class Line:
    """One side of an entry to be: a debit above zero, a credit below, and what it is about."""

    role: str
    amount: Money
    owner: str = ""
    invoice: UUID | None = None
    payment: UUID | None = None
    charge: UUID | None = None
    matter: UUID | None = None
    tax_code: str = ""

    @cached_property
    def account(self) -> tuple[str, str, str]:
        """What names the account."""
        return self.role, self.owner, self.amount.currency

    @cached_property
    def minor(self) -> int:
        """The amount in minor units."""
        return self.amount.minor


@dataclass(frozen=True)
class NewEntry:
    """An entry to be.

    :ivar key: unique in the firm; posting the same key and content again returns what was posted.
    :ivar booked_on: the day in whose period it is booked.
    :ivar effective_on: when it happened, where that period was closed by then.
    """

    kind: str
    booked_on: date
    key: str
    lines: tuple[Line, ...]
    effective_on: date | None = None
    source: str = ""
    reason: str = ""
    correction_group: str = ""
    reverses: int | None = None

    def fingerprint(self) -> str:
        """Return what tells this content from any other."""
        lines = [
            [
                *(line.account, line.minor, line.invoice, line.payment),
                *(line.charge, line.matter, line.tax_code),
            ]
            for line in self.lines
        ]
        named = [self.kind, self.booked_on, self.effective_on, self.source, self.reverses]
        return hashlib.sha256(canonical([named, lines])).hexdigest()


def post(entries: Sequence[NewEntry], *, by: Actor) -> list[Entry]:
    """Post entries, all or none, and return them in the given order. About ten queries in all.

    A scope is a transaction, so it opens none; accounts and periods that were made for entries that
    are refused stay behind empty, which does no harm.

    :raises Unbalanced: when one of them does not balance in each of its currencies.
    :raises KeyReused: when a key belongs to an entry with other content, or stands twice here.
    :raises PeriodClosed: when the period of a day is closed, or a later one (soft-closed ones take
        adjustments).
    """
    for entry in entries:
        _must_balance(entry)
    prints = {entry.key: entry.fingerprint() for entry in entries}
    if len(prints) != len(entries):
        raise KeyReused("A key stands twice in one posting.")
    known = _known(prints)
    fresh = [entry for entry in entries if entry.key not in known]
    if fresh:
        known |= _write_or_find(fresh, prints, by)
    return [known[entry.key] for entry in entries]


@transaction.atomic
def reverse(entry: Entry, *, by: Actor, on: date, reason: str) -> Entry:
    """Post the exact mirror of an entry; an entry is reversed once.

    :raises AlreadyReversed: when it has been.
    :raises NotReversible: for an entry that is about an invoice, payment or charge: its document
        would go on saying what the books no longer say.
    :raises PeriodClosed: when the period of ``on`` is closed.
    """
    by.must("ledger.reverse")
    refuse_hidden({"reason": reason}, prose=["reason"])
    if is_of_a_document(entry):
        raise NotReversible("Credit the invoice, take the allocation back, or edit the line.")
    if Entry.objects.filter(reverses=entry).exists():
        raise AlreadyReversed(f"{entry} was reversed before.")
    (mirrored,) = post([mirror_of(entry, key=f"reversal:{entry.uid}", on=on, reason=reason)], by=by)
    record("entry.reversed", entry, by=by, reversal=mirrored.public_id, reason=reason)
    return mirrored


def is_of_a_document(entry: Entry) -> bool:
    """Say whether an entry stands for an invoice, payment or charge, which is undone by its own
    ways. At most two queries.
    """
    of_a_document = Q(invoice__isnull=False) | Q(payment__isnull=False) | Q(charge__isnull=False)
    lines = Posting.objects.filter(of_a_document, entry=entry)
    return bool(lines.exists() or Payment.objects.filter(entry=entry).exists())


def mirror_of(entry: Entry, *, key: str, on: date, reason: str) -> NewEntry:
    """Return the entry that undoes another: the same lines with the other sign. Two queries."""
    postings = entry_lines(entry)
    return NewEntry(
        kind="reversal",
        booked_on=on,
        key=key,
        source=entry.source,
        reason=reason,
        correction_group=entry.correction_group,
        reverses=entry.pk,
        lines=tuple(
            Line(
                role=posting.account.role,
                owner=posting.account.owner,
                amount=Money.of_minor(-posting.amount, posting.currency),
                invoice=posting.invoice,
                payment=posting.payment,
                charge=posting.charge,
                matter=posting.matter,
                tax_code=posting.tax_code,
            )
            for posting in postings
        ),
    )


def lock_account(role: str, owner: str, currency: str) -> None:
    """Lock an account's row until the transaction ends, making it first where it is missing.

    Whoever lowers what a customer owes, or spends their credit, holds their ``credit`` account.
    """
    lock_accounts({(role, owner, currency)})


def lock_accounts(named: set[tuple[str, str, str]]) -> None:
    """Lock accounts by role, owner and currency, in the order of their keys. Three queries or two.

    The lock leaves keys alone, so a posting that names the account need not wait for it.
    """
    ids = list(_accounts(named).values())
    locked = Account.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    list(locked.values_list("pk", flat=True))


def entry_lines(entry: Entry) -> list[Posting]:
    """Return an entry's postings in order, with their accounts. One query."""
    return list(Posting.objects.filter(entry=entry).select_related("account").order_by("line_no"))


def _must_balance(entry: NewEntry) -> None:
    sums: Counter[str] = Counter()
    for line in entry.lines:
        if not line.minor:
            raise ValueError(f"A line of nothing in {entry.key}.")
        sums[line.amount.currency] += line.minor
    wrong = [Money.of_minor(total, currency) for currency, total in sums.items() if total]
    if wrong or len(entry.lines) < 2:  # noqa: PLR2004 -- double entry
        said = ", ".join(map(str, wrong)) or "one line"
        raise Unbalanced(f"The entry does not balance: {said}.")


def _known(prints: dict[str, str]) -> dict[str, Entry]:
    with connection.cursor() as cursor:
        cursor.execute(_FIND_ENTRIES, [current_tenant_id(), list(prints)])
        found = _entries_in(cursor.fetchall())
    for key, entry in found.items():
        if entry.fingerprint != prints[key]:
            raise KeyReused(f"{key} was posted with other content.")
    return found


def _write_or_find(fresh: list[NewEntry], prints: dict[str, str], by: Actor) -> dict[str, Entry]:
    """Write, or return what somebody else wrote with the same keys in the meantime."""
    accounts = _accounts({line.account for entry in fresh for line in entry.lines})
    periods = periods_of({entry.booked_on for entry in fresh})
    for entry in fresh:
        must_be_open(periods[entry.booked_on], is_adjustment=entry.kind == ADJUSTMENT)
    try:
        with transaction.atomic():
            return _write(fresh, prints, accounts, periods, by)
    except IntegrityError as error:
        if "accounting period is closed" in str(error):
            raise PeriodClosed("The accounting period was closed in the meantime.") from error
        if "entry_is_reversed_once" in str(error):
            raise AlreadyReversed("The entry was reversed in the meantime.") from error
        if "entry_key_is_unique" not in str(error):
            raise
    known = _known(prints)
    rest = [entry for entry in fresh if entry.key not in known]
    return known | (_write(rest, prints, accounts, periods, by) if rest else {})


def _write(
    fresh: list[NewEntry],
    prints: dict[str, str],
    accounts: dict[tuple[str, str, str], int],
    periods: dict[date, AccountingPeriod],
    by: Actor,
) -> dict[str, Entry]:
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            "select nextval(pg_get_serial_sequence('ledger_entry', 'id'))"
            " from generate_series(1, %s)",
            [len(fresh)],
        )
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(_INSERT_POSTINGS, [tenant_id, *_posting_columns(fresh, ids, accounts)])
        columns = _entry_columns(fresh, ids, prints, periods)
        cursor.execute(_INSERT_ENTRIES, [tenant_id, by.ref, *columns, CHAIN])
        return _entries_in(cursor.fetchall())


def _entries_in(rows: list[tuple[Any, ...]]) -> dict[str, Entry]:
    found = [Entry.from_db("default", _FIELDS, row) for row in rows]
    return {entry.key: entry for entry in found}


_FIELDS = [field.attname for field in Entry._meta.concrete_fields]
_FIND_ENTRIES = (
    f"select {', '.join(_FIELDS)} from ledger_entry"  # noqa: S608 -- columns of the model
    " where tenant_id = %s and key = any(%s::text[])"
)
_INSERT_POSTINGS = """
insert into ledger_posting (tenant_id, entry_id, line_no, account_id, currency, amount,
  invoice, payment, charge, matter, tax_code)
select %s, * from unnest(%s::bigint[], %s::smallint[], %s::bigint[], %s::text[], %s::bigint[],
  %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[])
"""
# What waits for its seal is written by the same statement, in the order the entries were given in.
_INSERT_ENTRIES = f"""
with posted as (
  insert into ledger_entry (tenant_id, actor, id, uid, kind, booked_on, effective_on, period_id,
    key, fingerprint, source, reason, correction_group, reverses_id)
  select %s, %s, * from unnest(%s::bigint[], %s::uuid[], %s::text[], %s::date[], %s::date[],
    %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[])
  returning *
), waiting as (
  insert into audit_pendingseal (tenant_id, chain, subject_id)
  select tenant_id, %s, id from posted order by id
)
select {", ".join(_FIELDS)} from posted
"""  # noqa: S608 -- columns of the model


def _posting_columns(
    fresh: list[NewEntry], ids: list[int], accounts: dict[tuple[str, str, str], int]
) -> list[Any]:
    rows = [
        (
            *(pk, number, accounts[line.account], line.amount.currency, line.minor),
            *(line.invoice, line.payment, line.charge, line.matter, line.tax_code),
        )
        for pk, entry in zip(ids, fresh, strict=True)
        for number, line in enumerate(entry.lines, 1)
    ]
    *plain, codes = zip(*rows, strict=True)
    return [*map(plain_array, plain), list(codes)]


def _entry_columns(
    fresh: list[NewEntry],
    ids: list[int],
    prints: dict[str, str],
    periods: dict[date, AccountingPeriod],
) -> list[list[Any]]:
    # By key, so that two writers of the same keys wait for each other in one order.
    numbered = sorted(zip(ids, fresh, strict=True), key=lambda each: each[1].key)
    rows = [
        (
            *(pk, uuid4(), entry.kind, entry.booked_on, entry.effective_on or entry.booked_on),
            *(periods[entry.booked_on].pk, entry.key, prints[entry.key], entry.source),
            *(entry.reason[:_LONGEST_REASON], entry.correction_group, entry.reverses),
        )
        for pk, entry in numbered
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _accounts(wanted: set[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
    """Return the ids of accounts, making those that are missing. At most three queries."""
    found = _find_accounts(wanted)
    missing = sorted(wanted - found.keys())
    if missing:
        Account.objects.bulk_create(
            [_new_account(*names) for names in missing], ignore_conflicts=True
        )
        found |= _find_accounts(set(missing))
    return found


def _find_accounts(wanted: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
    by_role: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for names in wanted:
        by_role[names[0]].add(names)
    rows = Account.objects.filter(
        role__in=list(by_role), owner__in=[owner for _, owner, _ in wanted]
    ).values_list("role", "owner", "currency", "pk")
    found = {(role, owner, currency): pk for role, owner, currency, pk in rows}
    return {names: found[names] for names in wanted if names in found}


def _new_account(role: str, owner: str, currency: str) -> Account:
    line = ROLES[role]
    code = f"{line.code}:{owner}" if owner else line.code
    return Account(
        role=role, owner=owner, currency=currency, code=code, type=line.type, side=line.side
    )
