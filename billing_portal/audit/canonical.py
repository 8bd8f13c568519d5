"""One way to write a row as bytes, so that its hash means something years later.

Canonical JSON (sorted keys, no spaces, UTF-8, integers and text only) framed by its length, so that
no two different sequences of fields can give the same bytes.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


def canonical(value: Any) -> bytes:
    """Return the canonical bytes of a value: ``<length>:<json>``.

    Dates, moments (in UTC, with microseconds), UUIDs and decimals are written as text.

    :raises TypeError: for a float, or anything else without one way to write it.
    """
    body = _ENCODER.encode(_plain(value)).encode()
    return b"%d:%b" % (len(body), body)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
# Looked up by exact type before anything else: nearly every value of an entry is one of these.
_AS_IT_IS = frozenset((type(None), bool, int, str))


def _plain(value: Any) -> Any:
    if type(value) in _AS_IT_IS:
        return value
    if isinstance(value, list | tuple):
        return [part if type(part) in _AS_IT_IS else _plain(part) for part in value]
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    return _text(value)


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date | UUID | Decimal):
        return str(value)
    if isinstance(value, int | str):  # an enumeration's member is what it stands for
        return value
    raise TypeError(f"{type(value).__name__} has no canonical form.")
