"""The invariants of the books, each as one question whose answers are what is broken.

Set-based, so that a million entries are asked as fast as a thousand; each names the first few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef

from billing_portal.audit.models import PendingSeal, Seal
from billing_portal.tenancy.models import PublicModel
from billing_portal.tenancy.scope import current_tenant_id
from ledger.models import AccountingPeriod, BalanceSnapshot, Entry, Payment
from ledger.queries import CHAIN, trial_balance

FEW = 5


def unbalanced_entries() -> Iterator[str]:
    """Yield entries whose debits and credits differ in a currency, or that have one line."""
    found = _rows(_UNBALANCED)
    names = _names(Entry, (row[0] for row in found))
    for key, currency, total, lines in found:
        wrong = f"is off by {total} {currency}" if total else f"has {lines} line in {currency}"
        yield f"Entry {names[key]} {wrong}."


def trial_balance_off_zero() -> Iterator[str]:
    """Yield the currencies in which the trial balance is not zero."""
    for currency, difference in trial_balance().differences.items():
        if difference:
            yield f"{currency} is off by {difference}."


def lost_entries() -> Iterator[str]:
    """Yield entries that neither have a seal nor wait for one."""
    waiting = PendingSeal.objects.filter(chain=CHAIN, subject_id=OuterRef("pk"))
    sealed = Seal.objects.filter(chain=CHAIN, subject_id=OuterRef("pk"))
    for entry in Entry.objects.filter(~Exists(waiting), ~Exists(sealed)).order_by("pk")[:FEW]:
        yield f"Entry {entry.public_id} has no seal and waits for none."


def loose_postings() -> Iterator[str]:
    """Yield postings without an entry, or in an account of another firm or currency."""
    found = _rows(_LOOSE)
    names = _names(Entry, (row[0] for row in found))
    for key, line in found:
        lacks = "lacks its entry, or an account of its currency"
        yield f"Posting {line} of entry {names[key]} {lacks}."


def booked_after_closing() -> Iterator[str]:
    """Yield entries of closed periods beyond their frozen head, entries of a day up to a closed
    period's end that came after its closing, and heads that were replaced.
    """
    since = date.min
    for period, first in _closed_periods():
        late = [pk for pk, _ in _rows(_LATE, period=period.pk, head=_head(period))]
        names = _names(Entry, late)
        for pk in late:
            yield f"Entry {names[pk]} was booked in {period} after it was closed."
        days = {"since": since, "until": period.ends_on, "named": late}
        behind = _rows(_BEHIND, head=_head(first), **days)
        names = _names(Entry, (row[0] for row in behind))
        for pk, booked_on in behind:
            yield f"Entry {names[pk]} of {booked_on} was booked after {first} was closed."
        since = period.ends_on
        head = Seal.objects.filter(chain=CHAIN, seq=_head(period)).first()
        if _head(period) and (head is None or head.hash != period.head_hash):
            yield f"The head that {period} was closed with is not in the chain."


def _closed_periods() -> list[tuple[AccountingPeriod, AccountingPeriod]]:
    """Return the closed periods in order, each with the first that closed of it and later ones."""
    pairs: list[tuple[AccountingPeriod, AccountingPeriod]] = []
    for period in AccountingPeriod.objects.filter(state="closed").order_by("-starts_on"):
        first = pairs[-1][1] if pairs else period
        pairs.append((period, period if _head(period) <= _head(first) else first))
    return pairs[::-1]


def _head(period: AccountingPeriod) -> int:
    return period.head_seq or 0


def crooked_reversals() -> Iterator[str]:
    """Yield reversals that are not the exact mirror of what they reverse."""
    found = _rows(_CROOKED)
    names = _names(Entry, (key for row in found for key in row))
    for key, original in found:
        yield f"Entry {names[key]} does not mirror entry {names[original]}."


def payments_off_their_postings() -> Iterator[str]:
    """Yield payments and allocations that say something else than their entries' postings."""
    off_postings, off_entry, over = map(_rows, (_OFF_POSTINGS, _OFF_ENTRY, _OVER_ALLOCATED))
    keys = [row[1] for row in off_postings] + [row[0] for row in (*off_entry, *over)]
    names = _names(Payment, keys)
    for kind, key, said, booked in off_postings:
        yield f"{kind} {names[key]} says {said}; its entry says {booked}."
    for key, _ in off_entry:
        yield f"Payment {names[key]} names another day or source than its entry."
    for key, amount, used in over:
        yield f"Payment {names[key]}: {used} allocated of {amount}."


def entries_without_rows() -> Iterator[str]:
    """Yield entries of payments and allocations, and of their taking back, whose row is gone."""
    for kind, pk in _rows(_WITHOUT_ROW):
        yield f"Entry {pk} is of {kind} that is gone."


