"""Bodies: files as they are, and JSON read strictly.

Strict means no duplicate keys, no NaN, no half characters, and never a float.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from billing_portal.api.problems import Malformed, TooLarge

# Above what any reader of files takes, so that it names its own limit.
MOST_BYTES: int = settings.FILE_UPLOAD_MAX_MEMORY_SIZE


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
            text = body.decode("utf-8")
            value = json.loads(
                text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique
            )
            if "\\u" in text:  # nothing else can bring such a character in
                _must_be_storable(value)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is not JSON: {error}") from error
        return value


class FileAsItIs(BaseParser):
    """Take the body as a file, for a reader of its own; subclasses name its type."""

    def parse(self, stream: IO[Any], media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the bytes.

        :raises TooLarge: for more than is read.
        """
        return bytes_of(stream)


def file_of(request: Request) -> bytes:
    """Return the file that is the body of a request.

    :raises Malformed: when there is none; of an empty body no parser is asked.
    """
    data: Any = request.data
    if not isinstance(data, bytes) or not data:
        raise Malformed("The body is empty; send the file.")
    return data


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _must_be_storable(value: Any) -> None:
    """Refuse NUL, which no table holds, and half a surrogate pair, which is no character."""
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("a text holds a NUL")
        value.encode()  # crashes with a ValueError on a lone surrogate
    elif isinstance(value, dict):
        for key, each in value.items():
            _must_be_storable(key)
            _must_be_storable(each)
    elif isinstance(value, list):
        for each in value:
            _must_be_storable(each)
