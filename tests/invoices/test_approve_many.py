"""Approving many at once: two steps, versions bound, and what moved is refused and told."""

from datetime import date
from decimal import Decimal

import pytest

from billing_portal.audit.models import AuditEvent
from billing_portal.money import Money
from billing_portal.outbox.models import OutboxEvent
from billing_portal.tenancy.actors import MissingPermission
from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.approve_many import MOST, TooManyAtOnce, approve_many
from invoices.actions.edit import edit_line
from invoices.actions.review import request_review
from invoices.models import Invoice, Verdict
from tests.factories import TenantFactory
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.visiting import Visitor, text_of

pytestmark = pytest.mark.django_db


def in_review(reviewer):
    """Return an invoice of 700 dollars that waits for a reviewer."""
    return request_review([books.a_draft(reviewer=reviewer)], by=SYSTEM)[0]


def edited(invoice, by):
    """Make version 2 of an invoice."""
    edit_line(
        books.lines_of(invoice)[0], version_seen=1, changes={"quantity": Decimal(1)},
        reason_code="COURTESY", by=by, on=date(2026, 11, 3),
    )  # fmt: skip


def states():
    return list(Invoice.objects.order_by("pk").values_list("state", flat=True))


def test_what_has_not_moved_is_approved_and_what_has_is_refused(tenant):
    reviewer = books.member("reviewer")
    first, moved, third = (in_review(reviewer) for _ in range(3))
    edited(moved, reviewer)

    done = approve_many([(each, 1) for each in (first, moved, third)], by=reviewer)

    assert [each.pk for each in done.approved] == [first.pk, third.pk]
    assert [(each.pk, no.code) for each, no in done.refused] == [(moved.pk, "version.conflict")]
    assert done.totals == [Money(Decimal(1400), "USD")]
    assert states() == ["APPROVED", "IN_REVIEW", "APPROVED"]
    assert Verdict.objects.filter(kind="APPROVED", version_seen=1).count() == 2
    assert AuditEvent.objects.filter(action="invoice.approved").count() == 2
    assert OutboxEvent.objects.filter(kind="invoice.approved").count() == 2


def test_a_trial_says_the_same_and_keeps_nothing(tenant):
    reviewer, other = books.member("reviewer"), books.member("reviewer")
    own, foreign = in_review(reviewer), in_review(other)

    done = approve_many([(own, 1), (foreign, 1)], by=reviewer, is_trial=True)

    assert [each.pk for each in done.approved] == [own.pk]
    assert [no.code for _, no in done.refused] == ["invoices.not_yours"]
    assert states() == ["IN_REVIEW", "IN_REVIEW"]
    assert not Verdict.objects.exists()
    assert not AuditEvent.objects.filter(action="invoice.approved").exists()
    assert not OutboxEvent.objects.filter(kind="invoice.approved").exists()


@pytest.mark.parametrize("count", [0, MOST + 1])
def test_none_and_too_many_are_refused(tenant, count):
    reviewer = books.member("reviewer")
    invoice = in_review(reviewer)

    with pytest.raises(TooManyAtOnce):
        approve_many([(invoice, 1)] * count, by=reviewer)

    assert states() == ["IN_REVIEW"]


def test_who_may_not_approve_may_not_approve_many(tenant):
    invoice = in_review(books.member("reviewer"))

    with pytest.raises(MissingPermission):
        approve_many([(invoice, 1)], by=books.member("biller"))

    assert states() == ["IN_REVIEW"]


@pytest.fixture
def desk(client, firm):
    """The owner's portal, with two invoices in review."""
    with tenant_scope(firm.pk):
        made = [in_review(books.member("reviewer")) for _ in range(2)]
    return Visitor(client, firm, "owner"), made


def picks(*invoices, version=1):
    return [f"{each.public_id}:{version}" for each in invoices]


def test_the_first_step_shows_count_and_total_and_the_second_approves(desk, firm):
    visitor, made = desk
    listed = visitor.get("invoices/", {"state": "IN_REVIEW"}).content.decode()

    first = visitor.post("invoices/approve/", {"pick": picks(*made)})
    with tenant_scope(firm.pk):
        before = states()
    second = visitor.post("invoices/approve/", {"pick": picks(*made), "sure": "yes"})

    assert f'value="{made[0].public_id}:1"' in listed
    assert "2 of 2 can be approved." in text_of(first)
    assert "Approve 2 invoices, $1,400.00" in text_of(first)
    assert before == ["IN_REVIEW", "IN_REVIEW"]
    assert second.status_code == 303
    shown = text_of(visitor.client.get(second.url))
    with tenant_scope(firm.pk):
        assert states() == ["APPROVED", "APPROVED"]
    assert "No invoice is like that" in shown


