"""Bank files at once: money is booked once, every file gets a clean answer, and nobody waits."""

from datetime import date
from decimal import Decimal
from functools import partial

import pytest

from billing_portal.money import Money
from billing_portal.tenancy.scope import tenant_scope
from dunning.actions.bank_accounts import add_bank_account
from dunning.actions.bank_files import Gap, KnownFile, KnownStatement, import_bank_file
from dunning.models import BankFile, BankLine, BankStatement
from dunning.queries.payments import payments
from dunning.queries.verifying import movements_come_once, statements_follow_one_another
from ledger.actions.payments import allocate, receive
from ledger.models import Allocation, Payment
from ledger.queries import open_amounts
from tests.at_once import Hand, at_once
from tests.dunning.statements import IBAN, joined, paid, statement
from tests.factories import TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)
ON = date(2026, 11, 20)
OTHER = "DE02120300000000202051"


@pytest.fixture
def firm(db):
    """A firm with two bank accounts."""
    made = TenantFactory.create()
    with tenant_scope(made.pk):
        for account in (IBAN, OTHER):
            add_bank_account(account=account, name="Operating", currency="USD", by=SYSTEM)
    return made


@pytest.fixture
def invoice(firm):
    """A final invoice of 700 dollars, number 2026-00001."""
    with tenant_scope(firm.pk):
        return books.finalized(reviewer=books.member("reviewer"))


def importing(data):
    return partial(import_bank_file, data, name="day.xml", by=SYSTEM, on=ON)


def outcomes(said):
    """Return what came of files: the names of refusals, and of the one that was taken."""
    return sorted(type(each).__name__ for each in said)


def counted(firm):
    with tenant_scope(firm.pk):
        assert statements_follow_one_another() == movements_come_once() == []
        tables = (BankFile, BankStatement, BankLine, Payment)
        return [model.objects.count() for model in tables]


def test_one_movement_in_several_files_is_one_payment(firm):
    files = [
        statement(paid("500.00", reference="REF-1"), number=328, named=f"S-{number}")
        for number in range(3)
    ]

    said = at_once(firm, *map(importing, files))

    assert outcomes(said) == ["BankFile", Gap.__name__, Gap.__name__]
    assert counted(firm) == [1, 1, 1, 1]


def test_several_statements_after_the_same_one_are_one(firm):
    files = [
        statement(paid(f"{number}.00", reference=f"R-{number}"), number=328, named=f"S-{number}")
        for number in range(1, 5)
    ]

    said = at_once(firm, *map(importing, files))

    assert outcomes(said) == ["BankFile", *["Gap"] * 3]
    assert counted(firm) == [1, 1, 1, 1]


def test_the_same_file_several_times_is_known(firm):
    data = statement(paid("500.00", reference="REF-1"))

    said = at_once(firm, *[importing(data)] * 3)

    assert outcomes(said) == ["BankFile", KnownFile.__name__, KnownFile.__name__]
    assert counted(firm) == [1, 1, 1, 1]


def test_the_same_statement_in_other_bytes_is_known(firm):
    data = statement(paid("500.00", reference="REF-1"))

    said = at_once(firm, importing(data), importing(data + b"\n"), importing(data + b"\n\n"))

    assert outcomes(said) == ["BankFile", KnownStatement.__name__, KnownStatement.__name__]
    assert counted(firm) == [1, 1, 1, 1]


@pytest.mark.parametrize("_round", range(3))
def test_two_accounts_in_either_order_do_not_wait_for_each_other(firm, _round):
    here, there = (
        statement(paid("5.00", reference=f"R-{iban}"), iban=iban) for iban in (IBAN, OTHER)
    )

    said = at_once(firm, importing(joined(here, there)), importing(joined(there, here)))

    assert outcomes(said) == ["BankFile", "KnownStatement"]
    assert counted(firm) == [1, 2, 2, 2]


def test_one_invoice_that_two_accounts_are_paid_for_at_once_is_paid_once(firm, invoice):
    files = [
        statement(paid("700.00", "2026-00001", reference=f"R-{iban}"), iban=iban)
        for iban in (IBAN, OTHER)
    ]

    said = at_once(firm, *map(importing, files))

    assert outcomes(said) == ["BankFile", "BankFile"]
    with tenant_scope(firm.pk):
        assert open_amounts([invoice.uid]) == {invoice.uid: 0}
        assert sorted(payments().values_list("unapplied", flat=True)) == [0, 70000]
        assert Allocation.objects.count() == 1


@pytest.mark.parametrize(("first", "left", "unapplied"), [(700, 0, 70000), (300, 0, 30000)])
def test_what_was_paid_while_the_file_waited_is_looked_at_again(
    firm, invoice, first, left, unapplied
):
    """The file is taken; what is not owed any more stays unapplied."""
    data = statement(paid("700.00", "2026-00001", reference="R-1"))
    with tenant_scope(firm.pk):
        money = Money(Decimal(first), "USD")
        payment = receive(
            source="test", key="1", customer=invoice.customer.public_id, amount=money,
            received_on=ON, booked_on=ON, bank="main", by=SYSTEM,
        )  # fmt: skip
    hand = Hand(firm, importing(data))

    with tenant_scope(firm.pk):
        allocate(payment, [(invoice.uid, money)], by=SYSTEM, on=ON)
        hand.begins_and_waits()

    assert isinstance(hand.outcome(), BankFile)
    with tenant_scope(firm.pk):
        line = BankLine.objects.get()
        assert open_amounts([invoice.uid]) == {invoice.uid: left}
        assert payments().get(pk=line.payment_id).unapplied == unapplied
