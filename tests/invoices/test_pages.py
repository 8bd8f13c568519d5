"""Runs, invoices and review as pages: what is shown, done, refused, and to whom."""

from datetime import date
from decimal import Decimal

import pytest

from billing_portal.members.models import Membership
from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.edit import edit_line
from invoices.actions.review import approve, request_review
from invoices.models import BillingRun, Invoice, LineEdit
from tests.factories import MembershipFactory, TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.jobs.running import drain
from tests.visiting import signed_in, text_of

pytestmark = pytest.mark.django_db


class Desk:
    """A firm's portal as one of its members sees it."""

    def __init__(self, client, firm):
        self.client, self.firm = client, firm

    def sit(self, actor):
        """Sign in as somebody who works there."""
        signed_in(self.client, books.user_of(actor))
        return self

    def get(self, path, **query):
        return self.client.get(f"/t/{self.firm.slug}/{path}", query)

    def post(self, path, **form):
        return self.client.post(f"/t/{self.firm.slug}/{path}", form)


@pytest.fixture
def desk(client, firm):
    return Desk(client, firm)


@pytest.fixture
def people(firm):
    with tenant_scope(firm.pk):
        return {role: books.member(role, role.capitalize()) for role in (
            "biller", "reviewer", "timekeeper", "owner")}  # fmt: skip


@pytest.fixture
def invoice(firm, people):
    """An invoice of 700 dollars in review."""
    with tenant_scope(firm.pk):
        draft = books.a_draft(reviewer=people["reviewer"])
        return request_review([draft], by=SYSTEM)[0]


def state_of(firm, invoice):
    with tenant_scope(firm.pk):
        return Invoice.objects.get(pk=invoice.pk).state


def test_a_run_is_planned_looked_at_and_started(desk, firm, people):
    with tenant_scope(firm.pk):
        books.captured(books.time_worked(books.matter_of(books.customer())))
        books.captured(books.time_worked(books.matter_of(books.customer(place=""))))
    desk.sit(people["biller"])
    assert "No run yet" in desk.get("runs/").content.decode()
    planned = desk.post(
        "runs/new/", billing_aggregation="monthly", period_of_execution="beginning-of-the-month",
        on="2026-11-01",
    )  # fmt: skip
    page = desk.client.get(planned.url).content.decode()
    assert "Pending" in page
    assert "Start" in page
    with tenant_scope(firm.pk):
        run = BillingRun.objects.get()
        assert Invoice.objects.count() == 0
    started = desk.post(f"runs/{run.public_id}/start/")
    assert started.status_code == 303
    with tenant_scope(firm.pk):
        drain()
    done = desk.get(f"runs/{run.public_id}/").content.decode()
    assert "has no address" in done
    assert "Retry" in done
    report = desk.get(f"runs/{run.public_id}/report.csv").content.decode("utf-8-sig")
    assert [line.split(",")[5] for line in report.splitlines()[1:]] in (
        ["DRAFTED", "PARKED"], ["PARKED", "DRAFTED"],
    )  # fmt: skip


def test_a_running_run_asks_again_and_an_ended_one_does_not(desk, firm, people):
    with tenant_scope(firm.pk):
        books.captured(books.time_worked(books.matter_of(books.customer())))
        run = books.monthly_run()
    desk.sit(people["biller"])
    desk.post(f"runs/{run.public_id}/start/")
    assert "every 2s" in desk.get(f"runs/{run.public_id}/").content.decode()
    with tenant_scope(firm.pk):
        drain()
    part = desk.client.get(
        f"/t/{firm.slug}/runs/{run.public_id}/", headers={"HX-Request": "true"}
    ).content.decode()
    assert "every 2s" not in part
    assert "<html" not in part


def test_a_refused_move_is_said_and_changes_nothing(desk, firm, people):
    with tenant_scope(firm.pk):
        run = books.monthly_run()
    desk.sit(people["biller"])
    answer = desk.post(f"runs/{run.public_id}/pause/")
    assert "cannot be done now" in desk.client.get(answer.url).content.decode()
    with tenant_scope(firm.pk):
        assert BillingRun.objects.get().state == "PLANNED"


