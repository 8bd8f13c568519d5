"""Who changes where a firm's people sign in could take the firm over: four eyes, on record."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from billing_portal.audit.models import AuditEvent
from billing_portal.directories import actions, queries
from billing_portal.directories.models import Directory, DirectoryIdentity
from billing_portal.directories.proposing import BadDirectory
from billing_portal.members.actions import NotOpen, OwnProposal
from billing_portal.tenancy.actors import MissingPermission, system
from billing_portal.tenancy.encryption import WrongPlace
from tests.factories import UserFactory, actor

ISSUER = "https://id.arnesen.test/oidc"
VALUES: dict[str, Any] = {
    "issuer": ISSUER,
    "client_id": "portal",
    "client_secret": "Cormorant-Slipway-71",
    "domains": ["Arnesen.test ", "pike.test"],
}


def said():
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


@pytest.fixture
def proposed(tenant, owner):
    return actions.propose_directory(**VALUES, by=owner)


@pytest.fixture
def agreed(proposed, second_owner):
    return actions.approve_directory(proposed, by=second_owner)


def doors(tenant):
    """Return what the firm's doors know."""
    tenant.refresh_from_db()
    return tenant.directory, tenant.directory_domains, tenant.requires_directory


def test_a_directory_counts_once_another_has_approved_it(tenant, proposed, second_owner):
    before = (queries.directory_in_force(), doors(tenant))

    directory = actions.approve_directory(proposed, by=second_owner)

    assert before == (None, ("", [], False))
    assert queries.directory_in_force() == directory
    assert doors(tenant) == (directory.public_id, ["arnesen.test", "pike.test"], False)
    assert said() == ["directory.proposed", "directory.approved"]


def test_who_proposed_it_cannot_approve_it(tenant, proposed, owner):
    with pytest.raises(OwnProposal):
        actions.approve_directory(proposed, by=owner)

    assert doors(tenant) == ("", [], False)
    assert said() == ["directory.proposed"]


def test_the_database_wants_four_eyes_too(proposed, owner):
    with pytest.raises(IntegrityError, match="approver_is_not_its_proposer"), transaction.atomic():
        Directory.objects.filter(pk=proposed.pk).update(state="ACTIVE", decided_by=owner.ref)


def test_the_database_lets_nobody_end_what_they_proposed_to_end(agreed, owner):
    with pytest.raises(IntegrityError, match="not_ended_by_who_proposed_it"), transaction.atomic():
        Directory.objects.filter(pk=agreed.pk).update(
            state="ENDED", end_proposed_by=owner.ref, ended_by=owner.ref
        )


def test_the_database_requires_no_directory_that_is_not_there(tenant):
    with pytest.raises(IntegrityError, match="requires_only_a_directory"), transaction.atomic():
        type(tenant).objects.filter(pk=tenant.pk).update(requires_directory=True)


@pytest.mark.parametrize("deed", ["propose", "approve", "reject", "propose_end", "approve_end"])
@pytest.mark.parametrize("role", ["biller", "reviewer", "timekeeper", "auditor", "service"])
def test_only_owners_decide_where_people_sign_in(tenant, proposed, deed, role):
    stranger = actor(role, number=3)
    deeds = {
        "propose": lambda: actions.propose_directory(**VALUES, by=stranger),
        "approve": lambda: actions.approve_directory(proposed, by=stranger),
        "reject": lambda: actions.reject_directory(proposed, by=stranger),
        "propose_end": lambda: actions.propose_end(proposed, by=stranger),
        "approve_end": lambda: actions.approve_end(proposed, by=stranger),
    }

    with pytest.raises(MissingPermission):
        deeds[deed]()
    assert said() == ["directory.proposed"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://id.arnesen.test"},
        {"issuer": "https://id.arnesen.test/?a=b"},
        {"issuer": "https://id.arnesen.test/#a"},
        {"issuer": "https://ada:secret@id.arnesen.test"},
        {"issuer": "https://"},
        {"issuer": "https://[::1"},
        {"issuer": "https://x:99999/"},
        {"issuer": "id.arnesen.test"},
        {"issuer": "https://id.arnesen.test/a b"},
        {"issuer": ""},
        {"client_id": " "},
        {"client_secret": ""},
        {"domains": []},
        {"domains": ["test"]},
        {"domains": ["arnesen.test", "@pike.test"]},
        {"domains": ["*.test"]},
        {"domains": ["127.0.0.1"]},
        {"domains": [f"a{number}.test" for number in range(51)]},
    ],
)
def test_what_cannot_be_is_refused(tenant, owner, wrong):
    with pytest.raises(BadDirectory):
        actions.propose_directory(**VALUES | wrong, by=owner)

    assert not Directory.objects.exists()
    assert said() == []


