"""What was sent back says so until it is approved: with what was answered, in inbox and page."""

from decimal import Decimal

import pytest

from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.comments import add_comment
from invoices.actions.edit import edit_line
from invoices.actions.review import approve, request_review, return_invoice
from invoices.queries.invoices import answered_returns
from tests.factories import TenantFactory
from tests.invoices import books
from tests.invoices.books import NOVEMBER, SYSTEM
from tests.visiting import Visitor, signed_in, text_of

pytestmark = pytest.mark.django_db
REMARK = "The hours are too high."
ANSWER = "The carrier agreed to them by telephone."


@pytest.fixture
def priya(firm):
    with tenant_scope(firm.pk):
        return books.member("reviewer", "Priya Raman")


@pytest.fixture
def dana(firm):
    with tenant_scope(firm.pk):
        return books.member("biller", "Dana Whitlock")


@pytest.fixture
def returned(firm, priya):
    """A draft that Priya has sent back."""
    with tenant_scope(firm.pk):
        return sent_back(books.a_draft(reviewer=priya), priya)


def sent_back(draft, reviewer):
    request_review([draft], by=SYSTEM)
    return return_invoice(
        draft, version_seen=draft.version, category="WRONG_TIME", text=REMARK, by=reviewer
    )


def edited(draft, number, by):
    return edit_line(
        books.lines_of(draft)[number - 1], version_seen=draft.version, reason_code="COURTESY",
        changes={"quantity": Decimal(1)}, by=by, on=NOVEMBER,
    )  # fmt: skip


def shown(client, firm, actor, path):
    signed_in(client, books.user_of(actor))
    return client.get(f"/t/{firm.slug}/{path}")


def test_the_reviewer_reads_the_answer_in_the_inbox_and_on_the_page(
    client, firm, priya, dana, returned
):
    with tenant_scope(firm.pk):
        edited(returned, 2, dana)
        request_review([returned], answer=ANSWER, by=dana)

    inbox = text_of(shown(client, firm, priya, "inbox/"))
    page = shown(client, firm, priya, f"invoices/{returned.public_id}/")

    assert f"You returned it before. Dana Whitlock answered: “{ANSWER}” 1 line changed" in inbox
    assert "Returned before by Priya Raman, and sent to review again" in text_of(page)
    assert f"Time or rate is wrong: {REMARK} Dana Whitlock" in text_of(page)
    assert "Changed since: Line 2 What is new since then" in text_of(page)
    assert 'href="?since=1"' in page.content.decode()


def test_others_read_who_returned_it(client, firm, priya, dana, returned):
    with tenant_scope(firm.pk):
        request_review([returned], answer="x" * 300, by=dana)
        other = books.member("reviewer", "Rosa Lindt")
        type(returned).objects.update(reviewer_id=other.id)

    inbox = text_of(shown(client, firm, other, "inbox/"))

    assert f"Priya Raman returned it before. Dana Whitlock answered: “{'x' * 139}…”" in inbox


def test_the_biller_reads_the_remark_at_the_top_of_the_draft(client, firm, dana, returned):
    path = f"invoices/{returned.public_id}/"

    before = text_of(shown(client, firm, dana, path))
    with tenant_scope(firm.pk):
        add_comment(returned, text=ANSWER, line=books.lines_of(returned)[0], by=dana)
    after = text_of(shown(client, firm, dana, path))

    assert "Returned by Priya Raman" in before
    assert "Nothing was changed or answered since." in before
    assert "Nothing was changed or answered since." not in after
    assert "Dana Whitlock Line 1" in after.partition("Facts")[0]


def test_once_it_is_approved_it_is_history(client, firm, priya, dana, returned):
    with tenant_scope(firm.pk):
        request_review([returned], answer=ANSWER, by=dana)
        approve(returned, version_seen=1, by=priya)

    page = text_of(shown(client, firm, priya, f"invoices/{returned.public_id}/"))

    assert "Returned before" not in page
    assert "Returned by Priya Raman" in page.partition("History")[2]


def test_what_was_never_returned_says_nothing_of_it(client, firm, priya):
    with tenant_scope(firm.pk):
        draft = books.a_draft(reviewer=priya)
        request_review([draft], by=SYSTEM)

    assert "You are its reviewer." in text_of(shown(client, firm, priya, "inbox/"))
    assert "Returned" not in text_of(shown(client, firm, priya, f"invoices/{draft.public_id}/"))


def test_more_words_of_who_returned_it_count_where_nobody_answered(firm, priya, returned):
    with tenant_scope(firm.pk):
        add_comment(returned, text="My mistake.", by=priya)
        alone = answered_returns([returned])[returned.pk]
        add_comment(returned, text=ANSWER, by=SYSTEM)
        answered = answered_returns([returned])[returned.pk]

    assert [each.text for each in alone.comments] == ["My mistake."]
    assert [each.text for each in answered.comments] == [ANSWER]


@pytest.mark.parametrize("count", [1, 4])
def test_asking_what_came_of_returns_takes_three_queries(
    firm, priya, dana, count, django_assert_num_queries
):
    with tenant_scope(firm.pk):
        drafts = [sent_back(books.a_draft(reviewer=priya), priya) for _ in range(count)]
        for each in drafts:
            edited(each, 1, dana)
        with django_assert_num_queries(3):
            found = answered_returns(drafts)

    assert [each.lines for each in found.values()] == [[1]] * count


def test_another_firms_returns_are_not_seen(client, firm, returned):
    stranger = TenantFactory.create()
    with tenant_scope(stranger.pk):
        assert answered_returns([returned]) == {}

    assert REMARK not in text_of(Visitor(client, stranger).get("inbox/"))


def test_two_drafts_of_one_customer_are_told_apart(client, firm, priya, dana):
    with tenant_scope(firm.pk):
        made = books.customer(reviewer=priya, grouping="BY_MATTER")
        matters = [books.matter_of(made), books.matter_of(made)]
        books.captured(*(books.time_worked(matter) for matter in matters))
        drafts = request_review(books.drafted(), by=SYSTEM)
        names = [f"{draft} · {draft.matter} · {draft.period}" for draft in drafts]

    inbox = text_of(shown(client, firm, priya, "inbox/"))
    with tenant_scope(firm.pk):
        return_invoice(drafts[0], version_seen=1, category="OTHER", text=REMARK, by=priya)
    to_mend = text_of(shown(client, firm, dana, "inbox/"))

    assert len(set(names)) == 2
    assert all(name in inbox for name in names)
    assert f"{names[0]}: {REMARK}" in to_mend


def test_lines_carry_their_numbers_and_history_leads_to_them(client, firm, dana, returned):
    with tenant_scope(firm.pk):
        edited(returned, 2, dana)

    page = shown(client, firm, dana, f"invoices/{returned.public_id}/")

    assert "Line 1 Oct 12, 2026" in text_of(page)
    assert "Line 2 Oct 12, 2026" in text_of(page)
    assert "Line 2 changed by Dana Whitlock" in text_of(page)
    assert '<a href="#line-2">Line 2</a>' in page.content.decode()
    assert 'id="line-2"' in page.content.decode()