@pytest.mark.parametrize("on", ["soon", "0001-01-01", "9999-12-31"])
def test_a_bad_form_is_422_and_plans_nothing(desk, firm, people, on):
    desk.sit(people["biller"])
    answer = desk.post(
        "runs/new/", billing_aggregation="monthly", period_of_execution="every-day", on=on
    )
    assert answer.status_code == 422
    with tenant_scope(firm.pk):
        assert BillingRun.objects.count() == 0


def test_the_list_shows_tabs_and_finds_by_the_beginning(desk, firm, people, invoice):
    with tenant_scope(firm.pk):
        name = invoice.customer.name
    desk.sit(people["reviewer"])
    assert name in desk.get("invoices/", state="mine").content.decode()
    assert "No invoice is like that" in desk.get("invoices/", state="APPROVED").content.decode()
    found = desk.get("invoices/", q=name[:5].lower()).content.decode()
    assert name in found
    assert "No invoice is like that" in desk.get("invoices/", q="zzz").content.decode()


def test_a_line_is_edited_with_a_reason_and_shows_what_it_was(desk, firm, people, invoice):
    with tenant_scope(firm.pk):
        line = books.lines_of(invoice)[0]
    desk.sit(people["reviewer"])
    path = f"invoices/{invoice.public_id}/lines/{line.public_id}/"
    assert "Save line" in desk.get(path).content.decode()
    form = {
        "version": "1", "quantity": "1.5", "unit_price": "200", "narrative": "Attend deposition.",
        "task_code": "L330", "activity_code": "A109",
    }  # fmt: skip
    assert desk.post(path, **form).status_code == 422
    both = text_of(desk.post(path, **form | {"quantity": "-5"}))
    assert "Hours are not below zero." in both
    assert "This field is required." in both
    saved = desk.post(path, **form, reason_code="GUIDELINE", reason="The cap is 1.5.")
    assert saved.status_code == 303
    page = desk.get(f"invoices/{invoice.public_id}/").content.decode()
    assert "Carrier guideline, The cap is 1.5." in page
    assert "removed:" in page
    with tenant_scope(firm.pk):
        assert Invoice.objects.get().net == 60000


def test_more_hours_than_a_day_are_told_beside_the_quantity(desk, firm, people, invoice):
    with tenant_scope(firm.pk):
        line = books.lines_of(invoice)[0]
    desk.sit(people["reviewer"])
    form = {"version": "1", "quantity": "24.5", "unit_price": "200", "reason_code": "GUIDELINE"}

    answer = desk.post(f"invoices/{invoice.public_id}/lines/{line.public_id}/", **form)

    assert answer.status_code == 422
    assert "One line of time has at most 24 hours." in text_of(answer)
    assert '<a href="#id_quantity">' in answer.content.decode()
    with tenant_scope(firm.pk):
        assert LineEdit.objects.count() == 0


def test_approving_a_version_that_has_moved_shows_the_difference(desk, firm, people, invoice):
    with tenant_scope(firm.pk):
        edit_line(
            books.lines_of(invoice)[0], version_seen=1, changes={"quantity": Decimal(1)},
            reason_code="COURTESY", by=people["biller"], on=date(2026, 11, 3),
        )  # fmt: skip
    desk.sit(people["reviewer"])
    stale = desk.post(f"invoices/{invoice.public_id}/approve/", version="1")
    page = stale.content.decode()
    assert stale.status_code == 409
    assert "You read version 1; it is at version 2 now" in page
    assert "new to you" in page
    assert state_of(firm, invoice) == "IN_REVIEW"
    assert desk.post(f"invoices/{invoice.public_id}/approve/", version="2").status_code == 303
    assert state_of(firm, invoice) == "APPROVED"


def test_a_reviewer_is_led_from_one_to_the_next(desk, firm, people, invoice):
    with tenant_scope(firm.pk):
        other = request_review([books.a_draft(reviewer=people["reviewer"])], by=SYSTEM)[0]
    desk.sit(people["reviewer"])
    answer = desk.post(f"invoices/{invoice.public_id}/approve/", version="1")
    assert answer.url.endswith(f"/invoices/{other.public_id}/")


