"""A large file is kept, taken in by a job in its sender's name, and answered where they look."""

from datetime import UTC, date, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction

from billing_portal.audit.models import AuditEvent
from billing_portal.audit.row_checks import rows_are_as_recorded, rows_are_known
from billing_portal.imports import asking
from billing_portal.imports.asking import TooManyWaiting, take_in_later
from billing_portal.imports.models import FileImport
from billing_portal.imports.taking import take
from billing_portal.jobs.models import Job
from billing_portal.members.models import ApiKey, Membership
from billing_portal.tenancy.actors import MissingPermission
from billing_portal.tenancy.scope import tenant_scope
from billing_portal.texts import HiddenCharacter
from customers.models import Customer
from dunning import forms as bank_forms
from dunning.actions.bank_accounts import add_bank_account
from dunning.bank.safe_xml import MOST_BYTES
from dunning.models import BankFile
from invoices.forms import charge_files
from invoices.forms.charge_files import CSV, LEDES
from invoices.models import Charge
from ledger.models import Entry
from tests.dunning.statements import IBAN, paid, statement
from tests.factories import TenantFactory, actor
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.invoices.test_take_in import OURS
from tests.jobs.running import drain
from tests.visiting import Visitor, text_of

ON = date(2026, 11, 20)
HEADER = b"key,kind,customer,worked_on,quantity,unit_price,narrative\n"


@pytest.fixture(autouse=True)
def _large_from_two_rows_on(monkeypatch):
    """Every file of these tests is large, so that none has to have a thousand rows."""
    monkeypatch.setattr(charge_files, "LARGE_ROWS", 1)
    monkeypatch.setattr(bank_forms, "LARGE_BYTES", 100)


@pytest.fixture
def customer(firm):
    with tenant_scope(firm.pk):
        return books.customer()


@pytest.fixture
def caller(client, firm):
    return Caller(client, firm)


@pytest.fixture
def ada(client, firm):
    return Visitor(client, firm)


def rows(customer, *quantities, start=1):
    """Return a CSV file with an expense of ten dollars for each quantity."""
    lines = [
        f"e:{n},EXPENSE,{customer},2026-10-12,{quantity},10.00,Copies\n"
        for n, quantity in enumerate(quantities, start)
    ]
    return HEADER + "".join(lines).encode()


def post(caller, data, to="charges/files", media_type="text/csv"):
    return caller.client.post(
        f"/api/v1/{to}", data, content_type=media_type, headers=caller.headers
    )


def send(visitor, data, name="october.csv", to="charges/import/", **asked):
    return visitor.post(to, {"file": SimpleUploadedFile(name, data), **asked})


def captured(firm):
    with tenant_scope(firm.pk):
        return Charge.objects.count()


def test_over_rest_it_is_answered_with_202_and_taken_in_by_a_job(caller, firm, customer):
    data = rows(customer.external_id, 1, 2, 3)

    answer = post(caller, data)
    told = answer.json()
    waiting = caller.get(answer.headers["Location"]).json()
    assert answer.status_code == 202
    assert told == waiting
    assert (told["kind"], told["status"], told["answer"], told["error"]) == (
        *("csv", "queued"), None, None,
    )  # fmt: skip
    assert captured(firm) == 0
    job = caller.get(f"/api/v1/jobs/{told['job']}").json()
    assert job["status"] == "queued"

    assert drain() == ["succeeded"]
    done = caller.get(answer.headers["Location"]).json()
    assert done["status"] == "taken_in"
    assert done["answer"] == {"counts": {"accepted": 3}}
    assert done["progress"]["done"] == done["progress"]["total"] == 3
    assert captured(firm) == 3
    with tenant_scope(firm.pk):
        assert bytes(FileImport.objects.get().content) == b""  # the charges are kept now


def test_sent_again_while_it_waits_it_is_the_same_one_and_later_duplicates(caller, firm, customer):
    data = rows(customer.external_id, 1, 2)
    first, again = post(caller, data).json(), post(caller, data).json()
    other = post(caller, rows(customer.external_id, 5, 6, start=7)).json()

    assert again["id"] == first["id"] != other["id"]
    assert drain() == ["succeeded"] * 2
    later = post(caller, data)
    drain()
    assert caller.get(later.headers["Location"]).json()["answer"] == {"counts": {"duplicate": 2}}
    assert captured(firm) == 4


def test_every_finding_is_told_and_nothing_is_taken(caller, ada, firm, customer):
    data = rows(customer.external_id, 1, "x", 3) + b"e:9,EXPENSE,nobody,2026-10-12,1,10.00,Copies\n"

    place = post(caller, data).headers["Location"]
    assert drain() == ["refused"]
    told = caller.get(place).json()

    assert told["status"] == "refused"
    assert told["error"]["code"] == "charges.file_unreadable"
    assert told["error"]["found"] == 2
    assert [(e["row"], e["column"], e["rule"]) for e in told["error"]["errors"]] == [
        (3, "quantity", "number"),
        (5, "customer", "charges.unknown_customer"),
    ]
    with tenant_scope(firm.pk):
        assert (Charge.objects.count(), Entry.objects.count()) == (0, 0)
    page = text_of(ada.get(f"imports/{told['id']}/"))
    assert "Nothing of the file was taken" in page
    assert "Write digits, a point and up to four decimals." in page
    assert "charges.unknown_customer" in page
    assert "A job failed" not in text_of(ada.get("inbox/"))  # its sender has been answered


