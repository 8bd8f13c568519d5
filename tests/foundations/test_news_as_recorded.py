"""News is held against its numbers, and against what each night's verification recorded of it."""

import psycopg
import pytest
from django.db import connection

from billing_portal.audit.models import AuditEvent
from billing_portal.outbox.events import publish, publish_many
from billing_portal.outbox.verifying import news_has_no_gap, news_is_as_recorded, news_to_record
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.verifying import verify_and_keep
from tests.factories import TenantFactory

CLOCK = system("clock")
CHANGED = [
    "update outbox_outboxevent set body = jsonb_set(body, '{version}', '9') where seq = 1",
    "update outbox_outboxevent set kind = 'invoice.discarded' where seq = 1",
    "update outbox_outboxevent set recorded_at = recorded_at - interval '5 days' where seq = 1",
    "delete from outbox_outboxevent where seq = 1",
]


def by_the_owner(databases, firm, statement):
    name = connection.settings_dict["NAME"]
    with psycopg.connect(databases.url("owner", name), autocommit=True) as hand:
        hand.execute(f"set app.tenant = '{firm.pk}'")
        hand.execute("alter table outbox_outboxevent disable trigger user")
        assert hand.execute(statement).rowcount > 0
        hand.execute("alter table outbox_outboxevent enable trigger user")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", CHANGED)
def test_news_that_was_changed_after_its_day_was_recorded_is_told(databases, statement, tmp_path):
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        publish("invoice.drafted", about="inv_a", version=1)
        publish_many("invoice.approved", [("inv_a", {"version": 2}), ("inv_b", {"version": 1})])
    back = "update outbox_outboxevent set recorded_at = recorded_at - interval '3 days'"
    by_the_owner(databases, firm, back)
    with tenant_scope(firm.pk):
        assert verify_and_keep(firm, by=CLOCK).is_whole
        (day,) = AuditEvent.objects.get(action="books.verified").details["news"]
        publish("invoice.finalized", about="inv_b", version=1)
        assert news_to_record() == {}  # of today's news the next night tells
        assert verify_and_keep(firm, by=CLOCK).is_whole

    by_the_owner(databases, firm, statement)

    with tenant_scope(firm.pk):
        assert f"The news of {day} is not as it was recorded." in news_is_as_recorded()


@pytest.mark.django_db(transaction=True)
def test_news_that_is_gone_leaves_a_gap(databases):
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        for version in (1, 2):
            publish("invoice.edited", about="inv_a", version=version)
        assert news_has_no_gap() == []

    by_the_owner(databases, firm, "delete from outbox_outboxevent where seq = 2")

    with tenant_scope(firm.pk):
        assert news_has_no_gap() == ["The news about inv_a is not all there."]
