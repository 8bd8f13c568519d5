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
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(_unwrap(key)).encrypt(nonce, plain.encode(), _place(table, column, row))
    return f"v1.{key.number}.{base64.b64encode(nonce + sealed).decode()}"


def open_up(stored: str, *, table: str, column: str, row: object) -> str:
    """Decrypt a value of one cell of the current firm.

    :raises WrongPlace: when it was not encrypted for this very cell.
    """
    _version, number, text = stored.split(".", 2)
    raw = base64.b64decode(text)
    key = TenantKey.objects.get(number=int(number))
    try:
        plain = AESGCM(_unwrap(key)).decrypt(raw[:_NONCE], raw[_NONCE:], _place(table, column, row))
    except InvalidTag as error:
        raise WrongPlace(f"{table}.{column}") from error
    return plain.decode()


def make_key() -> TenantKey:
    """Give the current firm its next data key; older keys still open what they locked."""
    newest = TenantKey.objects.aggregate(newest=Max("number"))["newest"] or 0
    nonce = os.urandom(_NONCE)
    number = newest + 1
    sealed = AESGCM(_masters()[0]).encrypt(nonce, AESGCM.generate_key(256), _wrapping(number))
    key: TenantKey = TenantKey.objects.create(number=number, wrapped=nonce + sealed)
    return key


def rewrap(key: TenantKey) -> None:
    """Wrap a data key by today's installation key, after FIELD_KEYS got a new first key."""
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(_masters()[0]).encrypt(nonce, _unwrap(key), _wrapping(key.number))
    key.wrapped = nonce + sealed
    key.save(update_fields=["wrapped"])


def _unwrap(key: TenantKey) -> bytes:
    raw = bytes(key.wrapped)
    for master in _masters():
        try:
            return AESGCM(master).decrypt(raw[:_NONCE], raw[_NONCE:], _wrapping(key.number))
        except InvalidTag:
            continue  # wrapped by another of the installation's keys
    raise WrongPlace("No installation key opens this firm's data key.")


def _masters() -> list[bytes]:
    return [base64.b64decode(text) for text in settings.FIELD_KEYS.split(",")]


def _wrapping(number: int) -> bytes:
    return f"{current_tenant_id()}|tenancy_tenantkey|{number}".encode()


def _place(table: str, column: str, row: object) -> bytes:
    parts = (str(current_tenant_id()), table, column, str(row))
    return "|".join(f"{len(part)}:{part}" for part in parts).encode()
