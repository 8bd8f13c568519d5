"""What was returned goes to review again changed or answered, one by one and many at once."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from billing_portal.audit.models import AuditEvent
from billing_portal.errors import Stale
from billing_portal.outbox.models import OutboxEvent
from billing_portal.tenancy.actors import MissingPermission
from billing_portal.tenancy.scope import tenant_scope
from billing_portal.texts import HiddenCharacter
from invoices.actions.comments import BadComment, add_comment
from invoices.actions.edit import edit_line
from invoices.actions.refusals import ReturnUnanswered
from invoices.actions.review import approve, reopen, request_review, return_invoice
from invoices.actions.send_run import send_to_review
from invoices.models import BillingRun, Comment, Invoice
from tests.factories import TenantFactory
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import NOVEMBER, SYSTEM
from tests.visiting import Visitor, text_of

pytestmark = pytest.mark.django_db
REMARK = "The hours are too high"
REFUSED = f"Returned by Priya Raman: {REMARK}. Nothing was changed since."
ANSWER = "The carrier agreed to them by telephone."


@pytest.fixture
def priya(tenant):
    return books.member("reviewer", "Priya Raman")


@pytest.fixture
def dana(tenant):
    return books.member("biller", "Dana Whitlock")


@pytest.fixture
def returned(priya):
    """A draft that Priya has returned."""
    return sent_back(books.a_draft(reviewer=priya), priya)


@pytest.fixture
def shared(firm):
    """A returned draft of the firm that pages and REST show."""
    with tenant_scope(firm.pk):
        reviewer = books.member("reviewer", "Priya Raman")
        return sent_back(books.a_draft(reviewer=reviewer), reviewer)


def sent_back(draft, reviewer, *, text=REMARK, answer=""):
    request_review([draft], answer=answer, by=SYSTEM)
    return return_invoice(
        draft, version_seen=draft.version, category="WRONG_TIME", text=text, by=reviewer
    )


def edited(draft, by):
    return edit_line(
        books.lines_of(draft)[0], version_seen=draft.version, changes={"quantity": Decimal(1)},
        reason_code="COURTESY", by=by, on=NOVEMBER,
    )  # fmt: skip


def state():
    return Invoice.objects.get().state


def test_unchanged_and_unanswered_it_stays_and_the_remark_is_named(returned, dana):
    with pytest.raises(ReturnUnanswered) as no:
        request_review([returned], by=dana)

    assert str(no.value) == REFUSED
    assert no.value.more == {
        "returned_by": "Priya Raman",
        "category": "WRONG_TIME",
        "remark": REMARK,
    }
    assert state() == "DRAFT"
    assert AuditEvent.objects.filter(action="invoice.review_requested").count() == 1
    assert OutboxEvent.objects.filter(kind="invoice.review_requested").count() == 1


def test_an_answer_goes_with_it_and_is_kept_as_a_comment(returned, dana):
    sent = request_review([returned], answer=f" {ANSWER}\n", by=dana)

    assert [each.state for each in sent] == ["IN_REVIEW"]
    said = Comment.objects.get()
    assert (said.text, said.made_by, said.line, said.version) == (ANSWER, dana.ref, None, 1)
    assert ANSWER not in str(list(OutboxEvent.objects.values_list("body", flat=True)))
    assert request_review([returned], answer=ANSWER, by=dana) != []
    assert Comment.objects.count() == 1


def test_a_change_is_an_answer(returned, dana):
    edited(returned, dana)

    assert request_review([returned], by=dana)[0].state == "IN_REVIEW"


def test_what_was_said_to_it_since_is_an_answer_also_about_a_line(returned, dana):
    add_comment(returned, text=ANSWER, line=books.lines_of(returned)[1], by=dana)

    assert request_review([returned], by=dana)[0].state == "IN_REVIEW"


def test_more_words_of_who_returned_it_are_none(returned, priya, dana):
    add_comment(returned, text="Line 2, too.", by=priya)

    with pytest.raises(ReturnUnanswered):
        request_review([returned], by=dana)


def test_what_was_said_before_is_no_answer(priya, dana):
    draft = books.a_draft(reviewer=priya)
    add_comment(draft, text=ANSWER, by=dana)
    sent_back(draft, priya)

    with pytest.raises(ReturnUnanswered):
        request_review([draft], by=dana)


def test_each_return_wants_its_own_answer(returned, priya, dana):
    sent_back(returned, priya, text="Not to me.", answer=ANSWER)

    with pytest.raises(ReturnUnanswered, match=r"Priya Raman: Not to me\. Nothing"):
        request_review([returned], by=dana)


def test_who_returned_it_answers_themself_by_a_word(returned, priya):
    assert request_review([returned], answer="My mistake.", by=priya)[0].state == "IN_REVIEW"


def test_what_was_approved_since_the_return_is_not_asked_about(returned, priya, dana):
    request_review([returned], answer=ANSWER, by=dana)
    approve(returned, version_seen=1, by=priya)
    reopen(returned, version_seen=1, text="The customer called.", by=dana)

    assert request_review([returned], by=dana)[0].state == "IN_REVIEW"


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (" \n", ReturnUnanswered),
        ("x" * 2001, BadComment),
        ("Card 4111 1111 1111 1111", BadComment),
        ("Agreed.\u202e", HiddenCharacter),
    ],
)
def test_an_answer_that_cannot_be_kept_sends_nothing(returned, dana, answer, refusal):
    with pytest.raises(refusal):
        request_review([returned], answer=answer, by=dana)

    assert (state(), Comment.objects.count()) == ("DRAFT", 0)


def test_who_edits_nothing_answers_nothing(returned):
    with pytest.raises(MissingPermission):
        request_review([returned], answer=ANSWER, by=books.member("auditor"))

    assert (state(), Comment.objects.count()) == ("DRAFT", 0)


def test_the_database_too_wants_a_change_or_a_word(returned, dana):
    def sent_behind_the_actions():
        with transaction.atomic():
            Invoice.objects.update(state="IN_REVIEW")

    with pytest.raises(IntegrityError, match="changed or answered before it is reviewed again"):
        sent_behind_the_actions()
    assert state() == "DRAFT"
    add_comment(returned, text=ANSWER, by=dana)
    sent_behind_the_actions()
    assert state() == "IN_REVIEW"


@pytest.mark.parametrize("count", [1, 3])
def test_asking_costs_seven_queries_whatever_the_number(
    priya, dana, count, django_assert_num_queries
):
    drafts = [books.a_draft(reviewer=priya) for _ in range(count)]

    with django_assert_num_queries(7, exact=False):
        request_review(drafts, by=dana)


def a_run(reviewer, *, nameless=1):
    """Return a run of three drafts for a reviewer, the first returned, and some for nobody."""
    for named in [reviewer] * 3 + [None] * nameless:
        books.captured(books.time_worked(books.matter_of(books.customer(reviewer=named))))
    drafts = books.drafted()
    sent_back(next(each for each in drafts if each.reviewer_id), reviewer)
    return BillingRun.objects.latest("pk")


def states():
    return sorted(Invoice.objects.values_list("state", flat=True))


def test_many_at_once_go_without_those_that_wait_for_an_answer_and_name_them(priya, dana):
    run = a_run(priya)

    found = send_to_review(run, by=dana, is_trial=True)
    before = states()
    done = send_to_review(run, by=dana, expected=2)

    assert before == ["DRAFT"] * 4
    assert [each.pk for each in done.sent] == [each.pk for each in found.sent]
    assert sorted(no.code for _, no in done.left) == [
        "invoices.no_reviewer",
        "invoices.return_unanswered",
    ]
    assert REFUSED in [str(no) for _, no in done.left]
    assert states() == ["DRAFT", "DRAFT", "IN_REVIEW", "IN_REVIEW"]


def test_another_number_than_was_shown_sends_nothing(priya, dana):
    run = a_run(priya)
    left = send_to_review(run, by=dana, is_trial=True).left
    (waiting,) = [each for each, no in left if isinstance(no, ReturnUnanswered)]
    edited(waiting, dana)

    with pytest.raises(Stale):
        send_to_review(run, by=dana, expected=2)

    assert states() == ["DRAFT"] * 4


def test_a_page_asks_and_sends_with_the_answer(client, firm, shared):
    visitor, path = Visitor(client, firm, "biller"), f"invoices/{shared.public_id}/"

    asked = visitor.post(f"{path}review/")
    silent = visitor.post(f"{path}review/", {"answer": " "})
    card = visitor.post(f"{path}review/", {"answer": "Card 4111 1111 1111 1111"})
    with tenant_scope(firm.pk):
        assert (state(), Comment.objects.count()) == ("DRAFT", 0)
    sent = visitor.post(f"{path}review/", {"answer": ANSWER}, follow=True)

    assert [each.status_code for each in (asked, silent, card)] == [409, 422, 422]
    assert "Returned by Priya Raman" in text_of(asked)
    assert f"Time or rate is wrong: {REMARK}" in text_of(asked)
    assert "Nothing was changed since." in text_of(asked)
    assert 'aria-invalid="true"' not in asked.content.decode()
    for page in (silent, card):
        assert 'aria-invalid="true"' in page.content.decode()
        assert REMARK in text_of(page)
    assert "It is with its reviewer." in sent.content.decode()
    assert ANSWER in text_of(sent)
    with tenant_scope(firm.pk):
        assert (state(), Comment.objects.count()) == ("IN_REVIEW", 1)


def test_a_page_asks_nothing_where_the_draft_was_changed(client, firm, shared):
    with tenant_scope(firm.pk):
        edited(shared, SYSTEM)
    visitor = Visitor(client, firm, "biller")

    answer = visitor.post(f"invoices/{shared.public_id}/review/")

    assert answer.status_code == 303
    with tenant_scope(firm.pk):
        assert state() == "IN_REVIEW"


def test_a_runs_page_shows_who_stays_and_sends_the_rest_in_a_second_step(client, firm):
    with tenant_scope(firm.pk):
        run = a_run(books.member("reviewer", "Priya Raman"))
    visitor, path = Visitor(client, firm, "biller"), f"runs/{run.public_id}/review/"

    shown = visitor.post(path)
    with tenant_scope(firm.pk):
        before = states()
    wrong = visitor.post(path, {"expected": "3"})
    sent = visitor.post(path, {"expected": "2"}, follow=True)
    nothing = visitor.post(path)

    assert (shown.status_code, before) == (200, ["DRAFT"] * 4)
    assert "2 of 4 can be sent to their reviewers." in text_of(shown)
    assert REFUSED in text_of(shown)
    assert "Nobody is named to review" in text_of(shown)
    assert "Send 2 drafts to their reviewers" in text_of(shown)
    assert wrong.status_code == 409
    assert "nothing was sent. Look again." in wrong.content.decode()
    assert "2 drafts are with their reviewers." in sent.content.decode()
    assert "0 of 2 can be sent" in text_of(nothing)
    assert 'name="expected"' not in nothing.content.decode()
    with tenant_scope(firm.pk):
        assert states() == ["DRAFT", "DRAFT", "IN_REVIEW", "IN_REVIEW"]


def test_a_run_without_drafts_says_so(client, firm):
    with tenant_scope(firm.pk):
        run = books.monthly_run()

    page = Visitor(client, firm, "biller").post(f"runs/{run.public_id}/review/")

    assert "No draft of this run waits to be sent." in text_of(page)
    assert 'name="expected"' not in page.content.decode()


def test_who_edits_nothing_sees_no_drafts_to_send(client, firm, shared):
    with tenant_scope(firm.pk):
        run = BillingRun.objects.get()
    visitor = Visitor(client, firm, "auditor")

    answers = [
        visitor.post(f"runs/{run.public_id}/review/"),
        visitor.post(f"invoices/{shared.public_id}/review/", {"answer": ANSWER}),
    ]

    assert [each.status_code for each in answers] == [403, 403]


def test_over_rest_it_is_refused_with_a_code_and_sent_with_an_answer(client, firm, shared):
    caller, path = Caller(client, firm), f"/api/v1/invoices/{shared.public_id}/review-request"

    refused = caller.post(path, Idempotency_Key="a")
    long = caller.post(path, {"answer": "x" * 2001}, Idempotency_Key="b")
    sent = caller.post(path, {"answer": ANSWER}, Idempotency_Key="a")

    told = refused.json()
    assert (refused.status_code, told["code"]) == (409, "invoices.return_unanswered")
    assert (told["detail"], told["remark"]) == (REFUSED, REMARK)
    assert (long.status_code, long.json()["errors"][0]["pointer"]) == (422, "/answer")
    assert (sent.status_code, sent.json()["state"]) == (200, "IN_REVIEW")
    with tenant_scope(firm.pk):
        assert Comment.objects.get().text == ANSWER


def test_over_rest_a_run_names_what_it_left(client, firm):
    with tenant_scope(firm.pk):
        run = a_run(books.member("reviewer", "Priya Raman"), nameless=0)
    caller, path = Caller(client, firm), f"/api/v1/runs/{run.public_id}/review-requests"

    trial = caller.post(path, {"dry_run": True}, Idempotency_Key="a").json()
    with tenant_scope(firm.pk):
        before = states()
    done = caller.post(path, Idempotency_Key="b").json()

    assert (trial, before) == ({**done, "dry_run": True}, ["DRAFT"] * 3)
    assert (done["sent"], done["left"]) == (2, 1)
    (left,) = done["data"]
    assert (left["code"], left["detail"]) == ("invoices.return_unanswered", REFUSED)


def test_another_firm_neither_sends_nor_answers(client, firm, shared):
    with tenant_scope(firm.pk):
        run = BillingRun.objects.get()
    other = TenantFactory.create()
    stranger, visitor = Caller(client, other), Visitor(client, other)
    answer = {"answer": ANSWER}

    answers = [
        visitor.post(f"invoices/{shared.public_id}/review/", answer),
        visitor.post(f"runs/{run.public_id}/review/", {"expected": "1"}),
        stranger.post(
            f"/api/v1/invoices/{shared.public_id}/review-request", answer, Idempotency_Key="a"
        ),
        stranger.post(f"/api/v1/runs/{run.public_id}/review-requests", Idempotency_Key="b"),
    ]

    assert [each.status_code for each in answers] == [404] * 4
    with tenant_scope(firm.pk):
        assert (state(), Comment.objects.count()) == ("DRAFT", 0)
