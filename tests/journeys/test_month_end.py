"""From the plan of a month end to paid, by three roles, on desk and phone.

A biller runs it on a desk, the reviewer edits and approves on a phone, the biller finalizes and
takes the bank's file in. axe finds nothing on the way, nothing is wider than the screen, and no
page asks another host for anything.
"""

from urllib.parse import urlsplit

import pytest

from billing_portal.jobs.models import Slot
from billing_portal.tenancy.scope import tenant_scope
from customers.models import Customer
from dunning.actions.bank_accounts import add_bank_account
from invoices.models import Invoice
from tests.factories import TenantFactory
from tests.invoices import books
from tests.jobs.running import drain
from tests.journeys.looking import PASSWORD, foreign_requests, look, sign_in
from tests.outside.bank.server import DemoBank

pytestmark = pytest.mark.django_db(transaction=True)
IBAN = "DE89370400440532013000"


@pytest.fixture
def firm(settings, tmp_path):
    """A firm with two hours and a half of October's work, and an owner, biller and reviewer."""
    settings.FILES_DIR = tmp_path / "files"
    firm = TenantFactory.create(slug="arnesen", name="Arnesen Pike LLP", region="NY")
    with tenant_scope(firm.pk):
        people = {}
        for role in ("biller", "reviewer", "owner"):
            user = books.user_of(books.member(role, role.capitalize()))
            user.email = f"{role}@arnesen.test"
            user.set_password(PASSWORD)
            user.save()
            people[role] = books.actor_of(user)
        add_bank_account(account=IBAN, name="Operating", currency="USD", by=books.SYSTEM)
        made = books.customer(reviewer=people["reviewer"])
        Customer.objects.update(sends_pdf=False)
        matter = books.matter_of(made)
        books.captured(
            books.time_worked(matter, hours="2.0"), books.time_worked(matter, hours="0.5")
        )
    return firm


class Person:
    """Somebody at a screen, and what is wrong with the pages they saw."""

    def __init__(self, chromium, address, firm, role, *, width, scheme):
        self.base = f"{address}/t/{firm.slug}/"
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
        )
        self.page, self.problems, self.role = context.new_page(), [], role
        self.foreign = foreign_requests(self.page, urlsplit(address).netloc)
        sign_in(self.page, f"{self.base}inbox/", f"{role}@arnesen.test")
        self.look("inbox")

    def go(self, rest):
        """Open a page of the firm, and look at it."""
        self.page.goto(self.base + rest)
        self.look(rest)

    def press(self, name, *, role="button"):
        """Press a button or follow a link by its words, and look at where it leads."""
        found = self.page.get_by_role("main").get_by_role(role, name=name).first
        with self.page.expect_navigation():
            found.click()
        self.look(name)

    def look(self, name):
        self.problems += look(self.page, f"{self.role}, {name}")

    def sees(self, text):
        return self.page.get_by_role("main").get_by_text(text).first.is_visible()


def worked(firm):
    """Do what waits, here; without slots the server hands nothing to workers that do not run."""
    with tenant_scope(firm.pk):
        assert set(drain()) == {"succeeded"}
    Slot.objects.all().delete()


def statement_for(tmp_path, number, amount):
    """Return a bank's file with one payment that names an invoice."""
    with DemoBank(book=tmp_path / "bank.db", token="t") as bank:
        bank.ask(
            "/_control/accounts",
            {
                "account": IBAN, "owner": "Arnesen Pike LLP", "currency": "USD",
                "opening": "0.00", "opened_on": "2026-01-01",
            },
        )  # fmt: skip
        bank.pay(
            payer_name="Granite", amount=amount, booked_on="2026-11-20", account=IBAN,
            remittance=f"Invoice {number}",
        )  # fmt: skip
        return bank.statement("2026-11-20", account=IBAN)


def bills(biller, firm):
    """Plan the run, look at it, start it, and hand the draft to its reviewer."""
    biller.go("runs/")
    biller.press("Plan a run", role="link")
    biller.page.select_option("select[name=billing_aggregation]", "monthly")
    biller.page.fill("input[name=on]", "2026-11-01")
    biller.press("Plan")
    biller.press("Start")
    worked(firm)
    biller.page.reload()
    biller.look("report")
    biller.press("Send drafts to review")
    biller.press("Send 1 draft to its reviewer")


def reviews(reviewer):
    """Edit a line, forgetting the reason first, and approve."""
    reviewer.press("Review", role="link")
    reviewer.press("Edit line 1", role="link")
    reviewer.page.fill("input[name=quantity]", "1.5")
    reviewer.press("Save line")
    assert reviewer.page.locator("#id_reason_code[aria-invalid=true]").count() == 1
    reviewer.page.select_option("select[name=reason_code]", "GUIDELINE")
    reviewer.press("Save line")
    assert reviewer.sees("Carrier guideline")
    reviewer.press("Approve")


def finalizes(biller, firm):
    """Make the approved invoice final, and see its proven files."""
    with tenant_scope(firm.pk):
        invoice = Invoice.objects.get()
    biller.go(f"invoices/{invoice.public_id}/")
    biller.page.locator("summary", has_text="Finalize").click()
    biller.press("Finalize")
    worked(firm)
    biller.page.reload()
    biller.look("final")
    assert biller.sees("Sent = approved = booked")


def is_paid(biller, statement):
    """Take the bank's file in, and see the invoice paid."""
    biller.go("bank-files/import/")
    file = {"name": "day.xml", "mimeType": "application/xml", "buffer": statement}
    biller.page.set_input_files("input[type=file]", file)
    biller.press("Import")
    biller.go("payments/")
    biller.go("invoices/")
    assert biller.sees("Paid")


def credits(biller, owner, number):
    """Ask for a credit note of a paid invoice; somebody else approves it from their inbox."""
    biller.page.get_by_role("link", name=number).first.click()
    biller.page.get_by_text("Credit this invoice").click()
    biller.page.fill("#credit-reason", "Billed to the wrong insurer.")
    biller.press("Ask for a credit note")
    owner.go("inbox/")
    owner.press("Decide", role="link")
    owner.press("Approve")
    assert owner.sees("Final")
    owner.go("payments/")
    for rest in ("ledger/", "ledger/entries/", "ledger/periods/", "audit/", "jobs/"):
        owner.go(rest)


@pytest.mark.parametrize("schemes", [("light", "dark"), ("dark", "light")])
def test_from_the_plan_to_paid(chromium, live_server, firm, tmp_path, schemes):
    at = (chromium, live_server.url, firm)
    biller = Person(*at, "biller", width=1280, scheme=schemes[0])
    bills(biller, firm)
    reviewer = Person(*at, "reviewer", width=360, scheme=schemes[1])
    reviews(reviewer)
    finalizes(biller, firm)
    with tenant_scope(firm.pk):
        number = Invoice.objects.get().number
    is_paid(biller, statement_for(tmp_path, number, "400.00"))
    owner = Person(*at, "owner", width=360, scheme=schemes[0])
    credits(biller, owner, number)
    for rest in ("uploads/", "deliveries/", "reminders/"):
        biller.go(rest)

    assert biller.problems + reviewer.problems + owner.problems == []
    assert biller.foreign + reviewer.foreign + owner.foreign == []
