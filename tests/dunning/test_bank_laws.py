"""What the database holds bank files to, what verifying names, and what importing costs."""

from datetime import date

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope
from billing_portal.texts import MARK
from dunning.actions.bank_accounts import add_bank_account
from dunning.actions.bank_files import Gap, KnownStatement, import_bank_file
from dunning.models import BankFile, BankLine, BankStatement
from dunning.queries.verifying import (
    lines_are_their_payments,
    movements_come_once,
    statements_add_up,
    statements_follow_one_another,
)
from ledger.actions.verifying import verify
from ledger.models import Allocation, Payment
from ledger.queries import open_amounts
from tests.dunning.statements import IBAN, joined, paid, statement
from tests.factories import TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM

ON = date(2026, 11, 20)
BESIDE = "DE02120300000000202051"


def taken(*files):
    return [import_bank_file(data, name="day.xml", by=SYSTEM, on=ON) for data in files]


def account(iban=IBAN):
    add_bank_account(account=iban, name="Operating", currency="USD", by=SYSTEM)


def days():
    """Return the statements of two days: 500.00 came, then 7.00."""
    return (
        statement(paid("500.00", reference="REF-1")),
        statement(
            paid("7.00", reference="REF-2", day="2026-11-06"),
            opening="1500.00", day="2026-11-06", number=6,
        ),
    )  # fmt: skip


def test_statements_of_an_account_have_places_one_after_another(tenant):
    account()
    account(BESIDE)
    first, second = days()
    taken(joined(first, second), statement(paid("1.00"), iban=BESIDE))

    rows = BankStatement.objects.order_by("pk").values_list("account", "place")
    assert list(rows) == [(IBAN, 1), (IBAN, 2), (BESIDE, 1)]


@pytest.mark.parametrize(
    ("last", "number", "day"),
    [
        (8, 9, "2026-11-06"),
        (8, 1, "2026-11-06"),
        (8, 6, "2027-01-04"),
        (8, 8, "2027-01-04"),
        (2026365, 2027001, "2027-01-04"),
        (8, None, "2026-11-06"),
    ],
)
def test_numbers_go_on_by_one_or_begin_anew(tenant, last, number, day):
    account()
    first = statement(paid("500.00"), number=last)
    second = statement(paid("7.00", day=day), opening="1500.00", day=day, number=number or 0)
    if number is None:
        second = second.replace(b"<ElctrncSeqNb>0</ElctrncSeqNb>", b"")
    for data in (first, second):
        import_bank_file(data, name="day.xml", by=SYSTEM, on=date(2027, 1, 5))

    assert list(BankStatement.objects.order_by("place").values_list("sequence", flat=True)) == [
        last,
        number,
    ]
    assert statements_follow_one_another() == []


@pytest.mark.parametrize(("last", "number"), [(8, 6), (8, 8), (8, 10), (1, 1), (8, 2)])
def test_a_number_that_is_not_the_next_is_a_gap_though_balances_chain(tenant, last, number):
    account()
    (first,) = taken(statement(paid("500.00"), number=last))
    second = statement(
        paid("7.00", day="2026-11-06"), opening="1500.00", day="2026-11-06", number=number
    )

    with (
        pytest.raises(Gap, match=f"is number {number}; the last was number {last}"),
        transaction.atomic(),
    ):
        taken(second)
    assert list(BankFile.objects.all()) == [first]
    assert Payment.objects.count() == 1


def test_a_neighbors_numbers_are_its_own(tenant, neighbor):
    account()
    taken(statement(paid("500.00"), number=8))
    with neighbor:
        account()
        taken(statement(paid("500.00"), number=6))
        assert BankStatement.objects.get().sequence == 6


def test_an_account_written_with_spaces_is_the_same(tenant):
    account()
    first, second = days()
    spaced = second.replace(IBAN.encode(), f"{IBAN[:4]} {IBAN[4:]}".encode())
    taken(first, spaced)

    assert set(BankStatement.objects.values_list("account", flat=True)) == {IBAN}


def test_two_statements_never_follow_the_same_one(tenant):
    account()
    taken(*days())
    row = BankStatement.objects.get(place=2)
    row.pk, row.statement_id = None, "another"

    with pytest.raises(IntegrityError, match="bank_statement_follows_one_alone"):
        row.save(force_insert=True)


def test_a_movement_never_comes_with_two_statements(tenant):
    account()
    taken(*days())
    line = BankLine.objects.get(reference="REF-1")
    other = BankStatement.objects.get(place=2)
    again = BankLine(
        statement=other, number=9, booked_on=line.booked_on, amount=line.amount, currency="USD",
        reference="REF-1", movement=line.movement,
    )  # fmt: skip

    with pytest.raises(IntegrityError, match="bank_line_movement_comes_once"):
        again.save(force_insert=True)


