"""Review: edits with reasons, the original kept, and verdicts bound to the version seen."""

from datetime import date
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from billing_portal.audit.models import AuditEvent
from billing_portal.errors import Stale
from billing_portal.outbox.models import OutboxEvent
from billing_portal.tenancy.actors import MissingPermission
from invoices.actions.edit import discard, edit_line
from invoices.actions.refusals import (
    BadLine,
    NoReviewer,
    NothingChanged,
    NotYours,
    TooManyHours,
    WrongState,
)
from invoices.actions.review import (
    approve,
    assign_reviewer,
    reopen,
    request_review,
    return_invoice,
)
from invoices.models import Charge, Invoice, InvoiceLine, LineEdit, RunItem, Verdict
from invoices.queries.charges import unbilled_charges
from ledger.models import Entry
from ledger.queries import balance_of, trial_balance
from tests.factories import actor
from tests.invoices import books
from tests.invoices.books import SYSTEM

TODAY = date(2026, 11, 3)


@pytest.fixture
def reviewer(tenant):
    """The attorney that drafts are assigned to."""
    return books.member("reviewer", "Priya Raman")


@pytest.fixture
def draft(reviewer):
    """A draft of 700 dollars in review: two hours and one and a half, at 200."""
    invoice = books.a_draft(reviewer=reviewer)
    return request_review([invoice], by=SYSTEM)[0]


def edit(line, by, version_seen=1, **changes):
    return edit_line(
        line, version_seen=version_seen, changes=changes, reason_code="GUIDELINE", by=by, on=TODAY
    )


def dollars(role):
    return balance_of(role, "USD").amount


def test_an_edit_changes_what_is_billed_and_keeps_what_was_worked(draft, reviewer):
    first, _ = books.lines_of(draft)
    invoice = edit(first, reviewer, quantity=Decimal("1.5"), narrative="Attend deposition.")
    line = InvoiceLine.objects.get(pk=first.pk)
    charge = Charge.objects.get(pk=line.charge_id or 0)
    assert (line.amount, charge.amount, charge.quantity) == (30000, 40000, Decimal(2))
    assert line.is_edited
    assert (invoice.version, invoice.net, invoice.as_worked) == (2, 60000, 70000)
    row = LineEdit.objects.get()
    assert row.changes["quantity"] == ["2.0000", "1.5"]
    assert (row.amount_before, row.amount_after, row.edited_by) == (40000, 30000, reviewer.ref)


def test_what_is_written_down_leaves_the_unbilled_work(draft, reviewer):
    first, _ = books.lines_of(draft)
    edit(first, reviewer, quantity=Decimal("1.5"))
    assert (dollars("wip"), dollars("write_downs"), dollars("fees")) == (600, 100, -700)
    edit(first, reviewer, 2, quantity=Decimal("2.5"))
    assert (dollars("wip"), dollars("write_downs"), dollars("fees")) == (800, 0, -800)
    assert set(trial_balance().differences.values()) == {trial_balance().differences["USD"] * 0}


def test_a_change_of_words_alone_books_nothing(draft, reviewer):
    entries = Entry.objects.count()
    edit(books.lines_of(draft)[0], reviewer, narrative="Attend deposition of Dr. Alvarez.")
    assert Entry.objects.count() == entries


def test_the_audit_trail_names_fields_and_amounts_but_no_narrative(draft, reviewer):
    edit(books.lines_of(draft)[0], reviewer, narrative="Privileged words.")
    event = AuditEvent.objects.get(action="invoice.line_edited")
    assert event.details["fields"] == ["narrative"]
    assert "Privileged" not in str(event.details)
    assert "Privileged" not in str(list(OutboxEvent.objects.values_list("body", flat=True)))


