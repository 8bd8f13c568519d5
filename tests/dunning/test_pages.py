"""Payments, bank files and reminders as pages and over REST."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from billing_portal.members.queries import names_of_actors
from billing_portal.money import Money
from billing_portal.tenancy.scope import tenant_scope
from dunning.actions.bank_accounts import add_bank_account
from dunning.actions.remind import remind_due
from dunning.models import BankFile
from ledger.actions.payments import allocate, receive
from ledger.models import Allocation, Payment
from ledger.queries import open_amounts
from tests.factories import MembershipFactory, TenantFactory
from tests.foundations.test_api import Caller
from tests.foundations.test_file_kinds import MT940
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.outside.bank.server import DemoBank
from tests.visiting import Visitor, signed_in, text_of

pytestmark = pytest.mark.django_db
IBAN = "DE89370400440532013000"


@pytest.fixture
def invoice(firm):
    """A final invoice of 700 dollars, number 2026-00001."""
    with tenant_scope(firm.pk):
        add_bank_account(account=IBAN, name="Operating", currency="USD", by=SYSTEM)
        return books.finalized(reviewer=books.member("reviewer"))


@pytest.fixture
def biller(client, firm):
    with tenant_scope(firm.pk):
        signed_in(client, books.user_of(books.member("biller")))
    return client


@pytest.fixture
def statement(tmp_path, invoice):
    """A bank's file with 300 dollars for the invoice and 55 for nobody knows what."""
    with DemoBank(book=tmp_path / "bank.db", token="t") as bank:
        bank.ask(
            "/_control/accounts",
            {
                "account": IBAN, "owner": "Firm", "currency": "USD", "opening": "10.00",
                "opened_on": "2026-11-01",
            },
        )  # fmt: skip
        for amount, words in (("300.00", "part of 2026-00001"), ("55.00", "hello")):
            bank.pay(
                payer_name="Granite", amount=amount, booked_on="2026-11-05", remittance=words,
                account=IBAN,
            )  # fmt: skip
        return bank.statement("2026-11-05", account=IBAN)


def path(firm, rest):
    return f"/t/{firm.slug}/{rest}"


def upload(client, firm, data):
    file = SimpleUploadedFile("day.xml", data, content_type="application/xml")
    return client.post(path(firm, "bank-files/import/"), {"file": file})


def owed(firm, invoice):
    with tenant_scope(firm.pk):
        return open_amounts([invoice.uid])[invoice.uid]


def test_a_file_is_imported_and_shows_that_it_adds_up(biller, firm, invoice, statement):
    assert upload(biller, firm, statement).status_code == 303
    page = biller.get(path(firm, "bank-files/")).content.decode()
    assert "$10.00" in page
    assert "$355.00" in page
    assert "$365.00" in page
    assert owed(firm, invoice) == 40000
    again = upload(biller, firm, statement)
    assert again.status_code == 422
    assert "imported before" in again.content.decode()


def allocated():
    """Return the only allocation, with what booked it."""
    return Allocation.objects.select_related("entry").get()


def back(own, allocation):
    """Return where an allocation of a payment is taken back."""
    return f"{own}allocations/{allocation.entry.public_id}/back/"


def test_a_bad_file_shows_its_findings_and_imports_nothing(biller, firm):
    answer = upload(biller, firm, b"<Document/>")
    assert answer.status_code == 422
    assert "1 finding; nothing was imported" in answer.content.decode()
    with tenant_scope(firm.pk):
        assert BankFile.objects.count() == 0


def test_another_kind_of_file_is_named_on_the_page_and_over_rest(biller, firm, client):
    caller = Caller(client, firm)

    page = upload(biller, firm, MT940)
    answer = client.post(
        "/api/v1/bank-files", MT940, content_type="application/xml", headers=caller.headers
    )

    assert page.status_code == 422
    assert "seems to be a SWIFT statement, such as MT940. Wanted is camt.053" in text_of(page)
    assert (answer.status_code, answer.json()["code"]) == (422, "bank.not_a_statement")
    assert [each["rule"] for each in answer.json()["errors"]] == ["bank.other_kind"]
    with tenant_scope(firm.pk):
        assert BankFile.objects.count() == 0


