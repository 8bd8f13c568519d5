"""Several deeds at once, each in a thread with a connection and a scope of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope

_PATIENCE = 60  # seconds


class Hand(threading.Thread):
    """One deed in a session of its own; ``said`` is what came of it, a result or an error."""

    def __init__(
        self, firm: Tenant, deed: Callable[[], Any], gate: threading.Barrier | None = None
    ) -> None:
        super().__init__(daemon=True)
        self._firm, self._deed, self._gate = firm, deed, gate
        self.said: Any = None

    def run(self) -> None:
        """Do it, and keep what came of it."""
        try:
            connection.ensure_connection()
            if self._gate is not None:
                self._gate.wait(_PATIENCE)
            with tenant_scope(self._firm.pk):
                self.said = self._deed()
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            self.said = error
        finally:
            connection.close()

    def begins_and_waits(self) -> None:
        """Start, and see that something else must end first."""
        self.start()
        self.join(0.7)
        assert self.is_alive(), self.said

    def outcome(self) -> Any:
        """Return what came of it, once it has ended."""
        self.join(_PATIENCE)
        assert not self.is_alive()
        return self.said


def at_once(firm: Tenant, *deeds: Callable[[], Any]) -> list[Any]:
    """Do all deeds at the same time; return what came of each, in the given order."""
    gate = threading.Barrier(len(deeds))
    hands = [Hand(firm, deed, gate) for deed in deeds]
    for hand in hands:
        hand.start()
    return [hand.outcome() for hand in hands]
