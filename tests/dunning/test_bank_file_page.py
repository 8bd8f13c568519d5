"""One bank file: what came of it is said at importing, over REST and on a page of its own."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing_portal.portal.nouns import nouns_of
from billing_portal.tenancy.scope import tenant_scope
from dunning import forms as bank_forms
from dunning.actions.bank_accounts import add_bank_account
from dunning.actions.bank_files import import_bank_file
from dunning.forms import said
from dunning.models import BankFile, BankLine
from dunning.queries.bank_files import came_of
from ledger.models import Payment
from tests.dunning.statements import IBAN, joined, paid, statement
from tests.factories import TenantFactory, actor
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.jobs.running import drain
from tests.visiting import Visitor, links_of, text_of

pytestmark = pytest.mark.django_db
ON = date(2026, 11, 20)
SAID = (
    "The bank file was imported. 3 payments came in: $755.00. $700.00 of it was paid to invoices."
    " 2 payments wait for a person. 1 movement went out or was reversed; it is kept, and not"
    " booked."
)


def a_day(**more):
    """Return 700 dollars for the invoice, 50 and 5 for nobody knows what, and 20 that went out."""
    return statement(
        paid("700.00", "Invoice 2026-00001", name="Granite"), paid("50.00", "hello", name="Anna"),
        paid("-20.00", "fees", name="The bank"), paid("5.00", "thanks", name="Zoe"), **more,
    )  # fmt: skip


@pytest.fixture
def invoice(firm):
    """A final invoice of 700 dollars, number 2026-00001, and the account it is paid to."""
    with tenant_scope(firm.pk):
        add_bank_account(account=IBAN, name="Operating", currency="USD", by=SYSTEM)
        return books.finalized(reviewer=books.member("reviewer"))


@pytest.fixture
def biller(client, firm):
    return Visitor(client, firm, "biller")


def taken(firm, data, name="day.xml"):
    with tenant_scope(firm.pk):
        return import_bank_file(data, name=name, by=SYSTEM, on=ON)


def test_importing_says_what_came_of_it_and_leads_to_it(biller, firm, invoice):
    answer = biller.post(
        "bank-files/import/", {"file": SimpleUploadedFile("day.xml", a_day())}, follow=True
    )

    with tenant_scope(firm.pk):
        file = BankFile.objects.get()
    assert answer.redirect_chain == [(f"/t/{firm.slug}/bank-files/{file.public_id}/", 303)]
    assert SAID in text_of(answer)


def test_over_rest_the_answer_holds_the_numbers(client, firm, invoice):
    answer = client.post(
        "/api/v1/bank-files", a_day(), content_type="application/xml",
        headers=Caller(client, firm).headers,
    )  # fmt: skip

    with tenant_scope(firm.pk):
        file = BankFile.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "object": "bank_file",
        "id": file.public_id,
        "payments": 3,
        "received": [{"amount": "755.00", "currency": "USD"}],
        "allocated": [{"amount": "700.00", "currency": "USD"}],
        "waiting": 2,
        "went_out": 1,
    }


def test_a_large_file_says_the_same_once_it_is_taken_in(biller, firm, invoice, monkeypatch):
    monkeypatch.setattr(bank_forms, "LARGE_BYTES", 100)
    sent = biller.post("bank-files/import/", {"file": SimpleUploadedFile("day.xml", a_day())})
    drain()

    page = biller.client.get(sent.url)

    with tenant_scope(firm.pk):
        file = BankFile.objects.get()
    assert SAID in text_of(page)
    assert f"/t/{firm.slug}/bank-files/{file.public_id}/" in links_of(page)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "The bank file was imported."),
        (
            {"payments": 0, "received": [], "allocated": [], "waiting": 0, "went_out": 0},
            "The bank file was imported. No payment came in.",
        ),
        (
            {
                "payments": 1_200, "waiting": 1_200, "went_out": 2_000,
                "received": [
                    {"amount": "5.00", "currency": "EUR"}, {"amount": "1200.00", "currency": "USD"}
                ],
                "allocated": [
                    {"amount": "0.00", "currency": "EUR"}, {"amount": "0.00", "currency": "USD"}
                ],
            },
            (
                "The bank file was imported. 1,200 payments came in: €5.00 + $1,200.00."
                " No invoice was paid: none is named beyond doubt."
                " 1,200 payments wait for a person."
                " 2,000 movements went out or were reversed; they are kept, and not booked."
            ),
        ),
        (
            {
                "payments": 1, "waiting": 0, "went_out": 0,
                "received": [{"amount": "7.00", "currency": "USD"}],
                "allocated": [{"amount": "7.00", "currency": "USD"}],
            },
            (
                "The bank file was imported. 1 payment came in: $7.00."
                " All of it was paid to invoices."
            ),
        ),
    ],
)  # fmt: skip
def test_what_came_of_a_file_is_said_in_sentences(answer, words):
    assert said({"object": "bank_file", "id": "bkf_x", **answer}) == words


def test_its_page_shows_that_it_adds_up_and_every_line(biller, firm, invoice):
    file = taken(firm, a_day())

    page = biller.get(f"bank-files/{file.public_id}/")

    shown = text_of(page)
    assert "Payments that came in 3 Received $755.00 Paid to invoices $700.00" in shown
    assert "Wait for a person 2 Went out, not booked 1" in shown
    assert "$1,000.00 $735.00 $1,735.00" in shown
    assert "Nov 5, 2026 Line 1 Granite Invoice 2026-00001 Applied $700.00" in shown
    assert "Nov 5, 2026 Line 2 Anna hello Unapplied $50.00" in shown
    assert "Nov 5, 2026 Line 3 The bank fees Went out ($20.00)" in shown
    assert "Nov 5, 2026 Line 4 Zoe thanks Unapplied $5.00" in shown
    assert shown.index("Granite") < shown.index("Anna") < shown.index("Zoe")
    with tenant_scope(firm.pk):
        payments = [each.public_id for each in Payment.objects.all()]
    assert {f"/t/{firm.slug}/payments/{each}/" for each in payments} <= set(links_of(page))


def test_a_file_of_two_statements_names_them_and_a_reversal(biller, firm, invoice):
    back = paid("-50.00", "back", day="2026-11-06") | {"kind": "reversal"}
    more = statement(back, opening="1735.00", day="2026-11-06", number=6, named="SECOND-DAY")
    file = taken(firm, joined(a_day(), more))

    shown = text_of(biller.get(f"bank-files/{file.public_id}/"))

    assert "Nov 6, 2026 Line 1, SECOND-DAY Granite State Casualty back Reversal ($50.00)" in shown
    assert "$1,735.00 ($50.00) $1,685.00" in shown


def test_a_day_on_which_nothing_moved_says_so(biller, firm, invoice):
    file = taken(firm, statement())

    assert "Nothing moved" in text_of(biller.get(f"bank-files/{file.public_id}/"))


def test_lines_come_in_pages_in_their_order(biller, firm, invoice, django_assert_max_num_queries):
    file = taken(firm, statement(*[paid("1.00", f"word {n:03}") for n in range(120)]))
    path = f"bank-files/{file.public_id}/"
    with tenant_scope(firm.pk):
        assert BankLine.objects.count() == 120

    with django_assert_max_num_queries(25):
        first = biller.get(path)
    links = [each for each in links_of(first) if "after=" in each]
    second = biller.client.get(links[0])
    back = biller.client.get(next(each for each in links_of(second) if "before=" in each))

    assert "word 000" in text_of(first)
    assert "word 049" in text_of(first)
    assert "word 050" not in text_of(first)
    assert "50 shown, in their order" in text_of(first)
    assert "word 050" in text_of(second)
    assert "word 099" in text_of(second)
    assert text_of(back).count("word 0") == text_of(first).count("word 0") == 50


def test_the_list_the_payment_and_the_trail_lead_to_it(biller, firm, invoice):
    file = taken(firm, a_day())
    path = f"/t/{firm.slug}/bank-files/{file.public_id}/"
    with tenant_scope(firm.pk):
        payment = Payment.objects.get(amount=70000)
        named = nouns_of(actor("auditor"), [file.public_id])

    assert path in links_of(biller.get("bank-files/"))
    assert path in links_of(biller.get(f"payments/{payment.public_id}/"))
    assert named[file.public_id].label == "day.xml"
    assert path.endswith(named[file.public_id].url)
    with tenant_scope(firm.pk):
        assert nouns_of(actor("reviewer"), [file.public_id]) == {}


def test_who_may_not_read_payments_and_a_neighbor_see_nothing_of_it(client, firm, invoice):
    file = taken(firm, a_day())
    other = TenantFactory.create()
    path = f"bank-files/{file.public_id}/"

    assert Visitor(client, firm, "reviewer").get(path).status_code == 403
    assert Visitor(client, other).get(path).status_code == 404
    assert Visitor(client, firm, "auditor").get("bank-files/bkf_nothing/").status_code == 404
    with tenant_scope(other.pk):
        assert nouns_of(actor("auditor"), [file.public_id]) == {}
        assert came_of(file).payments == 0