def test_one_proposal_waits_at_a_time(proposed, second_owner):
    with pytest.raises(actions.AlreadyProposed):
        actions.propose_directory(**VALUES, by=second_owner)

    assert said() == ["directory.proposed"]


def test_a_rejected_proposal_counts_for_nothing(tenant, proposed, owner, second_owner):
    actions.reject_directory(proposed, by=owner)

    with pytest.raises(NotOpen):
        actions.approve_directory(proposed, by=second_owner)
    assert doors(tenant) == ("", [], False)


def test_another_directory_takes_the_place_of_the_one_before(tenant, agreed, owner, second_owner):
    successor = actions.propose_directory(**VALUES | {"domains": ["pike.test"]}, by=second_owner)
    actions.approve_directory(successor, by=owner)

    agreed.refresh_from_db()
    assert (agreed.state, agreed.ended_by) == ("ENDED", owner.ref)
    assert doors(tenant) == (successor.public_id, ["pike.test"], False)


def test_a_directory_ends_once_another_has_approved_it(tenant, agreed, owner, second_owner):
    with pytest.raises(NotOpen, match="Nobody has proposed"):
        actions.approve_end(agreed, by=owner)
    actions.propose_end(agreed, by=owner)
    with pytest.raises(OwnProposal):
        actions.approve_end(agreed, by=owner)
    with pytest.raises(NotOpen, match="already"):
        actions.propose_end(agreed, by=second_owner)

    actions.approve_end(agreed, by=second_owner)

    assert doors(tenant) == ("", [], False)
    assert said()[2:] == ["directory.end_proposed", "directory.ended"]


def test_a_directory_that_nobody_has_used_is_not_required(tenant, agreed, owner, second_owner):
    with pytest.raises(actions.NeverUsed):
        actions.propose_directory(**VALUES, is_required=True, by=owner)
    identity = DirectoryIdentity.objects.create(
        issuer=ISSUER, subject="1", user=UserFactory.create()
    )
    required = actions.propose_directory(**VALUES, is_required=True, by=owner)
    actions.release_identity(identity, by=owner)
    with pytest.raises(actions.NeverUsed):
        actions.approve_directory(required, by=second_owner)

    assert doors(tenant) == (agreed.public_id, ["arnesen.test", "pike.test"], False)


def test_who_came_in_by_another_issuer_has_not_used_this_one(tenant, agreed, owner):
    DirectoryIdentity.objects.create(
        issuer="https://other.test", subject="1", user=UserFactory.create()
    )

    with pytest.raises(actions.NeverUsed):
        actions.propose_directory(**VALUES, is_required=True, by=owner)


def test_the_secret_is_stored_for_its_row_alone(agreed, owner, second_owner):
    stored = str(Directory.objects.values().get())

    assert "Cormorant" not in stored
    assert actions.client_of(agreed).secret == "Cormorant-Slipway-71"
    successor = actions.propose_directory(**VALUES | {"client_secret": "x"}, by=owner)
    successor.client_secret = agreed.client_secret
    with pytest.raises(WrongPlace):
        actions.client_of(successor)


def test_the_secret_is_not_in_the_trail(agreed):
    assert "Cormorant" not in str(list(AuditEvent.objects.values()))
    assert AuditEvent.objects.latest("pk").details["issuer"] == ISSUER


def test_a_released_identity_is_released_once(tenant, owner):
    identity = DirectoryIdentity.objects.create(
        issuer=ISSUER, subject="1", user=UserFactory.create()
    )
    actions.release_identity(identity, by=owner)

    with pytest.raises(NotOpen):
        actions.release_identity(identity, by=owner)
    assert said() == ["directory_identity.released"]


def test_another_firm_sees_nothing_of_it(agreed, neighbor):
    with neighbor:
        assert queries.directory_in_force() is None
        assert not Directory.objects.exists()
        assert not DirectoryIdentity.objects.exists()


def test_firms_are_found_by_the_whole_domain(tenant, agreed):
    assert queries.firms_speaking_for("Ada@ARNESEN.test") == [tenant]
    for email in ("ada@test", "ada@x.arnesen.test", "ada@rnesen.test", "", "ada", "ada@"):
        assert queries.firms_speaking_for(email) == []


@pytest.mark.django_db
def test_who_runs_the_portal_lifts_a_directory_that_locks_all_out(arnesen, scope_of, capsys):
    call_command("lift_directory", "arnesen")

    arnesen.tenant.refresh_from_db()
    assert arnesen.tenant.directory == ""
    assert arnesen.said()[-1] == ("directory.ended", None)
    with scope_of(arnesen):
        assert AuditEvent.objects.latest("pk").actor == system("operator").ref
    for slug in ("arnesen", "no-such-firm"):
        with pytest.raises(CommandError):
            call_command("lift_directory", slug)