def test_a_movement_in_two_statements_of_one_file_is_refused(tenant):
    account()
    first = statement(paid("500.00", reference="REF-1"))
    again = statement(
        paid("500.00", reference="REF-1"), opening="1500.00", day="2026-11-06", number=6
    )

    with pytest.raises(KnownStatement, match="Movement REF-1 came with"), transaction.atomic():
        taken(joined(first, again))
    assert (BankFile.objects.count(), Payment.objects.count()) == (0, 0)


def test_parts_of_a_batch_may_share_a_reference_and_an_amount(tenant):
    """The bank's reference is the batch's; and many banks write that there is none."""
    account()
    same = [paid("5.00", reference="BATCH-1")] * 2
    taken(statement(*same, *[paid("5.00", reference="NONREF")] * 2))

    movements = sorted(BankLine.objects.values_list("movement", flat=True))
    assert movements == ["", "", *(f"{IBAN}:BATCH-1:2026-11-05:500:{nth}" for nth in (1, 2))]
    assert Payment.objects.count() == 4


def test_a_reversal_may_carry_the_reference_of_what_it_reverses(tenant):
    account()
    first, second = days()
    back = paid("-500.00", reference="REF-1", day="2026-11-06") | {"kind": "reversal"}
    second = statement(back, opening="1500.00", day="2026-11-06", number=6)
    taken(first, second)

    assert BankLine.objects.filter(reference="REF-1").count() == 2
    assert Payment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "check", "words"),
    [
        (
            "update dunning_bankstatement set opening = 100000, closing = 100700 where place = 2",
            statements_follow_one_another,
            "both follow the same one",
        ),
        (
            "update dunning_bankstatement set opening = 1, closing = 701 where place = 2",
            statements_follow_one_another,
            "there is a gap between them",
        ),
        (
            "update dunning_bankstatement set place = 3 where place = 2",
            statements_follow_one_another,
            "places are left out",
        ),
        (
            "update dunning_bankstatement set sequence = 4 where place = 2",
            statements_follow_one_another,
            "number 4 comes after number 5",
        ),
        (
            (
                "update dunning_bankline set reference = 'REF-1', amount = 50000,"
                " booked_on = '2026-11-05' where reference = 'REF-2'"
            ),
            movements_come_once,
            f"Movement REF-1 of 2026-11-05 on {IBAN} came with 2 statements.",
        ),
    ],
)
def test_what_does_not_follow_and_what_came_twice_is_told(databases, change, check, words):
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        account()
        taken(*days())
        assert check() == []
    name = connection.settings_dict["NAME"]
    table = change.split()[1]
    with psycopg.connect(databases.url("owner", name), autocommit=True) as hand:
        hand.execute(f"set app.tenant = '{firm.pk}'")
        hand.execute(f"alter table {table} disable trigger user")
        assert hand.execute(change).rowcount == 1
        hand.execute(f"alter table {table} enable trigger user")

    with tenant_scope(firm.pk):
        (found,) = check()
        assert words in found
        report = verify(Tenant.objects.get(pk=firm.pk))
        assert [found] in report.checks.values()


def test_what_cannot_be_seen_is_marked_and_the_file_keeps_it(tenant):
    account()
    hidden = "Rechnung \u202e10000-6202 \u200bdanke"
    (file,) = taken(statement(paid("5.00", hidden, reference="R\u202e1", name="Anna\u202eB")))

    line = BankLine.objects.get()
    assert line.remittance == f"Rechnung {MARK}10000-6202 {MARK}danke"
    assert (line.payer, line.reference) == (f"Anna{MARK}B", f"R{MARK}1")
    assert Payment.objects.get().remittance == line.remittance
    assert hidden.encode() in bytes(file.content) or b"&#8238;" in bytes(file.content)
    assert lines_are_their_payments() == []


def test_a_number_within_what_cannot_be_seen_pays_nothing(tenant):
    account()
    invoice = books.finalized(reviewer=books.member("reviewer"))
    taken(statement(paid("700.00", "2026-\u200b00001"), paid("5.00", "2026-00001 \u202eon tcele")))

    assert Allocation.objects.count() == 0
    assert open_amounts([invoice.uid]) == {invoice.uid: 70000}


def test_importing_takes_as_many_queries_for_five_payments_as_for_fifty(tenant):
    books.finalized(reviewer=books.member("reviewer"))
    account()
    opening, counts = 1000, []
    for number, size in ((5, 1), (6, 5), (7, 50)):
        day = f"2026-11-{number:02d}"
        known = [paid("1.00", "2026-00001", reference=f"{day}:{n}", day=day) for n in range(size)]
        lost = [paid("2.00", "hello", day=day, name=f"{day}{n}") for n in range(size)]
        data = statement(*known, *lost, opening=f"{opening}.00", day=day, number=number)
        opening += 3 * size
        with CaptureQueriesContext(
            connection,
        ) as queries:
            taken(data)
        counts.append(len(queries))

    assert counts[1] == counts[2]
    assert counts[2] <= 70
    assert Allocation.objects.count() == 56
    assert statements_add_up() == []
