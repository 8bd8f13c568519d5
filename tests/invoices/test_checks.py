"""Checks of a draft: found by rules, shown beside the lines, and said over REST."""

from datetime import date
from decimal import Decimal

import pytest

from billing_portal.tenancy.scope import tenant_scope
from customers.models import Address
from invoices.actions.checking import checked
from invoices.actions.draft import draft_items
from invoices.actions.finalize import finalize
from invoices.actions.freeze import NotInLedes
from invoices.actions.review import approve, request_review
from invoices.checks import Severity, checks_of
from invoices.documents.snapshot import LineKind
from invoices.models import Invoice
from invoices.queries.invoices import lines_of
from tests.factories import TenantFactory
from tests.foundations.test_api import Caller
from tests.invoices import books, snapshots
from tests.invoices.books import SYSTEM
from tests.visiting import Visitor, text_of

TODAY = date(2026, 11, 3)
LEDES = ["ledes1998b"]


def rules(*lines, ledes=(), **changes):
    """Return the rules that speak, each with its severity and lines."""
    found = checks_of(snapshots.invoice(*lines, **changes), ledes)
    return [(each.rule, each.severity.value, each.lines) for each in found.checks]


def test_an_ordinary_invoice_has_nothing_odd():
    assert rules(ledes=LEDES) == []


@pytest.mark.parametrize(
    ("line", "rule", "severity"),
    [
        (snapshots.fee("1", narrative="  "), "line.narrative", "WARN"),
        (snapshots.fee("1", unit_price=Decimal(0), adjustment=Decimal(0), total=Decimal(0)),
         "line.free", "INFO"),
        (snapshots.fee("1", worked_on=date(2025, 12, 31)), "line.late", "INFO"),
        (snapshots.fee("1", units=Decimal("24.1"), total=Decimal(8365)), "line.day", "WARN"),
    ],
)  # fmt: skip
def test_a_line_is_flagged(line, rule, severity):
    assert rules(line) == [(rule, severity, ("1",))]


def test_the_same_work_twice_is_flagged_and_work_that_differs_is_not():
    first, again = snapshots.fee("1"), snapshots.fee("2", narrative=" research  STANDARD of review")
    other = snapshots.fee("3", worked_on=date(2026, 1, 16))

    assert rules(first, again, other) == [("line.twice", "WARN", ("1", "2"))]


def test_hours_of_a_day_are_added_up_by_person():
    half = {"units": Decimal(13), "total": Decimal(4480)}
    one, two = snapshots.fee("1", **half), snapshots.fee("2", narrative="Reading", **half)
    third = snapshots.fee("3", timekeeper_id="TK02", timekeeper_name="Pike, Ann", **half)

    found = checks_of(snapshots.invoice(one, two, third), ()).checks

    assert [(each.rule, each.lines) for each in found] == [("line.day", ("1", "2"))]
    assert found[0].cause == "Quarry, Alma has 26 hours on 2026-01-15."


def test_codes_are_wanted_only_where_a_ledes_file_leaves():
    bare = snapshots.fee("1", task_code="")

    assert rules(bare) == []
    assert rules(bare, ledes=LEDES) == [("ledes.code", "WARN", ("1",))]


def test_what_the_format_cannot_say_blocks_and_comes_first():
    lines = (snapshots.fee("1", narrative=""), snapshots.expense("2", kind=LineKind.OTHER))

    found = checks_of(snapshots.invoice(*lines), LEDES).checks

    assert (found[0].rule, found[0].severity) == ("ledes.format", Severity.BLOCK)
    assert found[0].cause == "Line 2 is neither fee nor expense; LEDES has no type for it."


def test_the_file_is_told_letter_by_letter_lost_words_apart_from_spellings():
    lines = (
        snapshots.fee("1", narrative="Call M\u00fcller \u2013 \u65e5\u672c"),
        snapshots.fee("2", narrative="Caf\u00e9 meeting", worked_on=date(2026, 1, 16)),
        snapshots.fee("3", narrative="Plain words", worked_on=date(2026, 1, 17)),
    )

    found = checks_of(snapshots.invoice(*lines), LEDES)

    lost, spelled = found.checks
    assert (lost.rule, lost.severity, lost.lines) == ("ledes.letters", "WARN", ("1",))
    assert lost.cause == "\u65e5 → ?, \u672c → ?."
    assert (spelled.rule, spelled.severity, spelled.lines) == ("ledes.spelling", "INFO", ("2",))
    assert sorted(found.in_file) == ["1", "2"]
    assert found.in_file["1"].text == "Call Muller - ??"
    assert found.in_file["1"].said == ["\u00fc → u", "\u2013 → -", "\u65e5 → ?", "\u672c → ?"]
    assert (found.in_file["1"].is_lossy, found.in_file["2"].is_lossy) == (True, False)


def test_a_cut_is_a_loss_and_a_question_mark_of_ones_own_is_none():
    long = snapshots.fee("1", narrative="word " * 4_000)
    asked = snapshots.fee("2", narrative="\u00bfWhy?", worked_on=date(2026, 1, 16))

    found = checks_of(snapshots.invoice(long, asked), LEDES)

    assert found.in_file["1"].is_lossy
    assert "letters are cut off" in found.in_file["1"].said[0]
    assert not found.in_file["2"].is_lossy


