"""Start and stop the demo mail server from tests and demonstrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.outside.process import OutsideServer


class DemoMail(OutsideServer):
    """The mail server as a process of its own. ``book`` is the mailbox folder."""

    program = "mail/serve.py"
    smtp_port = 0

    def __init__(self, *, book: Path, port: int = 0, smtp_port: int = 0) -> None:
        super().__init__("--smtp-port", str(smtp_port), port=port, book=book)

    def _heard(self, places: list[str]) -> None:
        super()._heard(places)
        self.smtp_port = int(places[1].rpartition(":")[2])

    def messages(self) -> list[dict[str, Any]]:
        """Return the index of the mail kept, oldest first."""
        found: list[dict[str, Any]] = self.ask("/_control/book")
        return found

    def set_moods(self, **moods: object) -> None:
        """Refuse recipients, delay the answer, or drop connections after DATA."""
        self.ask("/_control/moods", moods)
