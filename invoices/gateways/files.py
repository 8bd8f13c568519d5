"""Files kept by their hash below FILES_DIR, a folder for each firm; what is there never changes.

They are encrypted by the firm's data key. Whoever asks for one names the SHA-256 of its plain
bytes; on the disk its name is an HMAC of that, by a key of the firm. Files kept plain by earlier
versions lie under the hash itself; they are read until ``manage.py lock_files`` has locked them.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from billing_portal.errors import Refused
from billing_portal.tenancy.encryption import FileKeys, WrongPlace, file_keys
from billing_portal.tenancy.scope import tenant_scope

_LOCKED = ".locked"
_PART = "part-"
# Such names had what earlier versions were writing, plain; a killed one left it there.
_LEFT = re.compile(r"tmp[a-z0-9_]{8}|part-.+")
_LEFT_AFTER_SECONDS = 3600


class FileDamaged(Refused):
    """The bytes on the disk are not those that were stored: somebody or something changed them."""

    code = "documents.damaged"

    def __init__(self) -> None:
        super().__init__("The stored file is not what was made; tell your operator.")


class FileMissing(Refused):
    """A stored file is not on the disk any more."""

    code = "documents.missing"

    def __init__(self) -> None:
        super().__init__("The stored file is not there any more; tell your operator.")


UNREADABLE = (FileDamaged, FileMissing)


def store(tenant_id: int, data: bytes) -> str:
    """Keep bytes, encrypted, and return their SHA-256; kept before, nothing is written.

    The file appears whole or not at all, and is on the disk when this returns. What lies there and
    does not open any more is written anew.
    """
    sha256 = hash_of(data)
    with tenant_scope(tenant_id):
        keys = file_keys(make=True)
    place = _locked_place(keys, sha256)
    if _opened(keys, place, sha256) is None:
        _write(place, keys.lock(data, sha256))
    _plain_place(tenant_id, sha256).unlink(missing_ok=True)
    return sha256


def read(tenant_id: int, sha256: str) -> bytes:
    """Return stored bytes, decrypted, whose hash is checked. One query.

    :raises FileMissing: when they are not on the disk.
    :raises FileDamaged: when they are not what was stored.
    """
    with tenant_scope(tenant_id):
        keys = file_keys()
    # The plain one first: whoever locks it removes it last.
    plain = _bytes_at(_plain_place(tenant_id, sha256))
    if plain is not None and hash_of(plain) == sha256:
        return plain
    locked = _locked_place(keys, sha256) if keys.wrapped else None
    data = _opened(keys, locked, sha256) if locked else None
    if data is not None:
        return data
    if plain is not None or (locked and locked.exists()):
        raise FileDamaged
    raise FileMissing


def plain_files(tenant_id: int) -> Iterator[str]:
    """Yield the names of a firm's files that are not locked yet: the hashes of their bytes."""
    for place in sorted(_folder(tenant_id).glob("??/*")):
        if place.suffix != _LOCKED and not _LEFT.fullmatch(place.name):
            yield place.name


def lock(tenant_id: int, sha256: str) -> None:
    """Encrypt a file that was kept plain, then remove the plain one. Twice does no harm.

    :raises FileMissing, FileDamaged: as ``read``; then nothing was changed.
    """
    data = read(tenant_id, sha256)
    store(tenant_id, data)


def clear_left(tenant_id: int) -> int:
    """Remove what killed writers left behind an hour ago or longer; return how many."""
    before = time.time() - _LEFT_AFTER_SECONDS
    found = (each for each in _folder(tenant_id).glob("??/*") if _LEFT.fullmatch(each.name))
    left = [place for place in found if _written_at(place) < before]
    for place in left:
        place.unlink(missing_ok=True)
    return len(left)


def hash_of(data: bytes) -> str:
    """Return the SHA-256 of bytes, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _write(place: Path, data: bytes) -> None:
    """Write a file so that its name stands for all of it, also after the power failed."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=_PART, dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _opened(keys: FileKeys, place: Path, sha256: str) -> bytes | None:
    """Return what a locked file says, or None when it is not there or not what was stored."""
    stored = _bytes_at(place)
    if stored is None:
        return None
    try:
        data = keys.open(stored, sha256)
    except WrongPlace:
        return None
    return data if hash_of(data) == sha256 else None


def _written_at(place: Path) -> float:
    """Return when a file was written to last; its writer may have named it meanwhile: never old."""
    try:
        return place.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _bytes_at(place: Path) -> bytes | None:
    try:
        return place.read_bytes()
    except FileNotFoundError:
        return None


def _locked_place(keys: FileKeys, sha256: str) -> Path:
    name = keys.name_of(sha256)
    return _folder(keys.tenant_id) / name[:2] / f"{name}{_LOCKED}"


def _plain_place(tenant_id: int, sha256: str) -> Path:
    return _folder(tenant_id) / sha256[:2] / sha256


def _folder(tenant_id: int) -> Path:
    return Path(settings.FILES_DIR) / str(tenant_id)
