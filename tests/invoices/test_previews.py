"""A plan held against the run before it: by customer and matter, with what is new or missing."""

from datetime import date

import pytest

from billing_portal.tenancy.scope import tenant_scope
from invoices.queries.previews import Missing, Standing, preview_of
from tests.customers.factories import TermsFactory
from tests.factories import TenantFactory
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.visiting import Visitor, text_of

OCTOBER = date(2026, 10, 1)


def worked(matter, september: str, october: str) -> None:
    """Capture hours of two months; none where the text is empty."""
    days = [(date(2026, 9, 10), september), (date(2026, 10, 12), october)]
    books.captured(*(books.time_worked(matter, day, hours=hours) for day, hours in days if hours))


def two_plans():
    """Bill September, then plan October."""
    books.drafted(OCTOBER)
    return books.monthly_run()


def as_pairs(preview):
    return {row.customer.pk: (row.standing, row.percent, row.reason) for row in preview.rows}


def test_each_customer_is_held_against_the_run_before(tenant):
    hours = {
        ("2.0", "2.6"): (Standing.USUAL, 30, None),
        ("2.0", "2.7"): (Standing.MORE, 35, None),
        ("2.0", "1.0"): (Standing.LESS, -50, None),
        ("", "1.0"): (Standing.NEW, None, None),
        ("2.0", ""): (Standing.MISSING, -100, Missing.NO_WORK),
    }
    wanted = {}
    for (september, october), standing in hours.items():
        made = books.customer()
        worked(books.matter_of(made), september, october)
        wanted[made.pk] = standing
    preview = preview_of(two_plans())
    assert as_pairs(preview) == wanted
    assert preview.counts == dict.fromkeys(Standing, 1)


def test_the_largest_difference_stands_first(tenant):
    small, large = books.customer(), books.customer()
    worked(books.matter_of(small), "2.0", "2.5")
    worked(books.matter_of(large), "2.0", "20.0")
    preview = preview_of(two_plans())
    assert [row.customer for row in preview.rows] == [large, small]
    assert str(preview.rows[0].difference) == "3600.00 USD"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("closed", Missing.CLOSED),
        ("quarterly", Missing.OTHER_TERMS),
        ("nothing", Missing.NO_WORK),
    ],
)
def test_what_is_missing_says_why(tenant, change, reason):
    made = books.customer()
    worked(books.matter_of(made), "2.0", "")
    books.drafted(OCTOBER)
    if change == "closed":
        made.state = "CLOSED"
        made.save(update_fields=["state"])
    if change == "quarterly":
        TermsFactory.create(customer=made, cadence="QUARTERLY", starts_on=date(2026, 10, 2))
    preview = preview_of(books.monthly_run())
    assert as_pairs(preview) == {made.pk: (Standing.MISSING, -100, reason)}


def test_by_matter_each_matter_is_compared_by_itself(tenant):
    made = books.customer(grouping="BY_MATTER")
    first, second = books.matter_of(made), books.matter_of(made)
    worked(first, "2.0", "2.0")
    worked(second, "", "1.0")
    preview = preview_of(two_plans())
    assert {row.matter: row.standing for row in preview.rows} == {
        first: Standing.USUAL,
        second: Standing.NEW,
    }


def test_the_first_run_has_nothing_to_be_compared_with(tenant):
    worked(books.matter_of(books.customer()), "", "2.0")
    preview = preview_of(books.monthly_run())
    assert preview.before is None
    assert [row.standing for row in preview.rows] == [Standing.NEW]


@pytest.mark.parametrize("customers", [1, 4])
def test_a_preview_takes_seven_queries(tenant, customers, django_assert_num_queries):
    for _ in range(customers):
        worked(books.matter_of(books.customer(grouping="BY_MATTER")), "2.0", "")
    run = two_plans()
    worked(books.matter_of(books.customer()), "", "1.0")
    with django_assert_num_queries(7):
        preview_of(run)


def test_the_page_its_file_and_the_api_show_what_is_missing(client, firm):
    with tenant_scope(firm.pk):
        gone, usual = books.customer(), books.customer()
        worked(books.matter_of(gone), "2.0", "")
        worked(books.matter_of(usual), "2.0", "2.0")
        run = two_plans()
    desk = Visitor(client, firm, "biller")
    page = text_of(desk.get(f"runs/{run.public_id}/preview/", {"standing": "missing"}))
    text = desk.get(f"runs/{run.public_id}/preview.csv").content.decode("utf-8-sig")
    answer = Caller(client, firm).get(f"/api/v1/runs/{run.public_id}/preview").json()
    assert gone.name in page
    assert "No unbilled work." in page
    assert usual.name not in page
    assert f"{gone.external_id},{gone.name},,missing,no_work,0,0.00,400.00,USD" in text
    assert answer["counts"] == {"new": 0, "missing": 1, "more": 0, "less": 0, "usual": 1}
    assert answer["data"][0] | {"object": ""} == {
        "object": "",
        "customer": gone.external_id,
        "matter": None,
        "standing": "missing",
        "reason": "no_work",
        "charges": 0,
        "now": {"amount": "0.00", "currency": "USD"},
        "before": {"amount": "400.00", "currency": "USD"},
    }


def test_a_plan_without_work_says_so_and_another_firm_finds_nothing(client, firm):
    with tenant_scope(firm.pk):
        run = books.monthly_run()
    page = text_of(Visitor(client, firm, "biller").get(f"runs/{run.public_id}/preview/"))
    assert "Neither this plan nor the run before it found unbilled work." in page
    neighbor = TenantFactory.create()
    other = Visitor(client, neighbor, "biller")
    paths = [f"runs/{run.public_id}/preview/", f"runs/{run.public_id}/preview.csv"]
    assert [other.get(path).status_code for path in paths] == [404, 404]
    assert Visitor(client, firm, "timekeeper").get(paths[0]).status_code == 403