def test_what_changed_between_the_steps_is_refused_and_listed(desk, firm):
    visitor, (moved, stays) = desk
    visitor.post("invoices/approve/", {"pick": picks(moved, stays)})
    with tenant_scope(firm.pk):
        edited(moved, SYSTEM)

    second = visitor.post("invoices/approve/", {"pick": picks(moved, stays), "sure": "yes"})

    assert second.status_code == 200
    assert "1 was approved." in text_of(second)
    assert "1 invoice was not approved" in text_of(second)
    assert "You read version 1; it is at version 2 now." in text_of(second)
    with tenant_scope(firm.pk):
        assert states() == ["IN_REVIEW", "APPROVED"]


def test_when_everything_changed_it_is_a_conflict(desk, firm):
    visitor, (moved, _) = desk
    with tenant_scope(firm.pk):
        edited(moved, SYSTEM)

    second = visitor.post("invoices/approve/", {"pick": picks(moved), "sure": "yes"})

    assert second.status_code == 409
    with tenant_scope(firm.pk):
        assert states() == ["IN_REVIEW", "IN_REVIEW"]


@pytest.mark.parametrize("pick", [[], ["nothing"], ["inv_x:1"], ["²:²"]])
def test_a_forged_or_empty_choice_approves_nothing(desk, firm, pick):
    visitor, _ = desk

    answer = visitor.post("invoices/approve/", {"pick": pick, "sure": "yes"})

    assert answer.status_code == 303
    assert "Choose 1 to 200 invoices at once." in visitor.client.get(answer.url).content.decode()
    with tenant_scope(firm.pk):
        assert states() == ["IN_REVIEW", "IN_REVIEW"]


def test_who_approves_nothing_sees_no_boxes_and_is_refused(client, firm, desk):
    _, made = desk
    biller = Visitor(client, firm, "biller")

    page = biller.get("invoices/", {"state": "IN_REVIEW"}).content.decode()

    assert 'name="pick"' not in page
    assert biller.post("invoices/approve/", {"pick": picks(*made)}).status_code == 403


def test_over_rest_each_row_is_answered_and_a_dry_run_changes_nothing(client, firm, desk):
    _, made = desk
    caller = Caller(client, firm)
    asked = {"invoices": [{"id": made[0].public_id, "version": 1}, {"id": made[1].public_id,
             "version": 7}, {"id": "inv_nothing", "version": 1}]}  # fmt: skip

    dry = caller.post("/api/v1/invoices/approvals", {**asked, "dry_run": True})
    with tenant_scope(firm.pk):
        before = states()
    done = caller.post("/api/v1/invoices/approvals", asked)

    assert (dry.status_code, done.status_code, dry.json()["dry_run"]) == (200, 200, True)
    assert before == ["IN_REVIEW", "IN_REVIEW"]
    assert dry.json()["data"] == done.json()["data"]
    assert [(each["status"], each["code"]) for each in done.json()["data"]] == [
        ("approved", ""), ("refused", "version.conflict"), ("refused", "not_found"),
    ]  # fmt: skip
    assert done.json()["totals"] == [{"amount": "700.00", "currency": "USD"}]
    with tenant_scope(firm.pk):
        assert states() == ["APPROVED", "IN_REVIEW"]


def test_over_rest_each_duplicate_is_named_by_its_place_and_nothing_is_approved(client, firm, desk):
    _, (first, second, *_) = desk
    ids = [first.public_id, second.public_id, first.public_id, first.public_id]
    asked = [{"id": each, "version": version} for version, each in enumerate(ids, 1)]

    answer = Caller(client, firm).post("/api/v1/invoices/approvals", {"invoices": asked})

    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        ("/invoices/2/id", "duplicate"), ("/invoices/3/id", "duplicate"),
    ]  # fmt: skip
    with tenant_scope(firm.pk):
        assert states() == ["IN_REVIEW", "IN_REVIEW"]


def test_another_firm_approves_nothing_here(client, firm, desk):
    _, made = desk
    other = TenantFactory.create()

    page = Visitor(client, other).post("invoices/approve/", {"pick": picks(*made), "sure": "yes"})
    rest = Caller(client, other).post(
        "/api/v1/invoices/approvals", {"invoices": [{"id": made[0].public_id, "version": 1}]}
    )

    assert page.status_code == 303
    assert [each["code"] for each in rest.json()["data"]] == ["not_found"]
    with tenant_scope(firm.pk):
        assert states() == ["IN_REVIEW", "IN_REVIEW"]
