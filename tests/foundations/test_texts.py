"""What cannot be seen and changes what is: decided in one place, refused at every door."""

import sys
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.members import granting, invitations
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id, tenant_scope
from billing_portal.texts import (
    MARK,
    HiddenCharacter,
    hidden_in,
    hidden_in_words,
    is_blank,
    marked,
    refuse_hidden,
)
from customers.actions.customers import open_customer
from dunning.actions.bank_accounts import add_bank_account
from dunning.actions.bank_files import import_bank_file
from invoices.actions.capture import capture
from invoices.actions.carriers import add_carrier
from invoices.actions.comments import add_comment
from invoices.actions.credit import request_credit_note
from invoices.actions.edit import discard, edit_line
from invoices.actions.review import request_review, return_invoice
from invoices.actions.take_in import NotTakenIn, take_in_ledes
from invoices.models import Charge, Comment, Invoice, LineEdit, Verdict
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import NOVEMBER, SYSTEM
from tests.visiting import Visitor, text_of

LEDES = Path(__file__).resolve().parents[1] / "data/ledes/two_invoices_1998b.txt"
ESCAPE, TURN, ISOLATE = "\x1b", "\u202e", "\u2066"
BAD = [f"Paid{ESCAPE}[2J", f"gpj{TURN}.exe", f"{ISOLATE}Granite", "A\x9bB", "A\x0bB"]
BLANK_LETTERS = "\u115f\u1160\u3164\uffa0"
TURNING = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
NOW = datetime(2026, 11, 3, tzinfo=UTC)


SEEN = st.characters(categories=["L", "N", "P", "Sm", "Sc"], exclude_characters=BLANK_LETTERS)


@given(st.text(alphabet=SEEN, min_size=1), st.text(alphabet=SEEN, min_size=1))
def test_what_can_be_seen_is_never_hidden(first, second):
    text = f"{first} {second}"

    assert hidden_in(text) == ""
    assert hidden_in(text, is_prose=True) == ""
    assert hidden_in(unicodedata.normalize("NFC", text), is_id=True) == ""


INVISIBLE = [
    *("\u200b", "\u2060", "\ufeff", "\u180e", "\u00ad", "\u034f", "\u3164", "\uffa0", "\u115f"),
    *("\U000e0041", "\U000e0001", "\u2064", "\u206a", "\ufff9", "\u2800"),
]
OF_LANGUAGES = ["\u200c", "\u200d", "\ufe0f", "\U000e0100", "\u180b"]
SPACES = ["\u00a0", "\u2003", "\u202f", "\u3000", "\u2009"]


@pytest.mark.parametrize("invisible", INVISIBLE)
def test_what_nobody_sees_is_found_in_ids_and_lines_and_where_useless_in_prose(invisible):
    text = f"INS-001{invisible}"

    assert hidden_in(text, is_id=True) == hidden_in(text) == invisible
    assert hidden_in(text, is_prose=True) == ("" if invisible in "\u00ad\u180e" else invisible)
    assert hidden_in(invisible, is_prose=True) == invisible


@pytest.mark.parametrize("character", [*OF_LANGUAGES, *SPACES])
def test_what_languages_need_is_part_of_names_and_prose_and_never_of_an_id(character):
    text = f"\u0645\u06cc{character}\u062e\u0648\u0627"

    assert hidden_in(text) == hidden_in(text, is_prose=True) == ""
    assert hidden_in(text, is_id=True) == character


@pytest.mark.parametrize(
    "text", ["pay\u200dme", "Ins\u200c", "\u200d", "\u0645\u200c\u200c\u200cA"]
)
def test_a_joiner_that_joins_no_foreign_letter_is_found(text):
    assert hidden_in(text)
    assert hidden_in(text, is_prose=True)


@pytest.mark.parametrize("text", ["\ufe0f", "\u2800 \u2800", "\u00ad\n\u00ad", "\u180b\u00a0"])
def test_a_text_that_shows_nothing_counts_as_hidden(text):
    assert is_blank(text)
    assert hidden_in(text, is_prose=True)


@pytest.mark.parametrize(("text", "found"), [("Re\u0301", "\u0301"), ("A\u212b", "\u212b")])
def test_an_id_has_one_spelling(text, found):
    composed = unicodedata.normalize("NFC", text)

    assert hidden_in(text, is_id=True) == found
    assert hidden_in(text) == hidden_in(composed, is_id=True) == ""
    assert "as one character" in hidden_in_words(found, "key")


