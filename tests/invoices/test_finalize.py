"""Final invoices: numbered without gaps, taxed, booked, frozen, and never changed again."""

import threading
from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from billing_portal.outbox.models import OutboxEvent
from billing_portal.tenancy.scope import tenant_scope
from customers.models import Address
from invoices.actions.finalize import finalize
from invoices.actions.freeze import NotInLedes
from invoices.actions.refusals import BadDay, BeforeWork, NotApproved, TaxChanged
from invoices.actions.review import approve, request_review
from invoices.documents.canonical import snapshot_from
from invoices.models import FrozenInvoice, Invoice, InvoiceLine, NumberSeries
from ledger.actions.closing import close, request_close
from ledger.actions.months import PeriodClosed
from ledger.models import AccountingPeriod, Entry, Posting
from ledger.queries import balance_of, open_amounts
from tests.customers.factories import TermsFactory
from tests.factories import TenantFactory, actor
from tests.invoices import books
from tests.invoices.books import SYSTEM

ON = date(2026, 11, 2)


@pytest.fixture
def reviewer(tenant):
    """The attorney that drafts are assigned to."""
    return books.member("reviewer")


def many(reviewer, count):
    made = [books.matter_of(books.customer(reviewer=reviewer)) for _ in range(count)]
    books.captured(*(books.time_worked(matter) for matter in made))
    invoices = request_review(books.drafted(), by=SYSTEM)
    return [approve(each, version_seen=1, by=reviewer) for each in invoices]


def test_a_final_invoice_has_number_days_and_a_claim_in_the_books(reviewer):
    invoice = books.finalized(reviewer=reviewer)
    assert (invoice.state, invoice.number) == ("FINALIZED", "2026-00001")
    assert (invoice.issued_on, invoice.due_on) == (ON, date(2026, 12, 2))
    assert open_amounts([invoice.uid]) == {invoice.uid: 70000}
    assert balance_of("wip", "USD").amount == 0
    assert balance_of("ar", "USD", owner=invoice.customer.public_id).amount == 700
    lines = Posting.objects.filter(entry=invoice.entry).order_by("line_no")
    assert [(each.account.role, each.amount) for each in lines] == [
        ("ar", 70000), ("wip", -40000), ("wip", -30000),
    ]  # fmt: skip


def test_its_facts_are_frozen_and_add_up(reviewer, tenant):
    invoice = books.finalized(reviewer=reviewer)
    snapshot = snapshot_from(bytes(FrozenInvoice.objects.get(invoice=invoice).content))
    assert (snapshot.number, str(snapshot.total), len(snapshot.lines)) == (
        "2026-00001",
        "700.00",
        2,
    )
    assert snapshot.customer.address.city == "Albany"
    assert snapshot.terms == "No sales tax: legal services are not taxable."
    assert snapshot.description == "Services of October 2026"


def test_what_is_not_approved_does_not_become_final_and_takes_no_number(reviewer):
    approved, draft = books.approved(reviewer=reviewer), books.a_draft(reviewer=reviewer)
    with pytest.raises(NotApproved), transaction.atomic():
        finalize([approved, draft], by=SYSTEM, on=ON)
    assert set(Invoice.objects.values_list("state", "number")) == {("APPROVED", ""), ("DRAFT", "")}
    assert (NumberSeries.objects.count(), Entry.objects.filter(kind="invoice").count()) == (0, 0)


def test_finalizing_twice_gives_the_same_number(reviewer):
    invoice = books.approved(reviewer=reviewer)
    (first,) = finalize([invoice], by=SYSTEM, on=ON)
    (again,) = finalize([invoice], by=SYSTEM, on=ON)
    assert (first.number, again.number) == ("2026-00001", "2026-00001")
    assert NumberSeries.objects.get().last == 1
    assert OutboxEvent.objects.filter(kind="invoice.finalized").count() == 1


def test_numbers_follow_the_given_order_and_the_year(reviewer):
    invoices = many(reviewer, 3)
    finalize([invoices[2], invoices[0]], by=SYSTEM, on=ON)
    (last,) = finalize([invoices[1]], by=SYSTEM, on=date(2027, 1, 4))
    numbers = dict(Invoice.objects.values_list("pk", "number"))
    assert [numbers[each.pk] for each in invoices] == ["2026-00002", "2027-00001", "2026-00001"]
    assert last.number == "2027-00001"


def test_a_closed_month_takes_no_invoice(reviewer):
    invoice = books.approved(reviewer=reviewer)
    early = date(2026, 10, 30)
    period = AccountingPeriod.objects.get(starts_on=date(2026, 10, 1))
    request_close(period, by=actor("owner", number=1), on=ON)
    close(period, by=actor("owner", number=2), at=books.NOW)
    with pytest.raises(PeriodClosed), transaction.atomic():
        finalize([invoice], by=SYSTEM, on=early)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.number, NumberSeries.objects.count()) == ("APPROVED", "", 0)


