"""One visit to a carrier's site: following the steps of a recipe, and naming what goes wrong.

Every wait watches for trouble while it waits: signs of a refused sign-in or a wanted code, a server
error, a connection that broke. From the submit on, whatever is no definite answer is an unknown
outcome.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from invoices.gateways.carriers.base import (
    CarrierDown,
    CarrierFailure,
    CodeWanted,
    Credentials,
    Evidence,
    EvidenceKind,
    LoginRefused,
    Outcome,
    OutcomeUnknown,
    PageChanged,
    UploadFile,
)
from invoices.gateways.carriers.recipe import Recipe, Sign, Step, status_of

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Request, Response, Route, WebSocketRoute

_BETWEEN_LOOKS_MS = 40
_SERVER_ERROR = 500
_CONTROLS = """() => [...document.querySelectorAll('input:not([type=hidden]),select,textarea')]
    .map(each => each.name || each.id).filter(Boolean)"""


class Visit:
    """A browser page on a carrier's site, with what was read and kept of it."""

    def __init__(
        self,
        context: BrowserContext,
        recipe: Recipe,
        credentials: Credentials,
        values: Mapping[str, str],
        origins: Sequence[str],
    ) -> None:
        from playwright.sync_api import Error

        self._broken = Error
        self._recipe = recipe
        self._values = {
            **values,
            "user": credentials.user,
            "password": credentials.password,
        }
        self._origins = tuple(origins)
        self._evidence: list[Evidence] = []
        self._blocked: dict[str, None] = {}
        self._is_submitted = False
        self._is_loading = False
        self._trouble = ""
        self.read: dict[str, str] = {}
        self._messages: list[str] = []
        context.route("**/*", self._filter)
        context.route_web_socket("**", self._refuse_socket)
        self._page = context.new_page()
        self._page.on("request", self._on_request)
        self._page.on("response", self._on_response)
        self._page.on("requestfailed", self._on_failure)
        self._page.on("popup", lambda popup: popup.close())

    # What the page asks for.

    def _filter(self, route: Route) -> None:
        if self._is_own(route.request.url):
            route.continue_()
        else:
            self._note_blocked(route.request.url)
            route.abort("blockedbyclient")

    def _refuse_socket(self, socket: WebSocketRoute) -> None:
        self._note_blocked(socket.url)
        socket.close()

    def _note_blocked(self, url: str) -> None:
        parts = urlsplit(url)
        self._blocked[f"{parts.scheme}://{parts.netloc}{parts.path}"[:200]] = None

    def _is_own(self, url: str) -> bool:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.lower()}" in self._origins

    def _on_request(self, request: Request) -> None:
        if request.redirected_from is not None and not self._is_own(request.url):
            self._note_blocked(request.url)
        if self._is_for_the_page(request):
            self._is_loading, self._trouble = True, ""

    def _on_response(self, response: Response) -> None:
        if self._is_for_the_page(response.request):
            self._is_loading = False
            if response.status >= _SERVER_ERROR:
                self._trouble = f"The site answered with status {response.status}."

    def _on_failure(self, request: Request) -> None:
        if self._is_for_the_page(request):
            self._is_loading = False
            self._trouble = f"The connection broke: {request.failure}."

    def _is_for_the_page(self, request: Request) -> bool:
        return request.is_navigation_request() and request.frame == self._page.main_frame

    # Following steps.

    def follow(
        self, section: str, steps: Sequence[Step], *, file: UploadFile | None = None
    ) -> None:
        """Do the steps of a section one after the other.

        :raises CarrierFailure: the kind that says what went wrong, with the evidence so far.
        """
        for number, step in enumerate(steps, start=1):
            place = f"{section}[{number}]"
            try:
                self._do(place, step, file)
            except self._broken as error:
                # The library's message may quote what was typed, so it is not passed on.
                kind = type(error).__name__
                raise self._failure(place, step, f"The browser gave up ({kind}).") from None
            if step.evidence:
                self._keep(step.evidence, place)

    def _do(self, place: str, step: Step, file: UploadFile | None) -> None:
        match step.do:
            case "go_to":
                self._go_to(place, step)
            case "page":
                self._wait(place, step, lambda: self._is_page(step))
            case "read" if not step.optional or self._is_visible(step):
                self._read(place, step)
            case "read_all":
                self._messages += self._page.locator(self._selector(step)).all_inner_texts()
            case "fill" | "click" | "attach" | "submit" | "wait_for" | "expect_text":
                self._wait(place, step, lambda: self._is_visible(step))
                self._act(step, file)

    def _go_to(self, place: str, step: Step) -> None:
        quoted = {name: quote(value, safe="") for name, value in self._values.items()}
        self._trouble = ""
        try:
            self._page.goto(
                self._origins[0] + step.path.format(**quoted),
                wait_until="domcontentloaded",
                timeout=self._patience_ms(step),
            )
        except self._broken:
            reason = self._trouble or "The page did not come in time."
            self._trouble = reason
        self._look_for_trouble(place, step)

    def _act(self, step: Step, file: UploadFile | None) -> None:
        found = self._page.locator(self._selector(step)).first
        patience = self._patience_ms(step)
        match step.do:
            case "fill":
                found.fill(step.value.format(**self._values), timeout=patience)
            case "click":
                found.click(timeout=patience)
            case "attach" if file is not None:
                payload = {"name": file.name, "mimeType": "text/plain", "buffer": file.data}
                found.set_input_files(payload, timeout=patience)  # type: ignore[arg-type] # a FilePayload
            case "submit":
                found.click(timeout=patience, trial=True)
                self._is_submitted = True
                found.click(timeout=patience)

    def _read(self, place: str, step: Step) -> None:
        self._wait(place, step, lambda: self._is_visible(step))
        text = self._page.locator(self._selector(step)).first.inner_text().strip()
        if step.pattern:
            found = re.search(step.pattern, text)
            text = found[1] if found else ""
        if not text and not step.optional:
            raise self._failure(place, step, f"There is no {step.name} to read.")
        if step.name == "messages":
            self._messages.append(text)
        else:
            self.read[step.name] = text

    def sees(self, selector: str, *, rather_than: str) -> bool:
        """Wait for one of two things to be on the page; return whether it is the first.

        What an earlier upload left there counts as the second: the page has come.
        """
        step = Step("wait_for", selector=f"{selector.replace('{new}', '')}, {rather_than}")
        self._wait("look_up", step, lambda: self._is_visible(step))
        return self._page.locator(selector.format(**self._values)).first.is_visible()

    def outcome(self, place: str) -> Outcome:
        """Return the answer that was read.

        :raises OutcomeUnknown: when a reference or a status is missing.
        """
        reference, word = self.read.get("reference", ""), self.read.get("status", "")
        self._keep(place, place)
        if not reference or not word:
            text = "The carrier gave no reference number or status."
            raise OutcomeUnknown(text, step=place, evidence=self._evidence)
        return Outcome(
            reference=reference,
            carrier_status=word,
            status=status_of(self._recipe, word),
            messages=tuple(" ".join(each.split()) for each in self._messages),
            evidence=tuple(self._evidence),
            blocked=tuple(self._blocked),
        )

    # Waiting and looking.

    def _wait(self, place: str, step: Step, is_there: Callable[[], bool]) -> None:
        ends = time.monotonic() + self._patience_ms(step) / 1000
        while time.monotonic() < ends:
            with suppress(self._broken):  # the page is being replaced while it is looked at
                if is_there():
                    return
                self._look_for_trouble(place, step)
            self._page.wait_for_timeout(_BETWEEN_LOOKS_MS)
        if self._is_loading:
            self._trouble = "The page did not come in time."
        raise self._failure(place, step, f"{step.selector or step.title!r} is not on the page.")

    def _look_for_trouble(self, place: str, step: Step) -> None:
        signs = self._recipe.signs
        found: CarrierFailure | None = None
        if self._shows(signs.code_wanted):
            found = CodeWanted("The carrier wants a code or shows a CAPTCHA.", step=place)
        elif self._shows(signs.login_refused):
            found = LoginRefused("The carrier does not take these credentials.", step=place)
        elif self._shows(signs.down):
            self._trouble = self._trouble or "The site says that it is out of service."
        elif self._is_submitted and self._shows(signs.answer_lost):
            self._trouble = "The site says that it could not confirm the upload."
        elif self._page.url.startswith("http") and not self._is_own(self._page.url):
            raise self._failure(place, step, "The page led away from the carrier's site.")
        if found is not None and not self._is_submitted:
            self._keep("failure", place)
            found.evidence = tuple(self._evidence)
            raise found
        if found is not None or self._trouble:
            raise self._failure(place, step, self._trouble or str(found))

    def _failure(self, place: str, step: Step, text: str) -> CarrierFailure:
        """Return the failure that fits the moment, with a picture of the page if there is one."""
        self._keep("failure", place)
        if self._is_submitted:
            text = f"{self._trouble or text} The file may have been received."
            return OutcomeUnknown(text, step=place, evidence=self._evidence)
        if self._trouble:
            return CarrierDown(self._trouble, step=place, evidence=self._evidence)
        selector = step.selector or step.title
        return PageChanged(text, step=place, selector=selector, evidence=self._evidence)

    def _shows(self, signs: Sequence[Sign]) -> bool:
        for sign in signs:
            found = self._page.locator(sign.selector).first
            if found.is_visible() and sign.text.lower() in found.inner_text().lower():
                return True
        return False

    def _is_visible(self, step: Step) -> bool:
        found = self._page.locator(self._selector(step)).first
        if step.do == "attach":  # sites hide the field behind a button of their own
            return found.count() > 0
        return found.is_visible() and step.text.lower() in found.inner_text().lower()

    def _is_page(self, step: Step) -> bool:
        """Compare the page's fingerprint: its title, and the names of its visible controls."""
        if self._page.title() != step.title:
            return False
        return not step.controls or set(self._page.evaluate(_CONTROLS)) == set(step.controls)

    def _selector(self, step: Step) -> str:
        return step.selector.format(**self._values)

    def _patience_ms(self, step: Step) -> int:
        return step.timeout_ms or self._recipe.timeout_ms

    def _keep(self, name: str, place: str) -> None:
        """Keep a picture and the text of the page. A page that is gone leaves none."""
        with suppress(self._broken):
            text = self._page.locator("body").inner_text(timeout=2_000).encode()
            self._evidence.append(Evidence(EvidenceKind.PAGE_TEXT, name, text, place))
            picture = self._page.screenshot(full_page=True, timeout=5_000)
            self._evidence.append(Evidence(EvidenceKind.SCREENSHOT, name, picture, place))