@pytest.mark.parametrize(
    "name", ["external_id", "key", "source", "carrier_code", "tax_id", "email"]
)
def test_a_value_is_known_as_an_id_by_its_name(name):
    with pytest.raises(HiddenCharacter, match=r"U\+00A0"):
        refuse_hidden({name: "INS\u00a0001"})

    refuse_hidden({"legal_name": "INS\u00a0001", "line_1": "1\u00a0Main"})


@given(st.text(max_size=9), st.characters(categories=["Cc"]), st.text(max_size=9))
def test_every_control_character_is_found_but_breaks_and_tabs_of_prose(before, control, after):
    text = before + control + after

    assert hidden_in(text)
    if control not in "\t\n\r":
        assert hidden_in(text, is_prose=True)


@pytest.mark.parametrize("kind", sorted(TURNING))
def test_what_turns_the_direction_is_found_everywhere(kind):
    (character,) = (
        chr(n) for n in range(sys.maxunicode) if unicodedata.bidirectional(chr(n)) == kind
    )

    assert hidden_in(f"a{character}b", is_prose=True) == character
    assert hidden_in(f"a{character}b") == character


@pytest.mark.parametrize("text", ["Two\r\nlines", "a\ttab", "ניסיון (א)\u200f.", "a\u2028b"])
def test_prose_has_breaks_tabs_and_marks_and_a_line_has_none(text):
    refuse_hidden({"text": text}, prose=["text"])

    with pytest.raises(HiddenCharacter, match=r"“text” holds a hidden character \(U\+"):
        refuse_hidden({"text": text})


@pytest.mark.django_db
@pytest.mark.parametrize("text", BAD)
def test_no_text_of_people_about_an_invoice_is_kept_with_one(tenant, text):
    reviewer = books.member("reviewer")
    draft = books.a_draft(reviewer=reviewer)
    waiting = request_review([books.a_draft(reviewer=reviewer)], by=SYSTEM)[0]
    final = books.finalized(reviewer=reviewer)
    (line, _) = books.lines_of(draft)
    on = date(2026, 11, 3)
    deeds = [
        lambda: add_comment(draft, text=text, by=reviewer),
        lambda: edit_line(line, version_seen=1, changes={"narrative": text},
                          reason_code="COURTESY", by=reviewer, on=on),
        lambda: edit_line(line, version_seen=1, changes={"quantity": Decimal(1)}, reason=text,
                          reason_code="COURTESY", by=reviewer, on=on),
        lambda: discard(draft, version_seen=1, reason=text, by=SYSTEM, on=on),
        lambda: return_invoice(waiting, version_seen=waiting.version, category="OTHER", text=text,
                               by=reviewer),
        lambda: request_credit_note(final, reason=text, by=SYSTEM),
    ]  # fmt: skip

    for deed in deeds:
        with pytest.raises(HiddenCharacter):
            deed()

    assert not Comment.objects.exists()
    assert not LineEdit.objects.exists()
    assert not Verdict.objects.filter(kind="RETURNED").exists()
    assert sorted(Invoice.objects.values_list("state", flat=True)) == [
        "DRAFT", "FINALIZED", "IN_REVIEW",
    ]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("text", [*BAD, "a\nb"])
def test_no_name_that_people_give_is_kept_with_one(tenant, text):
    firm = Tenant.objects.get(pk=current_tenant_id())
    soon = NOW + timedelta(1)
    deeds = [
        lambda: invitations.invite(
            firm, email="noor@firm.test", name=text, role="biller", by=SYSTEM, at=NOW
        ),
        lambda: granting.request_key(firm, name=text, by=SYSTEM, expires_at=soon),
        lambda: add_bank_account(account="DE02", name=text, currency="EUR", by=SYSTEM),
        lambda: add_carrier(code="c", name=text, origin="https://carrier.test", by=SYSTEM),
        lambda: import_bank_file(b"<Document/>", name=text, by=SYSTEM, on=NOVEMBER),
    ]

    for deed in deeds:
        with pytest.raises(HiddenCharacter):
            deed()


