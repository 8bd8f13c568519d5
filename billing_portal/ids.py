"""Opaque public ids: a prefix that says what is named, and a UUID in Crockford's base 32.

26 lower-case characters without i, l, o and u, so that an id can be read out and typed. The first
character is at most 7, because 26 characters hold 130 bits.
"""

from __future__ import annotations

from uuid import UUID

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26
_BITS = 5


class NotAnId(ValueError):
    """The text is no public id of this kind."""


def public_id(prefix: str, uid: UUID) -> str:
    """Return the id that the outside sees, such as ``inv_01h455vb4pex5vsknk084sn02q``."""
    number, letters = uid.int, []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 1 << _BITS)
        letters.append(_ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(letters))}"


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