def test_a_payment_says_why_and_is_taken_back_and_allocated_again(biller, firm, invoice, statement):
    upload(biller, firm, statement)
    listed = biller.get(path(firm, "payments/")).content.decode()
    assert "Partly applied" not in listed
    assert "Unapplied" in listed
    with tenant_scope(firm.pk):
        payment, allocation = Payment.objects.get(amount=30000), allocated()
    own = path(firm, f"payments/{payment.public_id}/")
    assert "a part payment" in biller.get(own).content.decode()
    biller.post(back(own, allocation), {"reason": "Wrong invoice."})
    assert owed(firm, invoice) == 70000
    shown = text_of(biller.get(own))
    with tenant_scope(firm.pk):
        undone = Allocation.objects.select_related("entry").latest("pk")
        (name,) = names_of_actors([undone.entry.actor]).values()
    assert shown.count("Taken back since") == 1
    assert f"Taken back by {name}: Wrong invoice." in shown
    biller.post(f"{own}allocate/", {f"amount-{invoice.public_id}": "900.00", "seen": "2"})
    assert owed(firm, invoice) == 70000
    sent = {f"amount-{invoice.public_id}": "50", "seen": "2"}
    for _ in range(2):  # sent again by a nervous hand, it is allocated once
        biller.post(f"{own}allocate/", sent)
    again = biller.post(f"{own}allocate/", sent)
    assert again.status_code == 409
    assert "changed it since you read it" in text_of(again)
    assert 'value="50"' not in again.content.decode()
    biller.post(f"{own}allocate/", {f"amount-{invoice.public_id}": "$200.00", "seen": "3"})
    assert owed(firm, invoice) == 45000
    assert "Partly applied" in biller.get(own).content.decode()


def test_nothing_left_and_nothing_owed_are_written_as_amounts(biller, firm, invoice):
    with tenant_scope(firm.pk):
        payment = receive(
            source="test", key="1", customer=invoice.customer.public_id,
            amount=Money(Decimal(700), "USD"), received_on=date(2026, 11, 5),
            booked_on=date(2026, 11, 5), bank=IBAN, by=SYSTEM,
        )  # fmt: skip
        allocate(
            payment, [(invoice.uid, Money(Decimal(700), "USD"))], by=SYSTEM, on=date(2026, 11, 5)
        )

    listed = text_of(biller.get(path(firm, "payments/")))
    own = text_of(biller.get(path(firm, f"payments/{payment.public_id}/")))
    invoices = text_of(biller.get(path(firm, "invoices/")))
    billed = text_of(biller.get(path(firm, f"invoices/{invoice.public_id}/")))

    assert "Applied $700.00 $0.00" in listed
    assert "Received $700.00 Unapplied $0.00" in own
    assert "$700.00 $0.00" in invoices
    assert "Balance $0.00" in billed


@pytest.mark.parametrize("text", ["1,50", "abc", "1.005", "1e9999999", "-1", "0", "9" * 5000])
def test_an_amount_that_cannot_be_read_is_shown_again(biller, firm, invoice, statement, text):
    upload(biller, firm, statement)
    with tenant_scope(firm.pk):
        payment, allocation = Payment.objects.get(amount=30000), allocated()
    own = path(firm, f"payments/{payment.public_id}/")
    biller.post(back(own, allocation), {"reason": "Wrong invoice."})

    answer = biller.post(f"{own}allocate/", {f"amount-{invoice.public_id}": text})

    assert answer.status_code == 422
    assert f'value="{text}"' in answer.content.decode()
    assert "Write an amount" in answer.content.decode()
    assert owed(firm, invoice) == 70000


def test_what_nobody_knows_waits_in_the_inbox(biller, firm, invoice, statement):
    upload(biller, firm, statement)
    inbox = biller.get(path(firm, "inbox/")).content.decode()
    assert "Find what Granite paid for" in inbox


def test_what_is_left_of_a_payment_says_what_was_paid_from_it(biller, firm, invoice):
    with tenant_scope(firm.pk):
        payer = invoice.customer.public_id
        payment = receive(
            source="test", key="1", customer=payer, amount=Money(Decimal("712.50"), "USD"),
            received_on=date(2026, 11, 5), booked_on=date(2026, 11, 5), bank=IBAN,
            payer="Granite", remittance="2026-00001", by=SYSTEM,
        )  # fmt: skip
        parts = [(invoice.uid, Money(Decimal(700), "USD"))]
        allocate(payment, parts, by=SYSTEM, on=date(2026, 11, 5))
    said = "Left over after paying 2026-00001; the customer's credit until it is placed."

    inbox, page = text_of(biller.get(path(firm, "inbox/"))), biller.get(path(firm, "payments/"))
    own = text_of(biller.get(path(firm, f"payments/{payment.public_id}/")))

    assert f"Place what is left of Granite 2026-00001 {said} $12.50" in inbox
    assert "names an open invoice" not in inbox
    assert "$12.50" in text_of(page)
    assert said in own


def test_money_taken_back_from_an_invoice_is_no_rest_of_it(biller, firm, invoice, statement):
    upload(biller, firm, statement)
    with tenant_scope(firm.pk):
        payment, allocation = Payment.objects.get(amount=30000), allocated()
    own = path(firm, f"payments/{payment.public_id}/")
    biller.post(back(own, allocation), {"reason": "Wrong invoice."})

    inbox = text_of(biller.get(path(firm, "inbox/")))

    assert "Left over" not in inbox
    assert inbox.count("What it had paid was taken back.") == 1
    assert "a part payment" not in inbox


