"""The form of a line: what was typed outlives a refusal, and its words are those of the page."""

from datetime import date
from decimal import Decimal

import pytest

from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.edit import discard, edit_line
from invoices.actions.review import request_review
from invoices.models import Invoice, LineEdit
from tests.factories import TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.visiting import Visitor, text_of

pytestmark = pytest.mark.django_db
THIRD = date(2026, 11, 3)
MINE = "Attend the deposition of Dr. Alvarez at his practice."
FORM = {
    "version": "1", "quantity": "2", "unit_price": "200", "narrative": MINE, "task_code": "L330",
    "activity_code": "A109", "reason_code": "WORDING", "reason": "As the carrier wants it.",
}  # fmt: skip


@pytest.fixture
def invoice(firm):
    """An invoice of two lines in review."""
    with tenant_scope(firm.pk):
        return request_review([books.a_draft(reviewer=books.member("reviewer"))], by=SYSTEM)[0]


@pytest.fixture
def lines(firm, invoice):
    with tenant_scope(firm.pk):
        return books.lines_of(invoice)


@pytest.fixture
def biller(client, firm):
    return Visitor(client, firm, "biller")


def path_of(invoice, line):
    return f"invoices/{invoice.public_id}/lines/{line.public_id}/"


def changed_meanwhile(firm, line, **changes):
    """Somebody else saves a line in another tab."""
    with tenant_scope(firm.pk):
        other = books.member("biller", "Dana Whitlock")
        edit_line(
            line, version_seen=1, changes=changes, reason_code="COURTESY", reason="Agreed by phone",
            by=other, on=THIRD,
        )  # fmt: skip


def test_an_edit_that_comes_late_keeps_what_was_typed_beside_what_stands_there(
    firm, biller, invoice, lines
):
    changed_meanwhile(firm, lines[0], quantity=Decimal("1.5"), narrative="Attend by video.")

    late = biller.post(path_of(invoice, lines[0]), FORM)

    page, said = late.content.decode(), text_of(late)
    assert late.status_code == 409
    assert "Your edit was not saved" in said
    assert "You began at version 1; it is at version 2 now." in said
    assert "Dana Whitlock: Courtesy, Agreed by phone" in said
    assert "nothing was decided" not in said
    assert f"{MINE}</textarea>" in page
    assert "On the invoice now: Attend by video." in said
    assert "On the invoice now: 1.5" in said
    assert said.count("On the invoice now") == 2  # the price and the codes are the same
    assert 'name="version" value="2"' in page
    with tenant_scope(firm.pk):
        assert LineEdit.objects.count() == 1


def test_saved_again_it_is_an_edit_of_the_new_version(firm, biller, invoice, lines):
    changed_meanwhile(firm, lines[0], narrative="Attend by video.")
    biller.post(path_of(invoice, lines[0]), FORM)

    again = biller.post(path_of(invoice, lines[0]), FORM | {"version": "2"})

    assert again.status_code == 303
    with tenant_scope(firm.pk):
        edit = LineEdit.objects.latest("pk")
    assert (edit.version, edit.changes["narrative"]) == (3, ["Attend by video.", MINE])


def test_a_form_that_is_refused_for_a_word_is_still_of_the_version_it_was_opened_at(
    firm, biller, invoice, lines
):
    changed_meanwhile(firm, lines[0], narrative="Attend by video.")

    refused = biller.post(path_of(invoice, lines[0]), FORM | {"reason_code": ""})
    mended = biller.post(path_of(invoice, lines[0]), FORM)

    assert (refused.status_code, mended.status_code) == (422, 409)
    form = refused.content.decode().partition('<tr class="editing">')[2]
    assert 'name="version" value="1"' in form.partition("</form>")[0]


def test_where_another_line_was_changed_it_says_so(firm, biller, invoice, lines):
    changed_meanwhile(firm, lines[1], quantity=Decimal(1))

    said = text_of(biller.post(path_of(invoice, lines[0]), FORM))

    assert "This line is as it was; others were changed." in said


def test_what_was_typed_for_a_line_that_was_taken_off_is_shown(firm, biller, invoice, lines):
    with tenant_scope(firm.pk):
        discard(invoice, version_seen=1, reason="Wrong customer.", by=SYSTEM, on=THIRD)
    answer = biller.post(path_of(invoice, lines[0]), FORM)

    assert answer.status_code == 409
    assert "Your edit was not saved: the line is on this invoice no more" in text_of(answer)
    assert MINE in text_of(answer)


def test_a_return_that_comes_late_keeps_its_words(firm, client, invoice, lines):
    changed_meanwhile(firm, lines[0], quantity=Decimal(1))
    owner = Visitor(client, firm)
    words = {"version": "1", "category": "WRONG_TIME", "text": "Line 2 is last year's rate."}

    late = owner.post(f"invoices/{invoice.public_id}/return/", words)

    assert late.status_code == 409
    assert "nothing was decided" in text_of(late)
    assert "Line 2 is last year&#x27;s rate.</textarea>" in late.content.decode()
    with tenant_scope(firm.pk):
        assert Invoice.objects.get().state == "IN_REVIEW"


@pytest.mark.parametrize(("name", "label"), [("reason", "Note"), ("narrative", "Narrative")])
def test_a_hidden_character_is_told_by_the_label_of_its_field(biller, invoice, lines, name, label):
    answer = biller.post(path_of(invoice, lines[0]), FORM | {name: "As\u202e agreed"})

    assert answer.status_code == 422
    assert f"“{label}” holds a hidden character (U+202E)." in text_of(answer)
    assert f'<a href="#id_{name}">{label}</a>' in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "label"),
    [("return/", "Say it in words"), ("discard/", "Why"), ("comments/", "Your comment")],
)
def test_other_forms_of_the_page_name_their_labels_too(client, firm, invoice, path, label):
    owner, typed = Visitor(client, firm), "Wrong\u200b matter"
    form = {"version": "1", "category": "OTHER", "text": typed, "reason": typed}

    answer = owner.post(f"invoices/{invoice.public_id}/{path}", form, follow=True)

    assert f"“{label}” holds a hidden character (U+200B)." in answer.content.decode()


def test_another_firm_edits_no_line(client, invoice, lines):
    stranger = Visitor(client, TenantFactory.create())

    assert stranger.post(path_of(invoice, lines[0]), FORM).status_code == 404


def test_terms_per_charge_speak_of_no_collective_invoice(client, firm):
    with tenant_scope(firm.pk):
        matter = books.matter_of(books.customer(cadence="PER_CHARGE"))
        monthly = books.terms_of(books.customer())
        terms = books.terms_of(matter.customer)

    assert str(terms) == "One invoice a charge"
    assert str(monthly) == "Monthly, one collective invoice"