def test_returning_asks_why(desk, firm, people, invoice):
    desk.sit(people["reviewer"])
    path = f"invoices/{invoice.public_id}/return/"
    assert desk.post(path, version="1").status_code == 422
    assert state_of(firm, invoice) == "IN_REVIEW"
    answer = desk.post(path, version="1", category="WRONG_TIME", text="Last year's rate.")
    assert answer.status_code == 303
    assert state_of(firm, invoice) == "DRAFT"
    inbox = desk.sit(people["biller"]).get("inbox/").content.decode()
    assert "Mend the draft" in inbox


def test_billing_staff_finalize_what_is_approved(desk, firm, people, invoice):
    desk.sit(people["biller"])
    path = f"invoices/{invoice.public_id}/finalize/"
    desk.post(path)
    assert state_of(firm, invoice) == "IN_REVIEW"
    with tenant_scope(firm.pk):
        approve(invoice, version_seen=1, by=people["reviewer"])
    desk.post(path)
    assert state_of(firm, invoice) == "FINALIZED"
    page = desk.get(f"invoices/{invoice.public_id}/").content.decode()
    assert "$700.00" in page
    assert "Edit line" not in page


def test_a_draft_is_thrown_away_with_a_reason(desk, firm, people):
    with tenant_scope(firm.pk):
        draft = books.a_draft()
    desk.sit(people["biller"])
    path = f"invoices/{draft.public_id}/discard/"
    desk.post(path, version="1", reason=" ")
    assert state_of(firm, draft) == "DRAFT"
    desk.post(path, version="1", reason="Wrong customer.")
    assert state_of(firm, draft) == "VOID"


@pytest.mark.parametrize(
    "path",
    ["runs/", "runs/new/", "invoices/", "invoices/{inv}/", "runs/{run}/", "runs/{run}/report.csv"],
)
def test_who_may_not_is_told_so(desk, firm, people, invoice, path):
    with tenant_scope(firm.pk):
        run = BillingRun.objects.get()
    desk.sit(people["timekeeper"])
    named = path.format(inv=invoice.public_id, run=run.public_id)
    assert desk.get(named).status_code == 403


def test_another_reviewer_sees_no_verdict_and_cannot_give_one(desk, firm, people, invoice):
    with tenant_scope(firm.pk):
        other = books.member("reviewer")
    desk.sit(other)
    assert "/approve/" not in desk.get(f"invoices/{invoice.public_id}/").content.decode()
    desk.post(f"invoices/{invoice.public_id}/approve/", version="1")
    assert state_of(firm, invoice) == "IN_REVIEW"


def test_another_firm_sees_nothing(client, firm, invoice):
    other = TenantFactory.create()
    membership = MembershipFactory.create(tenant=other, role="owner")
    assert Membership.objects.filter(pk=membership.pk).exists()
    client.force_login(membership.user)
    with tenant_scope(firm.pk):
        run, line = BillingRun.objects.get(), books.lines_of(invoice)[0]
    stranger = Desk(client, other)
    paths = [
        f"invoices/{invoice.public_id}/",
        f"invoices/{invoice.public_id}/lines/{line.public_id}/",
        f"runs/{run.public_id}/",
        f"runs/{run.public_id}/report.csv",
    ]
    assert [stranger.get(path).status_code for path in paths] == [404] * 4
    deeds = ["approve", "return", "finalize", "discard"]
    answers = [stranger.post(f"invoices/{invoice.public_id}/{deed}/") for deed in deeds]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert stranger.post(f"runs/{run.public_id}/start/").status_code == 404
    assert state_of(firm, invoice) == "IN_REVIEW"
    with tenant_scope(firm.pk):
        assert LineEdit.objects.count() == 0


def test_pages_cost_the_same_however_long(desk, firm, people, django_assert_max_num_queries):
    with tenant_scope(firm.pk):
        invoice = books.a_draft(reviewer=people["reviewer"], hours=("1.0",) * 3)
    desk.sit(people["biller"])
    desk.get("invoices/")
    with django_assert_max_num_queries(16):
        desk.get("invoices/")
    with django_assert_max_num_queries(18):
        desk.get(f"invoices/{invoice.public_id}/")
    with tenant_scope(firm.pk):
        long = books.a_draft(reviewer=people["reviewer"], hours=("1.0",) * 40)
        for _ in range(4):
            books.a_draft()
    with django_assert_max_num_queries(16):
        desk.get("invoices/")
    with django_assert_max_num_queries(18):
        desk.get(f"invoices/{long.public_id}/")


