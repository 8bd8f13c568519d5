"""Nothing is booked behind a closed month, and months are closed in their order."""

from datetime import date

import pytest
from django.db import IntegrityError

from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.closing import EarlierOpen, close, request_close
from ledger.actions.months import PeriodClosed
from ledger.actions.posting import post
from ledger.models import AccountingPeriod, Entry
from tests.factories import TenantFactory
from tests.ledger.writing import AUGUST, LATE, accounts, entry, of_august, of_november, raw


@pytest.fixture
def posted(tenant, owner):
    return post([entry()], by=owner)[0]


def closed_october(posted, owner, second_owner):
    period = request_close(posted.period, by=owner, on=date(2026, 11, 2))
    return close(period, by=second_owner, at=LATE)


@pytest.mark.parametrize("kind", ["charge", "adjustment"])
def test_nothing_is_booked_behind_a_closed_month(tenant, posted, owner, second_owner, kind):
    closed_october(posted, owner, second_owner)

    with pytest.raises(PeriodClosed, match="closed up to 2026-10-31; 2026-08-10 is before"):
        post([of_november(), of_august(kind)], by=owner)

    assert Entry.objects.count() == 1
    assert not AccountingPeriod.objects.filter(starts_on=date(2026, 8, 1)).exists()
    post([of_november()], by=owner)


def test_the_database_knows_the_edge_too(tenant, posted, owner, second_owner):
    closed_october(posted, owner, second_owner)
    august = AccountingPeriod.objects.create(starts_on=date(2026, 8, 1), ends_on=date(2026, 9, 1))

    with pytest.raises(IntegrityError, match="closed: a later one is"):
        raw(
            zip(accounts(), [5, -5], strict=True),
            tenant_id=tenant.pk,
            period_id=august.pk,
            day=AUGUST,
        )


def test_a_neighbors_closed_month_is_no_edge_here(tenant, owner, second_owner):
    with tenant_scope(TenantFactory.create().pk):
        (posted,) = post([entry()], by=owner)
        closed_october(posted, owner, second_owner)

    with tenant_scope(tenant.pk):
        assert post([of_august()], by=owner)[0].booked_on == AUGUST


def test_months_are_closed_in_their_order(tenant, posted, owner, second_owner):
    (early,) = post([of_august()], by=owner)
    with pytest.raises(EarlierOpen, match="August 2026 is closed before October 2026"):
        request_close(posted.period, by=owner, on=date(2026, 11, 2))

    request_close(early.period, by=owner, on=date(2026, 11, 2))
    request_close(posted.period, by=owner, on=date(2026, 11, 2))
    with pytest.raises(EarlierOpen, match="August 2026"):
        close(posted.period, by=second_owner, at=LATE)
    assert set(AccountingPeriod.objects.values_list("state", flat=True)) == {"soft_closed"}

    close(early.period, by=second_owner, at=LATE)
    assert close(posted.period, by=second_owner, at=LATE).state == "closed"
