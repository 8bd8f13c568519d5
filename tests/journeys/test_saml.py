"""Signing in by a firm's SAML directory in a real browser: another site posts the answer here."""

import pytest

from tests.directories.going import PASSWORD
from tests.directories.going_by_saml import SamlFirm
from tests.factories import TenantFactory
from tests.journeys.looking import look
from tests.outside.saml.server import DemoSaml

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def harbor(live_server, tmp_path, settings):
    """The portal is 127.0.0.1 and the directory localhost: to a browser, two sites."""
    settings.SITE_URL = live_server.url
    tenant = TenantFactory.create(slug="harbor", name="Harbor LLP")
    with DemoSaml(book=tmp_path / "book.jsonl") as idp:
        firm = SamlFirm(tenant, idp, "harbor.test", site=live_server.url, host="localhost")
        firm.member("ada", role="owner")
        yield firm


def heard(page, path):
    """Return a list that fills with the cookies of each form posted to a path."""
    posted = []

    def note(request):
        if request.method == "POST" and request.url.endswith(path):
            posted.append(request)

    page.on("request", note)
    return posted


def cookies_of(request):
    return request.all_headers().get("cookie", "")


def values_of_cookies(context):
    return {cookie["name"]: cookie["value"] for cookie in context.cookies()}


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_member_comes_by_the_saml_directory_to_the_inbox(
    chromium, live_server, harbor, *, width, scheme
):
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, problems = context.new_page(), []
    posted, told = heard(page, f"{harbor.path}acs/"), []
    page.on("console", lambda message: told.append(message.text))
    page.goto(f"{live_server.url}{harbor.path}")
    problems += look(page, "begin")
    page.get_by_role("button", name="Sign in with Harbor LLP").click()
    page.wait_for_url("http://localhost:*/**")
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(f"{live_server.url}/**")
    page.get_by_role("link", name="Begin again").wait_for()
    problems += look(page, "canceled")
    page.get_by_role("link", name="Begin again").click()
    page.get_by_role("button", name="Sign in with Harbor LLP").click()
    page.fill("input[name=user]", "ada")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{live_server.url}{harbor.inbox}")

    first, second = posted[-2:]
    assert "session=" not in cookies_of(first)  # SameSite=Lax: why the form is sent once more
    assert "session=" in cookies_of(second)
    assert not any("Content Security Policy" in text for text in told)
    context.close()
    assert problems == []


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_script_two_buttons_lead_in(chromium, live_server, harbor, *, width, scheme):
    context = chromium.new_context(
        java_script_enabled=False,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
    )
    page = context.new_page()
    page.goto(f"{live_server.url}{harbor.path}")
    page.get_by_role("button", name="Sign in with Harbor LLP").click()
    page.fill("input[name=user]", "ada")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("Your firm's directory has answered").wait_for()
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Go on").press("Enter")

    page.wait_for_url(f"{live_server.url}{harbor.inbox}")
    context.close()


def test_who_is_there_proves_it_anew_by_the_directory(chromium, live_server, harbor):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{live_server.url}{harbor.path}")
    for asked in ("", "Once more, please."):
        page.get_by_role("button", name="Sign in with Harbor LLP").click()
        page.wait_for_url("http://localhost:*/**")
        assert asked in page.content()
        page.fill("input[name=user]", "ada")
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(f"{live_server.url}{harbor.inbox}")
        page.goto(f"{live_server.url}{harbor.path}")
    context.close()


def test_another_site_changes_nothing_by_posting_here(chromium, live_server, harbor):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{live_server.url}{harbor.path}")
    before = values_of_cookies(context)
    assert set(before) == {"csrf"}
    page.goto(f"{harbor.idp.url.replace('127.0.0.1', 'localhost')}/nowhere")
    page.set_content(
        f'<form method="post" action="{live_server.url}{harbor.path}acs/">'
        '<input name="SAMLResponse" value="made up"><input name="RelayState" value="x">'
        "<button>Post</button></form>"
    )
    page.get_by_role("button", name="Post").click()
    page.get_by_text("not begun in this browser").wait_for()

    assert values_of_cookies(context) == before
    context.close()