def overdrawn_accounts() -> Iterator[str]:
    """Yield invoices paid beyond what was owed, and customers whose credit was overspent."""
    for invoice, owner, currency, total in _rows(_OVERPAID):
        yield f"Invoice {invoice} of {owner} is overpaid by {-total} {currency}."
    for owner, currency, total in _rows(_OVERSPENT):
        yield f"The credit of {owner} is overspent by {total} {currency}."


def wrong_snapshots() -> Iterator[str]:
    """Yield snapshots that are not the sum since the one before. Each posting is read once."""
    found = {key: (said, summed) for key, said, summed in _rows(_WRONG_SNAPSHOTS)}
    rows = BalanceSnapshot.objects.filter(pk__in=found).select_related("account").order_by("pk")
    for row in rows:
        said, summed = found[row.pk]
        yield f"The snapshot of {row} grew by {said}; the postings by {summed}."


def _names(model: type[PublicModel], keys: Iterable[int]) -> dict[int, str]:
    """Return what the firm calls the rows of these keys; one that is gone is called so."""
    named: dict[int, str] = defaultdict(lambda: "that is gone")
    return named | {row.pk: row.public_id for row in model._default_manager.filter(pk__in=keys)}


def _rows(query: str, **named: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"{query} limit {FEW}", {"tenant": current_tenant_id(), "chain": CHAIN, **named}
        )
        return list(cursor.fetchall())


