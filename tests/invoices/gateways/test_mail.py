"""A mail goes to all of its recipients or to none, and every failure says whether to repeat."""

import asyncio
import datetime
import email
import socket
import threading
from dataclasses import replace
from email.policy import SMTP as SMTP_POLICY

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoices.gateways.mail import (
    MailAttachment,
    MailDown,
    MailRefused,
    MailUnknown,
    UnsafeHeader,
    bytes_of,
    send,
)
from tests.invoices.gateways.mail_office import MAIL, PostOffice, listening, talking


def read(content):
    return email.message_from_bytes(content, policy=SMTP_POLICY)


def one_line_end(text):
    """Return the text as mail sees it: one kind of line end, and one at the end."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"


def test_a_mail_arrives_whole():
    office = PostOffice()
    with listening(office) as place:
        accepted = send(MAIL, starttls=False, **place)

    (envelope,) = office.taken
    mail = read(envelope.content)
    attachment = next(mail.iter_attachments())
    assert accepted.recipients == ("claims@carrier.test", "copy@carrier.test")
    assert accepted.answer.startswith("250 ")
    assert envelope.mail_from == "billing@ames-cole.test"
    assert envelope.rcpt_tos == ["claims@carrier.test", "copy@carrier.test"]
    assert mail["Message-ID"] == f"<{MAIL.message_id}>"
    assert mail["Subject"] == MAIL.subject
    assert mail["To"] == ", ".join(MAIL.recipients)
    assert mail["Date"].datetime == MAIL.written_at
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == MAIL.text
    assert mail.get_body(("html",)).get_content().strip() == MAIL.html
    assert attachment.get_content() == MAIL.attachments[0].content
    assert attachment.get_filename() == "2026-00042.pdf"


def test_what_arrives_is_what_was_written():
    office = PostOffice()
    with listening(office) as place:
        send(MAIL, starttls=False, **place)

    assert office.taken[0].content == bytes_of(MAIL)


def test_a_repeat_carries_the_same_bytes_under_the_same_id():
    office = PostOffice()
    with listening(office) as place:
        for _ in range(2):
            send(MAIL, starttls=False, **place)

    first, again = office.taken
    assert first.content == again.content


@settings(deadline=None, max_examples=100)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=500),
    st.binary(max_size=200),
)
def test_any_text_and_any_file_come_back_as_they_went_in(subject, text, content):
    subject = " ".join(subject.split())  # a header is one line of words
    file = MailAttachment(name="a.bin", content=content, media_type="application/octet-stream")

    mail = read(bytes_of(replace(MAIL, subject=subject, text=text, attachments=(file,))))

    assert mail["Subject"] == subject
    assert one_line_end(mail.get_body(("plain",)).get_content()) == one_line_end(text)
    assert next(mail.iter_attachments()).get_content() == content


def test_a_long_message_id_stays_one_word():
    mail = replace(MAIL, message_id="x" * 200 + "@ames-cole.test")

    assert f"Message-ID: <{mail.message_id}>\r\n".encode() in bytes_of(mail)


def test_no_line_is_longer_than_a_line_of_mail():
    written = bytes_of(replace(MAIL, text="word " * 1000, subject="word " * 300))

    assert max(map(len, written.split(b"\r\n"))) <= 998


def test_a_refused_recipient_is_named_and_nobody_gets_the_mail():
    office = PostOffice(rcpt={"copy@carrier.test": "550 5.1.1 No such user"})
    with listening(office) as place, pytest.raises(MailRefused) as refusal:
        send(MAIL, starttls=False, **place)

    assert refusal.value.recipient == "copy@carrier.test"
    assert refusal.value.reply_code == 550
    assert str(refusal.value) == (
        "The mail server refused copy@carrier.test: 550 5.1.1 No such user"
    )
    assert office.asked == ["claims@carrier.test", "copy@carrier.test"]
    assert office.taken == []


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"mail": "553 Sender not allowed"}, 553),
        ({"data": "554 Content refused"}, 554),
    ],
)
def test_a_refused_sender_or_content_is_refused_for_good(answers, code):
    office = PostOffice(**answers)
    with listening(office) as place, pytest.raises(MailRefused) as refusal:
        send(MAIL, starttls=False, **place)

    assert (refusal.value.reply_code, refusal.value.recipient) == (code, "")
    assert office.taken == []


def test_a_mail_beyond_the_size_of_the_server_is_refused_before_it_is_sent():
    office = PostOffice()
    with listening(office, data_size_limit=100) as place, pytest.raises(MailRefused) as refusal:
        send(MAIL, starttls=False, **place)

    assert refusal.value.reply_code == 552
    assert office.asked == []


@pytest.mark.parametrize(
    "answers",
    [
        {"mail": "421 Too busy"},
        {"rcpt": {"claims@carrier.test": "450 Greylisted"}},
        {"data": "451 Out of space"},
    ],
)
def test_a_server_that_asks_for_patience_is_tried_again(answers):
    office = PostOffice(**answers)
    with listening(office) as place, pytest.raises(MailDown, match="patience"):
        send(MAIL, starttls=False, **place)

    assert office.taken == []


def test_a_server_that_is_not_there_is_down():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(MailDown, match="ConnectionRefusedError"):
        send(MAIL, host="127.0.0.1", port=port, starttls=False)


def test_a_server_that_never_greets_is_down():
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(MailDown):
        send(MAIL, host="127.0.0.1", port=server.getsockname()[1], starttls=False, timeout=0.2)


def test_a_server_that_greets_with_a_refusal_is_down():
    with talking("554 Not today") as place, pytest.raises(MailDown, match="SMTPConnectError"):
        send(MAIL, **place)


OFFERED = ["220 mail.test", "250 mail.test", "250 Sender", "250 One", "250 Two"]


@pytest.mark.parametrize("heard", range(1, 6))
def test_a_connection_lost_before_data_sent_nothing(heard):
    with talking(*OFFERED[:heard]) as place, pytest.raises(MailDown):
        send(MAIL, **place)


def test_a_connection_lost_after_data_leaves_the_outcome_unknown():
    with talking(*OFFERED, "354 Go on") as place, pytest.raises(MailUnknown, match="after DATA"):
        send(MAIL, **place)


def test_no_answer_after_data_leaves_the_outcome_unknown():
    release = threading.Event()

    class Slow(PostOffice):
        async def handle_DATA(self, server, session, envelope):  # noqa: N802
            while not release.is_set():
                await asyncio.sleep(0.02)
            return "250 OK"

    with listening(Slow()) as place:
        with pytest.raises(MailUnknown):
            send(MAIL, starttls=False, timeout=0.3, **place)
        release.set()


def test_a_server_that_hangs_up_after_taking_the_mail_has_taken_it():
    with talking(*OFFERED, "354 Go on", "250 Taken") as place:
        accepted = send(MAIL, **place)

    assert accepted.recipients == ("claims@carrier.test", "copy@carrier.test")
    assert accepted.answer.startswith("250 ")


def test_an_address_beyond_ascii_arrives_where_the_server_takes_it():
    office = PostOffice()
    mail = replace(MAIL, recipients=("j\N{LATIN SMALL LETTER O WITH DIAERESIS}rg@carrier.test",))
    with listening(office, enable_SMTPUTF8=True) as place:
        send(mail, starttls=False, **place)

    assert office.taken[0].rcpt_tos == list(mail.recipients)
    assert "SMTPUTF8" in office.taken[0].mail_options


def test_an_address_beyond_ascii_is_refused_where_the_server_does_not_take_it():
    mail = replace(MAIL, recipients=("j\N{LATIN SMALL LETTER O WITH DIAERESIS}rg@carrier.test",))
    office = PostOffice()
    with (
        listening(office, enable_SMTPUTF8=False) as place,
        pytest.raises(MailRefused, match="ASCII"),
    ):
        send(mail, starttls=False, **place)

    assert office.taken == []


@pytest.mark.parametrize("line_break", ["\r\n", "\n", "\r", "\x00", "\x85", "\u2028"])
@pytest.mark.parametrize(
    "place",
    [
        lambda text: {"subject": text},
        lambda text: {"sender": text},
        lambda text: {"recipients": (text,)},
        lambda text: {"message_id": text},
        lambda text: {"headers": (("X-Firm", text),)},
        lambda text: {"headers": ((text, "x"),)},
        lambda text: {
            "attachments": (MailAttachment(name=text, content=b"", media_type="text/csv"),)
        },
    ],
)
def test_a_line_break_in_a_header_is_refused(line_break, place):
    with pytest.raises(UnsafeHeader, match="line break") as refusal:
        replace(MAIL, **place(f"a@b.test{line_break}Bcc: x@y.test"))

    assert refusal.value.code == "mail.unsafe_header"


@pytest.mark.parametrize(
    "name", ["Bcc", "to", "Message-ID", "Content-Type", "Sender", "", "X:Y", "X Y", "\xdcber"]
)
def test_a_header_that_is_not_to_be_added_is_refused(name):
    with pytest.raises(UnsafeHeader, match="no header to add"):
        replace(MAIL, headers=((name, "x"),))


@pytest.mark.parametrize("text", ["", "x", "a b@c.test", "<a@b.test>", "a@b@c.test", "\xfc@b.test"])
def test_a_message_id_that_is_none_is_refused(text):
    with pytest.raises(UnsafeHeader, match="Message-ID"):
        replace(MAIL, message_id=text)


@pytest.mark.parametrize("text", ["", "pdf", "message/rfc822", "multipart/mixed", "text/x; y=z"])
def test_a_media_type_that_is_none_is_refused(text):
    file = MailAttachment(name="a", content=b"", media_type=text)

    with pytest.raises(UnsafeHeader, match="media type"):
        replace(MAIL, attachments=(file,))


@pytest.mark.parametrize(
    "text",
    ["", "a", "a@", "@b.test", "a b@c.test", "a@b.test, c@d.test", "g: a@b.test;", "a@b..test"],
)
def test_what_is_not_one_address_is_refused(text):
    with pytest.raises(MailRefused, match="not one mail address") as refusal:
        replace(MAIL, recipients=("copy@carrier.test", text))

    assert refusal.value.recipient == text
    with pytest.raises(MailRefused):
        replace(MAIL, sender=text)


def test_a_mail_to_nobody_is_refused():
    with pytest.raises(MailRefused, match="has a recipient"):
        replace(MAIL, recipients=())


def test_a_moment_without_a_zone_is_a_bug():
    with pytest.raises(ValueError, match="zone"):
        replace(MAIL, written_at=datetime.datetime(2026, 11, 2))  # noqa: DTZ001 -- the mistake
