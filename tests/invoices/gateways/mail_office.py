"""A mail server of our own, and a mail to send there."""

import asyncio
import datetime
import socket
import threading
from contextlib import contextmanager

from aiosmtpd.controller import Controller

from invoices.gateways.mail import (
    MailAttachment,
    OutgoingMail,
)

MAIL = OutgoingMail(
    message_id="dlv_01h455vb4pex5vsknk084sn02q@ames-cole.test",
    sender="Ames Cole <billing@ames-cole.test>",
    recipients=("Pat Doe <claims@carrier.test>", "copy@carrier.test"),
    subject="Invoice 2026-00042 \N{EN DASH} M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller",
    text="The invoice is attached.\n.\n..\nA line that is a dot ends nothing.\n",
    html="<p>The invoice is attached.</p>",
    written_at=datetime.datetime(2026, 11, 2, 9, 30, tzinfo=datetime.UTC),
    attachments=(
        MailAttachment(
            name="2026-00042.pdf",
            content=b"%PDF-1.7\r\n.\r\n\x00",
            media_type="application/pdf",
        ),
    ),
    headers=(("Auto-Submitted", "auto-generated"),),
)


class PostOffice:
    """Keeps what it takes; answers as it was told to."""

    def __init__(self, *, rcpt=None, mail="250 OK", data="250 OK"):
        self.taken, self.asked = [], []
        self._rcpt, self._mail, self._data = rcpt or {}, mail, data

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self._mail

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        self.asked.append(address)
        answer = self._rcpt.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self._data.startswith("250"):
            self.taken.append(envelope)
        return self._data


class FreePort(Controller):
    """Listens where the system says."""

    def _trigger_server(self):
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def listening(office, **options):
    controller = FreePort(office, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield {"host": "127.0.0.1", "port": controller.port}
    finally:
        controller.stop()


@contextmanager
def talking(*answers):
    """A server that says the given lines, one for each command heard, and then hangs up."""

    def talk():
        connection, _ = server.accept()
        with connection, connection.makefile("rwb") as wire:
            greeting, *replies = answers
            said = greeting
            wire.write(greeting.encode() + b"\r\n")
            wire.flush()
            for reply in replies:
                while said.startswith("354") and wire.readline() != b".\r\n":
                    continue
                if not said.startswith("354"):
                    wire.readline()
                said = reply
                wire.write(reply.encode() + b"\r\n")
                wire.flush()
            wire.readline()

    with socket.create_server(("127.0.0.1", 0)) as server:
        talker = threading.Thread(target=talk)
        talker.start()
        yield {"host": "127.0.0.1", "port": server.getsockname()[1], "starttls": False}
        talker.join(timeout=10)
