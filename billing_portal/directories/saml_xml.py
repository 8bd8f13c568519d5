"""XML that a directory wrote, parsed so that it reaches for nothing, and the words of SAML in it.

Refused are: what is over a size, any DOCTYPE (so no entity is ever declared), other encodings than
UTF-8, processing instructions, and what is not well-formed. Comments are dropped before anybody
reads text, so that they cut no name in two; signatures leave them out as well.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from billing_portal.untrusted_xml import declared_encoding, parser

MOST_BYTES = 256 * 1024
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
ADDRESS = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
_MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$")


class NotSaml(ValueError):
    """It is no XML that is read here."""


def parsed(data: bytes) -> Any:
    """Return the root element.

    :raises NotSaml: when it may not be read, for one of the reasons that the module names.
    """
    if len(data) > MOST_BYTES:
        raise NotSaml("It is too large.")
    if b"\0" in data or declared_encoding(data) not in {None, b"UTF-8"}:
        raise NotSaml("It is not in UTF-8.")
    if b"<!" in data.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        raise NotSaml("It declares a document type.")
    try:
        root = etree.fromstring(data, parser(keeps_instructions=True))
    except etree.XMLSyntaxError as error:
        raise NotSaml("It is not well-formed XML.") from error
    if (
        root.getroottree().docinfo.doctype
        or next(root.iter(etree.PI, etree.Entity), None) is not None
    ):
        raise NotSaml("It holds more than elements and text.")
    return root


def text_of(element: Any) -> str:
    """Return the text of an element that holds nothing but text, whole; else an empty one."""
    return "" if element is None or len(element) else "".join(element.itertext()).strip()


def moment_of(text: str | None) -> datetime | None:
    """Return a moment as SAML writes it, always in UTC; None for anything else."""
    if text is None or not _MOMENT.match(text):
        return None
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        return None


def written(moment: datetime) -> str:
    """Return a moment as SAML writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
