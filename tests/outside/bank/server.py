"""Start and stop the demo bank from tests and demonstrations."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any

from tests.outside.process import OutsideServer


class DemoBank(OutsideServer):
    """The bank as a process of its own."""

    program = "bank/serve.py"

    def __init__(
        self, *, book: Path, token: str, config: Path | None = None, port: int = 0
    ) -> None:
        self.token = token
        chosen = [] if config is None else ["--config", str(config)]
        super().__init__("--token", token, *chosen, port=port, book=book)

    def pay(self, **payment: object) -> str:
        """Book a payment; return the bank's reference."""
        return str(self.ask("/_control/payments", payment)["reference"])

    def statement(self, day: str, *, account: str = "") -> bytes:
        """Fetch a day's statement, which closes the day.

        :raises urllib.error.HTTPError: when the bank refuses.
        """
        request = urllib.request.Request(
            f"{self.url}/statements/{day}.xml?account={account}",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=15) as got:
            return bytes(got.read())

    def entries(self, account: str = "") -> list[dict[str, Any]]:
        """Return the bank's own movements, oldest first."""
        found: list[dict[str, Any]] = self.ask(f"/_control/book?account={account}")["entries"]
        return found
