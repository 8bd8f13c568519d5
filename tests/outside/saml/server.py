"""Start and stop the demo SAML directory from tests, and sign in there by hand."""

from __future__ import annotations

import html
import re
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tests.outside.process import OutsideServer

_HIDDEN = re.compile(r'type="hidden" name="(\w+)" value="([^"]*)"')


class WrongPassword(Exception):
    """The directory did not sign somebody in."""


class DemoSaml(OutsideServer):
    """The directory as a process of its own."""

    program = "saml/serve.py"

    def __init__(self, *, book: Path, config: Path | None = None, port: int = 0) -> None:
        arguments = [] if config is None else ["--config", str(config)]
        super().__init__(*arguments, port=port, book=book)

    def entity(self, organization: str) -> str:
        """Return the entity ID of an organization."""
        return f"urn:demo:directory:{organization}"

    def metadata(self, organization: str) -> str:
        """Return what an organization says of itself."""
        with urllib.request.urlopen(f"{self.url}/{organization}/metadata", timeout=15) as got:
            return str(got.read().decode())

    def certificates(self) -> dict[str, str]:
        """Return the certificates by name, PEM."""
        found: dict[str, str] = self.ask("/_control/certificates")
        return found

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

    def sign_in(self, address: str, *, user: str, password: str, **pressed: str) -> dict[str, str]:
        """Fill in the sign-in page at an address; return the form that the browser would post.

        :raises WrongPassword: when it shows its page again.
        :raises urllib.error.HTTPError: when it refuses the question.
        """
        with urllib.request.urlopen(address, timeout=15) as got:
            shown = got.read().decode()
        form = {**_fields(shown), "user": user, "password": password, **pressed}
        place = address.partition("?")[0]
        request = urllib.request.Request(place, urllib.parse.urlencode(form).encode())
        with urllib.request.urlopen(request, timeout=15) as got:
            answered = _fields(got.read().decode())
        if "SAMLResponse" not in answered:
            raise WrongPassword(user)
        return answered


def _fields(shown: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(shown)}