def test_a_wrong_payer_is_taken_back_on_the_page_once_nothing_is_paid(
    biller, firm, invoice, statement
):
    upload(biller, firm, statement)
    with tenant_scope(firm.pk):
        payment, allocation = Payment.objects.get(amount=30000), allocated()
    own = path(firm, f"payments/{payment.public_id}/")
    offer = "Take the payer back"
    before = text_of(biller.get(own))
    early = biller.post(f"{own}payer/back/", {"reason": "Wrong."}, follow=True)
    biller.post(back(own, allocation), {"reason": "Wrong payer."})
    between = text_of(biller.get(own))

    done = biller.post(f"{own}payer/back/", {"reason": "It was Acme's."}, follow=True)

    assert (offer in before, offer in between, offer in text_of(done)) == (False, True, False)
    assert "take back what it paid first" in text_of(early)
    said = text_of(done)
    assert "The payer was taken back; the payment waits for its own." in said
    assert "It was Acme's." in said
    assert "Whose payment is it?" in said
    assert "What was found when it came in" in said
    with tenant_scope(firm.pk):
        assert Payment.objects.get(amount=30000).customer == ""


def test_who_only_reads_and_another_firm_take_no_payer_back(client, firm, invoice):
    payer = invoice.customer.public_id
    with tenant_scope(firm.pk):
        payment = receive(
            source="test", key="1", customer=payer, amount=Money(Decimal(1), "USD"), bank=IBAN,
            received_on=date(2026, 11, 5), booked_on=date(2026, 11, 5), by=SYSTEM,
        )  # fmt: skip
    own = f"payments/{payment.public_id}/"
    auditor, stranger = Visitor(Client(), firm, "auditor"), Visitor(client, TenantFactory.create())

    page = text_of(auditor.get(own))
    answers = [each.post(f"{own}payer/back/", {"reason": "Mine."}) for each in (auditor, stranger)]

    assert "Not from this customer?" not in page
    assert [each.status_code for each in answers] == [403, 404]
    with tenant_scope(firm.pk):
        assert Payment.objects.get().customer == payer


def test_reminders_show_what_is_due_and_what_went_out(biller, firm, invoice):
    empty = biller.get(path(firm, "reminders/")).content.decode()
    assert "Nobody is late" in empty
    with tenant_scope(firm.pk):
        remind_due(on=date(2027, 1, 5), by=SYSTEM)
    page = biller.get(path(firm, "reminders/")).content.decode()
    assert "What went out" in page
    assert "2026-00001" in page


def test_over_rest_a_file_is_taken_in_and_payments_are_read(client, firm, invoice, statement):
    with tenant_scope(firm.pk):
        remind_due(on=date(2027, 1, 5), by=SYSTEM)
    caller = Caller(client, firm, scopes=["payments.read"])
    refused = client.post(
        "/api/v1/bank-files", statement, content_type="application/xml", headers=caller.headers
    )
    assert refused.status_code == 403
    assert caller.get("/api/v1/payments").json()["data"] == []


@pytest.mark.parametrize("rest", ["payments/", "bank-files/", "bank-files/import/", "reminders/"])
def test_who_may_not_is_told_so(client, firm, rest):
    with tenant_scope(firm.pk):
        client.force_login(books.user_of(books.member("timekeeper")))
    assert client.get(path(firm, rest)).status_code == 403


def test_another_firm_sees_no_payment(client, biller, firm, invoice, statement):
    upload(biller, firm, statement)
    with tenant_scope(firm.pk):
        payment = Payment.objects.get(amount=30000)
    other = TenantFactory.create()
    client.force_login(MembershipFactory.create(tenant=other, role="owner").user)
    assert client.get(path(other, f"payments/{payment.public_id}/")).status_code == 404
    assert client.post(path(other, f"payments/{payment.public_id}/allocate/")).status_code == 404
    stranger = Caller(client, other)
    assert stranger.get(f"/api/v1/payments/{payment.public_id}").status_code == 404


def send(client, caller, data, query=""):
    return client.post(
        f"/api/v1/bank-files{query}", data, content_type="application/xml", headers=caller.headers
    )


def test_over_rest_a_file_the_books_cannot_hold_is_refused_with_findings(client, firm, statement):
    caller = Caller(client, firm)
    answer = send(client, caller, statement.replace(b'"USD"', b'"XXX"'))
    assert (answer.status_code, answer.json()["code"]) == (422, "bank.not_a_statement")
    assert {(each["rule"], each["row"] > 0) for each in answer.json()["errors"]} >= {
        ("bank.currency", True)
    }
    assert send(client, caller, b"").status_code == 400
    assert send(client, caller, statement, f"?name={'n' * 161}").status_code == 400
    with tenant_scope(firm.pk):
        assert BankFile.objects.count() == 0
    assert send(client, caller, statement, f"?name={'n' * 160}").status_code == 201


def test_no_file_is_a_form_error(biller, firm):
    answer = biller.post(path(firm, "bank-files/import/"))
    assert answer.status_code == 422
