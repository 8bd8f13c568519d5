"""Comments on an invoice and its lines: said, kept, shown, and heard by nobody else."""

import pytest
from django.db import DatabaseError, transaction

from billing_portal.audit.models import AuditEvent
from billing_portal.audit.rows import told
from billing_portal.outbox.models import OutboxEvent
from billing_portal.tenancy.actors import MissingPermission
from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.comments import BadComment, add_comment
from invoices.actions.edit import discard
from invoices.actions.refusals import WrongState
from invoices.models import Comment, Invoice
from tests.factories import TenantFactory
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import NOVEMBER, SYSTEM
from tests.visiting import Visitor, text_of

pytestmark = pytest.mark.django_db
WORDS = "Is the research ours? They cap it at two hours."


@pytest.fixture
def draft(tenant):
    return books.a_draft(reviewer=books.member("reviewer", "Priya Raman"))


@pytest.fixture
def shared(firm):
    """A draft of the firm that pages and REST show."""
    with tenant_scope(firm.pk):
        return books.a_draft(reviewer=books.member("reviewer", "Priya Raman"))


def test_a_comment_is_kept_with_who_when_and_version_and_the_trail_without_words(draft):
    reviewer, (first, _) = books.member("reviewer", "Priya Raman"), books.lines_of(draft)

    said = add_comment(draft, text=f"  {WORDS} ", line=first, by=reviewer)

    row = Comment.objects.get()
    assert (row.pk, row.text, row.line_id, row.version) == (said.pk, WORDS, first.pk, 1)
    assert (row.made_by, row.made_by_name) == (reviewer.ref, "Priya Raman")
    assert Invoice.objects.get().version == 1
    event = AuditEvent.objects.get(action="invoice.commented")
    assert event.details == {"comment": said.public_id, "line": 1, **told(row)}
    assert OutboxEvent.objects.filter(kind="invoice.commented").count() == 1
    assert WORDS not in str(list(OutboxEvent.objects.values_list("body", flat=True)))


@pytest.mark.parametrize("text", ["", "  \n", "x" * 2001, "Card 4111 1111 1111 1111"])
def test_a_comment_that_cannot_be_kept_is_refused_and_nothing_is_said(draft, text):
    with pytest.raises(BadComment):
        add_comment(draft, text=text, by=SYSTEM)

    assert not Comment.objects.exists()
    assert not AuditEvent.objects.filter(action="invoice.commented").exists()


def test_a_line_of_another_invoice_is_refused(draft):
    other = books.a_draft()

    with pytest.raises(BadComment, match="another invoice"):
        add_comment(draft, text=WORDS, line=books.lines_of(other)[0], by=SYSTEM)

    assert not Comment.objects.exists()


def test_what_was_thrown_away_is_not_talked_about(draft):
    discard(draft, version_seen=1, reason="Wrong.", by=SYSTEM, on=NOVEMBER)

    with pytest.raises(WrongState):
        add_comment(draft, text=WORDS, by=SYSTEM)


@pytest.mark.parametrize("role", ["auditor", "timekeeper"])
def test_who_only_reads_says_nothing(draft, role):
    with pytest.raises(MissingPermission):
        add_comment(draft, text=WORDS, by=books.member(role))

    assert not Comment.objects.exists()


@pytest.mark.parametrize("deed", ["update", "delete"])
def test_what_was_said_is_never_changed(draft, deed):
    add_comment(draft, text=WORDS, by=SYSTEM)
    deeds = {
        "update": lambda: Comment.objects.update(text="Never said."),
        "delete": lambda: Comment.objects.all().delete(),
    }

    with pytest.raises(DatabaseError), transaction.atomic():
        deeds[deed]()

    assert Comment.objects.get().text == WORDS


