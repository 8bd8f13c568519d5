"""Uploads and mail as pages and over REST: what is shown, retried, refused, and to whom."""

import pytest

from billing_portal.tenancy.encryption import file_keys
from billing_portal.tenancy.scope import tenant_scope
from invoices.actions.carriers import add_carrier, add_login, allow_automation, stop_carrier
from invoices.actions.deliver import queue_delivery
from invoices.actions.render import render_documents_later
from invoices.actions.submit import queue_submission
from invoices.gateways import files
from invoices.models import Carrier, CarrierLogin, Delivery, Document, Evidence, Invoice, Submission
from tests.factories import MembershipFactory, TenantFactory
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.visiting import office_key, signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def biller(client, firm, settings, tmp_path):
    settings.FILES_DIR = tmp_path
    with tenant_scope(firm.pk):
        return signed_in(client, books.user_of(books.member("biller")))


@pytest.fixture
def upload(firm, biller):
    """An upload that wants a person, with a screenshot and a page's text."""
    with tenant_scope(firm.pk):
        carrier = add_carrier(
            code="northfield", name="Northfield Mutual", origin="http://127.0.0.1:1", by=SYSTEM
        )
        invoice = books.finalized(reviewer=books.member("reviewer"))
        invoice.customer.carrier_code = "northfield"
        invoice.customer.save()
        render_documents_later(tenant_id=firm.pk, invoice_id=invoice.pk)
        found = queue_submission(Document.objects.get(kind="ledes1998b"), by=SYSTEM)
        Submission.objects.update(state="NEEDS_PERSON", reason="The page has changed.")
        stop_carrier(carrier, reason="The field “Invoice type” is gone.", by=SYSTEM)
        for position, (kind, data) in enumerate(
            [("SCREENSHOT", b"\x89PNG"), ("PAGE_TEXT", b"Welcome <b>back</b>")], 1
        ):
            Evidence.objects.create(
                submission=found, attempt=1, position=position, kind=kind, step="sign in",
                name="page", sha256=files.store(firm.pk, data), size=4,
                taken_at="2026-11-02T00:00Z",
            )  # fmt: skip
        return Submission.objects.get()


def path(firm, rest):
    return f"/t/{firm.slug}/{rest}"


def test_the_list_says_which_carrier_is_stopped_and_why(biller, firm, upload):
    page = biller.get(path(firm, "uploads/")).content.decode()
    assert "Nothing is uploaded to Northfield Mutual" in page
    assert "The field “Invoice type” is gone." in page
    assert "Needs a person" in page
    assert (
        "No upload is like that"
        in biller.get(path(firm, "uploads/?state=confirmed")).content.decode()
    )


def test_an_upload_shows_its_evidence_as_text_and_picture(biller, firm, upload):
    page = biller.get(path(firm, f"uploads/{upload.public_id}/")).content.decode()
    assert "Welcome &lt;b&gt;back&lt;/b&gt;" in page
    assert f"{upload.public_id}/evidence/1/1/" in page
    picture = biller.get(path(firm, f"uploads/{upload.public_id}/evidence/1/1/"))
    assert (picture["Content-Type"], picture.content) == ("image/png", b"\x89PNG")


@pytest.mark.parametrize("place", ["1/2", "2/1", f"1/{10**30}"])
def test_a_place_without_a_picture_is_not_found(biller, firm, upload, place):
    answer = biller.get(path(firm, f"uploads/{upload.public_id}/evidence/{place}/"))

    assert answer.status_code == 404


def test_it_is_resumed_retried_and_canceled_by_buttons(biller, firm, upload):
    with tenant_scope(firm.pk):
        carrier = Carrier.objects.get()
    biller.post(path(firm, f"carriers/{carrier.public_id}/resume/"))
    biller.post(path(firm, f"uploads/{upload.public_id}/retry/"))
    with tenant_scope(firm.pk):
        assert Carrier.objects.get().stopped_reason == ""
        assert Submission.objects.get().state == "QUEUED"
    biller.post(path(firm, f"uploads/{upload.public_id}/cancel/"))
    again = biller.post(path(firm, f"uploads/{upload.public_id}/retry/"), follow=True)
    assert "The upload is canceled." in again.content.decode()


def test_it_waits_in_the_inbox(biller, firm, upload):
    inbox = biller.get(path(firm, "inbox/")).content.decode()
    assert "Look at the upload of 2026-00001 to Northfield Mutual" in inbox


def test_the_inbox_says_two_findings_and_the_page_all(biller, firm, upload):
    rows = [f"Row {number}: Matter '435-494' is not assigned." for number in range(3, 12)]
    with tenant_scope(firm.pk):
        Submission.objects.update(reason="\n".join(rows))

    inbox = text_of(biller.get(path(firm, "inbox/")))
    page = text_of(biller.get(path(firm, f"uploads/{upload.public_id}/")))

    assert f"Northfield Mutual Needs a person: {rows[0]} {rows[1]} And 7 more." in inbox
    assert rows[2] not in inbox
    assert all(row in page for row in rows)


def test_an_upload_to_a_carrier_that_is_the_customer_says_the_matter_instead(biller, firm, upload):
    with tenant_scope(firm.pk):
        invoice = Invoice.objects.select_related("customer", "matter").get()
    own = path(firm, f"uploads/{upload.public_id}/")
    before = text_of(biller.get(own)).partition("Queued")[0]
    with tenant_scope(firm.pk):
        Carrier.objects.update(name=invoice.customer.name)

    after = text_of(biller.get(own)).partition("Queued")[0]

    assert invoice.customer.name in before
    assert after.count(invoice.customer.name) == 1
    assert str(invoice.matter or invoice.period) in after


