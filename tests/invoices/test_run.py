"""A month end: windows that tile time, items, drafts, what is parked, and jobs that end it."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing_portal.audit.models import AuditEvent
from billing_portal.jobs.models import Job
from billing_portal.outbox.models import OutboxEvent
from billing_portal.tenancy.actors import MissingPermission
from customers.models import Address
from invoices.actions.draft import draft_items
from invoices.actions.refusals import BadDay, RunState
from invoices.actions.review import approve, request_review
from invoices.actions.run import (
    cancel_run,
    finalize_approved,
    pause_run,
    resume_run,
    retry_item,
    settle_run,
    start_run,
)
from invoices.jobs import run_by_schedule
from invoices.models import BillingRun, BillingWindow, Invoice, InvoiceLine, RunItem
from invoices.schedule import NotASchedule
from tests.customers.factories import TermsFactory
from tests.factories import actor
from tests.invoices import books
from tests.invoices.books import NOVEMBER, SYSTEM
from tests.jobs.running import drain


def windows():
    return list(
        BillingWindow.objects.order_by("starts_on", "group").values_list("starts_on", "ends_on")
    )


def outcomes(run):
    return list(RunItem.objects.filter(run=run).order_by("position").values_list("outcome", "code"))


def test_a_monthly_run_drafts_what_was_done_in_the_month_that_ended(tenant):
    matter = books.matter_of(books.customer())
    books.captured(
        books.time_worked(matter, hours="2.0"),
        books.time_worked(matter, date(2026, 10, 31), hours="1.5"),
        books.time_worked(matter, date(2026, 11, 1), hours="8.0"),
    )
    (invoice,) = books.drafted()
    assert (invoice.net, invoice.tax, invoice.total, invoice.as_worked) == (70000, 0, 70000, 70000)
    assert (invoice.period_starts_on, invoice.period_ends_on) == (date(2026, 10, 1), NOVEMBER)
    assert [line.amount for line in books.lines_of(invoice)] == [40000, 30000]
    assert windows() == [(date(2026, 10, 1), NOVEMBER)]


def test_the_edges_are_instants_in_the_customers_zone(tenant):
    made = books.customer(time_zone="Asia/Tokyo")
    books.captured(books.time_worked(books.matter_of(made)))
    books.drafted()
    window = BillingWindow.objects.get()
    assert window.ends_at == datetime(2026, 10, 31, 15, 0, tzinfo=UTC)


def test_a_window_that_has_not_ended_where_the_customer_is_waits(tenant):
    made = books.customer(time_zone="Pacific/Honolulu")
    books.captured(books.time_worked(books.matter_of(made)))
    run = books.monthly_run(now=datetime(2026, 11, 1, 8, 0, tzinfo=UTC))
    assert (RunItem.objects.filter(run=run).count(), windows()) == (0, [])


def test_months_that_nobody_billed_are_caught_up_each_with_its_own_work(tenant):
    matter = books.matter_of(books.customer())
    books.captured(
        books.time_worked(matter, date(2026, 8, 5), hours="1.0"),
        books.time_worked(matter, date(2026, 10, 5), hours="3.0"),
    )
    invoices = books.drafted()
    assert [(each.period_starts_on, each.net) for each in invoices] == [
        (date(2026, 8, 1), 20000),
        (date(2026, 10, 1), 60000),
    ]
    assert windows() == [
        (date(2026, 8, 1), date(2026, 9, 1)),
        (date(2026, 9, 1), date(2026, 10, 1)),
        (date(2026, 10, 1), NOVEMBER),
    ]


def test_work_that_came_late_goes_into_the_next_window(tenant):
    matter = books.matter_of(books.customer())
    books.captured(books.time_worked(matter, date(2026, 9, 5), hours="1.0"))
    books.drafted(date(2026, 10, 1))
    books.captured(
        books.time_worked(matter, date(2026, 9, 20), hours="0.5"),
        books.time_worked(matter, date(2026, 10, 5), hours="2.0"),
    )
    (invoice,) = books.drafted()
    assert (invoice.net, invoice.period_starts_on) == (50000, date(2026, 9, 20))


def test_a_plan_that_finds_nothing_closes_no_window(tenant):
    matter = books.matter_of(books.customer())
    books.captured(books.time_worked(matter, date(2026, 8, 5), hours="1.0"))
    books.drafted(date(2026, 9, 1))
    empty = books.monthly_run(date(2026, 10, 1))
    books.captured(books.time_worked(matter, date(2026, 9, 20), hours="3.0"))
    (invoice,) = books.drafted(date(2026, 10, 1))
    assert RunItem.objects.filter(run=empty).count() == 0
    assert (invoice.net, invoice.period_starts_on) == (60000, date(2026, 9, 1))
    assert windows() == [
        (date(2026, 8, 1), date(2026, 9, 1)),
        (date(2026, 9, 1), date(2026, 10, 1)),
    ]


def test_by_matter_each_matter_has_its_own_invoice_and_its_responsible_reviews(tenant):
    reviewer, attorney = books.member("reviewer"), books.member("reviewer")
    made = books.customer(reviewer=reviewer, grouping="BY_MATTER")
    first = books.matter_of(made, responsible_id=attorney.id)
    second = books.matter_of(made)
    books.captured(books.time_worked(first), books.time_worked(second, hours="1.0"))
    invoices = books.drafted()
    assert [(each.matter, each.net, each.reviewer_id) for each in invoices] == [
        (first, 40000, attorney.id),
        (second, 20000, reviewer.id),
    ]


def test_a_matter_with_terms_of_its_own_stands_apart(tenant):
    made = books.customer()
    apart, usual = books.matter_of(made), books.matter_of(made)
    TermsFactory.create(customer=made, matter=apart, cadence="QUARTERLY")
    books.captured(books.time_worked(apart), books.time_worked(usual, hours="1.0"))
    (invoice,) = books.drafted()
    assert invoice.net == 20000


def test_semi_monthly_windows_end_on_the_sixteenth_and_the_first(tenant):
    made = books.customer(cadence="SEMIMONTHLY")
    matter = books.matter_of(made)
    books.captured(
        books.time_worked(matter, date(2026, 10, 15), hours="1.0"),
        books.time_worked(matter, date(2026, 10, 16), hours="2.0"),
    )
    middle = books.monthly_run(
        date(2026, 10, 20),
        billing_aggregation="semi-monthly",
        period_of_execution="middle-of-the-month",
    )
    draft_items(middle, first=1, last=10, by=SYSTEM)
    end = books.monthly_run(billing_aggregation="semi-monthly")
    draft_items(end, first=1, last=10, by=SYSTEM)
    assert list(Invoice.objects.order_by("pk").values_list("net", flat=True)) == [20000, 40000]
    assert windows() == [
        (date(2026, 10, 1), date(2026, 10, 16)),
        (date(2026, 10, 16), NOVEMBER),
    ]


def test_billed_by_charge_each_charge_is_an_invoice_once(tenant):
    matter = books.matter_of(books.customer(cadence="PER_CHARGE"))
    books.captured(books.time_worked(matter), books.time_worked(matter, hours="1.0"))
    for _ in range(2):
        run = books.monthly_run(billing_aggregation="per-charge", period_of_execution="every-day")
        draft_items(run, first=1, last=10, by=SYSTEM)
    assert sorted(Invoice.objects.values_list("net", flat=True)) == [20000, 40000]


def test_a_customer_without_an_address_is_parked_and_the_rest_is_drafted(tenant):
    lost, good = books.customer(place=""), books.customer()
    books.captured(
        books.time_worked(books.matter_of(lost)), books.time_worked(books.matter_of(good))
    )
    run = books.monthly_run()
    assert draft_items(run, first=1, last=10, by=SYSTEM) == (1, 1)
    assert sorted(outcomes(run)) == [("DRAFTED", ""), ("PARKED", "invoices.no_address")]
    assert Invoice.objects.get().customer == good
    item = RunItem.objects.get(outcome="PARKED")
    assert str(lost) in item.reason
    assert AuditEvent.objects.filter(action="run_item.parked").count() == 1


def test_a_parked_item_is_drafted_when_its_cause_is_mended(tenant):
    lost = books.customer(place="")
    books.captured(books.time_worked(books.matter_of(lost)))
    run = start_run(books.monthly_run(), by=SYSTEM)
    drain()
    assert BillingRun.objects.get().state == "ENDED"
    Address.objects.create(
        customer=lost,
        starts_on=date(2026, 1, 1),
        line_1="1 Main Street",
        city="Albany",
        region="NY",
    )
    retry_item(RunItem.objects.get(), by=SYSTEM)
    drain()
    assert outcomes(run) == [("DRAFTED", "")]
    run.refresh_from_db()
    assert (run.state, Invoice.objects.get().net) == ("ENDED", 40000)


def test_a_bad_item_is_found_by_splitting_and_parked_with_its_evidence(tenant):
    good = [books.customer() for _ in range(3)]
    bad = books.customer()
    for made in (*good, bad):
        books.captured(books.time_worked(books.matter_of(made)))
    run = books.monthly_run()
    item = RunItem.objects.get(window__customer=bad)
    # Somebody else's draft holds the place of this item: the insert breaks a law of the database.
    Invoice.objects.create(
        customer=bad, run_item=item, currency="USD", made_by="user:1",
        period_starts_on=date(2026, 10, 1), period_ends_on=NOVEMBER,
    )  # fmt: skip
    assert draft_items(run, first=1, last=10, by=SYSTEM) == (3, 1)
    item.refresh_from_db()
    assert (item.outcome, item.code) == ("PARKED", "runs.crashed")
    assert item.reason.startswith("IntegrityError at ")
    assert Invoice.objects.exclude(customer=bad).count() == 3


def test_too_little_is_carried_into_the_next_window(tenant):
    made = books.customer(minimum=Decimal(500))
    matter = books.matter_of(made)
    books.captured(books.time_worked(matter, date(2026, 9, 5)))
    assert books.drafted(date(2026, 10, 1)) == []
    books.captured(books.time_worked(matter, date(2026, 10, 5)))
    (invoice,) = books.drafted()
    assert invoice.net == 80000


def test_drafting_twice_makes_one_invoice(tenant):
    books.captured(books.time_worked(books.matter_of(books.customer())))
    run = books.monthly_run()
    assert draft_items(run, first=1, last=10, by=SYSTEM) == (1, 0)
    assert draft_items(run, first=1, last=10, by=SYSTEM) == (0, 0)
    assert (Invoice.objects.count(), InvoiceLine.objects.count()) == (1, 1)


def test_the_same_wish_is_one_run(tenant):
    books.captured(books.time_worked(books.matter_of(books.customer())))
    first, again = books.monthly_run(key="k"), books.monthly_run(key="k")
    assert (first, RunItem.objects.count()) == (again, 1)


def test_work_captured_after_the_plan_waits_for_the_next_run(tenant):
    matter = books.matter_of(books.customer())
    books.captured(books.time_worked(matter))
    run = books.monthly_run()
    books.captured(books.time_worked(matter, hours="7.0"))
    draft_items(run, first=1, last=10, by=SYSTEM)
    assert Invoice.objects.get().net == 40000


def test_a_run_goes_through_the_gatekeeper_and_ends(tenant):
    for _ in range(3):
        books.captured(books.time_worked(books.matter_of(books.customer())))
    run = start_run(books.monthly_run(), by=books.member("biller"))
    assert run.state == "RUNNING"
    assert drain() == ["succeeded"]
    run.refresh_from_db()
    assert (run.state, Invoice.objects.count()) == ("ENDED", 3)
    kinds = OutboxEvent.objects.filter(aggregate=run.public_id).order_by("seq")
    assert [each.kind for each in kinds] == ["run.planned", "run.started", "run.ended"]


def test_a_run_with_nothing_due_ends_at_once(tenant):
    start_run(books.monthly_run(), by=SYSTEM)
    assert (BillingRun.objects.get().state, Job.objects.count()) == ("ENDED", 0)


def test_a_paused_run_drafts_nothing_until_it_is_resumed(tenant):
    books.captured(books.time_worked(books.matter_of(books.customer())))
    run = start_run(books.monthly_run(), by=SYSTEM)
    pause_run(run, by=SYSTEM)
    drain()
    assert Invoice.objects.count() == 0
    resume_run(run, by=SYSTEM)
    drain()
    assert Invoice.objects.count() == 1


def test_a_canceled_run_leaves_its_charges_to_a_retry(tenant):
    books.captured(books.time_worked(books.matter_of(books.customer())))
    run = cancel_run(books.monthly_run(), by=SYSTEM)
    assert outcomes(run) == [("CANCELED", "")]
    with pytest.raises(RunState):
        start_run(run, by=SYSTEM)
    retry_item(RunItem.objects.get(), by=SYSTEM)
    drain()
    assert Invoice.objects.get().net == 40000


def test_items_whose_job_failed_for_good_are_parked(tenant):
    books.captured(books.time_worked(books.matter_of(books.customer())))
    run = start_run(books.monthly_run(), by=SYSTEM)
    Job.objects.update(state=Job.State.FAILED, error_text="Its workers died.")
    settle_run(run, by=SYSTEM)
    assert outcomes(run) == [("PARKED", "runs.job_failed")]
    assert BillingRun.objects.get().state == "ENDED"


def test_the_clocks_line_plans_and_starts_once_a_day(tenant):
    books.captured(books.time_worked(books.matter_of(books.customer()), date(2026, 10, 5)))
    line = {"billing_aggregation": "monthly", "period_of_execution": "beginning-of-the-month"}
    run_by_schedule(**line)
    run_by_schedule(**line)
    assert BillingRun.objects.count() == 1


@pytest.mark.parametrize("line", [("fortnightly", "every-day"), ("monthly", "sometimes")])
def test_a_line_that_names_nothing_known_is_refused(tenant, line):
    with pytest.raises(NotASchedule):
        books.monthly_run(billing_aggregation=line[0], period_of_execution=line[1])
    assert BillingRun.objects.count() == 0


def test_a_reviewer_cannot_start_a_run(tenant):
    with pytest.raises(MissingPermission):
        books.monthly_run(by=actor("reviewer"))


def test_a_neighbor_neither_sees_nor_bills_our_work(tenant, neighbor):
    books.captured(books.time_worked(books.matter_of(books.customer())))
    books.drafted()
    with neighbor:
        assert books.drafted() == []
        assert (Invoice.objects.count(), BillingWindow.objects.count()) == (0, 0)


def test_planning_costs_the_same_however_many_customers(tenant, django_assert_max_num_queries):
    for _ in range(2):
        books.captured(books.time_worked(books.matter_of(books.customer())))
    with django_assert_max_num_queries(26):
        run = books.monthly_run()
    with django_assert_max_num_queries(40):
        draft_items(run, first=1, last=10, by=SYSTEM)
    for _ in range(8):
        books.captured(books.time_worked(books.matter_of(books.customer())))
    with django_assert_max_num_queries(26):
        run = books.monthly_run(date(2026, 11, 1))
    with django_assert_max_num_queries(40):
        draft_items(run, first=1, last=100, by=SYSTEM)
    assert Invoice.objects.count() == 10


@pytest.mark.parametrize("on", [date(1, 1, 1), date(9999, 12, 31)])
def test_no_run_stands_for_a_day_out_of_bounds(tenant, on):
    for execution in ("beginning-of-the-month", "middle-of-the-month", "every-day"):
        with pytest.raises(BadDay):
            books.monthly_run(on, period_of_execution=execution)
    assert not BillingRun.objects.exists()


def test_what_a_rule_refuses_at_the_end_stands_on_the_run_until_it_is_mended(tenant):
    reviewer = books.member("reviewer")
    for _ in range(3):
        books.captured(books.time_worked(books.matter_of(books.customer(reviewer=reviewer))))
    drafts = books.drafted()
    request_review(drafts, by=SYSTEM)
    for each in drafts:
        approve(each, version_seen=1, by=reviewer)
    InvoiceLine.objects.filter(invoice=drafts[1]).update(task_code="L|10")  # as from before
    run = BillingRun.objects.get()
    finalize_approved(run, by=SYSTEM, on=date(2026, 11, 3))
    drain()
    job = Job.objects.get(name__endswith="finalize_run_later")
    assert (job.state, job.done, job.failed) == ("partially_succeeded", 2, 1)
    assert job.error_code == "invoices.not_in_ledes"
    assert "LINE_ITEM_TASK_CODE cannot carry" in job.error_text
    item = RunItem.objects.get(code="invoices.not_in_ledes")
    assert (item.position, item.reason.startswith("Not final: ")) == (2, True)
    InvoiceLine.objects.filter(invoice=drafts[1]).update(task_code="L110")
    finalize_approved(BillingRun.objects.get(), by=SYSTEM, on=date(2026, 11, 3))
    drain()
    assert set(Invoice.objects.values_list("state", flat=True)) == {"FINALIZED"}
    assert not RunItem.objects.exclude(code="").exists()


def test_a_day_before_the_work_is_reported_on_the_runs_item(tenant):
    reviewer = books.member("reviewer")
    approved = books.approved(reviewer=reviewer)
    run = BillingRun.objects.get()

    finalize_approved(run, by=SYSTEM, on=date(2019, 5, 5), today=date(2026, 11, 3))
    drain()

    approved.refresh_from_db()
    item = RunItem.objects.get(run=run)
    assert (approved.state, approved.number) == ("APPROVED", "")
    assert item.code == "invoices.before_work"
    assert item.reason.startswith("Not final: ")
    assert "bills work of 2026-10-12, after 2019-05-05." in item.reason
