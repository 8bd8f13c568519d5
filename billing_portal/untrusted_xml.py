"""How XML from outside is parsed, whoever sent it: so that it reaches for nothing. Pure.

Each format decides for itself what it refuses before and after, and in which words.
"""

from __future__ import annotations

import re

from lxml import etree

_DECLARED = re.compile(rb"""^<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]*)["']""")


def parser(*, keeps_instructions: bool = False) -> etree.XMLParser:
    """Return a parser that opens nothing and believes nothing.

    Comments are dropped before anybody reads text, so that they cut no name or amount in two.

    :param keeps_instructions: keep processing instructions, to be found and refused.
    """
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=not keeps_instructions,
        recover=False,
    )


def declared_encoding(data: bytes) -> bytes | None:
    """Return the encoding that a document names in its first line, in capitals, or None."""
    declared = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf").lstrip())
    return declared[1].upper() if declared else None
