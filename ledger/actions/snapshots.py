"""Stored sums of long accounts, so that a balance is a snapshot and what came after it."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import Max

from billing_portal.audit.models import Seal
from billing_portal.tenancy.scope import current_tenant_id
from ledger.queries import CHAIN

LONG = 1000


@transaction.atomic
def take_snapshots(*, at_least: int = LONG) -> int:
    """Store the sums, up to the chain's head, of accounts with many postings; say how many.

    Summed from zero each time, never from an earlier snapshot, so that no error is carried on.
    Only sealed entries count: their order is fixed, whereas a row id is given before the commit.
    Doing it twice at one head does no harm: a snapshot is one for each account and seal.

    :param at_least: postings; a shorter account is summed as fast without a snapshot.
    """
    head = Seal.objects.filter(chain=CHAIN).aggregate(seq=Max("seq"))["seq"]
    if head is None:
        return 0
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(_SNAPSHOTS, [head, tenant_id, CHAIN, head, at_least])
        return int(cursor.rowcount)


_SNAPSHOTS = """
insert into ledger_balancesnapshot (tenant_id, account_id, up_to_seq, balance)
select p.tenant_id, p.account_id, %s, sum(p.amount)
from ledger_posting p
join audit_seal s on s.tenant_id = p.tenant_id and s.subject_id = p.entry_id
where p.tenant_id = %s and s.chain = %s and s.seq <= %s
group by p.tenant_id, p.account_id
having count(*) >= %s
on conflict do nothing
"""
