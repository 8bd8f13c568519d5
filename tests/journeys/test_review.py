"""Reviewing in a real browser: on a phone, on paper, and by keys."""

import pytest

from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.review import request_review, return_invoice
from invoices.models import Comment
from tests.factories import MembershipFactory, TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.journeys.looking import PASSWORD, look, sign_in

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


def test_a_returned_draft_is_answered_by_keys_on_a_phone(chromium, live_server, firm, invoice):
    with tenant_scope(firm.pk):
        return_invoice(invoice, version_seen=1, category="WRONG_TIME", text="Too high.", by=SYSTEM)
    page = opened(
        chromium, live_server, firm, f"invoices/{invoice.public_id}/", viewport=PHONE,
        bypass_csp=True, color_scheme="dark",
    )  # fmt: skip

    page.get_by_role("button", name="Send to review").press("Enter")
    asked = page.get_by_text("Time or rate is wrong: Too high.").is_visible()
    problems = look(page, "asked")
    page.keyboard.press("Tab")
    page.keyboard.type("The carrier agreed to them.")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    sent = page.get_by_text("It is with its reviewer.").is_visible()
    page.close()

    assert (asked, problems, sent) == (True, [], True)
    with tenant_scope(firm.pk):
        invoice.refresh_from_db()
        assert (invoice.state, Comment.objects.get().text) == (
            "IN_REVIEW",
            "The carrier agreed to them.",
        )