def test_vat_is_taxed_by_the_dated_table_and_booked_by_jurisdiction(tenant):
    tenant.country, tenant.region = "GB", ""
    tenant.save()
    reviewer = books.member("reviewer")
    made = books.customer(reviewer=reviewer, place="", formats=["pdf"])
    Address.objects.create(
        customer=made, starts_on=date(2026, 1, 1), line_1="2 Fleet Street", city="London",
        country="GB",
    )  # fmt: skip
    books.captured(books.time_worked(books.matter_of(made)))
    (draft,) = books.drafted()
    assert (draft.net, draft.tax, draft.total) == (40000, 8000, 48000)
    request_review([draft], by=SYSTEM)
    approve(draft, version_seen=1, by=reviewer)
    finalize([draft], by=SYSTEM, on=ON)
    assert balance_of("tax", "USD", owner="GB").amount == -80
    posting = Posting.objects.get(account__role="tax")
    assert posting.tax_code == "legal-services@0.2"
    line = InvoiceLine.objects.get()
    assert (line.tax_basis["rule"], line.tax_basis["confidence"]) == ("table", "UNAPPROVED")


def test_what_the_customers_format_cannot_say_does_not_become_final(tenant):
    reviewer = books.member("reviewer")
    invoice = books.approved(reviewer=reviewer)
    InvoiceLine.objects.filter(invoice=invoice).update(task_code="L|10")  # as from before
    with pytest.raises(NotInLedes, match="LINE_ITEM_TASK_CODE cannot carry"):
        finalize([invoice], by=SYSTEM, on=ON)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.number) == ("APPROVED", "")
    assert not NumberSeries.objects.exists()


def test_a_tax_that_is_not_the_one_approved_is_approved_again(tenant):
    tenant.country, tenant.region = "DE", ""
    tenant.save()
    reviewer = books.member("reviewer")
    made = books.customer(reviewer=reviewer, place="")
    Address.objects.create(
        customer=made, starts_on=date(2020, 1, 1), line_1="Ring 1", city="Hamburg", country="DE"
    )
    TermsFactory.create(customer=made, starts_on=date(2020, 1, 1), reviewer_id=reviewer.id)
    books.captured(books.time_worked(books.matter_of(made), date(2020, 12, 5)))
    (draft,) = books.drafted(date(2021, 1, 1))
    request_review([draft], by=SYSTEM)
    approve(draft, version_seen=1, by=reviewer)
    with pytest.raises(TaxChanged), transaction.atomic():
        finalize([draft], by=SYSTEM, on=date(2020, 12, 31))
    draft.refresh_from_db()
    assert (draft.state, draft.tax) == ("APPROVED", 7600)


@pytest.mark.parametrize(
    "sql",
    [
        "update invoices_invoice set total = total + 1, net = net + 1",
        "update invoices_invoice set number = 'X' where number <> ''",
        "update invoices_invoice set state = 'DRAFT', number = ''",
        "delete from invoices_invoice",
        "update invoices_invoiceline set narrative = 'other'",
        "update invoices_invoiceline set is_released = true",
        "delete from invoices_invoiceline",
        "update invoices_frozeninvoice set content = ''",
        "truncate invoices_invoice cascade",
    ],
)
def test_the_database_refuses_to_change_a_final_invoice(reviewer, sql):
    books.finalized(reviewer=reviewer)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_no_line_is_added_to_a_final_invoice(reviewer):
    invoice = books.finalized(reviewer=reviewer)
    line = books.lines_of(invoice)[0]
    with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
        InvoiceLine.objects.create(
            invoice=invoice, number=9, corrects=line, kind="FIXED", worked_on=ON, quantity=1,
            unit_price=1, amount=100,
        )  # fmt: skip


def test_one_line_for_a_final_invoice_refuses_its_whole_statement(reviewer):
    final, draft = books.finalized(reviewer=reviewer), books.a_draft(reviewer=reviewer)
    before = InvoiceLine.objects.count()
    added = [
        InvoiceLine(
            invoice=each, number=9, corrects=books.lines_of(each)[0], kind="FIXED", worked_on=ON,
            quantity=1, unit_price=1, amount=100,
        )
        for each in (draft, final)
    ]  # fmt: skip
    with pytest.raises(DatabaseError, match="lines of a final invoice"), transaction.atomic():
        InvoiceLine.objects.bulk_create(added)
    assert InvoiceLine.objects.count() == before
    InvoiceLine.objects.bulk_create(added[:1])
    assert InvoiceLine.objects.count() == before + 1


