"""What every channel to a carrier takes, gives back and fails with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar


class Retry(StrEnum):
    """What may be done after a failure."""

    LATER = "later"
    AFTER_A_PERSON = "after a person has acted"
    AFTER_LOOK_UP = "only after looking whether the file is already there"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs in. The password shows in no representation and in no failure."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UploadFile:
    """The file to hand over: its name, its bytes, and the hash that was approved.

    :raises ValueError: when the bytes are not those that were approved.
    """

    name: str
    data: bytes = field(repr=False)
    sha256: str

    def __post_init__(self) -> None:
        if hashlib.sha256(self.data).hexdigest() != self.sha256:
            raise ValueError(f"The bytes of {self.name} do not have the hash that was approved.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for on a carrier's site. ``sha256`` decides where the site shows a hash."""

    file_name: str
    sha256: str
    invoice_number: str


class EvidenceKind(StrEnum):
    """In which form a page was kept."""

    SCREENSHOT = "screenshot"
    PAGE_TEXT = "page_text"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A page as it was seen: a PNG, or the visible text as UTF-8. ``step`` says when."""

    kind: EvidenceKind
    name: str
    data: bytes = field(repr=False)
    step: str

    @property
    def sha256(self) -> str:
        """The hash of the bytes kept."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A carrier's definite answer.

    ``carrier_status`` is the carrier's own word; ``status`` is what the recipe says it means, in
    the enumeration of the LEDES API. ``messages`` are the reasons and remarks, one each.
    ``blocked`` are addresses outside the carrier's site that its pages asked for and did not get.
    """

    reference: str
    carrier_status: str
    status: str
    messages: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    blocked: tuple[str, ...] = ()


class CarrierFailure(Exception):
    """A submission or look-up ended without an answer. The class says what may be done next."""

    code = "carrier.failure"
    retry: ClassVar[Retry]

    def __init__(self, text: str, *, step: str = "", evidence: Sequence[Evidence] = ()) -> None:
        super().__init__(text)
        self.step = step
        self.evidence = tuple(evidence)


class LoginRefused(CarrierFailure):
    """The carrier does not take these credentials. Another try may lock the account."""

    code = "carrier.login_refused"
    retry = Retry.AFTER_A_PERSON


class CodeWanted(CarrierFailure):
    """The carrier asks for a one-time code or shows a CAPTCHA. A person takes over."""

    code = "carrier.code_wanted"
    retry = Retry.AFTER_A_PERSON


class PageChanged(CarrierFailure):
    """A page is not the one that the recipe knows. Stop this carrier until the recipe is mended.

    ``step`` names the step and ``selector`` what was looked for.
    """

    code = "carrier.page_changed"
    retry = Retry.AFTER_A_PERSON

    def __init__(
        self, text: str, *, step: str, selector: str, evidence: Sequence[Evidence] = ()
    ) -> None:
        super().__init__(text, step=step, evidence=evidence)
        self.selector = selector


class CarrierDown(CarrierFailure):
    """The site does not answer, or answers that it is out of service. Nothing was handed over."""

    code = "carrier.down"
    retry = Retry.LATER


class OutcomeUnknown(CarrierFailure):
    """The file was sent and no definite answer came back. It may or may not be booked there."""

    code = "carrier.outcome_unknown"
    retry = Retry.AFTER_LOOK_UP
