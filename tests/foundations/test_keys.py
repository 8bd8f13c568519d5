"""The page "API keys": asked for, shown once, approved by another, rotated, revoked."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from billing_portal.audit.models import AuditEvent
from billing_portal.members import actions, granting
from billing_portal.members.models import ApiKey
from billing_portal.tenancy.permissions import PERMISSIONS, ROLES
from billing_portal.tenancy.scope import tenant_scope
from tests.factories import TenantFactory
from tests.visiting import Visitor, text_of

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
ASKED = {
    "name": "case system",
    "scopes": ["charges.capture", "charges.read"],
    "networks": "127.0.0.0/8\n\n 10.0.0.0/8 \n",
    "days": "90",
}


@pytest.fixture
def ada(client, firm):
    return Visitor(client, firm)


@pytest.fixture
def luis(firm):
    return Visitor(Client(), firm)


def ask(visitor, **changes):
    """Ask for a key; return it and its text as the page shows it."""
    answer = visitor.post("keys/request/", ASKED | changes)
    (text,) = set(re.findall(r"bp_[0-9a-f]{10}_[A-Za-z0-9_-]{43}", answer.content.decode()))
    return ApiKey.objects.order_by("-pk")[0], text, answer


def call(text):
    return Client().get("/api/v1/charges", headers={"Authorization": f"Bearer {text}"})


def test_a_key_works_once_another_person_has_approved_it(ada, luis, firm):
    key, text, answer = ask(ada)
    before = call(text).status_code
    own, inbox = text_of(ada.get("keys/")), text_of(luis.get("inbox/"))

    luis.post(f"keys/{key.public_id}/approval/")

    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert (before, call(text).status_code) == (401, 200)
    assert "You asked for it, so another person decides." in own
    assert "Approve the API key case system" in inbox
    key.refresh_from_db()
    assert key.scopes == ["charges.capture", "charges.read"]
    assert key.allowed_networks == ["127.0.0.0/8", "10.0.0.0/8"]
    assert timedelta(days=89) < key.expires_at - datetime.now(UTC) <= timedelta(days=90)
    assert (key.requested_by, key.approved_by) == (f"user:{ada.user.pk}", f"user:{luis.user.pk}")


def test_the_text_is_shown_this_once(ada, luis):
    key, text, _ = ask(ada)
    luis.post(f"keys/{key.public_id}/approval/")

    secret = text.split("_", 2)[2]  # a secret may have underscores of its own
    for page in (ada.get("keys/"), luis.get("keys/"), luis.get("inbox/"), ada.get("audit/")):
        assert secret not in page.content.decode()
    assert f"bp_{key.prefix}_…" in text_of(ada.get("keys/"))


def test_scopes_are_offered_in_plain_words_and_only_those_of_services(ada):
    page = ada.get("keys/request/").content.decode()

    offered = re.findall(r'name="scopes" value="([a-z_.]+)"[^>]*>\s*([^<]+?)\s*</label>', page)
    assert dict(offered) == {name: PERMISSIONS[name] for name in ROLES["service"]}


def test_a_biller_is_offered_what_a_biller_may_do(ada, luis, firm):
    biller = Visitor(Client(), firm, "biller")
    page = biller.get("keys/request/").content.decode()
    key, _, _ = ask(ada, scopes=["invoices.approve_for_others", "invoices.read"])
    luis.post(f"keys/{key.public_id}/approval/")

    answer = biller.post("keys/request/", ASKED | {"scopes": ["invoices.approve"]})
    rotated = biller.post(f"keys/{key.public_id}/successor/")

    assert 'value="invoices.finalize"' in page
    assert 'value="invoices.approve' not in page
    assert (answer.status_code, rotated.status_code) == (422, 303)
    said = text_of(biller.get("keys/"))
    assert "You cannot give a key what you may not do yourself" in said
    assert "Rotate" not in said
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["members.approve"]}, "Select a valid choice."),
        ({"networks": "everywhere"}, "These are no networks: everywhere."),
        ({"days": "4000"}, "Select a valid choice."),
        ({"name": ""}, "This field is required."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_no_key_is_made(ada, changed, said):
    answer = ada.post("keys/request/", ASKED | changed)

    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not ApiKey.objects.exists()


def test_who_asked_for_a_key_does_not_approve_it(ada):
    key, text, _ = ask(ada)

    ada.post(f"keys/{key.public_id}/approval/")

    assert "Another person must approve the key you asked for." in text_of(ada.get("keys/"))
    assert call(text).status_code == 401


def test_a_declined_key_never_works(ada, luis):
    key, text, _ = ask(ada)

    luis.post(f"keys/{key.public_id}/decline/")
    luis.post(f"keys/{key.public_id}/approval/")

    key.refresh_from_db()
    assert (key.approved_by, key.revoked_by) == ("", f"user:{luis.user.pk}")
    assert call(text).status_code == 401


def test_rotation_lets_two_work_until_the_older_one_is_revoked(ada, luis):
    old, old_text, _ = ask(ada)
    luis.post(f"keys/{old.public_id}/approval/")

    answer = ada.post(f"keys/{old.public_id}/successor/")
    (new_text,) = set(re.findall(r"bp_[0-9a-f]{10}_[A-Za-z0-9_-]{43}", answer.content.decode()))
    new = ApiKey.objects.get(succeeds=old)
    early = (call(old_text).status_code, call(new_text).status_code)
    luis.post(f"keys/{new.public_id}/approval/")
    both = (call(old_text).status_code, call(new_text).status_code)
    ada.post(f"keys/{old.public_id}/revocation/")
    late = (call(old_text).status_code, call(new_text).status_code)

    assert (early, both, late) == ((200, 401), (200, 200), (401, 200))
    assert (new.name, new.scopes, new.allowed_networks) == (
        old.name, old.scopes, old.allowed_networks,
    )  # fmt: skip
    assert f"takes the place of bp_{old.prefix}_…" in text_of(ada.get("keys/"))


@pytest.fixture
def live(tenant, owner, second_owner):
    """A key that works from NOW on for thirty days."""
    key, _ = granting.request_key(
        tenant, name="k", by=owner, expires_at=NOW + timedelta(days=30), scopes=["charges.read"]
    )
    ApiKey.objects.update(requested_at=NOW)
    return granting.approve_key(key, by=second_owner, at=NOW)


def test_a_successor_lives_as_long_as_the_key_before_it_was_to(live, owner):
    later = NOW + timedelta(days=20)

    made, _ = granting.request_successor(live, by=owner, at=later)

    assert made.expires_at == later + timedelta(days=30)


def test_a_third_key_waits_until_the_first_is_gone(live, owner, second_owner):
    second, _ = granting.request_successor(live, by=owner, at=NOW)
    with pytest.raises(granting.TwoLive):
        granting.request_successor(live, by=owner, at=NOW)
    granting.approve_key(second, by=second_owner, at=NOW)
    with pytest.raises(granting.TwoLive):
        granting.request_successor(second, by=owner, at=NOW)

    granting.revoke_key(live, by=owner, at=NOW)
    third, _ = granting.request_successor(second, by=owner, at=NOW)

    assert ApiKey.objects.filter(revoked_at__isnull=True).count() == 2
    assert third.succeeds == second


def test_the_database_refuses_two_successors_too(live, owner):
    made, _ = granting.request_successor(live, by=owner, at=NOW)

    with pytest.raises(IntegrityError, match="api_key_has_one_successor"), transaction.atomic():
        ApiKey.objects.create(
            tenant=made.tenant,
            name="x",
            prefix="x",
            requested_by="user:1",
            expires_at=NOW,
            succeeds=live,
        )


@pytest.mark.parametrize("spoil", [{"approved_by": ""}, {"revoked_at": NOW}, {"expires_at": NOW}])
def test_only_a_key_that_works_has_a_successor(live, owner, spoil):
    ApiKey.objects.update(**spoil)

    with pytest.raises(actions.NotOpen):
        granting.request_successor(live, by=owner, at=NOW)

    assert ApiKey.objects.count() == 1


def test_every_deed_stands_in_the_trail(ada, luis, firm):
    key, _, _ = ask(ada)
    luis.post(f"keys/{key.public_id}/approval/")
    ada.post(f"keys/{key.public_id}/successor/")
    ada.post(f"keys/{key.public_id}/revocation/")

    with tenant_scope(firm.pk):
        said = AuditEvent.objects.filter(subject_kind="apikey").order_by("pk")
        assert list(said.values_list("action", flat=True)) == [
            "api_key.requested", "api_key.approved", "api_key.requested", "api_key.revoked",
        ]  # fmt: skip


def test_a_biller_asks_and_an_owner_approves(ada, firm):
    biller = Visitor(Client(), firm, "biller")
    key, _, _ = ask(biller)
    refused = biller.post(f"keys/{key.public_id}/approval/").status_code

    ada.post(f"keys/{key.public_id}/approval/")

    key.refresh_from_db()
    assert (refused, key.approved_by) == (403, f"user:{ada.user.pk}")


def test_an_auditor_reads_and_a_reviewer_does_not(ada, firm):
    key, _, _ = ask(ada)
    auditor, reviewer = Visitor(Client(), firm, "auditor"), Visitor(Client(), firm, "reviewer")

    page = auditor.get("keys/")

    assert "case system" in text_of(page)
    assert "<form" not in page.content.decode().partition("<main")[2].partition("</main>")[0]
    assert reviewer.get("keys/").status_code == 403
    assert auditor.post(f"keys/{key.public_id}/revocation/").status_code == 403


def test_another_firms_keys_do_not_exist_here(ada):
    key, _, _ = ask(ada)
    stranger = Visitor(Client(), TenantFactory.create())

    answers = [
        stranger.post(f"keys/{key.public_id}/{verb}/").status_code
        for verb in ("approval", "decline", "revocation", "successor")
    ]

    assert answers == [404] * 4
    assert "case system" not in text_of(stranger.get("keys/"))
    assert ApiKey.objects.get().revoked_at is None


def test_who_has_no_key_is_told_what_one_is_for(ada):
    page = text_of(ada.get("keys/"))

    assert "No key yet" in page
    assert "Ask for a key" in page
