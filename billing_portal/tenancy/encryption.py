"""Field encryption: AES-256-GCM, a data key per firm, each value bound to its place.

The additional data is tenant, table, column and row, so a value copied elsewhere does not open. A
stored value is ``v1.<key number>.<base64 of nonce + ciphertext>``. Data keys are wrapped by the
first of FIELD_KEYS; the others still open what they wrapped, so that keys can be rotated.

A stored file is bytes instead: a magic word with the format's version, the key's number, the nonce,
and the ciphertext, bound to the firm and to the SHA-256 of what was locked.
"""

from __future__ import annotations

import base64
import hmac
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db.models import Max

from billing_portal.tenancy.locks import one_at_a_time
from billing_portal.tenancy.models import TenantKey
from billing_portal.tenancy.scope import current_tenant_id

_NONCE = 12
_DEED = "data keys"
_FILE = struct.Struct(">5sH")  # magic word with the version, number of the key
_MAGIC = b"BPF1\n"


class WrongPlace(Exception):
    """A stored secret does not open here: copied from elsewhere, tampered with, or its key gone."""


@dataclass(frozen=True)
class FileKeys:
    """A firm's data keys in hand, so that no transaction is open while its files are worked on.

    :ivar wrapped: the keys by their numbers; the newest locks files, the first names them.
    """

    tenant_id: int
    wrapped: Mapping[int, bytes] = field(repr=False)

    def name_of(self, sha256: str) -> str:
        """Return the name that a file has on the disk, 64 letters.

        Who guesses what a file says cannot tell from its name whether it is there.
        """
        own = HKDF(SHA256(), length=32, salt=None, info=b"names of files")
        key = own.derive(self._key(min(self.wrapped)))
        return hmac.new(key, self._place(sha256), "sha256").hexdigest()

    def lock(self, data: bytes, sha256: str) -> bytes:
        """Return bytes encrypted for this firm and this hash, never the same twice."""
        number, nonce = max(self.wrapped), os.urandom(_NONCE)
        locked = AESGCM(self._key(number)).encrypt(nonce, data, self._place(sha256))
        return _FILE.pack(_MAGIC, number) + nonce + locked

    def open(self, stored: bytes, sha256: str) -> bytes:
        """Return what was locked.

        :raises WrongPlace: when it was not locked for this firm and this hash, or was changed.
        """
        if len(stored) < _FILE.size + _NONCE or not stored.startswith(_MAGIC):
            raise WrongPlace("These bytes are no locked file.")
        _, number = _FILE.unpack_from(stored)
        if number not in self.wrapped:
            raise WrongPlace(f"The firm has no key {number}.")
        nonce, locked = stored[_FILE.size :][:_NONCE], stored[_FILE.size + _NONCE :]
        try:
            return AESGCM(self._key(number)).decrypt(nonce, locked, self._place(sha256))
        except InvalidTag as error:
            raise WrongPlace(sha256) from error

    def _key(self, number: int) -> bytes:
        return unwrap(self.wrapped[number], _wrapping(self.tenant_id, number))

    def _place(self, sha256: str) -> bytes:
        return _joined(self.tenant_id, "file", sha256)


def file_keys(*, make: bool = False) -> FileKeys:
    """Return the current firm's keys for its files. One query.

    :param make: give a firm that has no key its first.
    """
    known = _wrapped_keys()
    if make and not known:
        one_at_a_time(_DEED)
        if not _wrapped_keys():
            make_key()
        known = _wrapped_keys()
    return FileKeys(current_tenant_id(), known)


def lock_up(plain: str, *, table: str, column: str, row: object) -> str:
    """Encrypt a value for one cell of the current firm."""
    key = TenantKey.objects.order_by("-number").first() or make_key()
    return f"v1.{key.number}.{sealed(_unwrap(key), plain, _place(table, column, row))}"


def open_up(stored: str, *, table: str, column: str, row: object) -> str:
    """Decrypt a value of one cell of the current firm.

    :raises WrongPlace: when it was not encrypted for this very cell.
    """
    _version, number, text = stored.split(".", 2)
    key = TenantKey.objects.get(number=int(number))
    return unsealed(_unwrap(key), text, _place(table, column, row))


def make_key() -> TenantKey:
    """Give the current firm its next data key; older keys still open what they locked."""
    one_at_a_time(_DEED)
    newest = TenantKey.objects.aggregate(newest=Max("number"))["newest"] or 0
    number = newest + 1
    wrapped = wrap(AESGCM.generate_key(256), _wrapping(current_tenant_id(), number))
    key: TenantKey = TenantKey.objects.create(number=number, wrapped=wrapped)
    return key


def rewrap(key: TenantKey) -> None:
    """Wrap a data key by today's installation key, after FIELD_KEYS got a new first key."""
    key.wrapped = wrap(_unwrap(key), _wrapping(current_tenant_id(), key.number))
    key.save(update_fields=["wrapped"])


def wrap(data_key: bytes, place: bytes) -> bytes:
    """Encrypt a data key by the first of FIELD_KEYS."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(_masters()[0]).encrypt(nonce, data_key, place)


def unwrap(wrapped: bytes, place: bytes) -> bytes:
    """Return a data key by whichever of FIELD_KEYS wrapped it.

    :raises WrongPlace: when none of them did, for this place.
    """
    for master in _masters():
        try:
            return AESGCM(master).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], place)
        except InvalidTag:
            continue  # wrapped by another of the installation's keys
    raise WrongPlace("No installation key opens this data key.")


def sealed(data_key: bytes, plain: str, place: bytes) -> str:
    """Return a text encrypted for one place, as base64 of nonce and ciphertext."""
    nonce = os.urandom(_NONCE)
    return base64.b64encode(nonce + AESGCM(data_key).encrypt(nonce, plain.encode(), place)).decode()


def unsealed(data_key: bytes, text: str, place: bytes) -> str:
    """Return a text that was encrypted for this place.

    :raises WrongPlace: when it was not.
    """
    raw = base64.b64decode(text)
    try:
        return AESGCM(data_key).decrypt(raw[:_NONCE], raw[_NONCE:], place).decode()
    except InvalidTag as error:
        raise WrongPlace(place.decode()) from error


def _unwrap(key: TenantKey) -> bytes:
    return unwrap(bytes(key.wrapped), _wrapping(current_tenant_id(), key.number))


def _wrapped_keys() -> dict[int, bytes]:
    rows = TenantKey.objects.values_list("number", "wrapped")
    return {number: bytes(wrapped) for number, wrapped in rows}


def _masters() -> list[bytes]:
    return [base64.b64decode(text) for text in settings.FIELD_KEYS.split(",")]


def _wrapping(tenant_id: int, number: int) -> bytes:
    return f"{tenant_id}|tenancy_tenantkey|{number}".encode()


def _place(table: str, column: str, row: object) -> bytes:
    return _joined(current_tenant_id(), table, column, row)


def _joined(*parts: object) -> bytes:
    return "|".join(f"{len(str(part))}:{part}" for part in parts).encode()
