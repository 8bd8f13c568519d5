"""Tables that have grown are analyzed soon, by a function that can do nothing else."""

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction

from billing_portal.audit.models import AuditEvent
from billing_portal.operation import statistics
from billing_portal.tenancy.scope import tenant_scope
from tests.factories import TenantFactory


def analyzed():
    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_clear_snapshot()")
        cursor.execute(
            "select relname from pg_stat_user_tables where last_analyze is not null order by 1"
        )
        return [row[0] for row in cursor.fetchall()]


def deeds(firm, count):
    with tenant_scope(firm.pk):
        AuditEvent.objects.bulk_create(
            AuditEvent(action="x", subject_kind="x", subject_id="x", actor="x", actor_name="x")
            for _ in range(count)
        )
    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_force_next_flush()")


@pytest.mark.django_db(transaction=True)
def test_a_table_that_has_grown_is_analyzed_once():
    firm = TenantFactory.create()
    deeds(firm, 400)
    assert statistics.take() == 0

    deeds(firm, 200)

    assert statistics.take() == 1
    assert analyzed() == ["audit_auditevent"]
    assert statistics.take() == 0


@pytest.mark.django_db
def test_the_application_itself_may_not_analyze(databases):
    name = connection.settings_dict["NAME"]
    with psycopg.connect(databases.url("app", name), autocommit=True) as session:
        notices = []
        session.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        session.execute("analyze audit_auditevent")

    assert any("permission denied" in (text or "") for text in notices)


@pytest.mark.django_db
def test_the_function_takes_no_orders():
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select portal_take_statistics('tenancy_tenant')")


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["ledger_posting", "audit_auditevent", "jobs_job"])
def test_autovacuum_follows_hot_tables_closely(table):
    with connection.cursor() as cursor:
        cursor.execute("select reloptions from pg_class where relname = %s", [table])
        (options,) = cursor.fetchone()

    assert "autovacuum_analyze_scale_factor=0.02" in options
