"""Bank files: whole or not at all, each payment once, and paid only what is sure."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import transaction

from billing_portal.tenancy.actors import MissingPermission
from dunning.actions.bank_files import Gap, KnownFile, KnownStatement, import_bank_file
from dunning.bank.findings import NotAStatement
from dunning.models import BankFile, BankLine, BankStatement
from dunning.queries.payments import payments
from ledger.models import Allocation, Entry, Payment
from ledger.queries import balance_of, open_amounts
from tests.factories import actor
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.outside.bank.server import DemoBank

ROOT = Path(__file__).resolve().parents[2]
ON = date(2026, 11, 20)
IBAN = "DE89370400440532013000"


def real_files():
    """Return the real camt files, where their folder is found above the repository."""
    for parent in ROOT.parents:
        folder = parent / "shared/data/vectors/bank"
        if folder.is_dir():
            return sorted(path for path in folder.rglob("*053*") if path.is_file())
    return []


@pytest.fixture
def bank(tmp_path):
    with DemoBank(book=tmp_path / "bank.db", token="t") as server:
        server.ask(
            "/_control/accounts",
            {
                "account": IBAN, "owner": "Arnesen Pike LLP", "currency": "USD",
                "opening": "1000.00", "opened_on": "2026-11-01",
            },
        )  # fmt: skip
        yield server


@pytest.fixture
def invoice(tenant):
    """A final invoice of 700 dollars, number 2026-00001."""
    return books.finalized(reviewer=books.member("reviewer"))


def pay(bank, amount, words, day="2026-11-05", name="Granite State Casualty"):
    bank.pay(payer_name=name, amount=amount, booked_on=day, remittance=words, account=IBAN)


def imported(bank, day="2026-11-05", by=SYSTEM):
    return import_bank_file(bank.statement(day, account=IBAN), name=f"{day}.xml", by=by, on=ON)


def owed(invoice):
    return open_amounts([invoice.uid])[invoice.uid]


def test_a_payment_that_names_the_invoice_pays_it(bank, invoice):
    pay(bank, "700.00", "Invoice 2026-00001")
    imported(bank)
    line = BankLine.objects.get()
    assert (line.confidence, line.ground, owed(invoice)) == ("certain", "remittance", 0)
    assert Payment.objects.get().customer == invoice.customer.public_id
    assert balance_of("cash", "USD", owner=IBAN).amount == 700
    statement = BankStatement.objects.get()
    moved = sum(BankLine.objects.values_list("amount", flat=True))
    assert statement.opening + moved == statement.closing


def test_a_part_payment_leaves_the_rest_open(bank, invoice):
    pay(bank, "300.00", "2026-00001 part one")
    imported(bank)
    assert owed(invoice) == 40000
    assert payments().filter(unapplied=0).count() == 1


def test_who_nobody_knows_waits_in_suspense_with_a_why(bank, invoice):
    pay(bank, "123.45", "thank you", name="Somebody")
    imported(bank)
    line = BankLine.objects.get()
    assert (line.confidence, Payment.objects.get().customer, owed(invoice)) == ("ask", "", 70000)
    assert line.why == "Nothing tells who paid or what for."
    assert balance_of("suspense", "USD").amount == Decimal("-123.45")


def test_the_same_file_again_books_nothing(bank, invoice):
    pay(bank, "700.00", "Invoice 2026-00001")
    data = bank.statement("2026-11-05", account=IBAN)
    import_bank_file(data, name="a.xml", by=SYSTEM, on=ON)
    before = Entry.objects.count()
    with pytest.raises(KnownFile):
        import_bank_file(data, name="b.xml", by=SYSTEM, on=ON)
    with pytest.raises(KnownStatement), transaction.atomic():
        import_bank_file(data + b"\n", name="c.xml", by=SYSTEM, on=ON)
    assert (Entry.objects.count(), Payment.objects.count()) == (before, 1)


def test_a_statement_that_leaves_a_gap_is_refused_and_changes_nothing(bank, invoice):
    pay(bank, "1.00", "a", day="2026-11-04")
    imported(bank, "2026-11-04")
    pay(bank, "2.00", "b", day="2026-11-05")
    bank.statement("2026-11-05", account=IBAN)
    pay(bank, "700.00", "2026-00001", day="2026-11-06")
    with pytest.raises(Gap):
        imported(bank, "2026-11-06")
    assert (BankFile.objects.count(), Payment.objects.count(), owed(invoice)) == (1, 1, 70000)


def test_a_malformed_file_is_refused_with_findings_and_changes_nothing(tenant):
    with pytest.raises(NotAStatement) as no:
        import_bank_file(b"<Document/>", name="x.xml", by=SYSTEM, on=ON)
    assert no.value.findings
    assert (BankFile.objects.count(), Payment.objects.count(), Entry.objects.count()) == (0, 0, 0)


def test_two_payments_of_one_file_do_not_pay_the_same_twice(bank, invoice):
    pay(bank, "700.00", "2026-00001")
    pay(bank, "700.00", "2026-00001")
    imported(bank)
    assert owed(invoice) == 0
    assert Allocation.objects.count() == 1


def test_who_may_not_import_imports_nothing(bank, invoice):
    with pytest.raises(MissingPermission):
        imported(bank, by=actor("reviewer"))
    assert BankFile.objects.count() == 0


def test_a_neighbors_invoice_is_not_paid_by_our_file(bank, invoice, neighbor):
    pay(bank, "700.00", "Invoice 2026-00001")
    with neighbor:
        imported(bank)
        assert Payment.objects.get().customer == ""
    assert owed(invoice) == 70000


@pytest.mark.parametrize("path", real_files(), ids=lambda path: path.name[:30])
def test_real_files_add_up_or_are_refused_with_a_reason(tenant, path):
    data = path.read_bytes()
    refused: tuple[object, ...] = ()
    try:
        with transaction.atomic():
            import_bank_file(data, name=path.name, by=SYSTEM, on=ON)
    except NotAStatement as no:
        refused = no.findings
    assert bool(refused) == (BankFile.objects.count() == 0) == (Entry.objects.count() == 0)
    for statement in BankStatement.objects.all():
        moved = sum(BankLine.objects.filter(statement=statement).values_list("amount", flat=True))
        assert statement.opening + moved == statement.closing
