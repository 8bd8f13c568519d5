"""An owner has the books looked at now: a job with its progress, one at a time, and audited."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from billing_portal.audit.models import AuditEvent
from billing_portal.jobs.engines import REGISTRY
from billing_portal.jobs.models import Job
from billing_portal.tenancy.actors import MissingPermission, system
from billing_portal.tenancy.permissions import ROLES
from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.looking import BeingVerified, ask_to_verify, verify_later
from ledger.actions.verifying import verify_and_keep
from ledger.jobs import verify_nightly
from ledger.models import Verification
from ledger.queries import LOOKS
from tests.factories import TenantFactory, actor
from tests.invoices.books import appoint_all
from tests.jobs.running import drain
from tests.ledger.test_verifying import books
from tests.visiting import Visitor, text_of

START = "ledger/verifications/start/"
PAGE = "ledger/verifications/"


@pytest.fixture(autouse=True)
def _anchors(settings, tmp_path):
    settings.ANCHORS_DIR = tmp_path / "anchors"


@pytest.fixture
def ada(client, tenant):
    return Visitor(client, tenant)


def test_the_jobs_that_look_are_known_by_name():
    assert {verify_nightly.name, verify_later.name} == set(LOOKS)
    assert set(LOOKS) <= set(REGISTRY)


def test_an_owner_asks_and_the_log_says_who(tenant, owner):
    books(owner)

    job = ask_to_verify(by=owner)

    assert (job.name, job.state) == (verify_later.name, "queued")
    event = AuditEvent.objects.get(action="books.verification_asked")
    assert (event.actor, event.subject_id) == (owner.ref, job.public_id)


@pytest.mark.django_db(transaction=True)
def test_what_was_asked_for_is_kept_like_the_nightly_look(owner):
    firm, other = TenantFactory.create(), TenantFactory.create()
    with tenant_scope(firm.pk):
        books(owner)
        job = ask_to_verify(by=owner)

    assert drain() == ["succeeded"]

    job.refresh_from_db()
    with tenant_scope(firm.pk):
        kept = Verification.objects.get()
        assert kept.is_whole
        assert (job.done, job.total) == (kept.checks, kept.checks)
        assert AuditEvent.objects.get(action="books.verified").actor == "system:verifier"
    with tenant_scope(other.pk):
        assert not Verification.objects.exists()


def test_one_look_at_a_time(tenant, owner):
    ask_to_verify(by=owner)

    with pytest.raises(BeingVerified, match="A look at the books is queued already"):
        ask_to_verify(by=owner)

    assert Job.objects.filter(tenant=tenant).count() == 1


@pytest.mark.parametrize("state", ["queued", "running"])
def test_the_nightly_look_counts_too(tenant, owner, state):
    job = verify_nightly.enqueue()
    lease = datetime.now(UTC) + timedelta(minutes=1)
    Job.objects.filter(pk=job.pk).update(state=state, claim_no=1, lease_until=lease)

    with pytest.raises(BeingVerified, match=f"is {state} already"):
        ask_to_verify(by=owner)


@pytest.mark.parametrize("state", ["succeeded", "failed", "canceled"])
def test_a_look_that_has_ended_lets_the_next_begin(tenant, owner, state):
    first = ask_to_verify(by=owner)
    Job.objects.filter(pk=first.pk).update(state=state)

    assert ask_to_verify(by=owner).pk != first.pk


def test_another_firms_look_stands_in_nobodys_way(tenant, owner, neighbor):
    with neighbor:
        ask_to_verify(by=owner)

    assert ask_to_verify(by=owner).tenant_id == tenant.pk


def test_owners_act_and_auditors_read():
    assert {role for role, allowed in ROLES.items() if "ledger.verify" in allowed} == {"owner"}


@pytest.mark.parametrize("role", ["biller", "reviewer", "timekeeper", "auditor", "service"])
def test_nobody_else_starts_a_look(tenant, role):
    with pytest.raises(MissingPermission):
        ask_to_verify(by=actor(role))

    assert not Job.objects.filter(tenant=tenant).exists()


def test_the_page_starts_a_look_and_shows_how_far_it_is(ada, tenant):
    assert "Verify now" in text_of(ada.get(PAGE))

    answer = ada.post(START)
    page = ada.get(PAGE)

    assert (answer.status_code, answer.url) == (303, f"/t/{tenant.slug}/{PAGE}")
    assert "The books are being verified Queued" in text_of(page)
    assert "Verify now" not in text_of(page)
    assert 'hx-trigger="every 2s"' in page.content.decode()
    job = Job.objects.get(tenant=tenant)
    assert f"/t/{tenant.slug}/jobs/{job.public_id}/" in page.content.decode()

    Job.objects.filter(pk=job.pk).update(
        state="running", done=7, total=23, claim_no=1, lease_until=datetime.now(UTC)
    )
    assert "7 of 23" in text_of(ada.get(PAGE))
    again = ada.client.post(f"/t/{tenant.slug}/{START}", follow=True)
    assert "A look at the books is running already. Wait until it has ended." in text_of(again)
    assert Job.objects.filter(tenant=tenant).count() == 1


def test_the_part_brings_the_new_row_once_the_look_has_ended(ada, tenant, owner):
    ada.post(START)
    waiting = ada.get(PAGE, **{"HX-Request": "true"}).content.decode()
    appoint_all()
    verify_and_keep(tenant, by=system("verifier"))
    Job.objects.filter(tenant=tenant).update(state="succeeded", ended_at=datetime.now(UTC))

    ended = ada.get(PAGE, **{"HX-Request": "true"}).content.decode()

    assert "<html" not in waiting
    assert 'id="looks"' not in waiting
    assert 'hx-trigger="every 2s"' in waiting
    assert 'hx-swap-oob="true"' in ended
    assert "Whole" in ended
    assert "Verify now" in ended
    assert "every 2s" not in ended


def test_a_look_that_failed_is_told_until_one_succeeds(ada, tenant):
    ada.post(START)
    Job.objects.filter(tenant=tenant).update(
        state="failed", ended_at=datetime.now(UTC), error_code="job.timed_out", error_text="Late."
    )
    failed = text_of(ada.get(PAGE))
    Verification.objects.create(entries=0, checks=23)

    assert "The last look at the books failed Failed Late." in failed
    assert "Verify now" in failed
    assert "failed" not in text_of(ada.get(PAGE))


def test_an_auditor_sees_the_look_and_cannot_start_one(client, tenant, owner):
    auditor = Visitor(client, tenant, "auditor")
    before = text_of(auditor.get(PAGE))
    ask_to_verify(by=owner)

    assert "Verify now" not in before
    assert "The books are being verified" in text_of(auditor.get(PAGE))
    assert auditor.post(START).status_code == 403
    assert Job.objects.filter(tenant=tenant).count() == 1


def test_a_stranger_starts_nothing_and_sees_nothing(ada, neighbor, tenant, owner):
    with neighbor as other:
        ask_to_verify(by=owner)

    assert ada.post(f"/t/{other.slug}/{START}").status_code == 404
    assert "being verified" not in text_of(ada.get(PAGE))
    assert ada.get(START).status_code == 405
    assert "Verify now" not in text_of(Visitor(Client(), tenant, "biller").get(PAGE))
