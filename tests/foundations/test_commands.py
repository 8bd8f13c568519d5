"""What the operator's commands print, refuse and leave in the firm's trail."""

import pytest
from django.core.management import CommandError, call_command

from billing_portal.audit.models import AuditEvent
from billing_portal.members.models import ApiKey, Invitation
from billing_portal.members.queries import names_of_actors
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope
from tests.visiting import Visitor, text_of

pytestmark = pytest.mark.django_db
ADA, LUIS = ("owner", "ada@firm.test", "Ada"), ("owner", "luis@firm.test", "Luis")


def open_firm(*members, slug="arnesen-pike"):
    call_command(
        "open_firm", slug, name="Arnesen Pike LLP", member=[list(each) for each in members]
    )


def test_the_links_are_whole_addresses_at_the_site(settings, capsys):
    settings.SITE_URL = "https://bills.firm.test"

    open_firm(ADA, LUIS)

    said = capsys.readouterr()
    for line, address in zip(said.out.splitlines(), (ADA[1], LUIS[1]), strict=True):
        assert line.startswith(f"{address}\thttps://bills.firm.test/accounts/invitation/")
    assert said.err == ""


@pytest.mark.parametrize("members", [[ADA], [], [ADA, ("biller", "b@firm.test", "B")]])
def test_fewer_than_two_owners_are_warned_of(capsys, members):
    open_firm(*members)

    assert "Name a second one with --member owner" in capsys.readouterr().err
    assert Tenant.objects.filter(slug="arnesen-pike").exists()


def test_a_firm_is_opened_once_and_the_refusal_is_in_words():
    open_firm(ADA, LUIS)
    firm = Tenant.objects.get()
    with tenant_scope(firm.pk):
        invited = Invitation.objects.count()

    with pytest.raises(CommandError, match=r"^There is a firm arnesen-pike already\.$"):
        open_firm(ADA, LUIS)

    with tenant_scope(firm.pk):
        assert Invitation.objects.count() == invited


def test_a_key_made_by_command_was_asked_for_and_approved_by_the_operator(client, firm):
    call_command("make_api_key", firm.slug, name="case system")

    key = ApiKey.objects.get(name="case system")
    assert names_of_actors([key.requested_by, key.approved_by]) == {
        key.requested_by: "The operator",
        key.approved_by: "The operator",
    }
    with tenant_scope(firm.pk):
        actors = set(AuditEvent.objects.values_list("actor", flat=True))
    assert actors == {"system:setup", "system:operator"}
    ada = Visitor(client, firm)
    assert "The portal itself" not in text_of(ada.get("audit/"))
    assert text_of(ada.get("audit/")).count("The operator") == 2
    assert "The operator, The operator" not in text_of(ada.get("keys/"))


def test_the_portals_own_clock_is_still_the_portal():
    assert names_of_actors(["system:clock"]) == {"system:clock": "The portal (clock)"}
