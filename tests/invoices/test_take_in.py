"""A LEDES file through the whole stair: what is written again equals it wherever work decides."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from billing_portal.tenancy.actors import MissingPermission
from billing_portal.tenancy.scope import tenant_scope
from customers.models import Address, Customer, Matter, Timekeeper
from invoices.actions.draft import draft_items
from invoices.actions.finalize import finalize
from invoices.actions.review import approve, request_review
from invoices.actions.take_in import NotTakenIn, take_in_ledes
from invoices.gateways import files
from invoices.ledes.comparing import difference
from invoices.ledes.reading import invoices_in
from invoices.ledes.rows import read
from invoices.models import Charge, Document, Invoice
from ledger.models import Entry
from tests.at_once import at_once
from tests.customers.factories import TermsFactory
from tests.factories import TenantFactory, actor
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.jobs.running import drain

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / "tests/data/ledes/two_invoices_1998b.txt"
FAULTY = ROOT / "tests/data/ledes/many_faults_1998b.txt"
ON = date(2026, 11, 2)


def found(name):
    """Return the folder of real files, where it is: beside the repository or above it."""
    places = (parent / "shared/data/ledes" / name for parent in ROOT.parents)
    return [place for place in places if place.is_file()][:1]


REAL = found("travisbashor_ledes-parser__history_f0ac5be_ledes_98B.txt")


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.FILES_DIR = tmp_path


@pytest.mark.parametrize("path", [OURS, *REAL], ids=lambda path: path.name[:12])
def test_what_is_written_equals_what_came(tenant, path):
    data = path.read_bytes()
    original = read(data)
    tenant.tax_id, tenant.region = invoices_in(original)[0].firm_id, "NY"
    tenant.save()
    take_in_ledes(data, by=SYSTEM, on=ON)
    reviewer = books.member("owner")
    for customer in Customer.objects.all():
        Address.objects.create(
            customer=customer, starts_on=ON, line_1="1 Main", city="Albany", region="NY"
        )
        TermsFactory.create(
            customer=customer, grouping="BY_MATTER", formats=["pdf", "ledes1998b"],
            reviewer_id=reviewer.id, starts_on=date(1990, 1, 1),
        )  # fmt: skip
    draft_items(books.monthly_run(), first=1, last=100, by=SYSTEM)
    drafts = request_review(list(Invoice.objects.all()), by=SYSTEM)
    finalize([approve(each, version_seen=1, by=reviewer) for each in drafts], by=SYSTEM, on=ON)
    assert set(drain()) == {"succeeded"}
    documents = Document.objects.filter(kind="ledes1998b").order_by("pk")
    written = [read(files.read(tenant.pk, each.sha256)) for each in documents]
    assert len(written) == len(invoices_in(original))
    assert difference(original, written) == []


def test_the_same_file_again_is_duplicates_and_opens_nothing(tenant):
    first = take_in_ledes(OURS.read_bytes(), by=SYSTEM, on=ON)
    again = take_in_ledes(OURS.read_bytes(), by=SYSTEM, on=ON)
    assert (dict(first.charges), first.customers, first.matters) == ({"accepted": 6}, 1, 2)
    assert (dict(again.charges), again.customers, again.matters) == ({"duplicate": 6}, 0, 0)
    assert Charge.objects.count() == 6


@pytest.mark.parametrize("end", [b"\r\n", b"\n\n", b""])
def test_the_same_work_in_other_bytes_is_duplicates(tenant, end):
    take_in_ledes(OURS.read_bytes(), by=SYSTEM, on=ON)
    again = take_in_ledes(OURS.read_bytes().rstrip() + end, by=SYSTEM, on=ON)
    assert dict(again.charges) == {"duplicate": 6}
    assert Charge.objects.count() == 6


def test_a_line_that_says_something_else_by_now_is_refused(tenant):
    take_in_ledes(OURS.read_bytes(), by=SYSTEM, on=ON)
    with pytest.raises(NotTakenIn) as no:
        take_in_ledes(OURS.read_bytes().replace(b"Research", b"Rewrite"), by=SYSTEM, on=ON)
    assert {each.rule for each in no.value.findings} == {"charges.conflict"}
    assert Charge.objects.count() == 6


def test_a_file_with_errors_is_refused_with_every_finding_and_changes_nothing(tenant):
    with pytest.raises(NotTakenIn) as no:
        take_in_ledes(FAULTY.read_bytes(), by=SYSTEM, on=ON)
    assert len(no.value.findings) > 5
    assert all(finding.rule for finding in no.value.findings)
    kinds = (Charge, Customer, Matter, Timekeeper, Entry)
    assert [kind.objects.count() for kind in kinds] == [0] * 5


@pytest.mark.parametrize(
    ("old", "new", "rule", "field"),
    [
        ("|20260131|", "|99991231|", "F03.date", "BILLING_END_DATE"),
        ("|20260115|", "|00010101|", "F03.date", "LINE_ITEM_DATE"),
    ],
)
def test_a_day_out_of_bounds_is_a_finding(tenant, old, new, rule, field):
    data = OURS.read_bytes().replace(old.encode(), new.encode())
    with pytest.raises(NotTakenIn) as no:
        take_in_ledes(data, by=SYSTEM, on=ON)
    assert (rule, 3, field) in {(f.rule, f.row, f.field) for f in no.value.findings}


def test_a_line_that_the_firm_cannot_take_is_a_finding_with_row_and_field(tenant):
    take_in_ledes(OURS.read_bytes(), by=SYSTEM, on=ON)
    Matter.objects.filter(external_id="M-0900").update(state="CLOSED")
    with pytest.raises(NotTakenIn) as no:
        take_in_ledes(OURS.read_bytes().replace(b"|2026-0004", b"|2026-0094"), by=SYSTEM, on=ON)
    (finding,) = no.value.findings
    assert (finding.rule, finding.row) == ("customers.closed", 8)
    assert (finding.column, finding.field) == (4, "LAW_FIRM_MATTER_ID")
    assert Charge.objects.count() == 6


def test_who_may_not_capture_takes_nothing_in(tenant):
    with pytest.raises(MissingPermission):
        take_in_ledes(OURS.read_bytes(), by=actor("auditor"), on=ON)


def test_over_rest_findings_name_row_and_field(client, firm):
    from tests.foundations.test_api import Caller

    caller = Caller(client, firm)
    path = "/api/v1/charges/ledes-files"
    good = client.post(path, OURS.read_bytes(), content_type="text/plain", headers=caller.headers)
    assert (good.status_code, good.json()["counts"]) == (201, {"accepted": 6})
    bad = client.post(path, FAULTY.read_bytes(), content_type="text/plain", headers=caller.headers)
    assert (bad.status_code, bad.json()["code"]) == (422, "ledes.not_taken_in")
    assert {"row", "field", "rule", "severity"} <= set(bad.json()["errors"][0])


@pytest.mark.parametrize(
    ("hours", "on", "rule", "field"),
    [
        ("25.00", ON, "charges.too_many_hours", "LINE_ITEM_NUMBER_OF_UNITS"),
        ("2.00", date(2025, 12, 1), "charges.too_far_ahead", "LINE_ITEM_DATE"),
    ],
)
def test_work_that_nobody_can_have_done_is_not_taken_in(tenant, hours, on, rule, field):
    total = f"{Decimal(hours) * 350 - 70:f}".removesuffix(".00")
    grand = f"{Decimal('1684.45') + Decimal(total) - 630:f}"
    data = OURS.read_text()
    data = data.replace("|2.00|-70|630|", f"|{hours}|-70|{total}|").replace(
        "|1684.45|", f"|{grand}|"
    )

    with pytest.raises(NotTakenIn) as refused:
        take_in_ledes(data.encode(), by=SYSTEM, on=on)

    assert (3, rule, field) in {(f.row, f.rule, f.field) for f in refused.value.findings}
    assert not Charge.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_file_that_comes_several_times_at_once_is_taken_in_once():
    firm, data = TenantFactory.create(), OURS.read_bytes()

    said = at_once(firm, *[lambda: take_in_ledes(data, by=SYSTEM, on=ON)] * 4)

    charges = sorted(tuple(each.charges.items()) for each in said)
    lines = charges[0][0][1]
    assert charges == [(("accepted", lines),), *[(("duplicate", lines),)] * 3]
    assert sorted(each.customers for each in said)[:3] == [0, 0, 0]
    with tenant_scope(firm.pk):
        assert Charge.objects.count() == lines


def test_what_cannot_be_opened_is_told_by_row_and_field_all_together(tenant):
    data = OURS.read_bytes().replace(b"Quarry, Alma", b"Alma Quarry")

    with pytest.raises(NotTakenIn) as no:
        take_in_ledes(data, by=SYSTEM, on=ON)

    (finding,) = no.value.findings
    assert (finding.rule, finding.row, finding.field) == (
        *("customers.value", 3), "TIMEKEEPER_NAME",
    )  # fmt: skip
    assert "Surname, First" in finding.text
    assert Customer.objects.count() == Timekeeper.objects.count() == 0
