"""Pages of charges: what came in, what is billed, and files taken whole or not at all."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing_portal.audit.models import AuditEvent
from invoices.actions.capture import capture
from invoices.actions.rows import NewCharge
from invoices.models import Charge, Invoice, InvoiceLine
from ledger.models import Entry
from tests.customers.factories import CustomerFactory, MatterFactory, RateFactory, TimekeeperFactory
from tests.visiting import Visitor, links_of, office_key, text_of

TODAY = date(2026, 11, 2)
DAY = date(2026, 10, 15)
LIST_QUERIES = 11  # nine of them for firm, session, member and scope
HEADER = "key,kind,customer,worked_on,quantity,unit_price,narrative"


@pytest.fixture
def ada(client, tenant):
    return Visitor(client, tenant)


@pytest.fixture
def customer(tenant):
    return CustomerFactory.create(external_id="INS-1", name="Northfield Mutual")


def charge(
    by, key, customer, *, matter=None, kind="EXPENSE", worked_on=DAY, narrative="", price="5"
):
    new = NewCharge(
        key=key,
        kind=kind,
        customer=customer.external_id,
        matter=matter.external_id if matter else "",
        worked_on=worked_on,
        quantity=Decimal(1),
        unit_price=Decimal(price),
        narrative=narrative or f"Narrative {key}.",
    )
    capture("case-system", [new], by=by, on=TODAY)
    return Charge.objects.get(key=key)


def bill(charge, *, is_released=False):
    """Put a charge on a draft, as a run does."""
    invoice = Invoice.objects.filter(customer=charge.customer).first()
    invoice = invoice or Invoice.objects.create(
        customer=charge.customer,
        currency=charge.currency,
        period_starts_on=date(2026, 10, 1),
        period_ends_on=date(2026, 11, 1),
    )
    InvoiceLine.objects.create(
        invoice=invoice,
        number=InvoiceLine.objects.count() + 1,
        charge=charge,
        kind=charge.kind,
        worked_on=charge.worked_on,
        quantity=charge.quantity,
        unit_price=charge.unit_price,
        amount=charge.amount,
        is_released=is_released,
    )
    return invoice


def upload(ada, text):
    body = text if isinstance(text, bytes) else text.encode()
    return ada.post("charges/import/", {"file": SimpleUploadedFile("october.csv", body)})


def test_a_row_says_what_was_done_for_whom_and_what_it_comes_to(ada, owner, customer):
    matter = MatterFactory.create(customer=customer, external_id="2026-7", name="Alvarez v. Haas")
    row = charge(
        owner, "e:1", customer, matter=matter, narrative="Deposition transcript", price="418.5"
    )

    page = ada.get("charges/")

    assert (
        "Expense Oct 15, 2026 Northfield Mutual 2026-7 Alvarez v. Haas Deposition transcript 1.0"
        " Not yet $418.50" in text_of(page)
    )
    assert f"/t/{ada.firm.slug}/charges/{row.public_id}/" in links_of(page)


def test_charges_stand_newest_first(ada, owner, customer):
    charge(owner, "a", customer)
    charge(owner, "b", customer, worked_on=date(2026, 9, 1))

    shown = text_of(ada.get("charges/"))

    assert shown.index("Narrative b.") < shown.index("Narrative a.")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"customer": "INS-1"}, "ab"),
        ({"customer": " ins-1 "}, "ab"),
        ({"customer": "coastal  SURETY"}, "c"),
        ({"customer": "cus_of_c"}, "c"),
        ({"customer": "INS"}, ""),
        ({"matter": "2026-7"}, "b"),
        ({"matter": "alvarez v. haas"}, "b"),
        ({"kind": "FIXED"}, "c"),
        ({"billed": "yes"}, "a"),
        ({"billed": "no"}, "bc"),
        ({"since": "2026-10-16"}, "b"),
        ({"until": "2026-10-15"}, "ac"),
        ({"customer": "INS-1", "billed": "no", "since": "2026-10-01"}, "b"),
    ],
)
def test_charges_can_be_narrowed(ada, owner, customer, query, found):
    matter = MatterFactory.create(customer=customer, external_id="2026-7", name="Alvarez v. Haas")
    other = CustomerFactory.create(external_id="INS-2", name="Coastal Surety")
    bill(charge(owner, "a", customer))
    bill(
        charge(owner, "b", customer, matter=matter, worked_on=date(2026, 10, 16)), is_released=True
    )
    charge(owner, "c", other, kind="FIXED")
    asked = {name: value.replace("cus_of_c", other.public_id) for name, value in query.items()}

    shown = text_of(ada.get("charges/", asked))

    assert [name for name in "abc" if f"Narrative {name}." in shown] == list(found)
    assert ("No charge fits" in shown) is (found == "")


def test_a_billed_charge_names_its_invoice(ada, owner, customer):
    invoice = bill(charge(owner, "a", customer))

    assert f"{invoice} $5.00" in text_of(ada.get("charges/"))


def test_a_filter_that_cannot_be_read_is_named(ada, owner, customer):
    charge(owner, "a", customer)

    page = ada.get("charges/", {"since": "soon", "kind": "SONG", "billed": "maybe"})

    assert page.status_code == 422
    assert "Narrative a." not in text_of(page)


def test_charges_page_by_key_with_their_filters(ada, owner, customer):
    for number in range(51):
        charge(owner, f"n{number}", customer)
    charge(owner, "fixed", customer, kind="FIXED")

    first = ada.get("charges/", {"kind": "EXPENSE"})
    (following,) = [url for url in links_of(first) if "after=" in url]
    second = text_of(ada.get(following))

    assert "Narrative n0." not in text_of(first)
    assert "Narrative n0." in second
    assert "Narrative n1." not in second


def test_before_the_first_charge_the_page_offers_an_import(ada, client, tenant):
    page = ada.get("charges/")
    reviewer = Visitor(client, tenant, "reviewer")

    assert "No charges yet" in text_of(page)
    assert f"/t/{tenant.slug}/charges/import/" in links_of(page)
    assert f"/t/{tenant.slug}/charges/import/" not in links_of(reviewer.get("charges/"))


def test_htmx_gets_the_list_without_the_frame(ada, owner, customer):
    charge(owner, "a", customer)

    part = ada.get("charges/", **{"HX-Request": "true"}).content.decode()

    assert "Narrative a." in part
    assert "<html" not in part


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_takes_as_many_queries_at_any_length(ada, owner, count, django_assert_num_queries):
    for number in range(count):
        customer = CustomerFactory.create()
        bill(charge(owner, f"n{number}", customer, matter=MatterFactory.create(customer=customer)))
    ada.get("inbox/")  # which notes in the session that somebody is there

    with django_assert_num_queries(LIST_QUERIES):
        ada.get("charges/")


def test_a_charge_shows_its_price_its_entry_and_where_it_came_from(ada, tenant, owner):
    matter = MatterFactory.create(customer__name="Northfield Mutual", external_id="2026-7")
    timekeeper = TimekeeperFactory.create(name="Byrne, Declan")
    RateFactory.create(timekeeper=timekeeper, amount=Decimal("285.00"))
    new = NewCharge(
        key="t:1",
        kind="TIME",
        customer=matter.customer.external_id,
        matter=matter.external_id,
        timekeeper=timekeeper.external_id,
        worked_on=DAY,
        quantity=Decimal("1.5"),
        task_code="L330",
        narrative="Attend deposition.",
    )
    capture("case-system", [new], by=owner, on=TODAY)
    row = Charge.objects.select_related("entry").get()

    page = ada.get(f"charges/{row.public_id}/")

    shown = text_of(page)
    assert "Amount $427.50 Quantity 1.5 Worked on Oct 15, 2026" in shown
    assert f"Unit price $285.00 Why {row.priced_by} Billed Not yet" in shown
    assert "Customer Northfield Mutual Matter 2026-7" in shown
    assert "By Byrne, Declan Task L330" in shown
    assert "Source case-system t:1" in shown
    assert row.entry is not None
    assert f"/t/{tenant.slug}/ledger/entries/{row.entry.public_id}/" in links_of(page)
    entry = ada.get(f"ledger/entries/{row.entry.public_id}/")
    assert f"/t/{tenant.slug}/charges/{row.public_id}/" in links_of(entry)


@pytest.mark.parametrize("role", ["auditor", "reviewer"])
def test_who_may_not_capture_cannot_import(client, tenant, customer, role):
    reader = Visitor(client, tenant, role)

    assert reader.get("charges/import/").status_code == 403
    assert upload(reader, f"{HEADER}\nk,EXPENSE,INS-1,2026-10-15,1,5,x\n").status_code == 403
    assert not Charge.objects.exists()


def test_another_firms_charge_is_nowhere(ada, neighbor, owner, customer):
    with neighbor as other:
        theirs = charge(owner, "theirs", CustomerFactory.create(external_id="INS-1"))

    assert ada.get(f"charges/{theirs.public_id}/").status_code == 404
    assert ada.get("charges/chg_x/").status_code == 404
    assert "No charges yet" in text_of(ada.get("charges/"))
    for path in ["charges/", "charges/import/", f"charges/{theirs.public_id}/"]:
        assert ada.get(f"/t/{other.slug}/{path}").status_code == 404


def test_a_good_file_is_taken_whole_and_again_without_harm(ada, customer):
    rows = "a,EXPENSE,INS-1,2026-10-15,1,418.50,Transcript\nb,FIXED,INS-1,2026-10-16,2,5,Flat\n"

    first = upload(ada, f"{HEADER}\n{rows}")
    told = text_of(ada.get(first.url))
    again = upload(ada, f"{HEADER}\n{rows}")

    assert first.url == f"/t/{ada.firm.slug}/charges/"
    assert "2 charges were taken in." in told
    assert "Transcript" in told
    assert "0 charges were taken in. 2 were here before." in text_of(ada.get(again.url))
    assert Charge.objects.count() == 2
    assert set(AuditEvent.objects.values_list("actor", flat=True)) == {f"user:{ada.user.pk}"}


def test_every_finding_of_a_file_is_shown_by_row_column_and_rule(ada, customer):
    rows = "a,EXPENSE,INS-1,2026-13-15,1,5,x\n\nb,SONG,INS-1,2026-10-16,many,5,y\n"

    page = upload(ada, f"{HEADER}\n{rows}")

    shown = text_of(page)
    assert page.status_code == 422
    assert "3 findings; nothing was taken" in shown
    assert "Row 2 worked_on Write a real day as YYYY-MM-DD. date" in shown
    assert "Row 4 quantity Write digits, a point and up to four decimals. number" in shown
    assert "Row 4 kind Write one of TIME" in shown
    assert not Charge.objects.exists()


def test_a_bad_cell_hides_nothing_of_other_rows(ada, customer):
    rows = (
        "a,EXPENSE,INS-9,2026-10-15,1,5,x\n"
        "b,EXPENSE,INS-1,2026-13-15,1,5,y\n"
        "c,EXPENSE,INS-1,2026-10-15,1,5,z\n"
    )

    page = upload(ada, f"{HEADER}\n{rows}")

    shown = text_of(page)
    assert page.status_code == 422
    assert "2 findings; nothing was taken" in shown
    assert "Row 2 customer There is no such customer. charges.unknown_customer" in shown
    assert "Row 3 worked_on Write a real day as YYYY-MM-DD. date" in shown
    assert not Charge.objects.exists()
    assert not Entry.objects.exists()


def test_rows_that_break_a_rule_are_named_by_their_place_in_the_file(ada, customer):
    rows = (
        "a,EXPENSE,INS-1,2026-10-15,1,5,x\n\n"
        "b,EXPENSE,INS-9,2026-10-15,1,5,y\n"
        "a,EXPENSE,INS-1,2026-10-15,2,5,x\n"
    )

    page = upload(ada, f"{HEADER}\n{rows}")

    shown = text_of(page)
    assert page.status_code == 422
    assert "2 findings; nothing was taken" in shown
    assert "Row 4 customer There is no such customer. charges.unknown_customer" in shown
    assert "Row 5 key This key stands above with other content. charges.conflict" in shown
    assert not Charge.objects.exists()
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "The submitted file is empty."),
        (b"\xff\xfe", "The file is not UTF-8. In the spreadsheet program"),
        (b"name,amount\na,1\n", "There is no such column."),
        (b"key,kind,customer,worked_on,quantity\n", "There is no row below the header."),
        (b"a\0b", "The file holds a NUL."),
    ],
)
def test_what_is_no_file_of_charges_is_refused_with_the_reason(ada, body, said):
    page = upload(ada, body)

    assert page.status_code == 422
    assert said in text_of(page)


def test_sending_no_file_is_a_field_error(ada):
    page = ada.post("charges/import/")

    assert page.status_code == 422
    assert "CSV or LEDES file : This field is required." in text_of(page)


def test_a_file_of_faults_shows_the_first_thousand(ada):
    rows = "".join(f"k{number},SONG,INS-1,2026-10-15,many,5,x\n" for number in range(501))

    shown = text_of(upload(ada, f"{HEADER}\n{rows}"))

    assert "1,002 findings; nothing was taken" in shown
    assert "The first 1,000 of 1,002 are shown." in shown
    assert "Row 501 kind" in shown
    assert "Row 502 kind" not in shown


def test_what_a_file_says_is_shown_as_text(ada, customer):
    row = 'a,EXPENSE,INS-1,2026-10-15,1,5,"<script>alert(1)</script>"\n'

    upload(ada, f"{HEADER}\n{row}")

    assert "<script>alert(1)" not in ada.get("charges/").content.decode()


def test_the_office_shows_charges_and_changes_none(ada, owner, customer, neighbor):
    row = charge(owner, "a", customer)
    with neighbor:
        theirs = charge(owner, "b", CustomerFactory.create())

    listed = ada.get("admin/invoices/charge/").content.decode()
    one = ada.get(f"admin/invoices/charge/{office_key(row)}/change/").content.decode()

    assert "Northfield Mutual" in listed
    assert "Narrative a." in one
    assert 'name="narrative"' not in one
    assert ada.get(f"admin/invoices/charge/{office_key(theirs)}/change/").status_code == 404
    assert ada.get("admin/invoices/charge/add/").status_code == 403
    assert (
        ada.post(f"admin/invoices/charge/{office_key(row)}/change/", {"narrative": "x"}).status_code
        == 403
    )
    assert (
        ada.post(f"admin/invoices/charge/{office_key(row)}/delete/", {"post": "yes"}).status_code
        == 403
    )
