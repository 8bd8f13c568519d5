"""Two sessions at once: the one that comes second waits, and meets the law."""

import threading
from datetime import date

import psycopg
import pytest
from django.db import connection

from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.closing import EarlierOpen, close, request_close
from ledger.actions.months import PeriodClosed
from ledger.actions.posting import (
    AlreadyReversed,
    mirror_of,
    post,
    reverse,
)
from ledger.models import AccountingPeriod
from tests.factories import TenantFactory
from tests.ledger.writing import DAY, LATE, accounts, entry, of_august, raw


@pytest.fixture
def posted(tenant, owner):
    return post([entry()], by=owner)[0]


@pytest.mark.django_db(transaction=True)
def test_a_reversal_of_two_sessions_is_one(owner):
    """Whoever comes second waits, and is refused by name."""
    firm, outcome = TenantFactory.create(), []
    with tenant_scope(firm.pk):
        (first,) = post([entry()], by=owner)

    def second_hand():
        try:
            with tenant_scope(firm.pk):
                mirrored = mirror_of(first, key="other", on=DAY, reason="Also wrong")
                post([mirrored], by=owner)
        except AlreadyReversed as refused:
            outcome.append(refused.code)
        finally:
            connection.close()

    hand = threading.Thread(target=second_hand)
    with tenant_scope(firm.pk):
        reverse(first, by=owner, on=DAY, reason="Wrong")
        hand.start()
        hand.join(0.5)
        assert hand.is_alive()
    hand.join(10)

    assert outcome == ["ledger.already_reversed"]


@pytest.mark.django_db(transaction=True)
def test_a_late_line_of_another_transaction_never_attaches(databases, owner):
    """One session writes postings and waits; the other posts the header they name."""
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        (first,) = post([entry()], by=owner)
        pair, period = accounts(), first.period_id
    name = connection.settings_dict["NAME"]
    with psycopg.connect(databases.url("app", name)) as other:
        other.execute(f"select set_config('app.tenant', '{firm.pk}', true)")
        other.execute(
            "insert into ledger_posting (tenant_id, entry_id, line_no, account_id, currency,"
            " amount, tax_code)"
            " values (%s, 777, 3, %s, 'USD', 1, ''), (%s, 777, 4, %s, 'USD', -1, '')",
            [firm.pk, pair[0], firm.pk, pair[1]],
        )
        with tenant_scope(firm.pk):
            raw(
                zip(pair, [5, -5], strict=True),
                tenant_id=firm.pk,
                period_id=period,
                entry_id=777,
            )
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="its_entrys_transaction"):
            other.commit()


@pytest.mark.django_db(transaction=True)
def test_closing_waits_for_a_posting_and_what_comes_after_is_refused(owner, second_owner):
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        (first,) = post([entry()], by=owner)
        request_close(first.period, by=owner, on=date(2026, 11, 2))
        AccountingPeriod.objects.filter(pk=first.period_id).update(state="open")
    posted_first, outcome = threading.Event(), []

    def close_meanwhile():
        try:
            posted_first.wait(5)
            with tenant_scope(firm.pk):
                AccountingPeriod.objects.filter(pk=first.period_id).update(state="soft_closed")
                outcome.append(close(first.period, by=second_owner, at=LATE).head_seq)
        finally:
            connection.close()

    closer = threading.Thread(target=close_meanwhile)
    with tenant_scope(firm.pk):
        post([entry("charge:2")], by=owner)
        closer.start()
        posted_first.set()
        closer.join(0.5)
        assert outcome == []  # it waits for the lock that posting holds
    closer.join(10)

    assert outcome == [2]
    with tenant_scope(firm.pk), pytest.raises(PeriodClosed):
        post([entry("charge:3")], by=owner)


@pytest.mark.django_db(transaction=True)
def test_closing_waits_for_a_posting_in_an_earlier_month(owner, second_owner):
    """The closer waits for it, and then finds the month that it opened."""
    firm, outcome = TenantFactory.create(), []
    with tenant_scope(firm.pk):
        (first,) = post([entry()], by=owner)
        request_close(first.period, by=owner, on=date(2026, 11, 2))

    def close_meanwhile():
        try:
            with tenant_scope(firm.pk):
                close(first.period, by=second_owner, at=LATE)
        except EarlierOpen as refused:
            outcome.append(refused.code)
        finally:
            connection.close()

    closer = threading.Thread(target=close_meanwhile)
    with tenant_scope(firm.pk):
        post([of_august()], by=owner)
        closer.start()
        closer.join(0.5)
        assert closer.is_alive()
    closer.join(10)

    assert outcome == ["ledger.earlier_open"]
