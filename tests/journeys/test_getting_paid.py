"""Bank files, reminders and the trail of them: they fit, and nothing of a row is cut off."""

from datetime import date
from urllib.parse import urlsplit

import pytest

from billing_portal.audit.sealing import seal_all
from billing_portal.tenancy.scope import tenant_scope
from dunning.actions.bank_accounts import add_bank_account
from dunning.actions.bank_files import import_bank_file
from dunning.models import BankFile
from invoices.actions.carriers import add_carrier
from invoices.actions.render import render_documents_later
from invoices.actions.submit import queue_submission
from invoices.models import Document, Submission
from tests.dunning.statements import IBAN, paid, statement
from tests.factories import MembershipFactory, TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.journeys.looking import PASSWORD, foreign_requests, look, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "ada@arnesen.test"
ON = date(2026, 12, 6)


@pytest.fixture
def firm(settings, tmp_path, monkeypatch):
    """A firm with a bank file of every sort of line, late invoices, and one that is held back."""
    settings.FILES_DIR = tmp_path
    for module in ("sending", "reminders"):
        monkeypatch.setattr(f"dunning.views.{module}.today_of", lambda request: ON)
    firm = TenantFactory.create(slug="arnesen", name="Arnesen Pike LLP")
    member = MembershipFactory.create(tenant=firm, role="owner", user__email=EMAIL)
    member.user.set_password(PASSWORD)
    member.user.save()
    with tenant_scope(firm.pk):
        add_bank_account(account=IBAN, name="Operating", currency="USD", by=SYSTEM)
        _some_late(firm)
        back = paid("-3.00", "back") | {"kind": "reversal"}
        words = "a".join("Überweisung für Rechnung" for _ in range(6))
        day = statement(
            paid("700.00", "Invoice 2026-00001", name="Müller & Söhne Rückversicherung"),
            paid("50.00", words), paid("-20.00", "fees"), back,
        )  # fmt: skip
        import_bank_file(day, name="2026-11-05-hudson-valley.xml", by=SYSTEM, on=ON)
    seal_all()
    return firm


def _some_late(firm):
    add_carrier(code="northfield", name="Northfield Mutual", origin="http://127.0.0.1:1", by=SYSTEM)
    reviewer = books.member("reviewer")
    *_, held = [books.finalized(reviewer=reviewer) for _ in range(3)]
    held.customer.carrier_code = "northfield"
    held.customer.save()
    render_documents_later(tenant_id=firm.pk, invoice_id=held.pk)
    queue_submission(Document.objects.get(kind="ledes1998b"), by=SYSTEM)
    Submission.objects.update(state="REJECTED", carrier_status="REJECTED")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_they_are_accessible_fit_and_cut_nothing_off(chromium, live_server, firm, width, scheme):
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page, problems = context.new_page(), []
    foreign = foreign_requests(page, urlsplit(live_server.url).netloc)
    home = f"{live_server.url}/t/{firm.slug}"
    with tenant_scope(firm.pk):
        file = BankFile.objects.get()
    sign_in(page, f"{home}/inbox/", EMAIL)

    for path in [
        *("inbox/", "bank-files/", f"bank-files/{file.public_id}/"),
        *("reminders/", "reminders/send/", "audit/"),
    ]:
        page.goto(f"{home}/{path}")
        problems += look(page, path)
        cut = page.locator(".table-wrap").evaluate_all(
            "all => all.filter(each => each.scrollWidth > each.clientWidth).length"
        )
        problems += [f"{path} is cut off"] if cut else []
    page.goto(f"{home}/reminders/send/")
    page.get_by_role("button", name="Send 1 reminder").click()
    page.wait_for_url(f"{home}/reminders/")
    said = page.get_by_text("1 reminder is on its way.").count()
    problems += look(page, "sent")
    context.close()

    assert problems == []
    assert foreign == []
    assert said
