"""A payer that was named wrongly, taken back in a browser: on desk and phone, in light and dark."""

from datetime import date
from decimal import Decimal

import pytest

from billing_portal.money import Money
from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.payments import receive
from ledger.models import Payment
from tests.customers.factories import CustomerFactory
from tests.factories import MembershipFactory, TenantFactory
from tests.invoices.books import SYSTEM
from tests.journeys.looking import PASSWORD, look, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL, WHY = "dana@arnesen.test", "It was Harbor's: their bank wrote today."


@pytest.fixture
def payment():
    """Eight hundred dollars that the matching gave to Granite."""
    firm = TenantFactory.create(slug="arnesen", name="Arnesen Pike LLP")
    member = MembershipFactory.create(tenant=firm, role="biller", user__email=EMAIL)
    member.user.set_password(PASSWORD)
    member.user.save()
    with tenant_scope(firm.pk):
        granite = CustomerFactory.create(name="Granite Mutual Versicherungsgesellschaft")
        return receive(
            source="test", key="1", customer=granite.public_id, bank="main", by=SYSTEM,
            amount=Money(Decimal("800.00"), "USD"), payer="HARBOR RE", remittance="hello",
            received_on=date(2026, 11, 5), booked_on=date(2026, 11, 5),
        )  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_a_wrong_payer_is_taken_back_by_keyboard(chromium, live_server, payment, width, scheme):
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    sign_in(page, f"{live_server.url}/t/arnesen/payments/{payment.public_id}/", EMAIL)
    page.get_by_text("Not from this customer?").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Why").fill(WHY)
    problems = look(page, "offered")

    page.get_by_label("Why").press("Enter")
    page.get_by_text("Whose payment is it?").wait_for()

    assert page.get_by_text(WHY).is_visible()
    assert problems + look(page, "taken back") == []
    page.close()
    with tenant_scope(payment.tenant_id):
        assert Payment.objects.get().customer == ""
