"""Payments over REST: whose they are, what they pay, and taking it back."""

from datetime import date
from decimal import Decimal
from urllib.parse import quote

import pytest

from billing_portal.money import Money
from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.payments import receive
from ledger.models import Allocation, Payment
from ledger.queries import open_amounts
from tests.factories import TenantFactory
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import SYSTEM

ON = date(2026, 11, 5)


@pytest.fixture
def invoice(firm):
    """A final invoice of 700 dollars."""
    with tenant_scope(firm.pk):
        return books.finalized(reviewer=books.member("reviewer"))


@pytest.fixture
def payment(firm, invoice):
    """Five hundred dollars of its customer."""
    return came_in(firm, invoice.customer.public_id)


@pytest.fixture
def caller(client, firm):
    return Caller(client, firm)


def came_in(firm, customer):
    with tenant_scope(firm.pk):
        return receive(
            source="test", key=f"p:{customer}", customer=customer, bank="main", by=SYSTEM,
            amount=Money(Decimal(500), "USD"), received_on=ON, booked_on=ON,
        )  # fmt: skip


def part(invoice, amount="500.00", currency="USD"):
    return {"invoice": invoice.public_id, "amount": {"amount": amount, "currency": currency}}


def pay(caller, payment, *parts, seen=0, key="k1"):
    path = f"/api/v1/payments/{payment.public_id}/allocations"
    headers = {"Idempotency_Key": key, "If_Match": f'"{seen}"'}
    return caller.post(path, {"parts": list(parts)}, **headers)


def owed(firm, invoice):
    with tenant_scope(firm.pk):
        return open_amounts([invoice.uid])[invoice.uid]


def test_an_invoice_is_paid_once_and_taken_back(caller, firm, invoice, payment):
    first = pay(caller, payment, part(invoice))
    again = pay(caller, payment, part(invoice))
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert owed(firm, invoice) == 20000
    entry = first.json()["data"][0]["entry"]
    path = f"/api/v1/payments/{payment.public_id}/allocations"
    back = caller.post(f"{path}/{entry}/reversal", {"reason": "Wrong one"}, Idempotency_Key="k2")
    assert back.status_code == 201
    shown = caller.get(path)
    assert shown.headers["ETag"] == '"2"'
    assert [(row["amount"]["amount"], row["takes_back"]) for row in shown.json()["data"]] == [
        ("500.00", None),
        ("-500.00", entry),
    ]
    assert {row["invoice"] for row in shown.json()["data"]} == {invoice.public_id}
    assert owed(firm, invoice) == 70000


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (("500.01", "USD", 0), (409, "ledger.over_allocated")),
        (("5.00", "EUR", 0), (409, "ledger.over_allocated")),
        (("5.00", "USD", 3), (412, "version.conflict")),
        (("0.00", "USD", 0), (422, "values")),
        (("-5.00", "USD", 0), (422, "values")),
        (("5.001", "USD", 0), (422, "values")),
        (("1e3", "USD", 0), (422, "values")),
        (("5.00", "XXX", 0), (422, "values")),
    ],
)
def test_what_cannot_be_allocated_is_refused_and_changes_nothing(  # noqa: PLR0917 -- fixtures
    caller, firm, invoice, payment, asked, code
):
    amount, currency, seen = asked
    answer = pay(caller, payment, part(invoice, amount, currency), seen=seen)
    assert (answer.status_code, answer.json()["code"]) == code
    assert owed(firm, invoice) == 70000
    with tenant_scope(firm.pk):
        assert not Allocation.objects.exists()


def test_a_list_that_has_grown_says_what_was_read_and_what_it_is_at(caller, invoice, payment):
    pay(caller, payment, part(invoice, "100.00"))

    stale = pay(caller, payment, part(invoice, "100.00"), key="k2")
    other = pay(caller, payment, part(invoice, "100.00"), seen=1)

    told = stale.json()
    assert (stale.status_code, told["code"]) == (412, "version.conflict")
    assert (told["your_version"], told["current_version"]) == ("0", "1")
    assert "You read version 0; it is at version 1 now." in told["detail"]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")
    assert pay(caller, payment, part(invoice, "100.00"), seen=1, key="k3").status_code == 201


