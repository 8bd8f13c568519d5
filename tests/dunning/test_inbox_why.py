"""Why a payment waits: the inbox says what was found when the bank brought it."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing_portal.money import Money
from billing_portal.tenancy.scope import tenant_scope
from dunning.actions.bank_accounts import add_bank_account
from dunning.actions.bank_files import import_bank_file
from dunning.models import BankLine
from dunning.queries.payments import whys_of
from dunning.views.payments import inbox_items
from ledger.actions.payments import receive
from ledger.models import Payment
from tests.dunning.statements import IBAN, paid, statement
from tests.factories import TenantFactory, actor
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.visiting import Visitor, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice(firm):
    """A final invoice of 700 dollars, number 2026-00001, and the account it is paid to."""
    with tenant_scope(firm.pk):
        add_bank_account(account=IBAN, name="Operating", currency="USD", by=SYSTEM)
        return books.finalized(reviewer=books.member("reviewer"))


def test_the_inbox_says_why_a_payment_waits_as_its_own_page_does(client, firm, invoice):
    biller = Visitor(client, firm, "biller")
    words = [("699.00", "Invoice 2026-00001"), ("55.00", "hello"), ("56.00", "thanks")]
    parts = [paid(amount, text, name=f"Payer {amount}") for amount, text in words]
    with tenant_scope(firm.pk):
        import_bank_file(statement(*parts), name="day.xml", by=SYSTEM, on=date(2026, 11, 20))
        receive(
            source="test", key="1", customer="", amount=Money(Decimal(1), "USD"), payer="By hand",
            received_on=date(2026, 11, 5), booked_on=date(2026, 11, 5), bank=IBAN, by=SYSTEM,
        )  # fmt: skip
        lines = list(BankLine.objects.select_related("payment").order_by("number"))
    inbox = text_of(biller.get("inbox/"))

    waiting = [each for each in lines if f"Find what {each.payer} paid for" in inbox]
    assert len(waiting) >= 2
    for line in waiting:
        assert line.payment is not None
        own = text_of(biller.get(f"payments/{line.payment.public_id}/"))
        assert f"Find what {line.payer} paid for {line.remittance} {line.why}" in inbox
        assert line.why in own
    nothing = "Nothing in it names an open invoice beyond doubt."
    assert f"Find what By hand paid for {nothing}" in inbox
    assert inbox.count(nothing) == 1


def test_why_payments_wait_takes_as_many_queries_for_many(firm, invoice):
    who, counts = actor("biller"), []
    with tenant_scope(firm.pk):
        for number, size in ((5, 2), (6, 15)):
            day = f"2026-11-{number:02}"
            parts = [paid("1.00", "hello", name=f"{day} {n}", day=day) for n in range(size)]
            opening = "1000.00" if number == 5 else "1002.00"
            data = statement(*parts, opening=opening, day=day, number=number)
            import_bank_file(data, name=day, by=SYSTEM, on=date(2026, 11, 20))
            with CaptureQueriesContext(connection) as queries:
                assert len(inbox_items(who)) >= size
            counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_neighbor_is_told_no_why_of_ours(firm, invoice):
    with tenant_scope(firm.pk):
        import_bank_file(statement(paid("5.00", "hi")), name="d", by=SYSTEM, on=date(2026, 11, 20))
        payments = list(Payment.objects.all())
        assert list(whys_of(payments)) == [payments[0].pk]
    with tenant_scope(TenantFactory.create().pk):
        assert whys_of(payments) == {}
        assert inbox_items(actor("biller")) == []
