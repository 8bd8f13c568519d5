"""Roles, invitations and keys: nothing counts until a second person has approved it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from billing_portal.audit.models import AuditEvent
from billing_portal.members import actions, granting, invitations, queries
from billing_portal.members.models import ApiKey, Invitation, Membership, User
from billing_portal.tenancy.actors import MissingPermission
from tests.factories import MembershipFactory, TenantFactory, UserFactory

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
PASSWORD = "a long enough password"


def said() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


def test_a_role_counts_once_another_has_approved_it(tenant, owner, second_owner):
    user = UserFactory.create()
    membership = actions.propose_role(tenant, user, "biller", by=owner)
    before = queries.actor_in(tenant, user)

    actions.approve_role(membership, by=second_owner)

    after = queries.actor_in(tenant, user)
    assert before is None
    assert after is not None
    assert after.roles == ("biller",)
    assert said() == ["role.proposed", "role.approved"]


def test_who_proposed_a_role_cannot_approve_it(tenant, owner):
    membership = actions.propose_role(tenant, UserFactory.create(), "biller", by=owner)

    with pytest.raises(actions.OwnProposal):
        actions.approve_role(membership, by=owner)

    membership.refresh_from_db()
    assert membership.approved_by == ""
    assert said() == ["role.proposed"]


def test_the_database_refuses_one_pair_of_eyes_too(tenant, owner):
    membership = actions.propose_role(tenant, UserFactory.create(), "biller", by=owner)

    with pytest.raises(IntegrityError, match="approver_is_not_its_proposer"), transaction.atomic():
        Membership.objects.filter(pk=membership.pk).update(approved_by=owner.ref)


def acting(tenant, user):
    actor = queries.actor_in(tenant, user)
    assert actor is not None
    return actor


def test_who_receives_a_role_cannot_approve_it(tenant, owner, second_owner):
    ada = MembershipFactory.create(tenant=tenant, role="owner").user
    membership = actions.propose_role(tenant, ada, "reviewer", by=owner)
    by_ada = acting(tenant, ada)

    with pytest.raises(actions.OwnRole, match="a role of yours"):
        actions.approve_role(membership, by=by_ada)
    with pytest.raises(IntegrityError, match="approver_is_not_its_holder"), transaction.atomic():
        Membership.objects.filter(pk=membership.pk).update(approved_by=by_ada.ref)

    membership.refresh_from_db()
    assert membership.approved_by == ""
    assert said() == ["role.proposed"]
    actions.approve_role(membership, by=second_owner)
    assert acting(tenant, ada).roles == ("owner", "reviewer")


def test_who_proposes_a_role_for_themselves_needs_another(tenant, second_owner):
    ada = MembershipFactory.create(tenant=tenant, role="owner").user
    by_ada = acting(tenant, ada)
    membership = actions.propose_role(tenant, ada, "reviewer", by=by_ada)

    with pytest.raises(actions.OwnProposal):
        actions.approve_role(membership, by=by_ada)

    actions.approve_role(membership, by=second_owner)
    assert acting(tenant, ada).roles == ("owner", "reviewer")


def test_nobody_approves_an_invitation_to_their_own_address(tenant, owner, second_owner):
    ada = MembershipFactory.create(tenant=tenant, role="owner").user
    by_ada = acting(tenant, ada)
    invitation = invitations.invite(
        tenant, email=ada.email.upper(), name="Ada", role="reviewer", by=owner, at=NOW
    )

    with pytest.raises(actions.OwnRole, match="your own address"):
        invitations.approve_invitation(invitation, by=by_ada, at=NOW)

    invitation.refresh_from_db()
    assert (invitation.approved_by, invitation.token_hash) == ("", "")
    assert said() == ["invitation.proposed"]
    invitations.approve_invitation(invitation, by=second_owner, at=NOW)


def test_an_address_that_became_the_approvers_own_brings_them_no_role(tenant, owner):
    ada = MembershipFactory.create(tenant=tenant, role="owner").user
    invitation = invitations.invite(
        tenant, email="new@firm.test", name="New", role="reviewer", by=owner, at=NOW
    )
    token = invitations.approve_by_hand(invitation, by=acting(tenant, ada), at=NOW)
    User.objects.filter(pk=ada.pk).update(email="new@firm.test")
    ada.refresh_from_db()

    with pytest.raises(actions.OwnRole):
        invitations.accept_as(ada, token, at=NOW)

    assert acting(tenant, ada).roles == ("owner",)
    invitation.refresh_from_db()
    assert invitation.accepted_at is None


def test_a_role_is_held_once(tenant, owner):
    user = UserFactory.create()
    actions.propose_role(tenant, user, "biller", by=owner)

    with pytest.raises(actions.RoleHeldAlready):
        actions.propose_role(tenant, user, "biller", by=owner)
    assert Membership.objects.count() == 1


def test_a_role_is_approved_once(tenant, owner, second_owner):
    membership = actions.propose_role(tenant, UserFactory.create(), "biller", by=owner)
    actions.approve_role(membership, by=second_owner)

    with pytest.raises(actions.NotOpen):
        actions.approve_role(membership, by=second_owner)


def test_an_ended_role_counts_no_more(tenant, owner):
    membership = MembershipFactory.create(tenant=tenant, role="biller")

    actions.end_role(membership, by=owner, at=NOW)

    assert queries.actor_in(tenant, membership.user) is None
    with pytest.raises(actions.NotOpen):
        actions.end_role(membership, by=owner, at=NOW)


def test_the_last_owner_stays(tenant, owner):
    membership = MembershipFactory.create(tenant=tenant, role="owner")

    with pytest.raises(actions.LastOwner):
        actions.end_role(membership, by=owner, at=NOW)
    membership.refresh_from_db()
    assert membership.ended_at is None


@pytest.mark.parametrize("deed", ["propose", "approve", "end", "invite", "request_key"])
def test_a_timekeeper_changes_nobodys_rights(tenant, timekeeper, deed):
    membership = MembershipFactory.create(tenant=tenant, approved_by="")
    deeds = {
        "propose": lambda: actions.propose_role(tenant, membership.user, "auditor", by=timekeeper),
        "approve": lambda: actions.approve_role(membership, by=timekeeper),
        "end": lambda: actions.end_role(membership, by=timekeeper, at=NOW),
        "invite": lambda: invitations.invite(
            tenant, email="x@y.test", name="X", role="owner", by=timekeeper, at=NOW
        ),
        "request_key": lambda: granting.request_key(
            tenant, name="k", by=timekeeper, expires_at=NOW + timedelta(days=1)
        ),
    }

    with pytest.raises(MissingPermission):
        deeds[deed]()
    assert said() == []


def test_an_invited_person_becomes_a_member_by_the_token(tenant, owner, second_owner):
    invitation = invitations.invite(
        tenant, email="New@Firm.test", name="New", role="reviewer", by=owner, at=NOW
    )
    token = invitations.approve_by_hand(invitation, by=second_owner, at=NOW)

    user = invitations.accept_invitation(token, password=PASSWORD, at=NOW)

    actor = queries.actor_in(tenant, user)
    assert actor is not None
    assert actor.roles == ("reviewer",)
    assert (user.email, user.check_password(PASSWORD)) == ("new@firm.test", True)


@pytest.mark.parametrize("later", [timedelta(days=7), timedelta(days=30)])
def test_a_token_is_good_for_seven_days(tenant, owner, second_owner, later):
    invitation = invitations.invite(
        tenant, email="new@firm.test", name="New", role="reviewer", by=owner, at=NOW
    )
    token = invitations.approve_by_hand(invitation, by=second_owner, at=NOW)

    with pytest.raises(actions.NotOpen):
        invitations.accept_invitation(token, password=PASSWORD, at=NOW + later)
    assert not User.objects.exists()


def test_a_token_is_good_once(tenant, owner, second_owner):
    invitation = invitations.invite(
        tenant, email="new@firm.test", name="New", role="reviewer", by=owner, at=NOW
    )
    token = invitations.approve_by_hand(invitation, by=second_owner, at=NOW)
    invitations.accept_invitation(token, password=PASSWORD, at=NOW)

    with pytest.raises(actions.NotOpen):
        invitations.accept_invitation(token, password="another password", at=NOW)


def test_an_invitation_never_resets_a_password(tenant, owner, second_owner):
    known = actions.add_user(email="known@firm.test", name="Known", password=PASSWORD)
    invitation = invitations.invite(
        tenant, email="known@firm.test", name="K", role="reviewer", by=owner, at=NOW
    )
    token = invitations.approve_by_hand(invitation, by=second_owner, at=NOW)

    invitations.accept_invitation(token, password="a stranger's password", at=NOW)

    known.refresh_from_db()
    assert known.check_password(PASSWORD)


def test_the_token_is_stored_as_a_hash_only(tenant, owner, second_owner):
    invitation = invitations.invite(
        tenant, email="new@firm.test", name="New", role="reviewer", by=owner, at=NOW
    )
    token = invitations.approve_by_hand(invitation, by=second_owner, at=NOW)

    assert token not in str(Invitation.objects.values().get())


def ask(client, text, path="/api/v1/no-such-thing", **headers):
    return client.get(path, headers={"Authorization": f"Bearer {text}", **headers})


@pytest.fixture
def key(tenant, owner, second_owner):
    now = datetime.now(UTC)
    row, text = granting.request_key(
        tenant, name="case system", by=owner, expires_at=now + timedelta(days=1)
    )
    granting.approve_key(row, by=second_owner, at=now)
    return row, text


def test_an_approved_key_gets_past_the_door(client, key):
    assert ask(client, key[1]).status_code == 404


def test_a_key_is_stored_as_a_hash_only(key):
    row, text = key

    assert text.split("_", 2)[2] not in str(ApiKey.objects.values().get(pk=row.pk))


@pytest.mark.parametrize(
    "spoil",
    [
        {"approved_by": ""},
        {"expires_at": NOW - timedelta(days=900)},
        {"revoked_at": NOW},
        {"secret_hash": "0" * 64},
        {"allowed_networks": ["203.0.113.0/24"]},
    ],
)
def test_a_key_that_may_not_be_used_is_no_key(client, key, spoil):
    row, text = key
    ApiKey.objects.filter(pk=row.pk).update(**spoil)

    answer = ask(client, text)

    assert answer.status_code == 401
    assert answer.json()["code"] == "api_key.not_accepted"
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("text", ["", "x", "bp_", "bp_0123456789_" + "a" * 43])
def test_an_unknown_key_is_no_key(client, tenant, text):
    assert ask(client, text).status_code == 401


def test_a_forged_proxy_header_changes_nothing(client, key):
    row, text = key
    ApiKey.objects.filter(pk=row.pk).update(allowed_networks=["203.0.113.0/24"])

    assert ask(client, text, **{"X-Forwarded-For": "203.0.113.7"}).status_code == 401


def test_the_peer_is_counted_behind_our_own_proxies(client, key, settings):
    settings.TRUSTED_PROXIES = 1
    row, text = key
    ApiKey.objects.filter(pk=row.pk).update(allowed_networks=["203.0.113.0/24"])

    through = ask(client, text, **{"X-Forwarded-For": "198.51.100.9, 203.0.113.7"})
    forged = ask(client, text, **{"X-Forwarded-For": "203.0.113.7, 198.51.100.9"})

    assert (through.status_code, forged.status_code) == (404, 401)


def test_a_key_needs_four_eyes(tenant, owner):
    row, _ = granting.request_key(tenant, name="k", by=owner, expires_at=NOW + timedelta(days=1))

    with pytest.raises(actions.OwnProposal):
        granting.approve_key(row, by=owner, at=NOW)
    with pytest.raises(IntegrityError, match="approver_is_not_its_requester"), transaction.atomic():
        ApiKey.objects.filter(pk=row.pk).update(approved_by=owner.ref)


def test_an_allow_list_holds_networks_only(tenant, owner):
    with pytest.raises(granting.NetworkUnknown):
        granting.request_key(
            tenant, name="k", by=owner, expires_at=NOW, networks=["10.0.0.0/8", "everywhere"]
        )
    assert not ApiKey.objects.exists()


def test_members_of_another_firm_are_not_members_here(tenant):
    other = MembershipFactory.create(tenant=TenantFactory.create(), role="owner")

    assert queries.actor_in(tenant, other.user) is None
    assert queries.members_of(tenant) == []
    assert queries.holders_of(tenant, "invoices.approve") == []


def test_holders_are_those_whose_role_allows_it(tenant):
    reviewer = MembershipFactory.create(tenant=tenant, role="reviewer")
    MembershipFactory.create(tenant=tenant, user=reviewer.user, role="owner", approved_by="")
    MembershipFactory.create(tenant=tenant, role="timekeeper")
    MembershipFactory.create(tenant=tenant, role="reviewer", approved_by="")

    assert queries.holders_of(tenant, "invoices.approve") == [reviewer.user]