@pytest.mark.django_db(transaction=True)
def test_a_line_that_comes_while_its_invoice_becomes_final_is_refused():
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        invoice = books.approved(reviewer=books.member("reviewer"))
        line = InvoiceLine.objects.filter(invoice=invoice).first()
    errors, has_locked = [], threading.Event()

    def add():
        has_locked.wait(10)
        try:
            with tenant_scope(firm.pk):
                InvoiceLine.objects.create(
                    invoice=invoice, number=9, corrects=line, kind="FIXED", worked_on=ON,
                    quantity=1, unit_price=1, amount=100,
                )  # fmt: skip
        except DatabaseError as error:
            errors.append(str(error))
        finally:
            connection.close()

    late = threading.Thread(target=add)
    late.start()
    with tenant_scope(firm.pk):
        finalize([invoice], by=SYSTEM, on=ON)
        has_locked.set()
        late.join(0.5)
        assert late.is_alive()  # it waits for what becomes of the invoice
    late.join()
    assert len(errors) == 1
    assert "lines of a final invoice never change" in errors[0]


def test_two_firms_number_by_themselves(reviewer, neighbor):
    books.finalized(reviewer=reviewer)
    with neighbor:
        other = books.finalized(reviewer=books.member("reviewer"))
    assert other.number == "2026-00001"


def test_finalizing_costs_the_same_however_many(reviewer, django_assert_max_num_queries):
    few, more = many(reviewer, 2), many(reviewer, 8)
    finalize(few[:1], by=SYSTEM, on=ON)
    with django_assert_max_num_queries(38):
        finalize(few[1:], by=SYSTEM, on=ON)
    with django_assert_max_num_queries(38):
        finalize(more, by=SYSTEM, on=ON)


@pytest.mark.django_db(transaction=True)
def test_eight_writers_leave_no_gap_and_no_error():
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        invoices = many(books.member("reviewer"), 16)
    errors = []

    def write(own):
        try:
            for invoice in own:
                with tenant_scope(firm.pk):
                    finalize([invoice], by=SYSTEM, on=ON)
        except Exception as error:  # noqa: BLE001 -- the test shows them all
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(invoices[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with tenant_scope(firm.pk):
        numbers = sorted(Invoice.objects.values_list("number", flat=True))
    assert numbers == [f"2026-{n:05}" for n in range(1, 17)]


@pytest.mark.parametrize("on", [date(1, 1, 1), date(2100, 1, 1), date(9999, 12, 31)])
def test_a_day_out_of_bounds_changes_nothing(tenant, on):
    reviewer = books.member("reviewer")
    approved = books.approved(reviewer=reviewer)
    with pytest.raises(BadDay), transaction.atomic():
        finalize([approved], by=SYSTEM, on=on)
    approved.refresh_from_db()
    assert (approved.state, approved.number) == ("APPROVED", "")


@pytest.mark.parametrize("on", [date(2019, 5, 5), date(2026, 10, 11)])
def test_a_claim_is_not_issued_before_its_work(tenant, on):
    approved = books.approved(reviewer=books.member("reviewer"))
    with pytest.raises(BeforeWork, match="bills work of 2026-10-12"), transaction.atomic():
        finalize([approved], by=SYSTEM, on=on, today=ON)
    approved.refresh_from_db()
    assert (approved.state, approved.number, NumberSeries.objects.count()) == ("APPROVED", "", 0)
    (final,) = finalize([approved], by=SYSTEM, on=date(2026, 10, 12), today=ON)
    assert final.number == "2026-00001"


def test_a_claim_that_comes_to_nothing_is_not_issued_behind_a_closed_month_either(tenant):
    reviewer = books.member("reviewer")
    books.captured(
        books.time_worked(books.matter_of(books.customer(reviewer=reviewer)), unit_price=Decimal(0))
    )
    (draft,) = books.drafted()
    request_review([draft], by=SYSTEM)
    approve(draft, version_seen=1, by=reviewer)
    AccountingPeriod.objects.create(
        starts_on=date(2026, 10, 1), ends_on=date(2026, 11, 1), state="closed", head_seq=0,
        close_requested_by="user:1", closed_by="user:2", closed_at=books.NOW,
    )  # fmt: skip
    with pytest.raises(PeriodClosed), transaction.atomic():
        finalize([draft], by=SYSTEM, on=date(2026, 10, 31))
    (final,) = finalize([draft], by=SYSTEM, on=ON)
    assert (final.number, final.entry_id) == ("2026-00001", None)


def test_no_claim_is_issued_on_a_day_that_has_not_come(tenant):
    approved = books.approved(reviewer=books.member("reviewer"))
    with pytest.raises(BadDay, match="2026-11-03 has not come yet"), transaction.atomic():
        finalize([approved], by=SYSTEM, on=date(2026, 11, 3), today=date(2026, 11, 2))
    (final,) = finalize([approved], by=SYSTEM, on=date(2026, 11, 3), today=date(2026, 11, 3))
    assert final.state == "FINALIZED"
