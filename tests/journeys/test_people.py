"""People and keys on desk and phone, in light and dark: axe finds nothing, nothing is too wide."""

from datetime import UTC, datetime, timedelta

import pytest

from billing_portal.members import actions, granting, invitations
from billing_portal.members.models import Membership
from billing_portal.tenancy.scope import tenant_scope
from tests.factories import MembershipFactory, TenantFactory, actor
from tests.journeys.looking import PASSWORD, look, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "ada@arnesen.test"


@pytest.fixture
def home(live_server):
    """The address of a firm where something of each kind waits, was sent, and works."""
    firm = TenantFactory.create(slug="arnesen", name="Arnesen Pike LLP")
    ada = MembershipFactory.create(tenant=firm, user__email=EMAIL, role="owner").user
    ada.set_password(PASSWORD)
    ada.save()
    member = MembershipFactory.create(tenant=firm, role="timekeeper", user__name="Søren Kjær").user
    by, second, now = actor("owner", number=901), actor("owner", number=902), datetime.now(UTC)
    with tenant_scope(firm.pk):
        actions.propose_role(firm, member, "reviewer", by=by)
        invited = [
            invitations.invite(
                firm, email=f"{name[0]}@a.test", name=name, role="biller", by=by, at=now
            )
            for name in ("Ingrid Sørensen", "Marcus Delgado")
        ]
        invitations.approve_invitation(invited[1], by=second, at=now)
        asked = [
            granting.request_key(
                firm,
                name=name,
                by=by,
                expires_at=now + timedelta(days=30),
                scopes=["charges.read"],
                networks=["203.0.113.0/24", "2001:db8:1234:5678::/64"],
            )[0]
            for name in ("Case system", "Ledger bridge")
        ]
        granting.approve_key(asked[1], by=second, at=now)
    return f"{live_server.url}/t/arnesen/", member


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_people_and_keys_are_accessible_and_fit(chromium, home, width, scheme):
    address, member = home
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page, problems = context.new_page(), []
    sign_in(page, f"{address}people/", EMAIL)
    for path in (
        "people/",
        f"people/{member.public_id}/",
        "people/invitation/",
        "keys/",
        "keys/request/",
    ):
        page.goto(address + path)
        for each in page.locator("main summary").all():
            each.click()
        problems += look(page, path)
    page.get_by_role("button", name="Ask for the key").click()
    problems += look(page, "a key that lacks everything")
    page.get_by_label("Name").fill("New service")
    page.get_by_label("Read charges").check()
    page.get_by_role("button", name="Ask for the key").click()
    page.get_by_text("it is shown this once").wait_for()
    problems += look(page, "the new key")
    context.close()

    assert problems == []


def test_the_keyboard_alone_approves_a_role(chromium, home):
    address, member = home
    page = chromium.new_page()
    sign_in(page, f"{address}people/", EMAIL)

    page.get_by_role("button", name="Approve Søren Kjær").focus()
    page.keyboard.press("Enter")
    page.get_by_text("The role counts from now on.").wait_for()
    page.close()

    assert Membership.objects.get(user=member, role="reviewer").approved_by != ""
