"""A mail server that keeps every message as a file, and has moods.

``POST /_control/moods`` sets them: ``refused`` (recipients answered with 550), ``delay_seconds``
before the answer to DATA, and ``drop_after_data`` (how many of the next messages are kept while
the connection is cut before the answer: the sender cannot know).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from dataclasses import asdict, dataclass, replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.outside.web import Request, Response, answer, moment


@dataclass(frozen=True)
class Moods:
    """How the post office behaves at the moment."""

    refused: tuple[str, ...] = ()
    delay_seconds: float = 0.0
    drop_after_data: int = 0


class PostOffice:
    """Keeps mail in a folder: one ``.eml`` a message, and ``index.json`` with a line for each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._index = folder / "index.json"
        self._lock = threading.Lock()
        self.moods = Moods()

    # What aiosmtpd calls.

    async def handle_RCPT(  # noqa: N802 -- the library's name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Refuse configured recipients, take everybody else."""
        if address.lower() in self.moods.refused:
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 -- the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep the message; then answer, wait, or cut the connection."""
        self._keep(envelope)
        await asyncio.sleep(self.moods.delay_seconds)
        if self._drops_this():
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return "250 OK: kept"

    def _keep(self, envelope: Envelope) -> None:
        data = bytes(envelope.original_content or b"")
        message = message_from_bytes(data, policy=default)
        with self._lock:
            kept = self._kept()
            name = f"{len(kept) + 1:06d}.eml"
            (self._folder / name).write_bytes(data)
            kept.append(
                {
                    "file": name,
                    "from": envelope.mail_from,
                    "to": list(envelope.rcpt_tos),
                    "subject": str(message["Subject"] or ""),
                    "message_id": str(message["Message-ID"] or ""),
                    "sha256": hashlib.sha256(data).hexdigest(),
                    "received_at": moment(),
                }
            )
            fresh = self._index.with_suffix(".new")
            fresh.write_text(json.dumps(kept, indent=1), "utf-8")
            fresh.replace(self._index)

    def _kept(self) -> list[dict[str, Any]]:
        if not self._index.exists():
            return []
        kept: list[dict[str, Any]] = json.loads(self._index.read_text("utf-8"))
        return kept

    def _drops_this(self) -> bool:
        with self._lock:
            if self.moods.drop_after_data < 1:
                return False
            self.moods = replace(self.moods, drop_after_data=self.moods.drop_after_data - 1)
            return True

    # The control.

    def control(self, request: Request) -> Response:
        """Answer one request to the control."""
        match (request.method, request.path):
            case ("GET", "/_control/book"):
                with self._lock:
                    return answer(self._kept())
            case ("POST", "/_control/moods"):
                return self._set_moods(request)
        return answer({"error": "Not found."}, status=404)

    def _set_moods(self, request: Request) -> Response:
        try:
            asked = dict(request.json())
            if "refused" in asked:
                asked["refused"] = tuple(each.lower() for each in asked["refused"])
            with self._lock:
                self.moods = replace(self.moods, **asked)
        except (TypeError, ValueError) as trouble:
            return answer({"error": str(trouble)}, status=400)
        return answer(asdict(self.moods))
