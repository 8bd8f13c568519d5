"""Signing in by a firm's directory in a real browser, and what the policy makes of the way."""

import pytest
from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import include, path

from tests.directories.going import PASSWORD, Firm
from tests.factories import TenantFactory
from tests.journeys.looking import look
from tests.outside.directory.server import DemoDirectory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def arnesen(live_server, tmp_path, settings):
    settings.SITE_URL = live_server.url
    cache.clear()
    tenant = TenantFactory.create(slug="arnesen", name="Arnesen Pike LLP")
    with DemoDirectory(book=tmp_path / "book.jsonl") as idp:
        firm = Firm(tenant, idp, "arnesen.test", site=live_server.url)
        firm.member("ada", role="owner")
        yield firm


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_member_comes_from_the_sign_in_page_by_the_directory_to_the_inbox(
    chromium, live_server, arnesen, *, width, scheme
):
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, problems = context.new_page(), []
    page.goto(f"{live_server.url}/accounts/login/")
    page.get_by_role("link", name="Sign in by your firm").click()
    page.fill("input[name=email]", "ada@elsewhere.test")
    page.press("input[name=email]", "Enter")
    problems += look(page, "no such firm")
    page.fill("input[name=email]", "ada@arnesen.test")
    page.press("input[name=email]", "Enter")
    problems += look(page, "the firm")
    page.get_by_role("button", name="Sign in with Arnesen Pike LLP").press("Enter")
    page.wait_for_url(f"{arnesen.idp.url}/**")
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(f"{live_server.url}/**")
    problems += look(page, "canceled")
    page.get_by_role("link", name="Begin again").click()
    problems += look(page, "begin")
    page.get_by_role("button", name="Sign in with Arnesen Pike LLP").click()
    page.fill("input[name=user]", "ada")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{live_server.url}{arnesen.inbox}")
    page.goto(f"{live_server.url}/t/arnesen/accounts/2fa/")
    problems += look(page, "the firm keeps it")
    context.close()

    assert problems == []


def test_the_way_needs_no_script(chromium, live_server, arnesen):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}{arnesen.inbox}")
    page.get_by_role("link", name="Sign in by your firm").click()
    page.get_by_role("button", name="Sign in with Arnesen Pike LLP").click()
    page.fill("input[name=user]", "ada")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")

    page.wait_for_url(f"{live_server.url}{arnesen.inbox}")
    context.close()


# --- What Chromium makes of form-action -----------------------------------------------------------


def form(_request):
    """A page whose form leads to a redirect, or to a page that leads on."""
    return HttpResponse(
        '<form action="/accounts/probe/redirect"><button>redirect</button></form>'
        '<form action="/accounts/probe/onward"><button>onward</button></form>'
    )


def leads_on(request):
    return HttpResponse("on", headers={"Refresh": f"0; url={settings.SITE_URL}"})


urlpatterns = [
    path("accounts/probe/", form),
    path("accounts/probe/redirect", lambda _: HttpResponseRedirect(settings.SITE_URL)),
    path("accounts/probe/onward", leads_on),
    path("", include("billing_portal.urls")),
]


@pytest.mark.urls("tests.journeys.test_directory")
@pytest.mark.parametrize(("how", "arrives"), [("redirect", False), ("onward", True)])
def test_a_form_may_not_be_redirected_to_a_directory_but_a_page_may_lead_there(
    chromium, live_server, tmp_path, settings, *, how, arrives
):
    with DemoDirectory(book=tmp_path / "book.jsonl") as idp:
        settings.SITE_URL = f"{idp.url}/nowhere"
        context = chromium.new_context()
        page, told = context.new_page(), []
        page.on("console", lambda message: told.append(message.text))
        page.goto(f"{live_server.url}/accounts/probe/")
        page.get_by_role("button", name=how).click()
        page.wait_for_timeout(800)
        where = page.url
        context.close()

    assert (where == f"{idp.url}/nowhere") is arrives
    assert any("form-action" in text for text in told) is not arrives
