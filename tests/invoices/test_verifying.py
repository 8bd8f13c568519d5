"""What ledger_verify says of invoices: nothing, until somebody with the owner's rights meddles."""

from datetime import date

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from billing_portal.tenancy.scope import current_tenant_id, tenant_scope
from invoices.actions.credit import approve_credit_note, request_credit_note
from invoices.actions.render import Rendered, keep
from invoices.gateways import files
from invoices.models import FrozenInvoice, NumberSeries
from invoices.queries.frozen import facts_are_frozen, notes_and_invoices_agree
from invoices.queries.recorded import files_are_there
from invoices.queries.verifying import numbers_have_no_gap, totals_are_booked
from ledger.actions.posting import Line, NewEntry, post
from ledger.actions.verifying import verify
from tests.factories import TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM

CHECKS = (totals_are_booked, facts_are_frozen, notes_and_invoices_agree, numbers_have_no_gap)


@pytest.fixture
def invoice(tenant):
    """A final invoice of 700 dollars."""
    return books.finalized(reviewer=books.member("reviewer"))


def test_what_the_portal_wrote_holds(invoice):
    assert [check() for check in CHECKS] == [[]] * len(CHECKS)


def test_a_number_that_nobody_has_is_a_gap(invoice):
    NumberSeries.objects.update(last=2)
    assert numbers_have_no_gap() == ["Series 2026 has 1 numbers and was counted to 2."]


def test_a_receivable_that_is_not_the_invoices_is_told(invoice):
    amount = invoice.total_money
    post(
        [
            NewEntry(
                kind="invoice", booked_on=date(2026, 11, 2), key="forged", lines=(
                    Line("ar", amount, invoice.customer.public_id, invoice=invoice.uid),
                    Line("fees", -amount),
                ),
            )
        ],
        by=SYSTEM,
    )  # fmt: skip
    assert totals_are_booked() == [
        "Invoice 2026-00001 comes to 70000, its receivable posting to 140000."
    ]


def test_a_neighbors_invoices_are_not_asked_about(invoice, neighbor):
    with neighbor:
        assert [check() for check in CHECKS] == [[]] * len(CHECKS)


# What a hand that owns the database could do to a final invoice, and what is said of it.
MEDDLED = [
    (
        "update invoices_invoice set state = 'VOID' where kind = 'INVOICE'",
        "Invoice 2026-00001 was final and is void.",
    ),
    (
        "update invoices_invoice set due_on = due_on + 365 where kind = 'INVOICE'",
        "Invoice 2026-00001 is not as it was frozen: due day.",
    ),
    (
        "update invoices_invoice set issued_on = issued_on + 1 where kind = 'INVOICE'",
        "Invoice 2026-00001 was issued on another day than it was booked on.",
    ),
    (
        "update invoices_invoice set net = net - 1, tax = tax + 1 where kind = 'INVOICE'",
        "Invoice 2026-00001 is not as it was frozen: net, tax.",
    ),
    (
        "update invoices_invoiceline set narrative = 'Lunch.' where number = 1",
        "Line 1 of Invoice 2026-00001 is not as it was frozen: narrative.",
    ),
    (
        "update invoices_invoiceline set quantity = 9, unit_price = 1 where number = 2",
        "Line 2 of Invoice 2026-00001 is not as it was frozen: quantity, unit price.",
    ),
    (
        "update invoices_invoiceline set kind = 'EXPENSE' where number = 2 and charge_id > 0",
        "Line 2 of Invoice 2026-00001 is not of the work that it bills.",
    ),
    (
        "update invoices_invoiceline set matter_id = null where corrects_id > 0 and number = 1",
        "Line 1 of Credit note CN-2026-00001 is not of the work that it bills.",
    ),
    (
        "update invoices_invoice set approved_by = 'user:9999' where number = '2026-00001'",
        "was not approved as it is.",
    ),
    (
        "update invoices_invoice set version = version + 1 where number = ''",
        "was not approved as it is.",
    ),
    (
        "update invoices_invoiceline set is_released = true where number = 2",
        "Invoice 2026-00001 has other lines than were frozen.",
    ),
    (
        "update invoices_frozeninvoice set content = content || ' '",
        "The frozen facts of Invoice 2026-00001 are not its own.",
    ),
    (
        (
            "update invoices_frozeninvoice set content = content || ' ',"
            " sha256 = encode(sha256(content || ' '), 'hex')"
        ),
        "The frozen facts of Invoice 2026-00001 are not those that were recorded.",
    ),
    (
        (
            "update invoices_invoice set customer_id = (select customer_id from invoices_invoice"
            " where number = '')"
        ),
        "Invoice 2026-00001 was booked to another customer.",
    ),
    ("update invoices_invoice set entry_id = null", "Invoice 2026-00001 names another entry"),
    (
        "update invoices_invoice set reason = 'Other' where kind = 'CREDIT_NOTE'",
        "Credit note CN-2026-00001 is not as it was frozen: reason.",
    ),
    (
        (
            "update invoices_invoice set corrects_id = (select id from invoices_invoice"
            " where number = '') where kind = 'CREDIT_NOTE'"
        ),
        "which it corrects.",
    ),
]