def test_mail_is_narrowed_to_what_failed(biller, firm, upload):
    with tenant_scope(firm.pk):
        queue_delivery(Document.objects.get(kind="pdf"), by=SYSTEM)

    sent = biller.get(path(firm, "deliveries/?state=failed"))
    with tenant_scope(firm.pk):
        Delivery.objects.update(state="FAILED", error_text="No such mailbox.")
    failed = biller.get(path(firm, "deliveries/?state=failed"))

    assert "No mail is like that" in text_of(sent)
    assert "No such mailbox." in text_of(failed)


def test_mail_is_listed_and_sent_again(biller, firm, upload):
    with tenant_scope(firm.pk):
        queue_delivery(Document.objects.get(kind="pdf"), by=SYSTEM)
        Delivery.objects.update(state="FAILED", error_text="No such mailbox.")
        delivery = Delivery.objects.get()
    assert "No such mailbox." in biller.get(path(firm, "deliveries/")).content.decode()
    biller.post(path(firm, f"deliveries/{delivery.public_id}/again/"))
    with tenant_scope(firm.pk):
        assert Delivery.objects.count() == 2


def test_over_rest_uploads_and_mail_are_read_and_retried(client, firm, upload):
    caller = Caller(client, firm)
    (listed,) = caller.get("/api/v1/submissions", state="NEEDS_PERSON").json()["data"]
    assert (listed["id"], listed["carrier"]) == (upload.public_id, "northfield")
    retried = caller.post(f"/api/v1/submissions/{upload.public_id}/retry", Idempotency_Key="k")
    assert (retried.status_code, retried.json()["state"]) == (202, "QUEUED")
    assert len(caller.get("/api/v1/deliveries").json()["data"]) == 1
    stranger = Caller(client, TenantFactory.create())
    assert stranger.get(f"/api/v1/submissions/{upload.public_id}").status_code == 404


def test_a_carrier_is_set_up_in_the_back_office_and_shows_no_password(biller, firm):
    office = path(firm, "admin/invoices/")
    biller.post(
        f"{office}carrier/add/",
        {"code": "northfield", "name": "Northfield Mutual", "origin": "https://nfm.test"},
    )
    with tenant_scope(firm.pk):
        carrier, owner = Carrier.objects.get(), books.user_of(books.member("biller"))
    bad = biller.post(
        f"{office}carrierrecipe/add/", {"carrier": carrier.pk, "content": '{"format": 1}'}
    )
    assert bad.status_code == 422
    biller.post(
        f"{office}carrierlogin/add/",
        {"carrier": carrier.pk, "owner": owner.pk, "user": "harrow", "secret": "Secret-1"},
    )
    with tenant_scope(firm.pk):
        login = CarrierLogin.objects.get()
    page = biller.get(f"{office}carrierlogin/{office_key(login)}/change/").content.decode()
    assert "Secret-1" not in page
    assert login.password not in page
    biller.post(f"{office}carrier/", {"action": "allow", "_selected_action": carrier.pk})
    with tenant_scope(firm.pk):
        assert Carrier.objects.get().automation_allowed_by.startswith("user:")


def test_another_firm_sees_none_of_it(client, firm, upload):
    with tenant_scope(firm.pk):
        add_login(
            Carrier.objects.get(), user_name="u", password="p",
            owner=books.user_of(books.member("biller")), by=SYSTEM,
        )  # fmt: skip
        allow_automation(Carrier.objects.get(), by=SYSTEM)
        login = CarrierLogin.objects.get()
    other = TenantFactory.create()
    client.force_login(MembershipFactory.create(tenant=other, role="owner").user)
    for rest in (
        f"uploads/{upload.public_id}/",
        f"uploads/{upload.public_id}/evidence/1/1/",
        f"admin/invoices/carrierlogin/{office_key(login)}/change/",
    ):
        assert client.get(path(other, rest)).status_code == 404
    assert client.post(path(other, f"uploads/{upload.public_id}/retry/")).status_code == 404


def test_uploading_again_leads_to_the_new_upload_and_once_only(biller, firm, upload):
    with tenant_scope(firm.pk):
        Submission.objects.update(state="REJECTED")
    url = path(firm, f"uploads/{upload.public_id}/")

    new = biller.post(f"{url}again/", follow=True)

    assert new.redirect_chain[-1][0] != url
    assert "this is the new upload" in text_of(new)
    old = text_of(biller.get(url))
    assert "It was uploaded once more Open upload 2" in old
    assert "Upload again" not in old


def test_evidence_that_was_changed_on_the_disk_is_said_and_hides_nothing_else(
    biller, firm, upload, tmp_path
):
    with tenant_scope(firm.pk):
        for each in Evidence.objects.all():
            name = file_keys().name_of(each.sha256)
            (tmp_path / str(firm.pk) / name[:2] / f"{name}.locked").write_bytes(b"changed")
    page = biller.get(path(firm, f"uploads/{upload.public_id}/"))
    assert page.status_code == 200
    assert "The stored file is not what was made" in page.content.decode()
    picture = biller.get(path(firm, f"uploads/{upload.public_id}/evidence/1/1/"))
    assert picture.status_code == 409
    assert "tell your operator" in picture.content.decode()