@pytest.mark.django_db
@pytest.mark.parametrize("text", BAD)
def test_a_charge_is_refused_in_its_row_and_the_others_are_taken(tenant, text):
    matter = books.matter_of(books.customer())
    rows = [
        books.time_worked(matter, narrative=text),
        books.time_worked(matter, key=f"k{text}"),
        books.time_worked(matter, narrative="Two\nlines."),
    ]

    answers = capture("test", rows, by=SYSTEM, on=NOVEMBER)

    assert [(each.status, each.code, each.column) for each in answers] == [
        ("refused", "text.hidden_character", "narrative"),
        ("refused", "text.hidden_character", "key"),
        ("accepted", "", ""),
    ]
    assert Charge.objects.get().narrative == "Two\nlines."
    with pytest.raises(HiddenCharacter):
        capture(text, rows, by=SYSTEM, on=NOVEMBER)


@pytest.mark.django_db
@pytest.mark.parametrize("character", [*INVISIBLE, *OF_LANGUAGES, *SPACES])
def test_no_work_and_no_customer_gets_a_twin(tenant, character):
    matter = books.matter_of(books.customer())
    work = books.time_worked(matter, key="e1")
    twins = [
        replace(work, key=f"e1{character}"),
        replace(work, key="e2", customer=f"{work.customer}{character}"),
        replace(work, key="e3", matter=f"{work.matter}{character}"),
        replace(work, key="e4", timekeeper=f"{work.timekeeper}{character}"),
    ]

    answers = capture("test", [work, *twins], by=SYSTEM, on=NOVEMBER)

    assert [(each.status, each.code, each.column) for each in answers] == [
        ("accepted", "", ""),
        ("refused", "text.hidden_character", "key"),
        ("refused", "text.hidden_character", "customer"),
        ("refused", "text.hidden_character", "matter"),
        ("refused", "text.hidden_character", "timekeeper"),
    ]
    with pytest.raises(HiddenCharacter):
        capture(f"test{character}", [work], by=SYSTEM, on=NOVEMBER)
    new = {f"{work.customer}{character}": "Granite", "new": "\u200b", "other": "\u2800"}
    for external_id, name in new.items():
        with pytest.raises(HiddenCharacter):
            open_customer(
                external_id=external_id, name=name, currency="USD", on=NOVEMBER, by=SYSTEM
            )


@pytest.mark.django_db
def test_a_ledes_file_opens_no_twin_and_says_where(tenant):
    data = LEDES.read_bytes()
    twin = data.replace(b"|CL-77|", "|00711\u200b|".encode())
    assert twin != data

    with pytest.raises(NotTakenIn) as refused:
        take_in_ledes(twin, by=SYSTEM, on=NOVEMBER)

    found = [each for each in refused.value.findings if each.rule == "F05.hidden"]
    assert {(each.column, each.field) for each in found} == {(3, "CLIENT_ID")}
    assert found[0].row == 3
    assert take_in_ledes(data, by=SYSTEM, on=NOVEMBER).customers


@pytest.mark.django_db
def test_over_rest_it_is_told_where_and_on_a_page_in_words(client, firm):
    with tenant_scope(firm.pk):
        draft = books.a_draft(reviewer=books.member("reviewer"))
    rest = f"/api/v1/invoices/{draft.public_id}/comments"

    answer = Caller(client, firm).post(rest, {"text": BAD[1]}, Idempotency_Key="k")
    visitor = Visitor(client, firm, "biller")
    sent = visitor.post(f"invoices/{draft.public_id}/comments/", {"text": BAD[1]})

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (422, "/text")
    assert error["code"] == "text.hidden_character"
    assert "holds a hidden character (U+202E)" in text_of(visitor.client.get(sent.url))
    with tenant_scope(firm.pk):
        assert not Comment.objects.exists()


@pytest.mark.django_db
def test_over_rest_no_source_gets_a_twin(client, firm):
    batch = {"source": "time\u2060", "rows": [{"key": "e1"}]}

    answer = Caller(client, firm).post("/api/v1/charges/batches", batch)

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (422, "/source")
    assert error["code"] == "text.hidden_character"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Invoice 2026-00042", "Invoice 2026-00042"),
        (" two\nlines\tand\u00a0more ", "two lines and more"),
        ("to \u202etfel", f"to {MARK}tfel"),
        ("a\u200bb\ufeff\x85c", f"a{MARK}b{MARK} c"),
        ("M\u00fcller \u2013 \u65e5\u672c", "M\u00fcller \u2013 \u65e5\u672c"),
        ("", ""),
    ],
)
def test_what_a_bank_wrote_is_kept_with_a_mark_where_something_is_hidden(text, kept):
    assert marked(text) == kept
    assert hidden_in(marked(text)) == ""
