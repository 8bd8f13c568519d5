"""One payment's page: its payer by name, its amounts filled in, and nothing typed is lost."""

from datetime import date
from decimal import Decimal

import pytest

from billing_portal.money import Money
from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.payments import receive
from ledger.models import Allocation, Payment
from ledger.queries import open_amounts
from tests.customers.factories import CustomerFactory
from tests.factories import MembershipFactory, TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.visiting import signed_in, text_of

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 5)


@pytest.fixture
def invoice(firm):
    """A final invoice of 700 dollars, number 2026-00001."""
    with tenant_scope(firm.pk):
        return books.finalized(reviewer=books.member("reviewer"))


@pytest.fixture
def biller(client, firm, invoice):
    with tenant_scope(firm.pk):
        signed_in(client, books.user_of(books.member("biller")))
    return client


def paid(firm, amount, customer="", payer="Granite"):
    """Return a payment of so many dollars and the path of its page."""
    with tenant_scope(firm.pk):
        row = receive(
            source="test", key=str(amount), amount=Money(Decimal(amount), "USD"), customer=customer,
            received_on=DAY, booked_on=DAY, bank="bank", by=SYSTEM, payer=payer,
        )  # fmt: skip
    return row, f"/t/{firm.slug}/payments/{row.public_id}/"


def payer_of(firm, row):
    with tenant_scope(firm.pk):
        return Payment.objects.get(pk=row.pk).customer


def owed(firm, invoice):
    with tenant_scope(firm.pk):
        return open_amounts([invoice.uid])[invoice.uid]


def customers(firm, *names):
    with tenant_scope(firm.pk):
        return [CustomerFactory.create(name=name, currency="USD") for name in names]


@pytest.mark.parametrize("typed", ["{name}", "{id}", "{name} · {id}", "  blue  RIDGE specialty "])
def test_a_payer_is_named_by_name_or_id(biller, firm, typed):
    row, page = paid(firm, "55.00")
    wanted, _other = customers(firm, "Blue Ridge Specialty", "Blue Ridge Specialty Life")
    text = typed.format(name=wanted.name, id=wanted.external_id)

    answer = biller.post(f"{page}payer/", {"customer": text})

    assert answer.status_code == 303
    assert payer_of(firm, row) == wanted.public_id


def test_part_of_a_name_is_never_taken_for_the_whole(biller, firm):
    row, page = paid(firm, "55.00")
    (wanted,) = customers(firm, "Blue Ridge Specialty")

    asked = biller.post(f"{page}payer/", {"customer": "ridge"})

    shown = asked.content.decode()
    assert asked.status_code == 422
    assert payer_of(firm, row) == ""
    assert 'value="ridge"' in shown
    assert "Choose the one you mean" in text_of(asked)
    assert f'name="chosen" value="{wanted.external_id}"' in shown

    biller.post(f"{page}payer/", {"customer": "ridge", "chosen": wanted.external_id})

    assert payer_of(firm, row) == wanted.public_id


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", "Write the customer's name or id."), ("nobody at all", "No customer who pays in USD")],
)
def test_what_names_nobody_stands_there_again(biller, firm, typed, said):
    row, page = paid(firm, "55.00")

    answer = biller.post(f"{page}payer/", {"customer": typed})

    assert answer.status_code == 422
    assert said in text_of(answer)
    assert f'value="{typed}"' in answer.content.decode()
    assert payer_of(firm, row) == ""


def test_two_customers_of_one_name_are_both_offered(biller, firm):
    row, page = paid(firm, "55.00")
    twins = customers(firm, "Old Colony", "Old Colony")

    answer = biller.post(f"{page}payer/", {"customer": "Old Colony"})

    assert answer.status_code == 422
    assert all(f'value="{each.external_id}"' in answer.content.decode() for each in twins)
    assert payer_of(firm, row) == ""


def test_a_neighbors_customer_is_nobodys_payer(biller, firm):
    row, page = paid(firm, "55.00")
    (theirs,) = customers(TenantFactory.create(), "Far Away Mutual")

    for text in (theirs.name, theirs.external_id, "far away"):
        answer = biller.post(f"{page}payer/", {"customer": text, "chosen": theirs.external_id})
        assert answer.status_code == 422
        assert theirs.public_id not in answer.content.decode()

    assert payer_of(firm, row) == ""


def test_the_rest_is_filled_in_oldest_first_and_nothing_is_allocated(biller, firm, invoice):
    _row, page = paid(firm, "900.00", invoice.customer.public_id)
    field = f"amount-{invoice.public_id}"

    filled = biller.post(f"{page}allocate/", {"fill": "oldest", "seen": "0"})

    assert filled.status_code == 200
    assert f'id="{field}" name="{field}" inputmode="decimal" value="700.00"' in " ".join(
        filled.content.decode().split()
    )
    assert "Nothing is allocated yet" in text_of(filled)
    assert owed(firm, invoice) == 70000

    biller.post(f"{page}allocate/", {field: "700.00", "seen": "0"})

    assert owed(firm, invoice) == 0


def test_filling_leaves_what_was_typed_and_only_what_is_left_of_the_payment(biller, firm, invoice):
    _row, page = paid(firm, "300.00", invoice.customer.public_id)
    field = f"amount-{invoice.public_id}"

    typed = biller.post(f"{page}allocate/", {field: "12.5", "fill": "oldest", "seen": "0"})
    empty = biller.post(f"{page}allocate/", {field: "", "fill": "oldest", "seen": "0"})

    assert 'value="12.5"' in typed.content.decode()
    assert 'value="300.00"' in empty.content.decode()


def test_amounts_that_a_rule_refuses_stand_there_again(biller, firm, invoice):
    _row, page = paid(firm, "900.00", invoice.customer.public_id)

    more_than_owed = biller.post(
        f"{page}allocate/", {f"amount-{invoice.public_id}": "800.00", "seen": "0"}
    )
    nothing = biller.post(f"{page}allocate/", {"seen": "0"})

    assert more_than_owed.status_code == 422
    assert 'value="800.00"' in more_than_owed.content.decode()
    assert "Nothing was allocated" in text_of(more_than_owed)
    assert nothing.status_code == 422
    assert "Write an amount beside an invoice" in text_of(nothing)
    with tenant_scope(firm.pk):
        assert not Allocation.objects.exists()


def test_who_may_not_import_is_offered_and_allowed_neither(client, firm, invoice):
    row, page = paid(firm, "55.00")
    with tenant_scope(firm.pk):
        signed_in(client, MembershipFactory.create(tenant=firm, role="auditor").user)

    assert "Whose payment is it?" not in text_of(client.get(page))
    assert client.post(f"{page}payer/", {"customer": "x"}).status_code == 403
    assert client.post(f"{page}allocate/", {"fill": "oldest"}).status_code == 403
    assert payer_of(firm, row) == ""


@pytest.mark.parametrize(("payer", "is_told"), [("Anna\ufffdB", True), ("Anna B", False)])
def test_a_page_says_where_the_bank_sent_what_cannot_be_seen(biller, firm, payer, is_told):
    _row, page = paid(firm, "5.00", payer=payer)

    shown = text_of(biller.get(page))

    assert payer in shown
    assert ("the bank sent a character that cannot be seen" in shown) == is_told
