"""What ledger_verify says of invoices: nothing, until somebody with the owner's rights meddles."""

from datetime import date

import pytest

from invoices.models import NumberSeries
from invoices.queries.verifying import facts_are_frozen, numbers_have_no_gap, totals_are_booked
from ledger.actions.posting import Line, NewEntry, post
from tests.invoices import books
from tests.invoices.books import SYSTEM

CHECKS = (totals_are_booked, facts_are_frozen, numbers_have_no_gap)


@pytest.fixture
def invoice(tenant):
    """A final invoice of 700 dollars."""
    return books.finalized(reviewer=books.member("reviewer"))


def test_what_the_portal_wrote_holds(invoice):
    assert [check() for check in CHECKS] == [[], [], []]


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
        assert [check() for check in CHECKS] == [[], [], []]
