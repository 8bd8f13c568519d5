"""Start and stop the demo carriers from tests and demonstrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.outside.process import OutsideServer


class DemoCarriers(OutsideServer):
    """The carriers' sites as a process of their own."""

    program = "carrier/serve.py"

    def __init__(self, *, book: Path, config: Path | None = None, port: int = 0) -> None:
        arguments = [] if config is None else ["--config", str(config)]
        super().__init__(*arguments, port=port, book=book)

    def entries(self, carrier: str = "") -> list[dict[str, Any]]:
        """Return what the carriers wrote down, oldest first."""
        found: list[dict[str, Any]] = self.ask(f"/_control/book?carrier={carrier}")
        return found

    def set_faults(self, carrier: str, **faults: object) -> None:
        """Switch faults of one carrier's site on or off."""
        self.ask("/_control/faults", {"carrier": carrier, **faults})

    def reset(self) -> None:
        """Switch every fault off and forget sessions and locks; the book stays."""
        self.ask("/_control/reset", {})