@pytest.mark.parametrize("character", ["\u202e", "\x1b", "\n"])
def test_a_hidden_character_in_the_name_of_a_bank_file_is_422(client, caller, firm, character):
    path = "/api/v1/bank-files?name=" + quote(f"bank{character}lmx.xml")

    answer = client.post(path, b"<x/>", "application/xml", headers=caller.headers)

    (error,) = answer.json()["errors"]
    assert (answer.status_code, answer.json()["code"]) == (422, "values")
    assert (error["pointer"], error["code"]) == ("/name", "text.hidden_character")


def test_a_body_that_names_no_invoice_is_told_where(caller, payment):
    bad = {"invoice": "pay_1", "amount": {"amount": "1.00", "currency": "USD"}}
    answer = pay(caller, payment, bad)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/parts/0/invoice"


def test_a_payment_in_suspense_gets_its_payer_first(caller, firm, invoice):
    payment = came_in(firm, "")
    refused = pay(caller, payment, part(invoice))
    path = f"/api/v1/payments/{payment.public_id}/payer"
    named = caller.post(path, {"customer": invoice.customer.external_id}, Idempotency_Key="payer")
    unknown = caller.post(path, {"customer": "nobody"}, Idempotency_Key="other")
    assert (refused.status_code, refused.json()["code"]) == (409, "ledger.payer_unknown")
    assert (named.status_code, named.json()["customer"]) == (200, invoice.customer.public_id)
    (error,) = unknown.json()["errors"]
    assert (unknown.status_code, error["pointer"]) == (422, "/customer")
    assert error["code"] == "payments.no_such_payer"
    assert pay(caller, payment, part(invoice), key="then").status_code == 201
    assert owed(firm, invoice) == 20000


def test_a_payer_is_taken_back_over_rest_once_and_not_while_the_payment_pays(
    caller, firm, invoice, payment
):
    path = f"/api/v1/payments/{payment.public_id}/payer/reversal"
    entry = pay(caller, payment, part(invoice)).json()["data"][0]["entry"]
    why = {"reason": "It was another's."}

    refused = caller.post(path, why, Idempotency_Key="early")
    back = f"/api/v1/payments/{payment.public_id}/allocations/{entry}/reversal"
    caller.post(back, why, Idempotency_Key="back")
    done = caller.post(path, why, Idempotency_Key="b1")
    again = caller.post(path, why, Idempotency_Key="b1")
    later = caller.post(path, why, Idempotency_Key="b2")
    silent = caller.post(path, {}, Idempotency_Key="b3")

    assert (refused.status_code, refused.json()["code"]) == (409, "ledger.payer_has_paid")
    assert (done.status_code, done.json()["customer"], again.json()) == (200, "", done.json())
    assert (later.status_code, later.json()["code"]) == (409, "ledger.payer_unknown")
    assert (silent.status_code, silent.json()["errors"][0]["pointer"]) == (422, "/reason")
    assert owed(firm, invoice) == 70000


def test_another_firm_and_who_only_reads_take_no_payer_back(client, firm, payment):
    path = f"/api/v1/payments/{payment.public_id}/payer/reversal"
    stranger = Caller(client, TenantFactory.create())
    reader = Caller(client, firm, scopes=["payments.read"])

    answers = [
        each.post(path, {"reason": "Mine."}, Idempotency_Key="k") for each in (stranger, reader)
    ]

    assert [each.status_code for each in answers] == [404, 403]
    with tenant_scope(firm.pk):
        assert Payment.objects.get().customer == payment.customer


def test_another_firm_finds_neither_payment_nor_invoice(client, firm, invoice, payment):
    neighbor = TenantFactory.create()
    stranger = Caller(client, neighbor)
    mine = came_in(neighbor, "")
    path = f"/api/v1/payments/{payment.public_id}"
    assert stranger.get(f"{path}/allocations").status_code == 404
    assert pay(stranger, payment, part(invoice)).status_code == 404
    answer = pay(stranger, mine, part(invoice), key="mine")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (422, "/parts/0/invoice")
    reader = Caller(client, firm, scopes=["payments.read"])
    assert pay(reader, payment, part(invoice)).status_code == 403
    assert owed(firm, invoice) == 70000


def test_a_list_that_has_moved_is_told_before_what_no_longer_fits(caller, firm, invoice, payment):
    assert pay(caller, payment, part(invoice)).status_code == 201

    late = pay(caller, payment, part(invoice), seen=0, key="k2")
    assert (late.status_code, late.json()["code"]) == (412, "version.conflict")