def test_names_are_told_once_and_without_ledes_nothing_is_told():
    name = "Kj\u00e6r, S\u00f8ren"
    lines = [snapshots.fee("1", timekeeper_name=name)]
    lines += [snapshots.fee("2", timekeeper_name=name, worked_on=date(2026, 1, 16))]

    assert rules(*lines, ledes=LEDES) == [("ledes.spelling", "INFO", ())]
    assert rules(*lines) == []


def test_what_a_person_wrote_elsewhere_is_named_with_its_field_and_line():
    lines = [
        snapshots.fee("1", timekeeper_name="S\u00f8ren"),
        snapshots.fee("2", timekeeper_name="S\u00f8ren", worked_on=date(2026, 1, 16)),
        snapshots.fee("3", timekeeper_name="\u65e5", worked_on=date(2026, 1, 17)),
    ]

    found = checks_of(snapshots.invoice(*lines, description="Caf\u00e9"), LEDES).checks

    assert [each.cause for each in found] == [
        "Timekeeper name of line 3: \u65e5 → ?.",
        "Timekeeper name of line 1 and 1 more: \u00f8 → o. Invoice description: \u00e9 → e.",
    ]


@pytest.mark.django_db
def test_the_portals_own_words_are_no_finding_of_a_half_months_draft(tenant):
    customer = books.customer(cadence="SEMIMONTHLY", formats=["pdf", "ledes1998b"])
    books.captured(books.time_worked(books.matter_of(customer), date(2026, 10, 20)))
    run = books.monthly_run(billing_aggregation="semi-monthly")
    draft_items(run, first=1, last=100, by=SYSTEM)
    draft = Invoice.objects.select_related("customer", "matter", "terms").get()

    found = checked(draft, lines_of(draft), on=TODAY)

    assert "\N{EN DASH}" in str(draft.period)
    assert "\N{EN DASH}" not in "".join(each.cause for each in found.checks)


@pytest.fixture
def japanese(firm):
    """A draft with a narrative that LEDES cannot carry, for a customer who gets it."""
    with tenant_scope(firm.pk):
        made = books.customer(reviewer=books.member("reviewer"), formats=["pdf", *LEDES])
        matter = books.matter_of(made)
        books.captured(
            books.time_worked(matter, narrative="Letter to \u65e5\u672c"),
            books.time_worked(matter, hours="1.5"),
        )
        (invoice,) = books.drafted()
        return request_review([invoice], by=SYSTEM)[0]


@pytest.mark.django_db
def test_the_reviewer_sees_what_the_file_will_say_before_approving(client, firm, japanese):
    page = text_of(Visitor(client, firm, "owner").get(f"invoices/{japanese.public_id}/"))

    assert "Letter to \u65e5\u672c Words are lost in the LEDES file" in page
    assert "The file will say: Letter to ?? \u65e5 → ?, \u672c → ?" in page
    listed = page.partition("Checks ")[2]
    assert listed.startswith(
        "Words are lost in the LEDES file Warns \u65e5 → ?, \u672c → ?. Line 1"
    )


@pytest.mark.django_db
def test_an_invoice_without_odd_things_says_so_and_a_final_one_has_no_checks(client, firm):
    with tenant_scope(firm.pk):
        books.captured(books.time_worked(books.matter_of(books.customer(formats=["pdf"]))))
        (draft,) = books.drafted()
        final = books.finalized(reviewer=books.member("reviewer"))
    visitor = Visitor(client, firm, "owner")

    assert "Nothing odd was found." in text_of(visitor.get(f"invoices/{draft.public_id}/"))
    assert "Checks" not in text_of(visitor.get(f"invoices/{final.public_id}/"))


@pytest.mark.django_db
def test_a_check_that_blocks_is_the_refusal_at_the_end(tenant):
    tenant.country = "GB"
    tenant.save()
    reviewer = books.member("reviewer")
    made = books.customer(reviewer=reviewer, place="", formats=["pdf", *LEDES])
    Address.objects.create(
        customer=made, starts_on=date(2026, 1, 1), line_1="2 Fleet Street", city="London",
        country="GB",
    )  # fmt: skip
    books.captured(books.time_worked(books.matter_of(made)))
    (invoice,) = books.drafted()

    found = checked(invoice, lines_of(invoice), on=TODAY).checks
    request_review([invoice], by=SYSTEM)
    approve(invoice, version_seen=1, by=reviewer)
    with pytest.raises(NotInLedes) as no:
        finalize([invoice], by=SYSTEM, on=TODAY)

    assert (found[0].rule, found[0].severity) == ("ledes.format", "BLOCK")
    assert found[0].cause == "The invoice is taxed; LEDES 1998B has no field for tax."
    assert "is taxed; LEDES 1998B has no field for tax." in str(no.value)
    assert Invoice.objects.get().number == ""


@pytest.mark.django_db
def test_over_rest_the_checks_are_listed_and_a_neighbor_finds_none(client, firm, japanese):
    path = f"/api/v1/invoices/{japanese.public_id}/checks"

    answer = Caller(client, firm).get(path)
    stranger = Caller(client, TenantFactory.create()).get(path)

    assert (answer.status_code, stranger.status_code) == (200, 404)
    first = answer.json()["data"][0]
    assert (first["rule"], first["severity"], first["lines"]) == ("ledes.letters", "WARN", ["1"])
