"""Who is signed in at a carrier's site: sessions by cookie, and the lock after wrong passwords."""

from __future__ import annotations

import hmac
import secrets
import threading
from dataclasses import dataclass, field

from tests.outside.carrier.master import Carrier

WRONG_BEFORE_LOCK = 3


@dataclass
class Session:
    """One visitor: who has given a name, who has proven it, and the token its forms carry."""

    carrier: str
    named: str = ""
    user: str = ""
    owes_code: str = ""
    form_token: str = field(default_factory=lambda: secrets.token_hex(16))


class Accounts:
    """Sessions and wrong attempts of all carriers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._wrong: dict[tuple[str, str], int] = {}

    def session(self, key: str, carrier: str) -> tuple[str, Session]:
        """Return the session under a cookie's key, or a new one with its key."""
        with self._lock:
            known = self._sessions.get(key)
            if known is not None and known.carrier == carrier:
                return key, known
            fresh = secrets.token_urlsafe(24)
            self._sessions[fresh] = Session(carrier)
            return fresh, self._sessions[fresh]

    def forget(self, key: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(key, None)

    def is_locked(self, carrier: str, user: str) -> bool:
        """Return whether the user has given too many wrong passwords."""
        return self._wrong.get((carrier, user), 0) >= WRONG_BEFORE_LOCK

    def is_right(self, carrier: Carrier, user: str, password: str) -> bool:
        """Check a password, counting the wrong ones. A locked user is never right."""
        if self.is_locked(carrier.key, user):
            return False
        right = hmac.compare_digest(carrier.users.get(user, "\0").encode(), password.encode())
        with self._lock:
            self._wrong[carrier.key, user] = (
                0 if right else self._wrong.get((carrier.key, user), 0) + 1
            )
        return right

    def reset(self) -> None:
        """Forget every session and every wrong attempt."""
        with self._lock:
            self._sessions.clear()
            self._wrong.clear()
