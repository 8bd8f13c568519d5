"""The trail is numbered and chained after the commit, and every way to bend it is found."""

import json
from datetime import UTC, datetime

import psycopg
import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction

from billing_portal.audit import anchoring, sealing
from billing_portal.audit.canonical import canonical
from billing_portal.audit.models import AuditEvent, PendingSeal, Seal
from billing_portal.audit.trail import record
from billing_portal.audit.verification import verify_chain
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.scope import tenant_scope
from tests.factories import TenantFactory

NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _anchors(settings, tmp_path):
    settings.ANCHORS_DIR = tmp_path / "anchors"


def deeds(firm, count=5):
    for number in range(count):
        record("sample.noted", firm, by=system("test"), number=number)


def test_rows_are_sealed_in_order_without_gaps(tenant):
    deeds(tenant)

    assert sealing.seal("audit") == 5
    assert sealing.seal("audit") == 0
    assert list(Seal.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3, 4, 5]
    assert not PendingSeal.objects.exists()
    assert verify_chain(tenant, "audit").ok


def test_sealing_goes_on_where_it_stopped(tenant):
    deeds(tenant)

    assert [sealing.seal("audit", limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert verify_chain(tenant, "audit").sealed == 5


def test_each_firm_has_a_chain_of_its_own(tenant, neighbor):
    deeds(tenant, 2)
    with neighbor as other:
        deeds(other, 3)
    sealing.seal_all()

    assert verify_chain(tenant, "audit").sealed == 2
    with neighbor as other:
        assert verify_chain(other, "audit").sealed == 3


@pytest.mark.parametrize("command", ["update", "delete"])
def test_the_application_cannot_change_the_trail(tenant, command):
    deeds(tenant, 1)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        if command == "update":
            AuditEvent.objects.update(action="other")
        else:
            AuditEvent.objects.all()._raw_delete("default")


def test_canonical_bytes_are_of_one_form():
    assert canonical({"b": 1, "a": ["é", None, True]}) == '28:{"a":["é",null,true],"b":1}'.encode()
    with pytest.raises(TypeError):
        canonical({"amount": 1.5})


# What a hand that owns the database could do, and what is found of it.
TAMPERING = {
    "edit": (
        ["update audit_auditevent set details = '{\"number\": 99}' where id = %(third)s"],
        "Entry 3 was changed",
    ),
    "delete": (
        ["delete from audit_auditevent where id = %(third)s"],
        "Entry 3 seals something that is gone",
    ),
    "delete with its seal": (
        [
            "delete from audit_auditevent where id = %(third)s",
            "delete from audit_seal where subject_id = %(third)s",
        ],
        "Entry 3 is missing",
    ),
    "reorder": (
        [
            "update audit_seal set subject_id = -1 where subject_id = %(third)s",
            "update audit_seal set subject_id = %(third)s where subject_id = %(second)s",
            "update audit_seal set subject_id = %(second)s where subject_id = -1",
        ],
        "Entry 2 was changed",
    ),
    "insert": (
        [
            "update audit_seal set seq = seq + 100 where seq > 2",
            """insert into audit_seal (tenant_id, chain, seq, subject_id, previous_hash, hash)
            select tenant_id, chain, 3, 424242, hash, repeat('f', 64) from audit_seal
            where seq = 2 and chain = 'audit'""",
        ],
        "Entry 3 seals something that is gone",
    ),
    "cut the tail": (
        [
            "delete from audit_seal where seq > 3",
            "delete from audit_auditevent where id > %(third)s",
        ],
        "The tail is cut: entry 5",
    ),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_by_the_owner_of_the_database_is_found(databases, how):
    statements, finding = TAMPERING[how]
    firm = _sealed_and_anchored()
    with tenant_scope(firm.pk):
        second, third = Seal.objects.order_by("seq").values_list("subject_id", flat=True)[1:3]

    _as_owner(databases, firm, statements, {"second": second, "third": third})

    with tenant_scope(firm.pk):
        report = verify_chain(firm, "audit")
    assert not report.ok
    assert finding.format(third=third) in report.findings[0]


@pytest.mark.django_db(transaction=True)
def test_a_chain_written_anew_is_found_by_its_anchors(databases):
    firm = _sealed_and_anchored()
    statements = [
        "delete from audit_seal",
        "update audit_auditevent set actor_name = 'Somebody else'",
        """insert into audit_pendingseal (tenant_id, chain, subject_id)
        select tenant_id, 'audit', id from audit_auditevent order by id""",
    ]
    _as_owner(databases, firm, statements, {})

    with tenant_scope(firm.pk):
        sealing.seal("audit")
        report = verify_chain(firm, "audit")
    assert report.sealed == 5
    assert "written anew" in report.findings[0]


@pytest.mark.django_db(transaction=True)
def test_even_the_owner_meets_the_trigger(databases):
    firm = _sealed_and_anchored()

    for statement in (
        "update audit_seal set seq = 9",
        "delete from audit_seal",
        "truncate audit_seal",
    ):
        with pytest.raises(psycopg.errors.CheckViolation, match="append-only"):
            _as_owner(databases, firm, [statement], {}, past_triggers=False)


def test_the_command_says_so_and_exits_accordingly(tenant, capsys):
    deeds(tenant)

    with pytest.raises(SystemExit) as ended:
        call_command("audit_verify", tenant=tenant.slug, seal=True, json=True)

    assert ended.value.code == 0
    report = json.loads(capsys.readouterr().out)[tenant.slug][0]
    assert (report["sealed"], report["ok"]) == (5, True)


def _sealed_and_anchored():
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        deeds(firm)
        sealing.seal("audit")
    anchoring.anchor_all(NOW)
    return firm


def _as_owner(databases, firm, statements, values, *, past_triggers=True):
    """Do what a database administrator with bad intentions could."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(databases.url("owner", name), autocommit=True) as owner:
        owner.execute(f"set app.tenant = '{firm.pk}'")
        tables = ("audit_auditevent", "audit_seal")
        if past_triggers:
            for table in tables:
                owner.execute(f"alter table {table} disable trigger user")
        for statement in statements:
            owner.execute(statement, values)
        if past_triggers:
            for table in tables:
                owner.execute(f"alter table {table} enable trigger user")
