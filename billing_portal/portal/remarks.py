"""What a room above says of a thing that a room below shows, by ``settings.INVOICE_REMINDERS``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Remark:
    """One thing that happened: on which day, what it is called, how it stands, and its page.

    :ivar detail: a few words more, such as to whom it went.
    """

    on: date
    what: str
    state: str
    detail: str = ""
    url: str = ""