def test_a_page_shows_threads_by_line_and_the_form_for_the_line_asked_for(client, firm, shared):
    visitor = Visitor(client, firm, "reviewer")
    own = f"invoices/{shared.public_id}/"
    with tenant_scope(firm.pk):
        first, second = books.lines_of(shared)
    assert "Nobody has said anything yet." in text_of(visitor.get(own))

    about = visitor.get(own, {"about": second.public_id}).content.decode()
    answer = visitor.post(f"{own}comments/", {"text": WORDS, "line": second.public_id})
    visitor.post(f"{own}comments/", {"text": "<b>Whole</b>"})
    visitor.post(f"{own}comments/", {"text": "Ours.", "line": second.public_id})

    assert f'<option value="{second.public_id}">' in about
    assert first.public_id not in about.partition('id="comment-line"')[2].partition("</select>")[0]
    assert answer.status_code == 303
    assert answer.url.endswith("#comments")
    page = visitor.get(own)
    thread = text_of(page).partition("Comments Stay in the firm ")[2]
    assert thread.index("<b>Whole</b>") < thread.index("Line 2") < thread.index(WORDS)
    assert thread.index(WORDS) < thread.index("Ours.")
    assert "2 comments" in text_of(page)
    assert b"<b>Whole</b>" not in page.content


def test_an_empty_comment_says_why_and_adds_nothing(client, firm, shared):
    visitor = Visitor(client, firm, "reviewer")

    answer = visitor.post(f"invoices/{shared.public_id}/comments/", {"text": " "})

    assert "Write something" in text_of(visitor.client.get(answer.url))
    with tenant_scope(firm.pk):
        assert not Comment.objects.exists()


def test_an_auditor_reads_what_was_said_and_has_no_form(client, firm, shared):
    with tenant_scope(firm.pk):
        add_comment(shared, text=WORDS, by=SYSTEM)
    visitor = Visitor(client, firm, "auditor")

    page = visitor.get(f"invoices/{shared.public_id}/")
    said = visitor.post(f"invoices/{shared.public_id}/comments/", {"text": "Hm."})

    assert WORDS in text_of(page)
    assert b"Your comment" not in page.content
    assert said.status_code == 403


def test_over_rest_comments_are_added_once_and_listed(client, firm, shared):
    caller = Caller(client, firm)
    path = f"/api/v1/invoices/{shared.public_id}/comments"
    with tenant_scope(firm.pk):
        line = books.lines_of(shared)[0].public_id

    made = caller.post(path, {"text": WORDS, "line": line}, Idempotency_Key="k")
    again = caller.post(path, {"text": WORDS, "line": line}, Idempotency_Key="k")
    wrong = caller.post(path, {"text": WORDS, "line": "lin_nothing"}, Idempotency_Key="m")

    assert (made.status_code, again.json(), wrong.status_code) == (201, made.json(), 422)
    (error,) = wrong.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/line", "not_found")
    (listed,) = caller.get(path).json()["data"]
    assert listed == made.json()
    assert (listed["line"], listed["text"], listed["version"]) == (line, WORDS, 1)


def test_a_line_of_another_invoice_or_firm_is_as_unknown_as_none(client, firm, shared):
    neighbor = TenantFactory.create()
    with tenant_scope(neighbor.pk):
        theirs = books.lines_of(books.a_draft(reviewer=books.member("reviewer")))[0].public_id
    with tenant_scope(firm.pk):
        ours = books.lines_of(books.a_draft())[0].public_id
    caller = Caller(client, firm)
    path = f"/api/v1/invoices/{shared.public_id}/comments"

    answers = [
        caller.post(path, {"text": WORDS, "line": line}, Idempotency_Key=line)
        for line in (theirs, ours)
    ]

    assert [each.status_code for each in answers] == [422, 422]
    assert [each.json()["errors"][0]["pointer"] for each in answers] == ["/line", "/line"]
    with tenant_scope(firm.pk):
        assert not Comment.objects.exists()


def test_another_firm_neither_reads_nor_adds(client, firm, shared):
    with tenant_scope(firm.pk):
        add_comment(shared, text=WORDS, by=SYSTEM)
    other = TenantFactory.create()
    stranger = Caller(client, other)
    path = f"/api/v1/invoices/{shared.public_id}/comments"

    answers = [stranger.get(path), stranger.post(path, {"text": "Hm."}, Idempotency_Key="k")]
    page = Visitor(client, other).post(f"invoices/{shared.public_id}/comments/", {"text": "Hm."})

    assert [each.status_code for each in (*answers, page)] == [404, 404, 404]
    with tenant_scope(firm.pk):
        assert Comment.objects.count() == 1
