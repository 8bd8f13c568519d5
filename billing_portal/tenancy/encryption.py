"""Field encryption: AES-256-GCM, a data key per firm, each value bound to its place.

The additional data is tenant, table, column and row, so a value copied elsewhere does not open. A
stored value is ``v1.<key number>.<base64 of nonce + ciphertext>``. Data keys are wrapped by the
first of FIELD_KEYS; the others still open what they wrapped, so that keys can be rotated.
"""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db.models import Max

from billing_portal.tenancy.models import TenantKey
from billing_portal.tenancy.scope import current_tenant_id

_NONCE = 12


class WrongPlace(Exception):
    """A stored secret does not open here: copied from elsewhere, tampered with, or its key gone."""


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
    newest = TenantKey.objects.aggregate(newest=Max("number"))["newest"] or 0
    number = newest + 1
    wrapped = wrap(AESGCM.generate_key(256), _wrapping(number))
    key: TenantKey = TenantKey.objects.create(number=number, wrapped=wrapped)
    return key


def rewrap(key: TenantKey) -> None:
    """Wrap a data key by today's installation key, after FIELD_KEYS got a new first key."""
    key.wrapped = wrap(_unwrap(key), _wrapping(key.number))
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
    return unwrap(bytes(key.wrapped), _wrapping(key.number))


def _masters() -> list[bytes]:
    return [base64.b64decode(text) for text in settings.FIELD_KEYS.split(",")]


def _wrapping(number: int) -> bytes:
    return f"{current_tenant_id()}|tenancy_tenantkey|{number}".encode()


def _place(table: str, column: str, row: object) -> bytes:
    parts = (str(current_tenant_id()), table, column, str(row))
    return "|".join(f"{len(part)}:{part}" for part in parts).encode()