def test_the_job_may_be_tried_again_once_what_was_missing_is_there(ada, firm, customer):
    data = rows("C-NEW", 1, 2)
    page = send(ada, data).url
    drain()
    assert "charges.unknown_customer" in text_of(ada.get(page))

    with tenant_scope(firm.pk):
        Customer.objects.filter(pk=customer.pk).update(external_id="C-NEW", external_key="c-new")
        job = Job.objects.get()
    ada.post(f"jobs/{job.public_id}/retry/")
    assert drain() == ["succeeded"]

    shown = text_of(ada.get(page))
    assert "2 charges were taken in." in shown
    assert "charges.unknown_customer" not in shown
    assert captured(firm) == 2


def test_the_page_shows_how_far_it_is_and_then_what_came_of_it(ada, firm, customer):
    sent = send(ada, rows(customer.external_id, 1, 2))
    waiting = ada.get(sent.url)
    part = ada.get(sent.url, HX_Request="true")

    assert "The file is being taken in" in text_of(waiting)
    assert b'hx-trigger="every 2s"' in waiting.content
    assert part.content.lstrip().startswith(b"<div")
    drain()
    done = ada.get(sent.url, HX_Request="true")
    assert b"hx-trigger" not in done.content
    assert b"2 charges were taken in." in done.content
    listed = text_of(ada.get("imports/"))
    assert "october.csv" in listed
    assert "Taken in" in listed
    log = text_of(ada.get("audit/"))
    assert "Sent a large file" in log
    assert "Answered a large file" in log


def test_a_ledes_file_opens_in_a_job_what_its_sender_wished(ada, firm):
    without = send(ada, OURS.read_bytes(), "october.ledes").url
    drain()
    assert "charges.unknown_customer" in text_of(ada.get(without))

    opening = send(ada, OURS.read_bytes(), "october.ledes", opens_unknown="on").url
    drain()
    shown = text_of(ada.get(opening))
    assert "6 charges were taken in. 1 customer was opened. 2 matters were opened." in shown


def test_a_bank_file_is_imported_by_a_job_once(caller, ada, firm):
    with tenant_scope(firm.pk):
        add_bank_account(account=IBAN, name="Operating", currency="USD", by=SYSTEM)
    data = statement(paid("300.00", "hello", reference="r1"))

    place = post(caller, data, "bank-files?name=day.xml", "application/xml").headers["Location"]
    drain()
    told = caller.get(place).json()
    with tenant_scope(firm.pk):
        assert told["answer"]["id"] == BankFile.objects.get().public_id
        assert told["progress"]["done"] == told["progress"]["total"] == 1
        assert BankFile.objects.get().name == "day.xml"
    page = send(ada, data, "day.xml", "bank-files/import/").url
    drain()
    assert "This file was imported before; nothing was booked again." in text_of(ada.get(page))
    no = post(caller, data.replace(b"1000.00", b"1001.00"), "bank-files", "application/xml")
    drain()
    errors = caller.get(no.headers["Location"]).json()["error"]["errors"]
    assert errors
    assert {"rule", "place", "row", "severity", "text"} == set(errors[0])
    with tenant_scope(firm.pk):
        assert BankFile.objects.count() == 1


def test_it_is_taken_in_as_its_sender_may_by_then(caller, ada, firm, customer):
    by_key = post(caller, rows(customer.external_id, 1, 2)).headers["Location"]
    by_ada = send(ada, rows(customer.external_id, 3, 4)).url
    with tenant_scope(firm.pk):
        ApiKey.objects.update(revoked_at=datetime.now(UTC), revoked_by="user:1")
        Membership.objects.filter(user=ada.user).update(role="reviewer")
    assert drain() == ["refused", "refused"]

    other = Caller(caller.client, firm)
    assert other.get(by_key).json()["error"]["code"] == "file_import.asker_gone"
    with tenant_scope(firm.pk):
        refused = FileImport.objects.get(asked_by=f"user:{ada.user.pk}")
        assert refused.error_code == MissingPermission.code
    assert by_ada
    assert captured(firm) == 0


def test_twice_run_it_is_taken_in_once(tenant, customer):
    by = books.member("biller")
    row = take_in_later(CSV, rows(customer.external_id, 1), name="a.csv", by=by, on=ON)
    for _ in range(2):
        take(tenant.pk, row.pk, now=datetime.now(UTC))

    row.refresh_from_db()
    assert row.answer == {"counts": {"accepted": 1}}
    assert Charge.objects.count() == 1
    assert AuditEvent.objects.filter(action="file_import.ended").count() == 1


