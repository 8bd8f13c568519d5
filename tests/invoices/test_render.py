"""Files of final invoices: made once, from frozen facts, proven against approval and books."""

import re
import zlib
from contextlib import suppress
from datetime import date

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction
from structlog.testing import capture_logs

from billing_portal.money import Money
from billing_portal.tenancy.encryption import file_keys
from billing_portal.tenancy.scope import tenant_scope
from customers.models import Address, Customer, TaxIdentity
from invoices.actions.finalize import finalize
from invoices.actions.freeze import NotInLedes
from invoices.actions.render import NotProven, render, render_documents_later
from invoices.actions.review import approve, request_review
from invoices.gateways import files
from invoices.ledes.check import check
from invoices.ledes.findings import errors_of
from invoices.models import Document, FrozenInvoice
from invoices.queries.documents import documents_of, snapshot_of
from tests.factories import TenantFactory
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.jobs.running import drain

ON = date(2026, 11, 2)


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.FILES_DIR = tmp_path


@pytest.fixture
def invoice(tenant):
    """A final invoice of two lines, by matter."""
    made = books.customer(reviewer=None, grouping="BY_MATTER", formats=["pdf", "ledes1998b"])
    books.captured(
        *(books.time_worked(books.matter_of(made), hours=each) for each in ("2.0",)),
    )
    return final(tenant)


def final(tenant):
    Customer.objects.update(sends_pdf=False)
    tenant.name, tenant.region, tenant.city = "Arnesen Pike LLP", "NY", "Albany"
    tenant.save()
    (draft,) = books.drafted()
    reviewer = books.member("owner")
    draft.reviewer_id = reviewer.id
    draft.save()
    request_review([draft], by=SYSTEM)
    approve(draft, version_seen=1, by=reviewer)
    return finalize([draft], by=SYSTEM, on=ON)[0]


def place_of(folder, tenant, sha256):
    """Return where a file lies on the disk."""
    name = file_keys().name_of(sha256)
    return folder / str(tenant.pk) / name[:2] / f"{name}.locked"


def opened(pdf):
    """Return what a PDF's compressed streams hold."""
    found = b""
    for start in re.finditer(rb"stream\r?\n", pdf):
        with suppress(zlib.error):
            found += zlib.decompressobj().decompress(pdf[start.end() :])
    return found


def test_a_final_invoice_gets_its_files_by_a_job(tenant, invoice):
    assert drain() == ["succeeded"]
    ledes, pdf = sorted(documents_of(invoice), key=lambda each: each.kind)
    assert (ledes.name, pdf.name) == ("2026-00001.txt", "2026-00001.pdf")
    printed = files.read(tenant.pk, pdf.sha256)
    assert printed.startswith(b"%PDF-")
    assert b"(Invoice 2026-00001)" in opened(printed)
    assert b"(Arnesen Pike LLP)" in opened(printed)
    assert pdf.size == len(printed) > 5_000
    data = files.read(tenant.pk, ledes.sha256)
    assert data.startswith(b"LEDES1998B[]")
    assert check(data).ok


def test_sent_is_approved_is_booked(invoice):
    drain()
    document = Document.objects.get(kind="ledes1998b")
    proof = document.proof or {}
    assert (proof["ok"], proof["lines"], proof["lines_tied"]) == (True, 1, 1)
    assert (proof["total"], proof["approved"], proof["booked"]) == ("400.00",) * 3
    assert proof["sha256"] == document.sha256


def test_rendering_twice_makes_the_same_files_under_the_same_names(tenant, invoice):
    drain()
    before = list(Document.objects.order_by("pk").values_list("kind", "name", "sha256"))
    render_documents_later(tenant_id=tenant.pk, invoice_id=invoice.pk)
    assert list(Document.objects.order_by("pk").values_list("kind", "name", "sha256")) == before


def test_a_file_that_is_not_what_was_booked_never_leaves(invoice):
    snapshot = snapshot_of(invoice)
    with pytest.raises(NotProven):
        render(snapshot, "ledes1998b", snapshot_money(snapshot) * 2)
    assert Document.objects.count() == 0


def snapshot_money(snapshot):
    return Money(snapshot.total, snapshot.currency)


def test_a_taxed_invoice_leaves_as_98bi_where_1998b_cannot_say_it(tenant):
    tenant.country = "GB"
    tenant.save()
    made = books.customer(place="", formats=["pdf", "ledes98bi"])
    TaxIdentity.objects.create(customer=made, starts_on=date(2026, 1, 1), tax_id="GB220430231")
    Address.objects.create(
        customer=made, starts_on=date(2026, 1, 1), line_1="2 Fleet Street", city="London",
        country="GB",
    )  # fmt: skip
    books.captured(books.time_worked(books.matter_of(made)))
    invoice = final(tenant)
    assert set(drain()) <= {"succeeded", "waiting"}
    document = Document.objects.get(kind="ledes98bi")
    data = files.read(tenant.pk, document.sha256)
    assert data.startswith(b"LEDES98BI V2[]")
    assert not errors_of(check(data).findings)
    proof = document.proof or {}
    assert proof["total"] == str(invoice.total_money.amount)


