"""Opaque public ids: a prefix that says what is named, and a UUID in Crockford's base 32.

26 lower-case characters without i, l, o and u, so that an id can be read out and typed. The first
character is at most 7, because 26 characters hold 130 bits.
"""

from __future__ import annotations

from base64 import b32encode
from uuid import UUID

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26
_BITS = 5
_OURS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _ALPHABET.encode())
_WHOLE = 20  # bytes: a multiple of 5 and 8 bits; of its 32 letters the first 6 are nothing
_SPOKEN = 6  # letters, 28 bits: two of a firm's thousand drafts share them once in 500 firms
_MISREAD = str.maketrans("oil", "011")


class NotAnId(ValueError):
    """The text is no public id of this kind."""


def public_id(prefix: str, uid: UUID) -> str:
    """Return the id that the outside sees, such as ``inv_01h455vb4pex5vsknk084sn02q``."""
    letters = b32encode(uid.int.to_bytes(_WHOLE, "big"))[-_LENGTH:]
    return f"{prefix}_{letters.translate(_OURS).decode()}"


def uid_of(prefix: str, text: str) -> UUID:
    """Return the UUID behind a public id.

    :raises NotAnId: when the prefix, the length, a letter or the size is wrong.
    """
    named, _, body = text.rpartition("_")
    if named != prefix or len(body) != _LENGTH or any(c not in _ALPHABET for c in body):
        raise NotAnId(text)
    number = 0
    for letter in body:
        number = (number << _BITS) | _ALPHABET.index(letter)
    if number >> 128:
        raise NotAnId(text)
    return UUID(int=number)


def spoken(uid: UUID) -> str:
    """Return how people call what has no number or name yet, such as ``7K3F9Q``.

    These are the letters that its public id begins with, so that an address shows them too.
    """
    return public_id("", uid)[1:][:_SPOKEN].upper()


def uids_spoken(text: str) -> tuple[UUID, UUID] | None:
    """Return the first and the last UUID that people may mean by such letters, or None.

    Capitals do not matter, nor what goes before (``Draft 7K3F9Q``), nor O for 0 or I and L for 1.
    """
    letters = text.lower().rpartition(" ")[2].translate(_MISREAD)
    if len(letters) != _SPOKEN:
        return None
    rest = _LENGTH - _SPOKEN
    try:
        return uid_of("", f"_{letters}{'0' * rest}"), uid_of("", f"_{letters}{'z' * rest}")
    except NotAnId:
        return None
