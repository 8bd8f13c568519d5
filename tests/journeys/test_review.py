"""Reviewing in a real browser: on a phone, on paper, and by keys."""

import pytest

from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.review import request_review
from tests.factories import MembershipFactory, TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.journeys.looking import PASSWORD, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = {"width": 360, "height": 780}


@pytest.fixture
def firm():
    firm = TenantFactory.create(slug="arnesen", name="Arnesen Pike LLP")
    user = MembershipFactory.create(tenant=firm, role="owner", user__email="ada@arnesen.test").user
    user.set_password(PASSWORD)
    user.save()
    return firm


@pytest.fixture
def invoice(firm):
    """An invoice of 700 dollars in review."""
    with tenant_scope(firm.pk):
        return request_review([books.a_draft(reviewer=books.member("reviewer"))], by=SYSTEM)[0]


def opened(chromium, live_server, firm, path, **options):
    """Return a page of the firm in a browser of its owner."""
    page = chromium.new_page(**options)
    sign_in(page, f"{live_server.url}/t/{firm.slug}/{path}", "ada@arnesen.test")
    return page


def test_a_card_on_a_phone_leaves_out_what_is_not_known(chromium, live_server, firm, invoice):
    page = opened(chromium, live_server, firm, "invoices/", viewport=PHONE)

    dashes = page.locator("tr[data-row] .nothing")
    known = dashes.count()
    visible = [dashes.nth(each).is_visible() for each in range(known)]
    page.close()

    assert (known > 0, any(visible)) == (True, False)


def test_on_paper_there_is_nothing_to_click(chromium, live_server, firm, invoice):
    page = opened(chromium, live_server, firm, f"invoices/{invoice.public_id}/")

    before = page.locator(".modes").is_visible()
    page.emulate_media(media="print")
    shown = [page.locator(each).first.is_visible() for each in (".modes", ".verdict", ".button")]
    lines = page.locator("table.lines").is_visible()
    page.close()

    assert (before, shown, lines) == (True, [False, False, False], True)


def test_the_key_x_chooses_and_two_steps_approve(chromium, live_server, firm, invoice):
    page = opened(chromium, live_server, firm, "invoices/?state=IN_REVIEW")

    page.keyboard.press("j")
    page.keyboard.press("x")
    page.get_by_role("button", name="Approve the chosen ones").click()
    said = page.get_by_text("1 of 1 can be approved.").is_visible()
    page.get_by_role("button", name="Approve 1 invoice, $700.00").click()
    page.wait_for_url("**/invoices/?state=IN_REVIEW")
    page.close()

    with tenant_scope(firm.pk):
        invoice.refresh_from_db()
    assert (said, invoice.state) == (True, "APPROVED")
