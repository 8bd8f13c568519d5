"""From sign-in to the inbox and the back office, on desk and phone, in light and dark.

axe finds nothing, nothing is wider than the screen, and no page asks another host for anything.
"""

from urllib.parse import urlsplit

import pytest

from billing_portal.tenancy.scope import tenant_scope
from tests.customers.factories import CustomerFactory, RateFactory
from tests.factories import MembershipFactory, TenantFactory
from tests.invoices import books
from tests.journeys.looking import PASSWORD, foreign_requests, look, sign_in
from tests.visiting import office_key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def firm():
    firm = TenantFactory.create(slug="arnesen", name="Arnesen Pike LLP")
    member = MembershipFactory.create(tenant=firm, role="owner", user__email="ada@arnesen.test")
    member.user.set_password(PASSWORD)
    member.user.save()
    with tenant_scope(firm.pk):
        CustomerFactory.create(name="Northfield Mutual")
        RateFactory.create(state="PROPOSED", decided_by="", proposed_by="user:999999")
    return firm


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_front_is_accessible_fits_and_keeps_to_itself(
    chromium, live_server, firm, width, scheme
):
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page, problems = context.new_page(), []
    foreign = foreign_requests(page, urlsplit(live_server.url).netloc)

    page.goto(f"{live_server.url}/t/{firm.slug}/inbox/")
    problems += look(page, "sign-in")
    page.fill("input[name=login]", "ada@arnesen.test")
    page.fill("input[name=password]", "wrong")
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state()
    problems += look(page, "sign-in refused")
    page.fill("input[name=login]", "ada@arnesen.test")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"**/t/{firm.slug}/inbox/")
    assert page.get_by_text("Approve a rate").is_visible()
    problems += look(page, "inbox")
    for name, path in {
        "search": f"/t/{firm.slug}/search/?q=north",
        "nothing found": f"/t/{firm.slug}/search/?q=zzz",
        "nowhere": f"/t/{firm.slug}/nowhere/",
        "firms": "/accounts/firms/",
        "gallery": "/_ui/",
    }.items():
        page.goto(live_server.url + path)
        problems += look(page, name)
    context.close()

    assert problems == []
    assert foreign == []


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_back_office_is_accessible_fits_and_keeps_to_itself(
    chromium, live_server, firm, width, scheme
):
    with tenant_scope(firm.pk):
        customer = CustomerFactory.create(name="Harborline Mutual")
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page, problems = context.new_page(), []
    foreign = foreign_requests(page, urlsplit(live_server.url).netloc)
    sign_in(page, f"{live_server.url}/t/{firm.slug}/inbox/", "ada@arnesen.test")

    for name, path in {
        "office": "",
        "a room of the office": "customers/",
        "a list": "customers/customer/",
        "an empty list": "customers/contact/",
        "nothing found in a list": "customers/customer/?q=zzz",
        "a form": "customers/aggregationsetting/add/",
        "a thing": f"customers/customer/{office_key(customer)}/change/",
        "its history": f"customers/customer/{office_key(customer)}/history/",
        "a thing to read": "customers/rate/",
    }.items():
        page.goto(f"{live_server.url}/t/{firm.slug}/admin/{path}")
        problems += look(page, name)
    page.goto(f"{live_server.url}/t/{firm.slug}/admin/customers/customer/add/")
    page.locator("[name=_save]").click()
    page.wait_for_load_state()
    problems += look(page, "a form with errors")
    way_back = page.locator(f"a[href='/t/{firm.slug}/']:visible").count()
    context.close()

    assert problems == []
    assert foreign == []
    assert way_back == 1


def test_the_policy_stops_what_is_injected(chromium, live_server, firm):
    context = chromium.new_context()
    page, errors = context.new_page(), []
    page.on("console", lambda message: errors.append(message.text))
    page.goto(f"{live_server.url}/accounts/login/")

    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>')")
    page.wait_for_timeout(200)
    context.close()

    assert any("Content Security Policy" in error for error in errors)


def test_the_keyboard_alone_leads_from_the_inbox_to_search(chromium, live_server, firm):
    context = chromium.new_context()
    page = context.new_page()
    sign_in(page, f"{live_server.url}/t/{firm.slug}/inbox/", "ada@arnesen.test")

    page.keyboard.press("/")
    page.keyboard.type("north")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=north")

    found = page.get_by_role("link", name="Northfield Mutual")
    assert found.is_visible()
    context.close()


def test_the_help_lists_the_keys_that_work_here(chromium, live_server, firm):
    page, listed = chromium.new_page(), {}
    sign_in(page, f"{live_server.url}/t/{firm.slug}/inbox/", "ada@arnesen.test")
    for path in ("inbox/", "search/?q=zzz"):
        page.goto(f"{live_server.url}/t/{firm.slug}/{path}")
        page.keyboard.press("?")
        listed[path] = set(page.locator("#keys dd:visible").all_inner_texts())
    page.close()

    everywhere = {"This help", "Search", "Inbox", "Invoices"}
    rows = {"Next and previous row", "Open the row"}
    assert everywhere | rows <= listed["inbox/"]
    assert everywhere <= listed["search/?q=zzz"]
    assert not rows & listed["search/?q=zzz"]
    assert not {"Approve", "Return", "Edit the line", "Select the row", "Undo"} & listed["inbox/"]


@pytest.mark.parametrize("width", [1280, 360])
def test_long_names_give_way_to_numbers_in_the_back_office(chromium, live_server, firm, width):
    with tenant_scope(firm.pk):
        invoice = books.finalized(reviewer=books.member("reviewer"))
        invoice.customer.name = "Northfield Mutual Fire and Marine Insurance of the Pacific Coast"
        invoice.customer.save()
    page = chromium.new_page(viewport={"width": width, "height": 800})
    sign_in(page, f"{live_server.url}/t/{firm.slug}/inbox/", "ada@arnesen.test")

    page.goto(f"{live_server.url}/t/{firm.slug}/admin/invoices/invoice/")
    lines = page.get_by_role("link", name="Invoice 2026-00001").evaluate(
        "link => link.getClientRects().length"
    )
    total = page.locator("#result_list .field-amount").evaluate(
        "cell => cell.getBoundingClientRect().right < document.documentElement.clientWidth"
    )
    hidden = page.locator(".results").evaluate("place => place.scrollWidth - place.clientWidth")
    page.close()

    assert (lines, total, hidden) == (1, True, 0)