def test_an_edit_of_a_version_that_has_moved_changes_nothing(draft, reviewer):
    first, second = books.lines_of(draft)
    edit(first, reviewer, quantity=Decimal(1))
    with pytest.raises(Stale) as no:
        edit(second, reviewer, quantity=Decimal(1))
    assert (no.value.seen, no.value.current) == (1, 2)
    assert LineEdit.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"quantity": Decimal("2.0")}, NothingChanged),
        ({"quantity": Decimal(-1)}, BadLine),
        ({"quantity": Decimal("NaN")}, BadLine),
        ({"quantity": Decimal("24.0001")}, TooManyHours),
        ({"worked_on": date(2026, 12, 31)}, BadLine),
        ({"unit_price": Decimal(10) ** 10}, BadLine),
        ({"unit_price": Decimal("999999999.9999"), "adjustment": 10**13}, BadLine),
        ({"adjustment": 10**20}, BadLine),
        ({"adjustment": -1_000_000}, BadLine),
        ({"narrative": "Card 4111 1111 1111 1111"}, BadLine),
        ({"narrative": "x" * 15_001}, BadLine),
        ({"amount": 1}, BadLine),
    ],
)
def test_an_edit_that_makes_no_sense_changes_nothing(draft, reviewer, changes, refusal):
    with pytest.raises(refusal), transaction.atomic():
        edit(books.lines_of(draft)[0], reviewer, **changes)
    draft.refresh_from_db()
    assert (draft.version, draft.net, LineEdit.objects.count()) == (1, 70000, 0)
    assert dollars("wip") == 700


def test_a_line_of_time_has_as_many_hours_as_a_day(draft, reviewer):
    assert edit(books.lines_of(draft)[0], reviewer, quantity=Decimal(24)).net == 510_000


def test_what_is_no_time_may_be_more_than_a_day_has_hours(tenant):
    made = books.customer()
    expense = books.time_worked(
        books.matter_of(made), kind="EXPENSE", hours="3", unit_price=Decimal(2), activity_code="",
        task_code="", expense_code="E101",
    )  # fmt: skip
    books.captured(expense)
    (line,) = books.lines_of(books.drafted()[0])

    assert edit(line, SYSTEM, quantity=Decimal(100)).net == 20_000


@pytest.mark.parametrize("hours", ["24.0001", "-0.0001"])
def test_the_database_too_gives_a_day_24_hours(draft, hours):
    (line, _), charge = books.lines_of(draft), Charge.objects.latest("pk")
    with pytest.raises(IntegrityError, match="line_of_time_fits_into_a_day"), transaction.atomic():
        InvoiceLine.objects.filter(pk=line.pk).update(quantity=Decimal(hours))
    charge.pk, charge.uid, charge.key, charge.quantity = None, uuid4(), "t:long", Decimal(hours)
    with (
        pytest.raises(IntegrityError, match="charge_of_time_fits_into_a_day"),
        transaction.atomic(),
    ):
        charge.save(force_insert=True)


def test_a_long_reason_is_kept_whole_with_the_edit_and_in_short_with_the_entry(draft, reviewer):
    line, why = books.lines_of(draft)[0], "Agreed by telephone. " * 23
    edit_line(
        line, version_seen=1, changes={"quantity": Decimal(1)}, reason_code="GUIDELINE",
        reason=why, by=reviewer, on=TODAY,
    )  # fmt: skip
    entry = LineEdit.objects.get().entry
    assert (LineEdit.objects.get().reason, entry and entry.reason) == (why, why[:200])


def test_an_edit_needs_a_reason(draft, reviewer):
    with pytest.raises(BadLine):
        edit_line(
            books.lines_of(draft)[0], version_seen=1, changes={"quantity": Decimal(1)},
            reason_code="", by=reviewer, on=TODAY,
        )  # fmt: skip


def test_approving_takes_the_version_that_was_seen(draft, reviewer):
    edit(books.lines_of(draft)[0], reviewer, quantity=Decimal(1))
    with pytest.raises(Stale):
        approve(draft, version_seen=1, by=reviewer)
    assert Verdict.objects.count() == 0
    approved = approve(draft, version_seen=2, by=reviewer)
    verdict = Verdict.objects.get()
    assert (approved.state, verdict.version_seen, verdict.given_by) == ("APPROVED", 2, reviewer.ref)
    assert OutboxEvent.objects.filter(kind="invoice.approved").count() == 1


def test_another_reviewer_cannot_decide_but_an_owner_can(draft):
    with pytest.raises(NotYours):
        approve(draft, version_seen=1, by=books.member("reviewer"))
    assert approve(draft, version_seen=1, by=books.member("owner")).state == "APPROVED"


