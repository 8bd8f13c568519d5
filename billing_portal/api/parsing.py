"""Bodies: JSON read strictly (no duplicate keys, no NaN, never a float), and files as they are."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from billing_portal.api.problems import TooLarge

MOST_BYTES = 25_000_000  # above what any reader of files takes, so that it names its own limit


def bytes_of(stream: IO[Any]) -> bytes:
    """Return a body as it is.

    :raises TooLarge: when it has more than ``MOST_BYTES``; no more than one further is read.
    """
    body: bytes = stream.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise TooLarge(MOST_BYTES)
    return body


class StrictJson(BaseParser):
    """Read a JSON body; fractions become Decimal, so that no amount passes through a float."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the value of the body.

        :raises ParseError: for anything that is not strict JSON in UTF-8.
        :raises TooLarge: for more than is read.
        """
        body = bytes_of(stream)
        try:
            return json.loads(
                body.decode("utf-8"),
                parse_float=Decimal,
                parse_constant=_refuse,
                object_pairs_hook=_unique,
            )
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is not JSON: {error}") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found
