"""The one table of permissions: who may what, and that nobody may by accident."""

import pytest

from billing_portal.tenancy.actors import Actor, ActorKind, MissingPermission, may, system
from billing_portal.tenancy.permissions import PERMISSIONS, ROLES, permissions_of


@pytest.mark.parametrize("role", ROLES)
def test_roles_name_known_permissions_only(role):
    assert ROLES[role] <= set(PERMISSIONS)


def test_an_auditor_only_reads():
    beyond = {name for name in ROLES["auditor"] if not name.endswith(".read")}
    assert beyond == {"admin.enter"}  # to read there: each noun's edit_permission says who writes


@pytest.mark.parametrize(
    "permission",
    ["api_keys.approve", "members.approve", "rates.approve", "credit_notes.approve"],
)
def test_second_signatures_are_an_owners(permission):
    assert {role for role, allowed in ROLES.items() if permission in allowed} == {"owner"}


def test_no_key_approves_members_keys_rates_or_credit_notes():
    assert {name for name in ROLES["service"] if name.endswith(".approve")} == {"invoices.approve"}


def test_roles_add_up():
    both = permissions_of(["timekeeper", "reviewer"])

    assert both == ROLES["timekeeper"] | ROLES["reviewer"]


def test_what_is_missing_is_named():
    actor = Actor(ActorKind.USER, 1, "Ada", permissions_of(["timekeeper"]))

    with pytest.raises(MissingPermission, match="Finalize invoices"):
        actor.must("invoices.finalize")


@pytest.mark.parametrize(
    ("permission", "advice"),
    [
        ("invoices.finalize", "This API key does not have it: ask for a key that has"),
        ("credit_notes.approve", "No API key has it: a person does this in the portal."),
    ],
)
def test_a_key_is_told_what_is_true_of_keys(permission, advice):
    key = Actor(ActorKind.KEY, 1, "case system", frozenset({"charges.read"}), ("service",))

    with pytest.raises(MissingPermission, match=advice) as no:
        key.must(permission)

    assert "An owner of your firm grants it" not in str(no.value)


def test_a_mistyped_permission_crashes_instead_of_refusing():
    with pytest.raises(KeyError):
        system("clock").may("invoices.finalise")
    with pytest.raises(KeyError):
        may("invoices.finalise")
