"""Numbers of tables that all firms share leave the house under a cover: letters that say nothing.

What grows with every firm's work tells one firm how busy the others are, and where it must be named
outside, in an address that pages a list or opens a form, it is encrypted. The same number under the
same name has the same cover, so that addresses stay as they are; nobody can make one up.
"""

from __future__ import annotations

import functools
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_LONGEST = 200


def covered(text: str, *, of: str) -> str:
    """Return a short text under its cover, in letters that an address may hold.

    :param of: what it names, such as a list with its filters; under another name it does not open.
    """
    locked = _lock(settings.SECRET_KEY).encrypt(text.encode(), [of.encode()])
    return urlsafe_b64encode(locked).decode().rstrip("=")


def uncovered(cover: str, *, of: str) -> str | None:
    """Return what is under a cover, or None when it is none of that name.

    Covers of the keys before this one still open (``SECRET_KEY_FALLBACKS``).
    """
    if len(cover) > _LONGEST or not cover.isascii():
        return None
    try:
        locked = urlsafe_b64decode(cover + "=" * (-len(cover) % 4))
    except ValueError:
        return None
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return _lock(secret).decrypt(locked, [of.encode()]).decode()
        except (InvalidTag, ValueError):
            continue
    return None


@functools.cache
def _lock(secret: str) -> AESSIV:
    key = HKDF(SHA256(), length=32, salt=None, info=b"covers of numbers")
    return AESSIV(key.derive(secret.encode()))
