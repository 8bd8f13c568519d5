"""Parse XML that came from outside without letting it reach for anything.

Refused are: files over a size, any DOCTYPE (so no entity is ever declared), encodings that could
hide one, and what is not well-formed. No network, no external files. Comments and processing
instructions are dropped before anybody reads text, so that they cannot cut an amount in two.
"""

from __future__ import annotations

import re

from lxml import etree

from billing_portal.errors import sized
from billing_portal.untrusted_xml import declared_encoding, parser
from dunning.bank.findings import Finding, NotAStatement, Severity

MOST_BYTES = 16_000_000
_PLACE = re.compile(r", line \d+, column \d+$")  # the finding says the line already
_ENCODINGS = {b"UTF-8", b"US-ASCII", b"ISO-8859-1", b"ISO-8859-15", b"WINDOWS-1252"}


def parsed(data: bytes) -> etree._Element:
    """Return the root element of a file.

    :raises NotAStatement: when the file is too large, has a DOCTYPE, is encoded in another way
        than UTF-8 or a Latin code page, or is not well-formed XML.
    """
    _refuse_suspects(data)
    try:
        root = etree.fromstring(data, parser())
    except etree.XMLSyntaxError as trouble:
        said = _PLACE.sub("", trouble.msg or "no reason is given")
        text = f"The file is not well-formed XML: {said}."
        raise _refusal("bank.not_xml", text, trouble.lineno or 0) from None
    if root.getroottree().docinfo.doctype:
        raise _refusal("bank.doctype", "The file declares a document type.")
    return root


def _refuse_suspects(data: bytes) -> None:
    if len(data) > MOST_BYTES:
        text = f"The file has {len(data):,} bytes; {sized(MOST_BYTES)} are read at most."
        raise _refusal("bank.too_large", text)
    body = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not body:
        raise _refusal("bank.empty", "The file is empty.")
    declared = declared_encoding(data)
    if b"\0" in data or (declared is not None and declared not in _ENCODINGS):
        raise _refusal("bank.encoding", "The file is in an encoding that is not read here.")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise _refusal("bank.doctype", "The file declares a document type.")


def _refusal(rule: str, text: str, row: int = 0) -> NotAStatement:
    return NotAStatement([Finding(rule, "", row, Severity.ERROR, text)])
