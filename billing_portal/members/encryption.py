"""Encryption of what belongs to people: they are of no firm, so the key is the installation's.

Like a firm's data keys it is wrapped by FIELD_KEYS, so that a new first key costs one row here. A
stored value is ``i1.<key number>.<base64 of nonce + ciphertext>``, bound to its table and column.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import transaction

from billing_portal.members.models import InstallationKey
from billing_portal.tenancy.encryption import WrongPlace, sealed, unsealed, unwrap, wrap

_FORM = "i1"


def lock_up(plain: str, *, place: str) -> str:
    """Encrypt a value for a column, such as ``members_letter.sealed``. One query."""
    key = InstallationKey.objects.order_by("-number").first() or _first_key()
    return f"{_FORM}.{key.number}.{sealed(_data_key(key), plain, place.encode())}"


def open_up(stored: str, *, place: str) -> str:
    """Decrypt a value of a column. One query.

    :raises WrongPlace: when it was not encrypted for this column, or not at all.
    """
    form, _, rest = stored.partition(".")
    number, _, text = rest.partition(".")
    if form != _FORM:
        raise WrongPlace(place)
    key = InstallationKey.objects.get(number=int(number))
    return unsealed(_data_key(key), text, place.encode())


@transaction.atomic
def rewrap_all() -> int:
    """Wrap each key by today's first of FIELD_KEYS; return how many there are."""
    keys = list(InstallationKey.objects.select_for_update())
    for key in keys:
        key.wrapped = wrap(_data_key(key), _wrapping(key.number))
        key.save(update_fields=["wrapped"])
    return len(keys)


def _first_key() -> InstallationKey:
    fresh = wrap(AESGCM.generate_key(256), _wrapping(1))
    key, _ = InstallationKey.objects.get_or_create(number=1, defaults={"wrapped": fresh})
    return key


def _data_key(key: InstallationKey) -> bytes:
    return unwrap(bytes(key.wrapped), _wrapping(key.number))


def _wrapping(number: int) -> bytes:
    return f"members_installationkey|{number}".encode()
