"""Encrypted fields open in their own cell, of their own firm, and nowhere else."""

import base64
from typing import Any

import pytest

from billing_portal.tenancy import encryption
from billing_portal.tenancy.encryption import WrongPlace, lock_up, make_key, open_up
from billing_portal.tenancy.models import TenantKey

CELL: Any = {"table": "invoices_carrier", "column": "password", "row": 7}


def test_a_value_comes_back_in_its_own_cell(tenant):
    stored = lock_up("s3cret, ünïcode", **CELL)

    assert open_up(stored, **CELL) == "s3cret, ünïcode"
    assert "s3cret" not in stored


def test_the_same_value_never_looks_the_same_twice(tenant):
    assert lock_up("s3cret", **CELL) != lock_up("s3cret", **CELL)


@pytest.mark.parametrize(
    "other", [{"table": "invoices_carrie"}, {"column": "user"}, {"row": 8}, {"row": "7 "}]
)
def test_a_value_copied_to_another_cell_does_not_open(tenant, other):
    stored = lock_up("s3cret", **CELL)

    with pytest.raises(WrongPlace):
        open_up(stored, **(CELL | other))


def test_a_tampered_value_does_not_open(tenant):
    version, number, text = lock_up("s3cret", **CELL).split(".")
    raw = bytearray(base64.b64decode(text))
    raw[-1] ^= 1

    with pytest.raises(WrongPlace):
        open_up(f"{version}.{number}.{base64.b64encode(raw).decode()}", **CELL)


def test_a_value_of_another_firm_does_not_open(tenant, neighbor):
    stored = lock_up("s3cret", **CELL)
    with neighbor:
        lock_up("something of theirs", **CELL)
        with pytest.raises(WrongPlace):
            open_up(stored, **CELL)


def test_older_keys_still_open_what_they_locked(tenant):
    before = lock_up("s3cret", **CELL)
    make_key()
    after = lock_up("s3cret", **CELL)

    assert before.split(".")[1] != after.split(".")[1]
    assert open_up(before, **CELL) == open_up(after, **CELL) == "s3cret"


def test_the_installations_key_can_be_rotated(tenant, settings):
    stored = lock_up("s3cret", **CELL)
    old, new = settings.FIELD_KEYS, base64.b64encode(b"n" * 32).decode()

    settings.FIELD_KEYS = f"{new},{old}"
    assert open_up(stored, **CELL) == "s3cret"
    for key in TenantKey.objects.all():
        encryption.rewrap(key)
    settings.FIELD_KEYS = new

    assert open_up(stored, **CELL) == "s3cret"


def test_without_the_installations_key_nothing_opens(tenant, settings):
    stored = lock_up("s3cret", **CELL)
    settings.FIELD_KEYS = base64.b64encode(b"n" * 32).decode()

    with pytest.raises(WrongPlace):
        open_up(stored, **CELL)
