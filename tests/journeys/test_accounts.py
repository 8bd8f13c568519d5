"""A person's own account: every page of it on desk and phone, and a second factor end to end."""

import pytest

from billing_portal.members import proofs
from tests.factories import MembershipFactory, TenantFactory
from tests.journeys.looking import PASSWORD, look, sign_in
from tests.visiting import one_time_code

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "ada@arnesen.test"
PAGES = {
    "second factors": "2fa/",
    "address": "email/",
    "password": "password/change/",
    "sign out": "logout/",
    "is it you": "2fa/totp/activate/",
    "keys": "2fa/webauthn/",
}


@pytest.fixture
def home(live_server):
    """The address of one of the two firms that Ada is a member of."""
    firm = TenantFactory.create(slug="arnesen", name="Arnesen Pike LLP")
    user = MembershipFactory.create(tenant=firm, user__email=EMAIL).user
    MembershipFactory.create(tenant=TenantFactory.create(), user=user)
    user.set_password(PASSWORD)
    user.save()
    proofs.confirm_address(user)
    return f"{live_server.url}/t/arnesen/"


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_account_pages_are_accessible_and_lead_back_to_the_firm(chromium, home, width, scheme):
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page, problems = context.new_page(), []
    sign_in(page, f"{home}inbox/", EMAIL)
    page.locator(".top summary").click()
    page.get_by_role("link", name="Sign-in and security").click()
    assert page.url == f"{home}accounts/2fa/"

    for name, path in PAGES.items():
        page.goto(f"{home}accounts/{path}")
        problems += look(page, name)
        page.get_by_role("link", name="Back to your firm").click()
        assert page.url == f"{home}inbox/", name
    context.close()

    assert problems == []


def enter(page, **values):
    """Type values into the form and send it."""
    for name, value in values.items():
        page.fill(f"input[name={name}]", value)
    page.press(f"input[name={name}]", "Enter")


def test_a_second_factor_is_switched_on_and_asked_for(chromium, home):
    page = chromium.new_page()
    sign_in(page, f"{home}inbox/", EMAIL)
    page.goto(f"{home}accounts/2fa/")
    page.get_by_role("link", name="Switch on").click()
    enter(page, password=PASSWORD)
    secret = page.get_by_label("Key").input_value()
    enter(page, code=one_time_code(secret))
    page.wait_for_url("**/2fa/recovery-codes/")
    codes = page.locator(".recovery-codes li").all_inner_texts()
    page.close()

    page = chromium.new_page(bypass_csp=True)
    page.goto(f"{home}inbox/")
    enter(page, login=EMAIL, password=PASSWORD)
    page.wait_for_url("**/2fa/authenticate/**")
    problems = look(page, "the code")
    page.goto(f"{home}inbox/")
    asked_again = page.get_by_role("heading", name="Enter your code").is_visible()
    enter(page, code=one_time_code(secret))
    page.wait_for_url("**/inbox/")
    page.close()

    assert asked_again  # the password alone opened nothing
    assert len(codes) == 10
    assert problems == []
