"""A snapshot as bytes that are the same wherever and whenever they are made.

JSON with sorted keys, no spaces and UTF-8; Decimals as plain strings (no exponent) at the scale
that the snapshot gave them, dates as ISO 8601. The member ``schema`` says which edition of the
snapshot is written; a reader refuses what it does not know instead of guessing.

A snapshot is written in the first edition that can say it. So what was frozen under an early one
has the same bytes and the same hash for ever, also after members were added to the snapshot: a new
member goes into ``_ADDED`` with an edition of its own, and with a default that means "not said".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from billing_portal.errors import Refused
from invoices.documents.snapshot import InvoiceSnapshot

_SCHEMA = "invoice-snapshot/"
_ADDED: dict[int, dict[str, Any]] = {2: {"corrects_issued_on": None, "reason": ""}}


class NotASnapshot(Refused):
    """The bytes are not the canonical form of an invoice snapshot."""

    code = "documents.not_a_snapshot"


def canonical_bytes(snapshot: InvoiceSnapshot) -> bytes:
    """Return the snapshot's canonical bytes. Equal snapshots give equal bytes."""
    plain = _plain(snapshot)
    edition = max((number for number, names in _ADDED.items() if _says(plain, names)), default=1)
    for name in _unknown_to(edition):
        del plain[name]
    plain["schema"] = f"{_SCHEMA}{edition}"
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def snapshot_from(stored: bytes) -> InvoiceSnapshot:
    """Return the snapshot that ``canonical_bytes`` wrote.

    :raises NotASnapshot: when the bytes are damaged, of another edition, or not canonical.
    """
    try:
        snapshot = _read(json.loads(stored))
    except (ValueError, TypeError, KeyError, InvalidOperation) as reason:
        raise NotASnapshot(f"The stored bytes are no invoice snapshot: {reason}.") from reason
    if canonical_bytes(snapshot) != stored:
        raise NotASnapshot("The stored bytes are not in canonical form.")
    return snapshot


def fingerprint(stored: bytes) -> str:
    """Return the SHA-256 of the bytes as 64 lowercase hexadecimal digits."""
    return hashlib.sha256(stored).hexdigest()


def _read(plain: Any) -> InvoiceSnapshot:
    members = _expected(plain, dict)
    schema = members.pop("schema", None)
    edition = next((each for each in (1, *_ADDED) if schema == f"{_SCHEMA}{each}"), None)
    if edition is None:
        raise ValueError("they are of no known edition")
    unknown = _unknown_to(edition)
    if members.keys() & unknown.keys():
        raise ValueError(f"edition {edition} has no {sorted(unknown)}")
    snapshot: InvoiceSnapshot = _value({**members, **unknown}, InvoiceSnapshot)
    return snapshot


def _says(plain: dict[str, Any], names: dict[str, Any]) -> bool:
    """Say whether a snapshot tells anything by the members of an edition."""
    return any(plain[name] != unsaid for name, unsaid in names.items())


def _unknown_to(edition: int) -> dict[str, Any]:
    """Return the members that an edition does not have, each with what it is when not said."""
    later = (names for number, names in _ADDED.items() if number > edition)
    return {name: unsaid for names in later for name, unsaid in names.items()}


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is Decimal:
        return format(value, "f")
    if kind is tuple:
        return [_plain(each) for each in value]
    names = _NAMES.get(kind)
    if names is None and is_dataclass(value):
        names = _NAMES[kind] = tuple(each.name for each in fields(value))
    if names is not None:
        return {name: _plain(getattr(value, name)) for name in names}
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return value


def _value(plain: Any, kind: Any) -> Any:
    if get_origin(kind) in {Union, UnionType}:
        return None if plain is None else _value(plain, get_args(kind)[0])
    if get_origin(kind) is tuple:
        return tuple(_value(each, get_args(kind)[0]) for each in _expected(plain, list))
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        members = _expected(plain, dict)
        if members.keys() != hints.keys():
            raise ValueError(f"{kind} has other members than {sorted(members)}")
        return kind(**{name: _value(members[name], hints[name]) for name in hints})
    return _scalar(plain, kind)


def _scalar(plain: Any, kind: Any) -> Any:
    if kind is Decimal:
        return Decimal(_expected(plain, str))
    if kind is date:
        return date.fromisoformat(_expected(plain, str))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(plain)
    return _expected(plain, kind)


def _expected(plain: Any, kind: type) -> Any:
    if type(plain) is not kind:
        raise TypeError(f"{plain!r} is not a {kind.__name__}")
    return plain


# Looked up by exact type before anything else: nearly every member of a snapshot is one of these.
_AS_IT_IS = frozenset((type(None), int, str))
_NAMES: dict[type, tuple[str, ...]] = {}
_KNOWN: dict[Any, dict[str, Any]] = {}


def _hints(kind: Any) -> dict[str, Any]:
    if kind not in _KNOWN:
        _KNOWN[kind] = get_type_hints(kind)
    return _KNOWN[kind]
