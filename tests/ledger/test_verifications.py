"""The nightly look at books and chains is kept, and tells owners and auditors what it found."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client

from billing_portal.audit.models import AuditEvent
from billing_portal.jobs import clock
from billing_portal.jobs.models import ClockLine
from billing_portal.operation.checks.trail import trail
from billing_portal.operation.figures import joined, of_firms
from billing_portal.portal.findings import Level
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.verifying import verify_and_keep
from ledger.jobs import verify_nightly
from ledger.models import Verification
from ledger.views.verifications import inbox_items
from tests.factories import TenantFactory, actor
from tests.jobs.running import drain
from tests.ledger.test_verifying import books
from tests.visiting import Visitor, text_of


@pytest.fixture(autouse=True)
def _anchors(settings, tmp_path):
    settings.ANCHORS_DIR = tmp_path / "anchors"


def bend(databases, firm, statement, **values):
    """Do what only a hand that owns the database can do, past every guard."""
    tables = ("audit_auditevent", "audit_seal", "ledger_entry")
    name = connection.settings_dict["NAME"]
    with psycopg.connect(databases.url("owner", name), autocommit=True) as hand:
        hand.execute(f"set app.tenant = '{firm.pk}'")
        for table in tables:
            hand.execute(f"alter table {table} disable trigger user")
        hand.execute(statement, values)
        for table in tables:
            hand.execute(f"alter table {table} enable trigger user")


def test_a_look_at_whole_books_is_kept_and_troubles_nobody(tenant, owner):
    books(owner)

    kept = verify_and_keep(tenant, by=system("clock"))

    assert kept.is_whole
    assert (kept.entries, kept.checks) == (5, 34)
    event = AuditEvent.objects.get(action="books.verified")
    assert event.details == {"findings": 0, "entries": 5, "news": {}}
    assert inbox_items(owner) == []


@pytest.mark.django_db(transaction=True)
def test_a_broken_chain_is_named_to_owners_and_auditors_and_to_nobody_else(databases, owner):
    firm, other = TenantFactory.create(), TenantFactory.create()
    with tenant_scope(firm.pk):
        entry = books(owner)[1]
    bend(databases, firm, "update ledger_entry set reason = 'other' where id = %(id)s", id=entry.pk)

    for each in (firm, other):
        with tenant_scope(each.pk):
            verify_nightly.enqueue()
    assert drain() == ["succeeded", "succeeded"]

    with tenant_scope(firm.pk):
        kept = Verification.objects.get()
        told = AuditEvent.objects.get(action="books.verified").details
        assert kept.first == "Entry 2 was changed: it is not what was sealed."
        assert told == {"findings": 1, "entries": 5, "first": kept.first, "news": {}}
        for role in ("owner", "auditor"):
            (item,) = inbox_items(actor(role))
            assert (item.tone, item.detail) == ("bad", kept.first)
        for role in ("biller", "reviewer", "timekeeper"):
            assert inbox_items(actor(role)) == []
    with tenant_scope(other.pk):
        assert Verification.objects.get().is_whole
        assert inbox_items(owner) == []
    figures = joined(of_firms(datetime.now(UTC)))
    assert figures["portal_books_findings"] == {(): 1}
    finding = next(each for each in trail(datetime.now(UTC)) if each.what == "verification")
    assert finding.level is Level.FAIL

    page = text_of(Visitor(Client(), firm, "auditor").get("ledger/verifications/"))
    assert "Broken" in page
    assert kept.first in page
    assert kept.first in text_of(Visitor(Client(), firm).get("inbox/"))
    assert kept.first not in text_of(Visitor(Client(), other).get("ledger/verifications/"))


@pytest.mark.django_db(transaction=True)
def test_what_was_changed_in_the_audit_trail_is_named_too(databases, owner):
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        books(owner)
        event = AuditEvent.objects.order_by("pk")[0]
    bend(
        databases, firm,
        "update audit_auditevent set actor_name = 'Somebody else' where id = %(id)s", id=event.pk,
    )  # fmt: skip

    with tenant_scope(firm.pk):
        kept = verify_and_keep(firm, by=system("clock"))

    assert kept.findings == [
        [
            "audit chain and anchors",
            "Entry 1 was changed: it is not what was sealed.",
        ]
    ]


def test_what_was_mended_is_no_longer_in_the_inbox(tenant, owner):
    Verification.objects.create(entries=1, checks=17, findings=[["chain and anchors", "Broken."]])
    assert len(inbox_items(owner)) == 1

    verify_and_keep(tenant, by=system("clock"))

    assert inbox_items(owner) == []


@pytest.mark.parametrize(("role", "status"), [("auditor", 200), ("biller", 403)])
def test_the_page_is_for_who_reads_the_trail(client, tenant, role, status):
    visitor = Visitor(client, tenant, role)

    answer = visitor.get("ledger/verifications/")

    assert answer.status_code == status
    assert ("Verifications" in text_of(visitor.get("ledger/"))) is (status == 200)
    assert ("Nothing has been verified yet" in text_of(answer)) is (status == 200)


def test_the_application_cannot_change_what_was_found(tenant):
    Verification.objects.create(entries=1, checks=17, findings=[["chain and anchors", "Broken."]])

    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Verification.objects.update(findings=[])


def test_books_that_were_not_looked_at_for_long_are_told(tenant):
    now = datetime.now(UTC)
    assert joined(of_firms(now))["portal_books_never_verified"] == {(): 1}
    Verification.objects.create(entries=0, checks=17, verified_at=now - timedelta(days=2))

    figures = joined(of_firms(now))
    finding = next(each for each in trail(now) if each.what == "verification")

    assert figures["portal_books_never_verified"] == {(): 0}
    assert figures["portal_books_verified_seconds"] == {(): 172_800}
    assert finding.level is Level.WARN


def test_the_clock_asks_for_it_each_night_in_the_firms_zone(firm, settings):
    settings.JOB_MODULES = ["ledger.jobs"]
    firm.time_zone = "Europe/Berlin"
    firm.save()

    clock.write_declared(datetime(2026, 11, 21, 12, tzinfo=UTC))

    line = ClockLine.objects.get(name="nightly verification")
    assert (line.tenant, line.job) == (firm, "ledger.jobs.verify_nightly")
    assert line.next_due_at == datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