_UNBALANCED = """
select entry_id, currency, sum(amount), count(*) from ledger_posting
where tenant_id = %(tenant)s
group by entry_id, currency having sum(amount) <> 0 or count(*) < 2 order by 1, 2
"""
_LOOSE = """
select p.entry_id, p.line_no from ledger_posting p
left join ledger_entry e on e.tenant_id = p.tenant_id and e.id = p.entry_id and e.xact = p.xact
left join ledger_account a
  on a.tenant_id = p.tenant_id and a.id = p.account_id and a.currency = p.currency
where p.tenant_id = %(tenant)s and (e.id is null or a.id is null) order by 1
"""
_LATE = """
select e.id, s.seq from ledger_entry e
join audit_seal s on s.tenant_id = e.tenant_id and s.chain = %(chain)s and s.subject_id = e.id
where e.tenant_id = %(tenant)s and e.period_id = %(period)s and s.seq > %(head)s order by 2
"""
_BEHIND = """
select e.id, e.booked_on from ledger_entry e
join audit_seal s on s.tenant_id = e.tenant_id and s.chain = %(chain)s and s.subject_id = e.id
where e.tenant_id = %(tenant)s and e.booked_on >= %(since)s and e.booked_on < %(until)s
  and s.seq > %(head)s and e.id <> all(%(named)s::bigint[]) order by s.seq
"""
# Together they come in pairs: a fact of the one, and the same of the other's mirror.
_CROOKED = """
select distinct r.id, r.reverses_id from ledger_entry r
cross join lateral (
  select sum(f.side) as surplus from (
    select 1 as side, account_id, currency, amount, invoice, payment, charge, matter, tax_code
    from ledger_posting where tenant_id = r.tenant_id and entry_id = r.id
    union all
    select -1, account_id, currency, -amount, invoice, payment, charge, matter, tax_code
    from ledger_posting where tenant_id = r.tenant_id and entry_id = r.reverses_id
  ) f
  group by account_id, currency, amount, invoice, payment, charge, matter, tax_code
) pairs
where r.tenant_id = %(tenant)s and r.reverses_id is not null and pairs.surplus <> 0 order by 1
"""
_OFF_POSTINGS = """
select 'Payment', y.id, y.amount, coalesce(sum(-p.amount), 0) from ledger_payment y
left join (ledger_posting p join ledger_account a on a.tenant_id = p.tenant_id
    and a.id = p.account_id)
  on p.tenant_id = y.tenant_id and p.entry_id = y.entry_id and p.currency = y.currency
  and a.role in ('credit', 'suspense')
where y.tenant_id = %(tenant)s
group by y.id, y.amount having y.amount <> coalesce(sum(-p.amount), 0)
union all
select 'Payer of payment', w.id, w.amount, coalesce(sum(-w.moved) filter (where w.is_payers), 0)
from (
  select y.id, y.amount, p.amount as moved,
    (a.role, a.owner) = (case y.customer when '' then 'suspense' else 'credit' end, y.customer)
      as is_payers
  from ledger_payment y
  join ledger_posting p on p.tenant_id = y.tenant_id and p.entry_id = y.entry_id
  join ledger_account a on a.tenant_id = p.tenant_id and a.id = p.account_id
  where y.tenant_id = %(tenant)s
  union all
  select y.id, y.amount, p.amount,
    (a.role, a.owner) = (case y.customer when '' then 'suspense' else 'credit' end, y.customer)
  from ledger_payment y
  join ledger_posting p on p.tenant_id = y.tenant_id and p.payment = y.uid
  join ledger_entry e on e.tenant_id = p.tenant_id and e.id = p.entry_id
    and e.kind in ('payer_named', 'payer_taken_back')
  join ledger_account a on a.tenant_id = p.tenant_id and a.id = p.account_id
  where y.tenant_id = %(tenant)s
) w
group by w.id, w.amount
having coalesce(sum(-w.moved) filter (where w.is_payers), 0) <> w.amount
union all
select 'Allocation of payment', l.payment_id, l.amount, coalesce(sum(-p.amount), 0)
from ledger_allocation l
join ledger_payment y on y.tenant_id = l.tenant_id and y.id = l.payment_id
left join (ledger_posting p join ledger_account a on a.tenant_id = p.tenant_id
    and a.id = p.account_id and a.role = 'ar')
  on p.tenant_id = l.tenant_id and p.entry_id = l.entry_id and p.currency = y.currency
  and p.invoice = l.invoice and p.payment = y.uid
  and (a.owner = y.customer or l.takes_back_id is not null or exists (
    select 1 from ledger_allocation b where b.tenant_id = l.tenant_id and b.takes_back_id = l.id))
where l.tenant_id = %(tenant)s
group by l.id, l.amount having l.amount <> coalesce(sum(-p.amount), 0)
order by 1, 2
"""
_OFF_ENTRY = """
select y.id, y.entry_id from ledger_payment y
left join ledger_entry e on e.tenant_id = y.tenant_id and e.id = y.entry_id
where y.tenant_id = %(tenant)s and (e.effective_on, e.key)
  is distinct from (y.received_on, concat('payment:', y.source, ':', y.key))
order by 1
"""
_WITHOUT_ROW = """
select 'a payment', e.id from ledger_entry e
left join ledger_payment y on y.tenant_id = e.tenant_id and y.entry_id = e.id
where e.tenant_id = %(tenant)s and e.kind = 'payment' and y.id is null
union all
select 'an allocation', e.id from ledger_entry e
left join ledger_entry o on o.tenant_id = e.tenant_id and o.id = e.reverses_id
left join ledger_allocation l on l.tenant_id = e.tenant_id and l.entry_id = e.id
where e.tenant_id = %(tenant)s and 'allocation' in (e.kind, o.kind) and l.id is null
order by 1, 2
"""
_OVER_ALLOCATED = """
select y.id, y.amount, sum(l.amount) from ledger_allocation l
join ledger_payment y on y.tenant_id = l.tenant_id and y.id = l.payment_id
where l.tenant_id = %(tenant)s
group by y.id, y.amount having sum(l.amount) not between 0 and y.amount order by 1
"""
_OVERPAID = """
select p.invoice, a.owner, p.currency, sum(p.amount) from ledger_posting p
join ledger_account a on a.tenant_id = p.tenant_id and a.id = p.account_id and a.role = 'ar'
where p.tenant_id = %(tenant)s and p.invoice is not null
group by 1, 2, 3 having sum(p.amount) < 0 order by 1, 2, 3
"""
_OVERSPENT = """
select a.owner, p.currency, sum(p.amount) from ledger_posting p
join ledger_account a on a.tenant_id = p.tenant_id and a.id = p.account_id and a.role = 'credit'
where p.tenant_id = %(tenant)s group by 1, 2 having sum(p.amount) > 0 order by 1, 2
"""
_WRONG_SNAPSHOTS = """
select w.id, w.balance - w.balance_before, coalesce(sum(p.amount), 0)
from (select id, tenant_id, account_id, up_to_seq, balance,
    lag(up_to_seq, 1, 0::bigint) over one as seq_before,
    lag(balance, 1, 0::bigint) over one as balance_before
  from ledger_balancesnapshot where tenant_id = %(tenant)s
  window one as (partition by account_id order by up_to_seq)) w
left join (audit_seal s
    join ledger_posting p on p.tenant_id = s.tenant_id and p.entry_id = s.subject_id)
  on s.tenant_id = w.tenant_id and s.chain = %(chain)s and s.seq > w.seq_before
  and s.seq <= w.up_to_seq and p.account_id = w.account_id
group by w.id, w.balance, w.balance_before
having w.balance - w.balance_before <> coalesce(sum(p.amount), 0) order by 1
"""
