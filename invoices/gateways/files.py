"""Files kept by their hash below FILES_DIR, a folder for each firm; what is there never changes."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from django.conf import settings


class FileDamaged(Exception):
    """The bytes on the disk are not those that were stored: somebody or something changed them."""


class FileMissing(Exception):
    """A stored file is not on the disk any more."""


def store(tenant_id: int, data: bytes) -> str:
    """Keep bytes and return their SHA-256; kept before, nothing is written.

    The file appears whole or not at all, and is on the disk when this returns.
    """
    sha256 = hash_of(data)
    place = _place(tenant_id, sha256)
    if place.exists():
        return sha256
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return sha256


def read(tenant_id: int, sha256: str) -> bytes:
    """Return stored bytes, whose hash is checked.

    :raises FileMissing: when they are not on the disk.
    :raises FileDamaged: when they are not what was stored.
    """
    try:
        data = _place(tenant_id, sha256).read_bytes()
    except FileNotFoundError as error:
        raise FileMissing(sha256) from error
    if hash_of(data) != sha256:
        raise FileDamaged(sha256)
    return data


def hash_of(data: bytes) -> str:
    """Return the SHA-256 of bytes, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _place(tenant_id: int, sha256: str) -> Path:
    return Path(settings.FILES_DIR) / str(tenant_id) / sha256[:2] / sha256
