"""The import page takes CSV and LEDES, told apart by content, each whole or not at all."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing_portal.audit.models import AuditEvent
from customers.models import Customer, Matter, Timekeeper
from invoices.actions.take_in import NotTakenIn, take_in_ledes
from invoices.models import Charge
from ledger.models import Entry
from tests.factories import actor
from tests.foundations.test_api import Caller
from tests.foundations.test_file_kinds import MT940, WORKBOOK
from tests.invoices.books import SYSTEM
from tests.invoices.test_take_in import FAULTY, ON, OURS
from tests.visiting import Visitor, text_of

ALL = (Charge, Customer, Matter, Timekeeper, Entry)
EMPTY = [0] * len(ALL)


@pytest.fixture
def ada(client, tenant):
    return Visitor(client, tenant)


def send(visitor, data, name="october.csv", **asked):
    """Give the page a file; the name says nothing of what it is."""
    return visitor.post("charges/import/", {"file": SimpleUploadedFile(name, data), **asked})


def counts():
    """Return how many rows of each kind there are."""
    return [kind.objects.count() for kind in ALL]


def test_the_page_says_what_it_takes_before_a_file_is_chosen(ada):
    shown = text_of(ada.get("charges/import/"))

    assert "A CSV or LEDES file is taken in whole or not at all." in shown
    assert "CSV, LEDES 1998B or LEDES 98BI; which of them is seen by its content." in shown
    assert "LEDES XML and LEDES 2000 are not read." in shown


@pytest.mark.parametrize("name", ["october.csv", "october.led", "x.pdf"])
def test_a_ledes_file_is_known_by_its_content_and_taken_in(ada, tenant, name):
    first = send(ada, OURS.read_bytes(), name, opens_unknown="on")
    told = text_of(ada.get(first.url))
    again = text_of(ada.get(send(ada, OURS.read_bytes(), name).url))

    assert first.url == f"/t/{tenant.slug}/charges/"
    assert "6 charges were taken in. 1 customer was opened. 2 matters were opened." in told
    assert "0 charges were taken in. 6 were here before." in again
    assert Charge.objects.count() == 6
    assert AuditEvent.objects.filter(action="ledes.taken_in").count() == 2
    assert set(AuditEvent.objects.values_list("actor", flat=True)) == {f"user:{ada.user.pk}"}


def test_what_the_sender_should_know_is_told_and_refuses_nothing(ada):
    page = send(ada, OURS.read_bytes().rstrip(), opens_unknown="on")

    shown = text_of(ada.get(page.url))
    assert "6 charges were taken in." in shown
    assert "Its sender should know: Row 8: The last line has no line end." in shown


def test_every_finding_of_a_ledes_file_is_shown_by_row_field_and_rule(ada):
    with pytest.raises(NotTakenIn) as no:
        take_in_ledes(FAULTY.read_bytes(), by=SYSTEM, on=ON)

    page = send(ada, FAULTY.read_bytes())

    shown = text_of(page)
    assert page.status_code == 422
    assert f"{len(no.value.findings)} findings; nothing was taken" in shown
    for finding in no.value.findings:
        assert finding.rule in shown
        assert f"{finding.text} {finding.rule}" in shown
        if finding.row and finding.field:
            assert f"Row {finding.row} {finding.field} " in shown
    assert counts() == EMPTY


def test_what_the_firm_does_not_have_is_named_once_each_and_nothing_is_opened(ada):
    page = send(ada, OURS.read_bytes())

    shown = text_of(page)
    assert page.status_code == 422
    for each in Customer, Matter, Timekeeper:
        assert not each.objects.exists()
    with pytest.raises(NotTakenIn) as no:
        take_in_ledes(OURS.read_bytes(), by=SYSTEM, on=ON, opens_unknown=False)
    found = [(each.rule, each.row, each.field) for each in no.value.findings]
    assert found == sorted(set(found), key=found.index)
    assert [rule for rule, _, _ in found].count("charges.unknown_customer") == 1
    assert [rule for rule, _, _ in found].count("charges.unknown_matter") == 2
    for finding in no.value.findings:
        assert f"Row {finding.row} {finding.field} {finding.text} {finding.rule}" in shown
    assert "a LEDES file can also bring it along: tick the box below." in shown
    assert counts() == EMPTY


def test_what_is_known_is_not_named_and_other_findings_are_told_with_it(ada, tenant):
    take_in_ledes(OURS.read_bytes(), by=SYSTEM, on=ON)
    before = counts()
    data = OURS.read_bytes().replace(b"Research", b"Rewrite").replace(b"|M-0900|", b"|M-0999|")

    shown = text_of(send(ada, data))

    assert "The firm has no matter “M-0999” of client “" in shown
    assert "This key was captured before with other content. charges.conflict" in shown
    assert "The firm has no customer" not in shown
    assert "The firm has no timekeeper" not in shown
    assert counts() == before


def test_a_timekeeper_opens_no_customer_by_a_file(client, tenant):
    visitor = Visitor(client, tenant, "timekeeper")

    page = send(visitor, OURS.read_bytes(), opens_unknown="on")

    shown = text_of(page)
    assert page.status_code == 422
    assert "The firm has no customer “" in shown
    assert "by somebody who may edit customers" in shown
    assert "opens_unknown" not in page.content.decode()
    assert counts() == EMPTY
    with pytest.raises(NotTakenIn):
        take_in_ledes(OURS.read_bytes(), by=actor("timekeeper"), on=ON)


def test_another_firms_customers_are_as_unknown_as_any(ada, neighbor):
    with neighbor as other:
        take_in_ledes(OURS.read_bytes(), by=SYSTEM, on=ON)
        theirs = counts()

    page = send(ada, OURS.read_bytes())

    assert page.status_code == 422
    assert "The firm has no customer “" in text_of(page)
    assert counts() == EMPTY
    abroad = f"/t/{other.slug}/charges/import/"
    file = SimpleUploadedFile("x", OURS.read_bytes())
    assert ada.client.post(abroad, {"file": file}).status_code == 404
    with neighbor:
        assert counts() == theirs


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            WORKBOOK,
            "a spreadsheet (.xlsx). In the spreadsheet program save the sheet as “CSV UTF-8",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 90,
            "a file of an old Office, such as .xls. In the",
        ),
        (b"%PDF-1.7\n", "a PDF document. Wanted is a CSV file"),
        (b'<?xml version="1.0"?>\n<ledesxml>', "a LEDES XML file. Wanted is a CSV file"),
        (MT940, "a SWIFT statement, such as MT940. Wanted is a CSV file"),
    ],
)
def test_another_kind_of_file_is_named_with_what_to_do(ada, data, said):
    page = send(ada, data)

    assert page.status_code == 422
    assert f"The file seems to be {said}" in text_of(page)
    assert "file.kind" in text_of(page)


def test_over_rest_the_door_for_csv_names_other_kinds_too(client, firm):
    caller = Caller(client, firm)
    path = "/api/v1/charges/files"

    for data, said in ((WORKBOOK, "save the sheet as"), (OURS.read_bytes(), "ledes-files")):
        no = client.post(path, data, content_type="text/csv", headers=caller.headers)
        assert (no.status_code, no.json()["code"]) == (422, "charges.file_unreadable")
        (error,) = no.json()["errors"]
        assert (error["row"], error["rule"]) == (1, "file.kind")
        assert said in error["text"]


def test_a_ledes_of_another_edition_is_refused_by_name(ada):
    data = OURS.read_bytes().replace(b"LEDES1998B[]", b"LEDES2000[]")

    page = send(ada, data)

    assert page.status_code == 422
    assert "names no LEDES format that is read here" in text_of(page)


def test_a_ledes_file_has_the_bound_of_any_file_here(ada):
    page = send(ada, b"LEDES1998B[]\n" + b"x" * 20_000_000)

    assert page.status_code == 422
    assert "At most 20 MB at a time." in text_of(page)
