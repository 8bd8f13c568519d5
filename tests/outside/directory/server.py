"""Start and stop the demo directory from tests and demonstrations, and sign in there by hand."""

from __future__ import annotations

import html
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tests.outside.process import OutsideServer


class WrongPassword(Exception):
    """The directory did not sign somebody in."""


class DemoDirectory(OutsideServer):
    """The directory as a process of its own."""

    program = "directory/serve.py"

    def __init__(self, *, book: Path, config: Path | None = None, port: int = 0) -> None:
        arguments = [] if config is None else ["--config", str(config)]
        super().__init__(*arguments, port=port, book=book)

    def issuer(self, organization: str) -> str:
        """Return the issuer of an organization."""
        return f"{self.url}/{organization}"

    def open(self, **organization: object) -> None:
        """Add or replace an organization."""
        self.ask("/_control/organizations", organization)

    def set_faults(self, organization: str, **faults: object) -> None:
        """Switch faults of one organization on; those not named are off."""
        self.ask("/_control/faults", {"organization": organization, **faults})

    def change(self, organization: str, user: str, **person: object) -> None:
        """Add a person, or change what the directory says of them."""
        self.ask("/_control/people", {"organization": organization, "user": user, **person})

    def entries(self) -> list[dict[str, Any]]:
        """Return what happened, oldest first."""
        found: list[dict[str, Any]] = self.ask("/_control/book")
        return found

    def sign_in(self, address: str, *, user: str, password: str, **pressed: str) -> str:
        """Fill in the sign-in page at an address; return where it sends the browser.

        :raises WrongPassword: when it shows its page again.
        :raises urllib.error.HTTPError: when it refuses the question.
        """
        with urllib.request.urlopen(address, timeout=15) as got:
            shown = got.read().decode()
        form = {
            name: html.unescape(value)
            for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown)
        }
        form |= {"user": user, "password": password, **pressed}
        place = address.partition("?")[0]
        request = urllib.request.Request(place, urllib.parse.urlencode(form).encode())
        try:
            urllib.request.build_opener(_Stay).open(request, timeout=15).close()
        except urllib.error.HTTPError as answer:
            with answer:
                if answer.code == 303:
                    return str(answer.headers["Location"])
            raise
        raise WrongPassword(user)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing: the browser does."""