def test_what_the_trail_tells_of_it_holds_and_tampering_is_named(tenant, customer):
    by = books.member("biller")
    row = take_in_later(CSV, rows(customer.external_id, "x"), name="a.csv", by=by, on=ON)
    drain()
    assert [each for each in rows_are_as_recorded() if "File import" in each] == []
    assert [each for each in rows_are_known() if "File import" in each] == []

    FileImport.objects.filter(pk=row.pk).update(asked_by="user:1")
    assert f"File import {row.public_id} is not as it was recorded." in rows_are_as_recorded()


def test_who_may_not_send_or_hides_something_or_fills_the_queue_is_refused(
    tenant, customer, monkeypatch
):
    def later(by, name="a.csv", quantity=1):
        take_in_later(CSV, rows(customer.external_id, quantity), name=name, by=by, on=ON)

    with pytest.raises(MissingPermission):
        later(actor("reviewer"))
    with pytest.raises(HiddenCharacter):
        later(actor("biller"), name="a\u202ecsv")
    monkeypatch.setattr(asking, "MOST_WAITING", 1)
    later(actor("biller"))
    with pytest.raises(TooManyWaiting):
        later(actor("biller"), quantity=2)
    assert FileImport.objects.count() == Job.objects.count() == 1


def test_who_may_not_read_payments_sees_no_bank_file(client, firm, tmp_path):
    with tenant_scope(firm.pk):
        add_bank_account(account=IBAN, name="Operating", currency="USD", by=SYSTEM)
        data = statement(paid("300.00", "hello", reference="r1"))
        row = take_in_later(bank_forms.BANK, data, name="day.xml", by=books.member("biller"), on=ON)
    keeper = Visitor(client, firm, role="timekeeper")
    assert keeper.get(f"imports/{row.public_id}/").status_code == 404
    assert "day.xml" not in text_of(keeper.get("imports/"))
    reader = Caller(client, firm, scopes=["imports.read", "charges.read"])
    assert reader.get(f"/api/v1/file-imports/{row.public_id}").status_code == 404
    assert reader.get("/api/v1/file-imports").json()["data"] == []
    assert Visitor(client, firm, role="reviewer").get("imports/").status_code == 403


def test_a_neighbor_sees_none_of_it(client, firm, customer):
    with tenant_scope(firm.pk):
        by = books.member("biller")
        row = take_in_later(LEDES, OURS.read_bytes(), name="a.ledes", by=by, on=ON)
    other = TenantFactory.create()
    stranger = Visitor(client, other)
    assert stranger.get(f"imports/{row.public_id}/").status_code == 404
    assert "a.ledes" not in text_of(stranger.get("imports/"))
    caller = Caller(client, other)
    assert caller.get(f"/api/v1/file-imports/{row.public_id}").status_code == 404
    assert caller.get("/api/v1/file-imports").json()["data"] == []


def test_an_outcome_has_its_moment_and_a_refusal_its_reason(tenant, customer):
    by = books.member("biller")
    row = take_in_later(CSV, rows(customer.external_id, 1), name="a.csv", by=by, on=ON)
    for wrong in ({"outcome": "taken_in"}, {"outcome": "refused", "ended_at": datetime.now(UTC)}):
        with pytest.raises(IntegrityError, match="file_import"), transaction.atomic():
            FileImport.objects.filter(pk=row.pk).update(**wrong)


def test_a_small_one_does_not_wait_in_its_request_behind_a_large_one(
    caller, firm, customer, monkeypatch
):
    assert post(caller, rows(customer.external_id, 1, 2)).status_code == 202
    monkeypatch.setattr(charge_files, "LARGE_ROWS", 1_000)
    small = rows(customer.external_id, 3, start=9)

    assert post(caller, small).status_code == 202
    assert drain() == ["succeeded", "succeeded"]
    assert post(caller, rows(customer.external_id, 4, start=10)).status_code == 201


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_are_counted_however_they_end(monkeypatch, end):
    monkeypatch.setattr(charge_files, "LARGE_ROWS", 1_000)
    assert charge_files.is_large(end.join([b"a,b"] * 1_002))
    assert not charge_files.is_large(end.join([b"a,b"] * 1_001))


def test_payments_of_a_bank_file_are_counted_however_they_are_written(monkeypatch):
    monkeypatch.setattr(bank_forms, "LARGE_BYTES", 1_000_000)
    for entry in (b"<Ntry></Ntry>", b"<n:Ntry></n:Ntry>", b"<TxDtls></TxDtls>"):
        assert bank_forms.is_large(entry * 1_001)
        assert not bank_forms.is_large(entry * 1_000)
    assert bank_forms.is_large(b"x" * 1_000_001)
    assert not bank_forms.is_large(b"x" * (MOST_BYTES + 1))