def by_the_owner(databases, firm, statement):
    """Do what only the owner of the tables can, with the guards off for that long."""
    name = connection.settings_dict["NAME"]
    tables = ("invoice", "invoiceline", "frozeninvoice", "verdict", "document")
    with psycopg.connect(databases.url("owner", name), autocommit=True) as hand:
        hand.execute(f"set app.tenant = '{firm.pk}'")
        for table in tables:
            hand.execute(f"alter table invoices_{table} disable trigger user")
        assert hand.execute(statement).rowcount > 0
        for table in tables:
            hand.execute(f"alter table invoices_{table} enable trigger user")


def found_of(firm):
    with tenant_scope(firm.pk):
        checks = [import_string(dotted) for dotted in settings.LEDGER_CHECKS]
        return [words for check in checks for words in check()]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("statement", "words"), MEDDLED)
def test_what_the_owner_changed_of_a_final_invoice_is_told(databases, statement, words):
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        final = books.finalized(reviewer=books.member("reviewer"))
        books.approved(reviewer=books.member("reviewer"))
        note = request_credit_note(final, reason="Wrong matter", by=books.member("biller"))
        owner = books.member("owner")
        approve_credit_note(note, version_seen=note.version, by=owner, on=date(2026, 11, 3))
        books.appoint_all()
    assert found_of(firm) == []

    by_the_owner(databases, firm, statement)

    assert any(words in each for each in found_of(firm)), found_of(firm)


def with_a_file(reviewer):
    """Return a final invoice with its PDF, which need not be a real one to be kept."""
    invoice = books.finalized(reviewer=reviewer)
    data = b"%PDF-1.7 a page"
    files.store(current_tenant_id(), data)
    rendered = Rendered("pdf", "2026-00001.pdf", "application/pdf", data)
    return keep(invoice, rendered, FrozenInvoice.objects.get().sha256, by=SYSTEM)


RECORDED = [
    (
        "update invoices_document set sha256 = repeat('0', 64)",
        "The file 2026-00001.pdf is not the one that was recorded.",
    ),
    (
        "update invoices_document set snapshot_sha256 = repeat('0', 64)",
        "The file 2026-00001.pdf was not made from what is frozen.",
    ),
    (
        "update invoices_verdict set given_by_name = 'Somebody Else'",
        "are not those that were recorded.",
    ),
    (
        "update invoices_verdict set given_at = given_at - interval '1 day'",
        "are not those that were recorded.",
    ),
    ("delete from invoices_verdict", "are not those that were recorded."),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("statement", "words"), RECORDED)
def test_files_and_verdicts_are_held_against_the_trail(
    databases, tmp_path, settings, statement, words
):
    settings.FILES_DIR = tmp_path
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        with_a_file(books.member("reviewer"))
        books.appoint_all()
    assert found_of(firm) == []

    by_the_owner(databases, firm, statement)

    assert any(words in each for each in found_of(firm)), found_of(firm)


def test_a_kept_file_that_was_changed_or_taken_away_is_told(tenant, tmp_path, settings):
    settings.FILES_DIR = tmp_path
    with_a_file(books.member("reviewer"))
    books.appoint_all()
    (place,) = tmp_path.rglob("*.locked")
    assert verify(tenant, with_files=True).ok

    place.write_bytes(b"another page")
    assert files_are_there() == ["The file 2026-00001.pdf was changed where it is kept."]
    place.unlink()
    assert files_are_there() == ["The file 2026-00001.pdf is not there."]
    assert not verify(tenant, with_files=True).ok
    assert verify(tenant).ok
