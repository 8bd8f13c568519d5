"""The books, the log, charges and jobs, on desk and phone, in light and dark, with and without.

axe finds nothing, nothing is wider than the screen, and no page asks another host for anything.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from billing_portal.audit.sealing import seal_all
from billing_portal.jobs.models import Job
from billing_portal.money import Money
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.capture import capture
from invoices.actions.rows import NewCharge
from invoices.models import Charge
from ledger.actions.posting import Line, NewEntry, post
from ledger.models import Entry, Verification
from tests.customers.factories import CustomerFactory, MatterFactory
from tests.factories import MembershipFactory, TenantFactory, actor
from tests.journeys.looking import PASSWORD, foreign_requests, look, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "ada@arnesen.test"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
LATER = datetime(2099, 11, 2, 9, tzinfo=UTC)
LEDES = Path(__file__).resolve().parents[1] / "data/ledes"
NARRATIVE = "Attend deposition of the treating physician; draft a summary for the adjuster."
WRONG_FILE = b"key,kind,customer,worked_on,quantity\nk1,SONG,INS-1,2026-13-01,many\n"
RIGHT_FILE = (
    b"key,kind,customer,worked_on,quantity,unit_price,narrative\n"
    b"k1,EXPENSE,INS-1,2026-10-16,1,38.25,Messenger to the court\n"
)


def open_firm():
    firm = TenantFactory.create(slug="arnesen", name="Arnesen Pike LLP")
    member = MembershipFactory.create(tenant=firm, role="owner", user__email=EMAIL)
    member.user.set_password(PASSWORD)
    member.user.save()
    return firm


@pytest.fixture
def firm():
    return open_firm()


@pytest.fixture
def busy(firm):
    """A firm with charges in the books, sealed and not, and jobs in each state."""
    with tenant_scope(firm.pk):
        customer = CustomerFactory.create(
            external_id="INS-1", name="Müller & Söhne Rückversicherung"
        )
        matter = MatterFactory.create(customer=customer, name="Estate of Lindqvist v. Meridian")
        rows = [
            NewCharge(
                key=f"c:{number}",
                kind="EXPENSE",
                customer="INS-1",
                matter=matter.external_id,
                worked_on=date(2026, 10, 15),
                quantity=Decimal(1),
                unit_price=Decimal("418.50"),
                narrative=NARRATIVE,
            )
            for number in range(51)
        ]
        capture("case-system", rows[:-1], by=actor("owner"), on=date(2026, 11, 2))
    seal_all()
    with tenant_scope(firm.pk):
        capture("case-system", rows[-1:], by=actor("owner"), on=date(2026, 11, 2))
    for state in Job.State.values:
        Job.objects.create(
            tenant=firm,
            name="invoices.actions.render.render_documents_later",
            queue="documents",
            args={"invoice_id": 12},
            state=state,
            stage="Laying out",
            done=1312,
            failed=2,
            total=2017,
            error_code="pdf.timed_out" if state == "failed" else "",
            error_text="Not laid out within 30 seconds." if state == "failed" else "",
            lease_until=NOW + timedelta(days=36_500) if state == "running" else None,
            claim_no=1,
        )
    return firm


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_fits_and_keeps_to_itself(
    chromium, live_server, busy, width, scheme
):
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page, problems = context.new_page(), []
    foreign = foreign_requests(page, urlsplit(live_server.url).netloc)
    home = f"{live_server.url}/t/{busy.slug}"
    with tenant_scope(busy.pk):
        sealed, unsealed = Entry.objects.earliest("pk"), Entry.objects.latest("pk")
        charge = Charge.objects.latest("pk")
    failed = Job.objects.get(state="failed")
    sign_in(page, f"{home}/ledger/", EMAIL)

    for path in [
        *("ledger/", "ledger/?on=2026-10-31", "ledger/?on=2026-02-30", "ledger/?on=1999-01-01"),
        *("ledger/entries/", "ledger/entries/?role=wip&currency=USD&since=2026-10-01"),
        *("ledger/entries/?since=soon", "ledger/entries/?kind=payment"),
        *(f"ledger/entries/{sealed.public_id}/", f"ledger/entries/{unsealed.public_id}/"),
        *("audit/", "audit/?action=charge.captured&until=soon", "audit/?actor=user:0"),
        *("charges/", "charges/?customer=INS-1&billed=no", "charges/?kind=SONG"),
        *(f"charges/{charge.public_id}/", "charges/import/"),
        *("jobs/", "jobs/?state=failed", f"jobs/{failed.public_id}/", "ledger/verifications/"),
    ]:
        page.goto(f"{home}/{path}")
        problems += look(page, path)
    for path in ["ledger/entries/", "audit/", "charges/"]:
        page.goto(f"{home}/{path}")
        page.get_by_text("Filters").click()
        problems += look(page, f"{path} with its filters open")
    context.close()

    assert problems == []
    assert foreign == []


@pytest.mark.parametrize("width", [1280, 360])
def test_pages_with_nothing_on_them_are_accessible_and_fit(chromium, live_server, firm, width):
    context = chromium.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
    page, problems = context.new_page(), []
    home = f"{live_server.url}/t/{firm.slug}"
    sign_in(page, f"{home}/ledger/", EMAIL)

    bare = ["ledger/", "ledger/entries/", "audit/", "charges/", "jobs/", "jobs/?state=paused"]
    for path in [*bare, "ledger/verifications/"]:
        page.goto(f"{home}/{path}")
        problems += look(page, f"{path} with nothing")
    context.close()

    assert problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_file_is_refused_with_every_finding_then_taken(chromium, live_server, busy, scheme):
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    sign_in(page, f"{live_server.url}/t/{busy.slug}/charges/", EMAIL)

    page.get_by_role("link", name="Import").click()
    wrong = {"name": "october.csv", "mimeType": "text/csv", "buffer": WRONG_FILE}
    page.get_by_label("CSV or LEDES file").set_input_files(wrong)
    page.get_by_role("button", name="Import").click()
    page.get_by_text("3 findings; nothing was taken").wait_for()
    problems = look(page, "findings")
    rows = page.get_by_role("table").get_by_role("row").count()
    page.get_by_label("CSV or LEDES file").set_input_files({**wrong, "buffer": RIGHT_FILE})
    page.get_by_role("button", name="Import").click()
    page.wait_for_url("**/charges/")

    assert problems == []
    assert rows == 4
    assert page.get_by_text("1 charge was taken in.").is_visible()
    assert page.get_by_text("Messenger to the court").is_visible()
    context.close()


@pytest.mark.parametrize("width", [1280, 360])
def test_a_ledes_file_is_refused_with_every_finding_then_taken(chromium, live_server, firm, width):
    context = chromium.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
    page = context.new_page()
    sign_in(page, f"{live_server.url}/t/{firm.slug}/charges/import/", EMAIL)

    page.get_by_label("CSV or LEDES file").set_input_files(LEDES / "many_faults_1998b.txt")
    page.get_by_role("button", name="Import").click()
    page.get_by_text("nothing was taken").wait_for()
    problems = look(page, "findings of LEDES")
    page.get_by_label("CSV or LEDES file").set_input_files(LEDES / "two_invoices_1998b.txt")
    page.get_by_label("Open what a LEDES file names").check()
    page.get_by_role("button", name="Import").click()
    page.wait_for_url("**/charges/")
    problems += look(page, "taken")

    assert problems == []
    assert page.get_by_text("6 charges were taken in. 1 customer was opened.").is_visible()
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_a_look_at_the_books_is_asked_for_by_keys_and_followed(
    chromium, live_server, firm, width, scheme
):
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    sign_in(page, f"{live_server.url}/t/{firm.slug}/ledger/verifications/", EMAIL)

    page.get_by_role("button", name="Verify now").focus()
    page.keyboard.press("Enter")
    page.get_by_text("The books are being verified").wait_for()
    look_of = Job.objects.filter(tenant=firm)
    look_of.update(state="running", done=7, total=23, claim_no=1, lease_until=NOW)
    page.get_by_text("7 of 23").wait_for()
    problems = look(page, "under way")
    with tenant_scope(firm.pk):
        Verification.objects.create(entries=12, checks=23)
    look_of.update(state="succeeded", lease_until=None)
    page.get_by_text("Whole").wait_for()
    problems += look(page, "ended")
    page.get_by_role("button", name="Verify now").click()
    page.get_by_text("The books are being verified").wait_for()
    look_of.filter(state="queued").update(state="failed", error_text="Late.", ended_at=LATER)
    page.get_by_text("The last look at the books failed").wait_for()
    problems += look(page, "failed")

    assert problems == []
    assert page.locator("[hx-trigger]").count() == 0
    context.close()


def test_filters_swap_the_list_in_place_and_stay_in_the_address(chromium, live_server, busy):
    context = chromium.new_context()
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    sign_in(page, f"{live_server.url}/t/{busy.slug}/charges/", EMAIL)
    page.evaluate("document.title = 'the same page'")

    page.get_by_role("searchbox", name="Customer's id or name").fill("nobody")
    page.keyboard.press("Enter")
    page.get_by_text("No charge fits").wait_for()

    assert page.title() == "the same page"
    assert "customer=nobody" in page.url
    focused = page.evaluate("document.activeElement.id")
    page.get_by_role("link", name="Clear").first.click()
    page.get_by_text("50 shown, newest first").wait_for()
    assert focused == "charges-text"
    assert errors == []
    context.close()


def test_an_entry_is_reached_by_keys_and_reversed(chromium, live_server, busy):
    with tenant_scope(busy.pk):
        cent = Money(Decimal("0.01"), "USD")
        lines = (Line("wip", cent), Line("fees", -cent))
        post([NewEntry("adjustment", date(2026, 10, 5), "by-hand", lines)], by=system("test"))
    context = chromium.new_context()
    page = context.new_page()
    sign_in(page, f"{live_server.url}/t/{busy.slug}/ledger/", EMAIL)

    page.get_by_role("link", name="Unbilled work").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/ledger/entries/?*")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ledger/entries/ent_*/")
    page.get_by_label("Reason").focus()
    page.keyboard.type("Wrong matter")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Reversal").wait_for()

    with tenant_scope(busy.pk):
        assert Entry.objects.latest("pk").reason == "Wrong matter"
    context.close()


def test_a_running_job_is_followed_until_it_ends(chromium, live_server, busy):
    context = chromium.new_context()
    page = context.new_page()
    sign_in(page, f"{live_server.url}/t/{busy.slug}/jobs/?state=running", EMAIL)
    page.get_by_text("1,312 of 2,017").wait_for()

    Job.objects.filter(state="running").update(done=2017)
    page.get_by_text("2,017 of 2,017").wait_for()
    Job.objects.filter(state="running").update(state="failed", lease_until=None)
    page.get_by_role("button", name="Retry Write an invoice's files").wait_for()

    assert page.get_by_role("button", name="Cancel Write an invoice's files").count() == 0
    assert page.locator("[hx-trigger]").count() == 0
    context.close()


_EDGES = """() => [...document.querySelectorAll("table")].flatMap(table => {
  const edge = (node, end) => {
    const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT), range = new Range();
    let text, last;
    while ((text = texts.nextNode())) if (text.data.trim()) last = text;
    const stop = last.data.trimEnd().length - (last.data.trimEnd().endsWith(")") ? 1 : 0);
    range.setStart(last, stop - 1); range.setEnd(last, stop);
    return range.getBoundingClientRect().right;
  };
  return [...table.querySelectorAll("thead th")].flatMap((head, at) =>
    !head.matches(".num") ? [] : [...table.querySelectorAll("tbody tr")]
      .map(row => row.children[at])
      .filter(cell => cell?.matches(".num") && cell.innerText.trim())
      .filter(cell => !cell.querySelector(".nothing, .muted"))
      .map(cell => Math.round((edge(cell) - edge(head)) * 10) / 10));
})"""


@pytest.mark.parametrize("path", ["ledger/", "ledger/entries/", "charges/", "jobs/"])
def test_numbers_end_exactly_where_their_heads_do(chromium, live_server, busy, path):
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page = context.new_page()
    sign_in(page, f"{live_server.url}/t/{busy.slug}/{path}", EMAIL)

    apart = page.evaluate(_EDGES)
    context.close()

    assert apart
    assert set(apart) == {0}