def test_an_invoice_is_credited_by_two_people(desk, firm, people):
    with tenant_scope(firm.pk):
        final = books.finalized(reviewer=people["reviewer"])
    desk.sit(people["biller"])
    asked = desk.post(f"invoices/{final.public_id}/credit/", reason="Wrong customer.")
    note = asked.url.rstrip("/").rpartition("/")[2]
    assert "/credit/approve/" not in desk.client.get(asked.url).content.decode()
    desk.sit(people["owner"])
    assert "Decide on a credit note" in desk.get("inbox/").content.decode()
    assert "/credit/approve/" in desk.get(f"invoices/{note}/").content.decode()
    assert "quoted" not in desk.get(f"invoices/{note}/").content.decode()
    desk.post(f"invoices/{note}/credit/approve/", version="1")
    with tenant_scope(firm.pk):
        made = Invoice.objects.get(kind="CREDIT_NOTE")
    assert (made.state, made.number[:3]) == ("FINALIZED", "CN-")
    page = desk.get(f"invoices/{note}/", mode="original").content.decode()
    assert "This note credits Invoice 2026-00001 in full" in page
    assert "Wrong customer." in page
    assert f"invoices/{final.public_id}/" in page
    assert "Credited by CN-2026-00001" in desk.get(f"invoices/{final.public_id}/").content.decode()
    listed = desk.get("invoices/", state="CREDIT_NOTES").content.decode()
    assert "CN-2026-00001" in listed
    assert f"(${made.total_money.amount:,})" in listed


@pytest.mark.parametrize("text", ["²", "9" * 1500, "9" * 18, "-1"])
def test_a_forged_number_in_a_query_or_form_counts_as_not_given(desk, people, invoice, firm, text):
    desk.sit(people["owner"])
    with tenant_scope(firm.pk):
        run = BillingRun.objects.get()
    for path in ("invoices/", "runs/", f"runs/{run.public_id}/"):
        assert desk.get(path, after=text, rows=text).status_code == 200, path
    own = f"invoices/{invoice.public_id}/"
    assert desk.get(own, since=text).status_code == 200
    assert desk.post(f"{own}approve/", version=text).status_code == 409
    assert state_of(firm, invoice) == "IN_REVIEW"


@pytest.mark.parametrize("said", ["{}", "draft {}", "Draft {}"])
def test_a_draft_is_called_by_letters_of_its_id_and_found_by_them(
    desk, firm, people, invoice, said
):
    desk.sit(people["biller"])
    letters = str(invoice).removeprefix("Draft ")

    search = desk.get("search/", q=said.format(letters.lower()))
    listed = desk.get("invoices/", q=said.format(letters))
    other = desk.get("search/", q=said.format("7ZZZZZ"))

    assert invoice.public_id.startswith(f"inv_{letters.lower()}")
    assert f"Draft {letters}" in text_of(search)
    assert invoice.public_id in listed.content.decode()
    assert invoice.public_id not in other.content.decode()


def test_another_firms_draft_is_not_found_by_its_letters(client, firm, invoice):
    stranger = MembershipFactory.create(tenant=TenantFactory.create(), role="owner")
    signed_in(client, stranger.user)
    other, letters = Desk(client, stranger.tenant), str(invoice).removeprefix("Draft ")

    for path in ("search/", "invoices/"):
        found = other.get(path, q=letters)
        assert found.status_code == 200
        assert invoice.public_id not in found.content.decode()


def test_what_was_edited_is_compared_before_tax(desk, firm, people, invoice):
    with tenant_scope(firm.pk):
        Invoice.objects.filter(pk=invoice.pk).update(net=60000, tax=12000, total=72000)
    desk.sit(people["reviewer"])

    page = text_of(desk.get(f"invoices/{invoice.public_id}/"))

    assert "Now $720.00 Net, before tax $600.00 Net as worked $700.00" in page
    assert "Change of net ($100.00)" in page
