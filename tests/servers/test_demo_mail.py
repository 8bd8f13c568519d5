"""The demo mail server keeps what it takes, and says no, late, or nothing when told to."""

from __future__ import annotations

import hashlib
import smtplib
import time
import urllib.error
from email.message import EmailMessage

import pytest

from tests.outside.mail.server import DemoMail


@pytest.fixture
def mail(tmp_path):
    with DemoMail(book=tmp_path / "mailbox") as running:
        yield running


def send(mail, *recipients, subject="Invoice HS-2026-0417"):
    message = EmailMessage()
    message["From"] = "billing@harrow-stone.test"
    message["To"] = ", ".join(recipients)
    message["Subject"] = subject
    message["Message-ID"] = "<1@harrow-stone.test>"
    message.set_content("Your invoice is ready.\n.\nA line with a dot stands above.\n")
    with smtplib.SMTP("127.0.0.1", mail.smtp_port, timeout=15) as connection:
        return connection.send_message(message)


def test_mail_is_kept_as_a_file_with_a_line_in_the_index(mail):
    send(mail, "ada@client.test", "per@client.test", subject="Invoice für Ada")

    (entry,) = mail.messages()
    data = (mail.book / entry["file"]).read_bytes()
    assert entry["to"] == ["ada@client.test", "per@client.test"]
    assert (entry["from"], entry["subject"]) == ("billing@harrow-stone.test", "Invoice für Ada")
    assert entry["message_id"] == "<1@harrow-stone.test>"
    assert entry["sha256"] == hashlib.sha256(data).hexdigest()
    assert b"\r\n.\r\nA line with a dot" in data


def test_mail_to_a_refused_recipient_is_answered_with_550(mail):
    mail.set_moods(refused=["Gone@Client.test"])

    refused = send(mail, "ada@client.test", "gone@client.test")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(mail, "gone@client.test")

    assert refused["gone@client.test"][0] == 550
    assert [entry["to"] for entry in mail.messages()] == [["ada@client.test"]]


def test_mail_answers_late_when_told_to(mail):
    mail.set_moods(delay_seconds=0.5)
    started = time.monotonic()

    send(mail, "ada@client.test")

    assert time.monotonic() - started >= 0.5
    assert len(mail.messages()) == 1


def test_mail_keeps_a_message_whose_answer_it_drops(mail):
    mail.set_moods(drop_after_data=1)

    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        send(mail, "ada@client.test")
    send(mail, "per@client.test")

    assert [entry["to"][0] for entry in mail.messages()] == ["ada@client.test", "per@client.test"]


def test_mail_control_refuses_a_mood_it_does_not_have(mail):
    with pytest.raises(urllib.error.HTTPError) as refused:
        mail.set_moods(weather="fine")

    refused.value.close()
    assert refused.value.code == 400


def test_mail_server_stops_cleanly(tmp_path):
    assert DemoMail(book=tmp_path / "mailbox").start().stop() == 0
