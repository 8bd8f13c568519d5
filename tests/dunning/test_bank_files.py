"""Bank files: whole or not at all, each payment once, and paid only what is sure."""

import re
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction

from billing_portal.tenancy.actors import MissingPermission
from billing_portal.tenancy.scope import tenant_scope
from dunning.actions.bank_accounts import BadAccount, add_bank_account
from dunning.actions.bank_files import (
    Gap,
    KnownFile,
    KnownStatement,
    UnknownAccount,
    import_bank_file,
)
from dunning.bank.camt import read_camt053
from dunning.bank.findings import NotAStatement
from dunning.models import BankFile, BankLine, BankStatement
from dunning.queries.payments import payments
from dunning.queries.verifying import (
    bank_files_are_recorded,
    lines_are_their_payments,
    statements_add_up,
)
from ledger.models import Allocation, Entry, Payment
from ledger.queries import balance_of, open_amounts
from tests.factories import TenantFactory, actor
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
    """A final invoice of 700 dollars, number 2026-00001, and the account it is paid to."""
    add_bank_account(account=IBAN, name="Operating", currency="USD", by=SYSTEM)
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


def test_a_statement_that_skips_a_number_or_is_older_is_refused(bank, invoice):
    first = bank.statement("2026-11-05", account=IBAN)
    third = re.sub(rb"SeqNb>\d+<", rb"SeqNb>9<", first).replace(b"20261105", b"20261109")
    third = third.replace(b"2026-11-05", b"2026-11-09")
    import_bank_file(first, name="1.xml", by=SYSTEM, on=ON)
    with pytest.raises(Gap, match="is number 9; the last was number"):
        import_bank_file(third, name="9.xml", by=SYSTEM, on=ON)
    older = first.replace(b"2026-11-05", b"2026-11-03").replace(b"20261105", b"20261103")
    with pytest.raises(Gap, match="20261103 ends before"):
        import_bank_file(older, name="old.xml", by=SYSTEM, on=ON)
    assert BankStatement.objects.count() == 1


def test_a_statement_of_an_account_that_is_not_ours_is_refused(bank, invoice, neighbor):
    data = bank.statement("2026-11-05", account=IBAN)
    with neighbor:
        with pytest.raises(UnknownAccount, match="is no account of the firm"):
            import_bank_file(data, name="ours.xml", by=SYSTEM, on=ON)
        add_bank_account(account=IBAN, name="Euro", currency="EUR", by=SYSTEM)
        with pytest.raises(UnknownAccount, match="is in EUR, the statement in USD"):
            import_bank_file(data, name="ours.xml", by=SYSTEM, on=ON)
        assert not BankFile.objects.exists()
        assert not Payment.objects.exists()


@pytest.mark.parametrize(
    "account", ["", "  ", IBAN, f" {IBAN[:4]} {IBAN[4:].lower()}", "D E-1", "é"]
)
def test_an_account_is_named_once_and_is_one(tenant, account):
    add_bank_account(account=IBAN, name="Operating", currency="USD", by=SYSTEM)
    with pytest.raises(BadAccount):
        add_bank_account(account=account, name="Again", currency="USD", by=SYSTEM)
    with pytest.raises(BadAccount):
        add_bank_account(account="1", name="Gold", currency="XXX", by=SYSTEM)
    with pytest.raises(MissingPermission):
        add_bank_account(account="1", name="Mine", currency="USD", by=actor("biller"))


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
        add_bank_account(account=IBAN, name="Operating", currency="USD", by=SYSTEM)
        imported(bank)
        assert Payment.objects.get().customer == ""
    assert owed(invoice) == 70000


NONE = pytest.param(
    None,
    marks=pytest.mark.skip("THE BANKS' REAL FILES ARE NOT BESIDE THIS CLONE: they are NOT tried"),
    id="none",
)


@pytest.mark.parametrize("path", real_files() or [NONE], ids=lambda path: path.name[:30])
def test_real_files_add_up_or_are_refused_with_a_reason(tenant, path):
    data = path.read_bytes()
    with suppress(NotAStatement):
        for account, currency in {(each.account, each.currency) for each in read_camt053(data)}:
            add_bank_account(account=account, name="Ours", currency=currency, by=SYSTEM)
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


CHECKS = (statements_add_up, lines_are_their_payments, bank_files_are_recorded)
MEDDLED = [
    ("update dunning_bankline set amount = amount + 1", statements_add_up),
    ("update dunning_bankline set amount = amount + 1", lines_are_their_payments),
    ("update dunning_bankline set payer = 'Somebody Else'", lines_are_their_payments),
    ("update dunning_bankstatement set closing = closing + 1", statements_add_up),
    ("update dunning_bankfile set content = content || ' '", bank_files_are_recorded),
    (
        (
            "update dunning_bankfile set content = content || ' ',"
            " sha256 = encode(sha256(content || ' '), 'hex')"
        ),
        bank_files_are_recorded,
    ),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("change", "check"), MEDDLED)
def test_what_the_owner_changed_of_a_bank_file_is_told(databases, bank, change, check):
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        add_bank_account(account=IBAN, name="Operating", currency="USD", by=SYSTEM)
        pay(bank, "700.00", "Thank you")
        imported(bank)
        assert [each() for each in CHECKS] == [[], [], []]
    name = connection.settings_dict["NAME"]
    table = change.split()[1]
    with psycopg.connect(databases.url("owner", name), autocommit=True) as hand:
        hand.execute(f"set app.tenant = '{firm.pk}'")
        hand.execute(f"alter table {table} disable trigger user")
        assert hand.execute(change).rowcount == 1
        hand.execute(f"alter table {table} enable trigger user")

    with tenant_scope(firm.pk):
        assert len(check()) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "change",
    [
        "update ledger_payment set payer = 'Somebody Else'",
        "update ledger_payment set received_on = received_on + 1",
    ],
)
def test_what_the_owner_changed_of_a_payment_is_told(databases, bank, change):
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        add_bank_account(account=IBAN, name="Operating", currency="USD", by=SYSTEM)
        pay(bank, "700.00", "Thank you")
        imported(bank)
    name = connection.settings_dict["NAME"]
    with psycopg.connect(databases.url("owner", name), autocommit=True) as hand:
        hand.execute(f"set app.tenant = '{firm.pk}'")
        hand.execute("alter table ledger_payment disable trigger user")
        assert hand.execute(change).rowcount == 1
        hand.execute("alter table ledger_payment enable trigger user")

    with tenant_scope(firm.pk):
        assert len(lines_are_their_payments()) == 1


def test_an_account_without_iban_is_named_by_its_number_as_payers_are_told_it(bank, tenant):
    add_bank_account(account="400 118 220", name="Operating", currency="USD", by=SYSTEM)
    final = books.finalized(reviewer=books.member("reviewer"))
    opened = {
        "account": "400118220", "owner": "Arnesen Pike LLP", "currency": "USD",
        "opening": "0.00", "opened_on": "2026-11-01",
    }  # fmt: skip
    bank.ask("/_control/accounts", opened)
    bank.pay(
        payer_name="Granite", amount="700.00", booked_on="2026-11-05",
        remittance="Invoice 2026-00001", account="400118220",
    )  # fmt: skip
    file = bank.statement("2026-11-05", account="400118220")

    import_bank_file(file, name="day.xml", by=SYSTEM, on=date(2026, 11, 6))

    assert open_amounts([final.uid]) == {final.uid: 0}