def test_another_reviewer_edits_nothing_but_the_billing_staff_does(draft, reviewer):
    line = books.lines_of(draft)[0]
    change = partial(
        edit_line, line, changes={"quantity": Decimal("1.0")}, reason_code="GUIDELINE", on=TODAY
    )
    other = books.member("reviewer")
    with pytest.raises(NotYours):
        change(version_seen=1, by=other)
    with pytest.raises(NotYours):
        discard(draft, version_seen=1, reason="Not mine.", by=other, on=TODAY)
    change(version_seen=1, by=books.member("biller"))
    approve(draft, version_seen=2, by=reviewer)
    with pytest.raises(NotYours):
        reopen(draft, version_seen=2, text="Not mine.", by=other)
    assert reopen(draft, version_seen=2, text="Mine.", by=reviewer).state == "DRAFT"


def test_a_biller_cannot_approve(draft):
    with pytest.raises(MissingPermission):
        approve(draft, version_seen=1, by=books.member("biller"))


def test_returning_says_why_and_makes_it_a_draft_again(draft, reviewer):
    with pytest.raises(BadLine):
        return_invoice(draft, version_seen=1, category="WRONG_TIME", text=" ", by=reviewer)
    returned = return_invoice(
        draft, version_seen=1, category="WRONG_TIME", text="The rate is last year's.", by=reviewer
    )
    assert returned.state == "DRAFT"
    assert Verdict.objects.get().text == "The rate is last year's."


def test_a_verdict_is_given_once(draft, reviewer):
    approve(draft, version_seen=1, by=reviewer)
    with pytest.raises(WrongState):
        approve(draft, version_seen=1, by=reviewer)
    with pytest.raises(WrongState):
        return_invoice(draft, version_seen=1, category="OTHER", text="No.", by=reviewer)
    assert Verdict.objects.count() == 1


def test_what_is_approved_is_not_edited_until_it_is_reopened(draft, reviewer):
    approve(draft, version_seen=1, by=reviewer)
    with pytest.raises(WrongState):
        edit(books.lines_of(draft)[0], reviewer, quantity=Decimal(1))
    again = reopen(draft, version_seen=1, text="The customer called.", by=books.member("biller"))
    assert (again.state, again.approved_by) == ("DRAFT", "")
    assert edit(books.lines_of(draft)[0], reviewer, quantity=Decimal(1)).version == 2


def test_nobody_reviews_what_nobody_is_named_for(tenant):
    invoice = books.a_draft()
    with pytest.raises(NoReviewer):
        request_review([invoice], by=SYSTEM)
    named = books.member("reviewer")
    person = books.user_of(named)
    assign_reviewer(invoice, reviewer=person, version_seen=1, by=SYSTEM)
    assert request_review([invoice], by=SYSTEM)[0].state == "IN_REVIEW"


def test_a_discarded_draft_gives_its_work_back_as_it_was_worked(draft, reviewer):
    edit(books.lines_of(draft)[0], reviewer, quantity=Decimal(1))
    discard(draft, version_seen=2, reason="Wrong customer.", by=books.member("biller"), on=TODAY)
    assert (Invoice.objects.get().state, unbilled_charges().count()) == ("VOID", 2)
    assert (dollars("wip"), dollars("write_downs")) == (700, 0)
    assert RunItem.objects.get().code == "invoices.discarded"


def test_edits_and_verdicts_never_change(draft, reviewer):
    edit(books.lines_of(draft)[0], reviewer, quantity=Decimal(1))
    approve(draft, version_seen=2, by=reviewer)
    for change in (
        lambda: LineEdit.objects.update(version=9),
        lambda: Verdict.objects.update(version_seen=9),
    ):
        with pytest.raises(DatabaseError, match=r"denied|never change"), transaction.atomic():
            change()


def test_a_charge_is_on_one_invoice_at_a_time(draft):
    line = books.lines_of(draft)[0]
    line.pk, line.uid, line.number = None, uuid4(), 9
    with pytest.raises(IntegrityError, match="invoice_line_bills_a_charge_once"):
        line.save(force_insert=True)


def test_a_neighbor_cannot_touch_it(draft, neighbor):
    line = books.lines_of(draft)[0]
    with neighbor:
        for deed in (
            lambda: approve(draft, version_seen=1, by=actor("owner")),
            lambda: edit(line, actor("owner"), quantity=Decimal(1)),
        ):
            with pytest.raises(Invoice.DoesNotExist):
                deed()
