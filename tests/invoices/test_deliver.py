"""Mail with the PDF by real SMTP: once, known by its id, and honest about what nobody knows."""

import email
from datetime import date
from email.policy import default
from pathlib import Path

import pytest

from billing_portal.jobs.models import Job
from customers.models import Customer
from invoices.actions.credit import approve_credit_note, request_credit_note
from invoices.actions.deliver import NotToSend, deliver_later, queue_delivery
from invoices.actions.render import render_documents_later
from invoices.models import Delivery, Document, Invoice
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.jobs.running import drain
from tests.outside.mail.server import DemoMail


@pytest.fixture
def post(tmp_path, settings):
    """A mail server of another house."""
    settings.FILES_DIR = tmp_path / "files"
    with DemoMail(book=tmp_path / "mailbox") as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.smtp_port
        yield server


@pytest.fixture
def invoice(tenant):
    """A final invoice of 700 dollars."""
    tenant.name, tenant.email = "Arnesen Pike LLP", "billing@arnesen.test"
    tenant.save()
    return books.finalized(reviewer=books.member("reviewer"))


def mails(post):
    folder = Path(post.book)
    return [
        email.message_from_bytes((folder / each["file"]).read_bytes(), policy=default)
        for each in post.messages()
    ]


def test_the_customer_gets_the_pdf_once(post, tenant, invoice):
    drain()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.recipient) == (
        "SENT", 1, "claims@insurer.test",
    )  # fmt: skip
    (mail,) = mails(post)
    assert mail["Subject"] == "[Arnesen Pike LLP] Invoice 2026-00001, $700.00"
    assert mail["Message-ID"] == f"<{delivery.message_id}>"
    (attached,) = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content()[:5]) == ("2026-00001.pdf", b"%PDF-")
    deliver_later(tenant_id=tenant.pk, delivery_id=delivery.pk)
    assert len(post.messages()) == 1


def test_no_narrative_travels_in_the_text(post, invoice):
    drain()
    (mail,) = mails(post)
    assert "deposition" not in mail.get_body(("plain",)).get_content()
    assert "deposition" not in mail.get_body(("html",)).get_content()


def words(part):
    return " ".join(part.get_content().split())


def test_a_mail_says_what_is_owed_and_how_to_pay_as_the_firms_country_writes_it(
    post, tenant, invoice
):
    tenant.country, tenant.remittance = "GB", "Avon Bank, account 40118220"
    tenant.save()
    drain()
    (mail,) = mails(post)
    text = words(mail.get_body(("plain",)))
    assert f"Our invoice for {invoice.customer} is attached as a PDF." in text
    assert "Avon Bank, account 40118220 Please name 2026-00001 with your payment." in text
    assert "Amount: $700.00 Please pay by: 2 December 2026" in text
    assert "Period: 1 October 2026 to 31 October 2026" in text


def test_the_mail_of_a_credit_note_says_what_it_credits_and_asks_for_no_money(
    post, tenant, invoice
):
    tenant.remittance = "Avon Bank, account 40118220"
    tenant.save()
    note = request_credit_note(invoice, reason="Wrong claim.", by=books.member("biller"))
    approve_credit_note(note, version_seen=1, by=books.member("owner"), on=date(2026, 11, 5))
    drain()
    (mail,) = [each for each in mails(post) if "Credit note" in each["Subject"]]
    text = words(mail.get_body(("plain",)))
    assert "It credits invoice 2026-00001 in full. There is nothing to pay on it." in text
    assert "Credits invoice: 2026-00001 Of: November 2, 2026 Amount credited: $700.00" in text
    assert "Avon Bank" not in text


def test_asked_for_twice_it_is_one_mail_and_a_person_may_send_another(post, invoice):
    drain()
    document = Document.objects.get(kind="pdf")
    first = queue_delivery(document, by=SYSTEM)
    again = queue_delivery(document, by=SYSTEM, again=True)
    assert (first.number, again.number) == (1, 2)
    with pytest.raises(NotToSend):
        queue_delivery(document, by=SYSTEM, again=True)
    drain()
    assert len(post.messages()) == 2


def test_a_refused_address_fails_with_the_servers_word(post, invoice):
    post.set_moods(refused=["claims@insurer.test"])
    drain()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.error_code) == ("FAILED", "mail.refused")
    assert post.messages() == []


def test_a_lost_answer_is_repeated_under_the_same_id(post, tenant, invoice):
    post.set_moods(drop_after_data=1)
    drain()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.error_code) == ("UNKNOWN", "mail.unknown")
    deliver_later(tenant_id=tenant.pk, delivery_id=delivery.pk)
    assert Delivery.objects.get().state == "SENT"
    assert {mail["Message-ID"] for mail in mails(post)} == {f"<{delivery.message_id}>"}


def test_a_server_that_is_down_is_tried_again_later(settings, tmp_path, invoice):
    settings.FILES_DIR, settings.EMAIL_PORT = tmp_path, 1
    drain()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.error_code, delivery.attempts) == ("QUEUED", "mail.down", 1)
    job = Job.objects.get(name__endswith="deliver_later")
    assert job.state == "queued"


def test_a_customer_without_an_address_loses_no_document(post, tenant):
    made = books.customer(reviewer=None)
    Customer.objects.update(invoice_email="")
    books.captured(books.time_worked(books.matter_of(made)))
    (draft,) = books.drafted()
    reviewer = books.member("owner")
    Invoice.objects.update(reviewer_id=reviewer.id)
    books.final(draft, reviewer)
    drain()
    assert Delivery.objects.count() == 0
    assert Document.objects.filter(kind="pdf").count() == 1


def test_a_neighbor_sees_no_mail(post, invoice, neighbor):
    drain()
    with neighbor:
        assert Delivery.objects.count() == 0


def test_a_damaged_document_is_not_mailed_and_says_why(post, tmp_path, invoice):
    render_documents_later(tenant_id=invoice.tenant_id, invoice_id=invoice.pk)
    for place in (tmp_path / "files").rglob("*.locked"):
        place.write_bytes(b"%")
    outcomes = drain()
    delivery = Delivery.objects.get()
    assert "refused" in outcomes
    assert (delivery.state, delivery.error_code) == ("FAILED", "documents.damaged")
    assert mails(post) == []