def test_what_1998b_cannot_say_is_not_made_final(tenant):
    tenant.country = "GB"
    tenant.save()
    made = books.customer(place="", formats=["pdf", "ledes1998b"])
    Address.objects.create(
        customer=made, starts_on=date(2026, 1, 1), line_1="2 Fleet Street", city="London",
        country="GB",
    )  # fmt: skip
    books.captured(books.time_worked(books.matter_of(made)))
    with pytest.raises(NotInLedes, match="has no field for tax"):
        final(tenant)
    assert not Document.objects.exists()


def test_a_changed_file_is_noticed(tenant, invoice, tmp_path):
    drain()
    document = Document.objects.get(kind="pdf")
    place = place_of(tmp_path, tenant, document.sha256)
    place.write_bytes(place.read_bytes() + b"%")
    with pytest.raises(files.FileDamaged):
        files.read(tenant.pk, document.sha256)
    place.unlink()
    with pytest.raises(files.FileMissing):
        files.read(tenant.pk, document.sha256)


def test_documents_never_change(invoice):
    drain()
    with pytest.raises(DatabaseError), transaction.atomic():
        Document.objects.update(name="other.pdf")


def test_a_neighbor_finds_no_document(invoice, neighbor):
    drain()
    with neighbor:
        assert Document.objects.count() == 0


def test_a_proof_and_its_document_name_their_hashes_apart(client, firm):
    with tenant_scope(firm.pk):
        invoice = books.finalized(reviewer=books.member("reviewer"))
        frozen = FrozenInvoice.objects.get(invoice=invoice).sha256
        for kind, name in (("ledes1998b", "snapshot_sha256"), ("ledes98bi", "fitted_sha256")):
            Document.objects.create(
                invoice=invoice, kind=kind, name=kind, media_type="text/plain", sha256="1" * 64,
                size=1, snapshot_sha256=frozen, proof={"ok": True, name: "2" * 64},
            )  # fmt: skip

    found = Caller(client, firm).get("/api/v1/documents").json()["data"]

    assert [(each["snapshot_sha256"], each["proof"]) for each in found] == [
        (frozen, {"ok": True, "fitted_sha256": "2" * 64})
    ] * 2


def test_documents_are_fetched_by_page_and_api_and_are_nobody_elses(client, firm):
    with tenant_scope(firm.pk):
        invoice = books.finalized(reviewer=books.member("reviewer"))
        render_documents_later(tenant_id=firm.pk, invoice_id=invoice.pk)
        document = Document.objects.get(kind="pdf")
        client.force_login(books.user_of(books.member("biller")))
    page = client.get(f"/t/{firm.slug}/documents/{document.public_id}/")
    assert page["Content-Disposition"] == 'attachment; filename="2026-00001.pdf"'
    assert page.content.startswith(b"%PDF")
    path = f"/api/v1/documents/{document.public_id}"
    caller = Caller(client, firm)
    assert caller.get(f"{path}/content").content == page.content
    assert caller.get("/api/v1/documents", invoice="x").status_code == 400
    listed = caller.get("/api/v1/documents", invoice=invoice.public_id, kind="pdf").json()["data"]
    assert [(each["name"], each["sha256"]) for each in listed] == [
        ("2026-00001.pdf", document.sha256)
    ]
    stranger = Caller(client, TenantFactory.create())
    assert stranger.get(path).status_code == 404
    assert stranger.get(f"{path}/content").status_code == 404
    assert stranger.get("/api/v1/documents").json()["data"] == []


@pytest.mark.parametrize(
    ("is_there", "code", "words"),
    [(True, "damaged", "is not what was made"), (False, "missing", "is not there any more")],
)
def test_a_document_that_cannot_be_read_is_said_by_page_and_api_and_logged(
    client, firm, *, is_there, code, words
):
    with tenant_scope(firm.pk):
        invoice = books.finalized(reviewer=books.member("reviewer"))
        render_documents_later(tenant_id=firm.pk, invoice_id=invoice.pk)
        document = Document.objects.get(kind="pdf")
        place = place_of(settings.FILES_DIR, firm, document.sha256)
        place.unlink()
        if is_there:
            place.write_bytes(b"changed")
        client.force_login(books.user_of(books.member("biller")))
    with capture_logs() as logs:
        page = client.get(f"/t/{firm.slug}/documents/{document.public_id}/")
        answer = Caller(client, firm).get(f"/api/v1/documents/{document.public_id}/content")
    assert page.status_code == answer.status_code == 409
    assert words in page.content.decode()
    assert answer.json()["code"] == f"documents.{code}"
    assert words in answer.json()["detail"]
    told = [each for each in logs if each["event"] == "stored file unreadable"]
    assert [(each["log_level"], each["file"]) for each in told] == [
        ("error", document.public_id)
    ] * 2
