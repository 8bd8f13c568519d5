"""Mail over SMTP: one message, all of its recipients or none, and failures with names.

Three facts that surprise: a server may take some recipients and refuse others, so all are asked
before anything is sent; a connection lost after DATA leaves open whether the mail went out; and a
repeat is harmless only under the same Message-ID, which therefore comes from the caller. The bytes
follow from the message alone: no clock, no chance. Sources: RFC 5321, RFC 5322, RFC 6531.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import HeaderParseError, NonASCIILocalPartDefect
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from billing_portal.errors import Refused

_SUCCESS, _TEMPORARY, _PERMANENT = 200, 400, 500
_LONGEST_LINE = 998
_LONGEST_REPLY = 200
_ENCODED_WORD = re.compile(r"=\?.*\?=")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HEADER_NAME = re.compile("[!-9;-~]+")
_MESSAGE_ID = re.compile("[!-;=?A-~]+@[!-;=?A-~]+")
_MEDIA_TYPE = re.compile(r"(application|image|text)/[a-z0-9][a-z0-9.+-]*")
_OURS = frozenset(
    {"bcc", "cc", "content-transfer-encoding", "content-type", "date", "from", "message-id"}
    | {"mime-version", "reply-path", "return-path", "sender", "subject", "to"}
)


class MailRefused(Refused):
    """The mail will never go out as it is: nothing was sent, and a repeat ends the same way.

    :ivar recipient: the address that was refused; empty when it was something else.
    :ivar reply_code: the server's code, or None when the mail was never offered.
    """

    code = "mail.refused"

    def __init__(self, message: str, *, recipient: str = "", reply_code: int | None = None) -> None:
        super().__init__(message)
        self.recipient = recipient
        self.reply_code = reply_code


class UnsafeHeader(MailRefused):
    """A header holds a line break, or is one that this module writes itself."""

    code = "mail.unsafe_header"


class MailDown(Exception):
    """The server cannot be reached, or asks for patience: nothing was sent; try again later."""


class MailUnknown(Exception):
    """The connection ended after DATA: the mail may have gone out. Repeat under the same id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailAttachment:
    """A file that goes with a mail. ``media_type`` is such as "application/pdf"."""

    name: str
    content: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """A message as it will go out.

    :ivar message_id: without angle brackets, such as "dlv_01h4…@mail.ames-cole.test"; the same for
        every repeat.
    :ivar sender: an address, with or without a name: "Ames Cole LLP <billing@ames-cole.test>".
    :ivar written_at: the moment in the Date header, with its zone.
    :ivar headers: further headers, such as ("Auto-Submitted", "auto-generated").
    :raises UnsafeHeader: when something that goes into a header holds a control character.
    :raises MailRefused: when an address is none, or nobody is addressed.
    """

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str = field(repr=False)
    written_at: datetime
    html: str = field(default="", repr=False)
    attachments: tuple[MailAttachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.written_at.tzinfo is None:
            raise ValueError("A moment has a zone.")
        _check_headers(self)
        if not self.recipients:
            raise MailRefused("A mail has a recipient.")
        for text in (self.sender, *self.recipients):
            _address(text)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server took the mail for all of these addresses. It does not say that they read it."""

    recipients: tuple[str, ...]
    answer: str


def send(
    message: OutgoingMail,
    *,
    host: str,
    port: int,
    user: str = "",
    password: str = "",
    starttls: bool = True,
    timeout: float = 30,
    tls: ssl.SSLContext | None = None,
) -> Accepted:
    """Hand a mail to the server, for all of its recipients or for none.

    :param timeout: seconds for each answer of the server.
    :param tls: whom to trust; the system's authorities by default.
    :raises MailRefused: when the server refuses the sender, a recipient or the content for good.
    :raises MailDown: when nothing was sent and a later try may end better.
    :raises MailUnknown: when the connection ended after DATA.
    :raises ValueError: when a password would go over an open connection.
    """
    if user and not starttls:
        raise ValueError("A password goes over TLS only.")
    sender = _address(message.sender)
    recipients = tuple(_address(text).addr_spec for text in message.recipients)
    is_international = not "".join([sender.addr_spec, *recipients]).isascii()
    written = bytes_of(message)
    with _connected(host, port, timeout, greeting=sender.domain) as server:
        _prepare(server, user, password, tls or ssl.create_default_context() if starttls else None)
        options = [f"SIZE={len(written)}"] if server.has_extn("size") else []
        if is_international:
            options += ["SMTPUTF8", "BODY=8BITMIME"]
        _offer(server, sender.addr_spec, recipients, options)
        answer = _transfer(server, written)
    return Accepted(recipients, answer)


def bytes_of(message: OutgoingMail) -> bytes:
    """Return the message as it goes over the wire, lines ended by CR LF: same mail, same bytes."""
    mail = EmailMessage(policy=SMTP)
    mail["Date"] = format_datetime(message.written_at)
    mail["From"] = message.sender
    mail["To"] = ", ".join(message.recipients)
    mail["Subject"] = message.subject
    mail["Message-ID"] = f"<{message.message_id}>"
    for name, value in message.headers:
        mail[name] = value
    mail.set_content(message.text, cte="quoted-printable")
    if message.html:
        mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    for attachment in message.attachments:
        kind, _, subtype = attachment.media_type.partition("/")
        mail.add_attachment(
            attachment.content, maintype=kind, subtype=subtype, filename=attachment.name
        )
    # Neither quoted-printable nor base64 can hold "=_", so no content contains a boundary.
    digest = hashlib.sha256(message.message_id.encode()).hexdigest()[:24]
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"=_{digest}_{number}")
    addresses = "".join([message.sender, *message.recipients])
    policy = SMTP if addresses.isascii() else SMTPUTF8
    # A Message-ID folded at the usual 78 characters would be another one.
    return mail.as_bytes(policy=policy.clone(max_line_length=_LONGEST_LINE))


def _check_headers(message: OutgoingMail) -> None:
    names = [name for name, _ in message.headers]
    texts = [message.message_id, message.sender, message.subject, *message.recipients]
    texts += [text for header in message.headers for text in header]
    texts += [each.name for each in message.attachments]
    if any(_CONTROL.search(text) for text in texts):
        raise UnsafeHeader("A header holds no line break and no other control character.")
    if any(_ENCODED_WORD.search(text) for text in texts):  # it would be decoded, line ends and all
        raise UnsafeHeader("A header holds no encoded word; write it as plain text.")
    for name in names:
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS:
            raise UnsafeHeader(f"{name!r} is no header to add.")
    if not _MESSAGE_ID.fullmatch(message.message_id):
        raise UnsafeHeader("A Message-ID is local@domain, in ASCII and without brackets.")
    for each in message.attachments:
        if not _MEDIA_TYPE.fullmatch(each.media_type):
            raise UnsafeHeader(f"{each.media_type!r} is no media type of an attachment.")


def _address(text: str) -> Address:
    """Return the one address that a text holds, with or without a name."""
    try:
        header = SMTP.header_factory("to", text)
    except (HeaderParseError, IndexError) as error:  # "a@" is an IndexError to the parser
        raise MailRefused(f"{text} is not one mail address.", recipient=text) from error
    defects = [each for each in header.defects if not isinstance(each, NonASCIILocalPartDefect)]
    named = [group for group in header.groups if group.display_name is not None]
    if defects or named or len(header.addresses) != 1:
        raise MailRefused(f"{text} is not one mail address.", recipient=text)
    found: Address = header.addresses[0]
    if not found.username or not found.domain:
        raise MailRefused(f"{text} is not a mail address.", recipient=text)
    return found


@contextmanager
def _connected(host: str, port: int, timeout: float, *, greeting: str) -> Iterator[smtplib.SMTP]:
    """Connect, greeting as the sender's domain: the machine's own name is nobody's business."""
    name = greeting if greeting.isascii() else greeting.encode("idna").decode()
    try:
        server = smtplib.SMTP(host, port, local_hostname=name, timeout=timeout)
    except (smtplib.SMTPException, OSError) as error:
        raise MailDown(f"The mail server does not answer: {type(error).__name__}.") from error
    try:
        yield server
        # The mail is the server's by now; how it says good-bye changes nothing.
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        server.close()


def _prepare(server: smtplib.SMTP, user: str, password: str, tls: ssl.SSLContext | None) -> None:
    """Greet, encrypt, sign in. What fails here is not about this mail, so it may be tried again."""
    try:
        server.ehlo_or_helo_if_needed()
        if tls is not None:
            server.starttls(context=tls)
            server.ehlo()
        if user:
            server.login(user, password)
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error
        text = said.decode("utf-8", errors="replace") if isinstance(said, bytes) else str(said)
        words = " ".join(f"{error.smtp_code} {text}".split())[:_LONGEST_REPLY]
        raise MailDown(f"The mail server does not let us in: {words}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailDown(f"The mail server is not ready for us: {type(error).__name__}.") from error


def _offer(
    server: smtplib.SMTP, sender: str, recipients: tuple[str, ...], options: list[str]
) -> None:
    """Name the sender and every recipient; one that is refused ends it before anything is sent."""
    try:
        _judge(server.mail(sender, options))
        for recipient in recipients:
            _judge(server.rcpt(recipient), recipient)
        _judge(server.docmd("DATA"))
    except smtplib.SMTPNotSupportedError as error:
        raise MailRefused("The mail server takes addresses in ASCII only.") from error
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise MailDown(f"The connection ended before DATA: {type(error).__name__}.") from error


def _transfer(server: smtplib.SMTP, written: bytes) -> str:
    try:
        server.send(re.sub(rb"(?m)^\.", b"..", written) + b".\r\n")
        reply = server.getreply()
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise MailUnknown("The connection ended after DATA; the mail may have gone out.") from error
    return _judge(reply)


def _judge(reply: tuple[int, bytes], recipient: str = "") -> str:
    """Return the server's words on success; otherwise say whether another try may end better."""
    code, said = reply
    text = " ".join(said.decode("utf-8", errors="replace").split())[:_LONGEST_REPLY]
    if code >= _PERMANENT:
        whom = f" {recipient}" if recipient else ""
        raise MailRefused(
            f"The mail server refused{whom}: {code} {text}", recipient=recipient, reply_code=code
        )
    if not _SUCCESS <= code < _TEMPORARY:
        raise MailDown(f"The mail server asks for patience: {code} {text}")
    return f"{code} {text}"
