"""Verdicts in the back office: in two steps, on the versions that were shown."""

from datetime import date
from decimal import Decimal

import pytest

from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.edit import edit_line
from invoices.actions.review import request_review
from invoices.models import Invoice, Verdict
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.visiting import office_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner_at_work(client, firm):
    with tenant_scope(firm.pk):
        client.force_login(books.user_of(books.member("owner")))
    return client


@pytest.fixture
def drafts(firm):
    with tenant_scope(firm.pk):
        reviewer = books.member("reviewer")
        return request_review([books.a_draft(reviewer=reviewer) for _ in range(2)], by=SYSTEM)


def choose(client, firm, deed, rows, **form):
    return client.post(
        f"/t/{firm.slug}/admin/invoices/invoice/",
        {"action": deed, "_selected_action": [row.pk for row in rows], **form},
        follow=True,
    )


def states(firm):
    with tenant_scope(firm.pk):
        return sorted(Invoice.objects.values_list("state", flat=True))


def test_the_first_step_shows_versions_and_decides_nothing(owner_at_work, firm, drafts):
    page = choose(owner_at_work, firm, "approve", drafts).content.decode()
    assert f"{drafts[0].pk}:1" in page
    assert states(firm) == ["IN_REVIEW", "IN_REVIEW"]


def test_the_second_step_approves_what_was_shown(owner_at_work, firm, drafts):
    seen = [f"{row.pk}:1" for row in drafts]
    choose(owner_at_work, firm, "approve", drafts, version_seen=seen)
    assert states(firm) == ["APPROVED", "APPROVED"]
    with tenant_scope(firm.pk):
        assert set(Verdict.objects.values_list("version_seen", flat=True)) == {1}


def test_one_that_has_moved_is_not_approved_and_the_other_is(owner_at_work, firm, drafts):
    with tenant_scope(firm.pk):
        edit_line(
            books.lines_of(drafts[0])[0], version_seen=1, changes={"quantity": Decimal(1)},
            reason_code="COURTESY", by=SYSTEM, on=date(2026, 11, 3),
        )  # fmt: skip
    seen = [f"{row.pk}:1" for row in drafts]
    page = choose(owner_at_work, firm, "approve", drafts, version_seen=seen).content.decode()
    assert "it is at version 2 now" in page
    assert states(firm) == ["APPROVED", "IN_REVIEW"]


def test_returning_needs_words(owner_at_work, firm, drafts):
    seen = [f"{row.pk}:1" for row in drafts]
    assert choose(owner_at_work, firm, "send_back", drafts, version_seen=seen).status_code == 422
    assert states(firm) == ["IN_REVIEW", "IN_REVIEW"]
    form = {"version_seen": seen, "category": "OTHER", "text": "Not ours."}
    choose(owner_at_work, firm, "send_back", drafts, **form)
    assert states(firm) == ["DRAFT", "DRAFT"]


def test_a_biller_reads_and_cannot_decide(client, firm, drafts):
    with tenant_scope(firm.pk):
        client.force_login(books.user_of(books.member("biller")))
    page = client.get(f"/t/{firm.slug}/admin/invoices/invoice/").content.decode()
    assert "Approve …" not in page
    choose(client, firm, "approve", drafts, version_seen=[f"{row.pk}:1" for row in drafts])
    assert states(firm) == ["IN_REVIEW", "IN_REVIEW"]


def test_nothing_is_edited_or_deleted_here(owner_at_work, firm, drafts):
    path = f"/t/{firm.slug}/admin/invoices/invoice/{office_key(drafts[0])}"
    page = owner_at_work.get(f"{path}/change/").content.decode()
    assert 'name="_save"' not in page
    assert owner_at_work.post(f"{path}/delete/", {"post": "yes"}).status_code == 403


def test_the_neighbor_finds_none(client, firm, drafts, neighbor):
    with neighbor:
        client.force_login(books.user_of(books.member("owner")))
    path = f"/t/{neighbor.firm.slug}/admin/invoices/invoice/"
    assert client.get(f"{path}{office_key(drafts[0])}/change/").status_code == 404
    seen = [f"{row.pk}:1" for row in drafts]
    choose(client, neighbor.firm, "approve", drafts, version_seen=seen)
    assert states(firm) == ["IN_REVIEW", "IN_REVIEW"]


def test_the_assigned_reviewer_decides_here_too_and_on_nobody_elses(client, firm):
    with tenant_scope(firm.pk):
        reviewer, other = books.member("reviewer"), books.member("reviewer")
        mine, second, theirs = request_review(
            [books.a_draft(reviewer=each) for each in (reviewer, reviewer, other)], by=SYSTEM
        )
        client.force_login(books.user_of(reviewer))

    choose(client, firm, "approve", [mine], version_seen=[f"{mine.pk}:1"])
    returned = {"category": "OTHER", "text": "Split the travel."}
    choose(client, firm, "send_back", [second], version_seen=[f"{second.pk}:1"], **returned)
    page = choose(client, firm, "approve", [theirs], version_seen=[f"{theirs.pk}:1"])

    assert "reviews this invoice" in page.content.decode()
    with tenant_scope(firm.pk):
        found = {row.pk: row.state for row in Invoice.objects.all()}
    assert found == {mine.pk: "APPROVED", second.pk: "DRAFT", theirs.pk: "IN_REVIEW"}
    for room in ("ledger/entry/", "members/membership/", "dunning/reminder/"):
        assert client.get(f"/t/{firm.slug}/admin/{room}").status_code in {403, 404}
