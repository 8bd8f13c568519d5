"""Stored files are locked by their firm's key; their names tell nothing; plain ones are read."""

import os
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from billing_portal.tenancy.encryption import file_keys, make_key
from billing_portal.tenancy.models import TenantKey
from billing_portal.tenancy.scope import tenant_scope
from invoices.gateways import files
from tests.factories import TenantFactory

DATA = b"LEDES1998B[]\nnarrative of a matter that nobody else may read"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.FILES_DIR = tmp_path
    return tmp_path


def on_disk(folder):
    return sorted(each for each in folder.rglob("*") if each.is_file())


def keep_plain(folder, tenant, data):
    """Write a file as earlier versions did."""
    sha256 = files.hash_of(data)
    place = folder / str(tenant.pk) / sha256[:2] / sha256
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return place


def lock_files(*arguments):
    said, complaints = StringIO(), StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("lock_files", *arguments, stdout=said, stderr=complaints)
    return end.value.code, said.getvalue(), complaints.getvalue()


def test_a_file_comes_back_and_neither_its_bytes_nor_its_hash_are_on_the_disk(tenant, folder):
    sha256 = files.store(tenant.pk, DATA)

    assert sha256 == files.hash_of(DATA)
    assert files.read(tenant.pk, sha256) == DATA
    (place,) = on_disk(folder)
    assert b"narrative" not in place.read_bytes()
    assert sha256 not in str(place)


@pytest.mark.parametrize("data", [b"", b"BPF1\n", b"x" * 3_000_000])
def test_any_bytes_come_back(tenant, data):
    assert files.read(tenant.pk, files.store(tenant.pk, data)) == data


def test_kept_twice_it_is_one_file_that_does_not_change(tenant, folder):
    files.store(tenant.pk, DATA)
    (place,) = on_disk(folder)
    before = place.read_bytes()

    files.store(tenant.pk, DATA)

    assert on_disk(folder) == [place]
    assert place.read_bytes() == before


def test_two_firms_share_neither_name_nor_key(tenant, folder):
    other = TenantFactory()
    sha256 = files.store(tenant.pk, DATA)
    (ours,) = on_disk(folder)
    files.store(other.pk, DATA)
    (theirs,) = on_disk(folder / str(other.pk))
    assert ours.name != theirs.name

    theirs.write_bytes(ours.read_bytes())

    with pytest.raises(files.FileDamaged):
        files.read(other.pk, sha256)
    assert files.read(tenant.pk, sha256) == DATA


def test_a_file_of_a_neighbor_is_not_there(tenant):
    sha256 = files.store(tenant.pk, DATA)
    with pytest.raises(files.FileMissing):
        files.read(TenantFactory().pk, sha256)


def test_a_file_under_the_name_of_another_does_not_open(tenant, folder):
    files.store(tenant.pk, DATA)
    (first,) = on_disk(folder)
    sha256 = files.store(tenant.pk, b"another")
    (second,) = set(on_disk(folder)) - {first}

    second.write_bytes(first.read_bytes())

    with pytest.raises(files.FileDamaged):
        files.read(tenant.pk, sha256)


@pytest.mark.parametrize("position", [0, 6, 7, 19, -1])
def test_any_changed_byte_is_noticed_and_the_right_bytes_mend_it(tenant, folder, position):
    sha256 = files.store(tenant.pk, DATA)
    (place,) = on_disk(folder)
    changed = bytearray(place.read_bytes())
    changed[position] ^= 1
    place.write_bytes(changed)

    with pytest.raises(files.FileDamaged, match="not what was made"):
        files.read(tenant.pk, sha256)
    files.store(tenant.pk, DATA)

    assert files.read(tenant.pk, sha256) == DATA


def test_an_emptied_file_is_damaged_and_a_removed_one_missing(tenant, folder):
    sha256 = files.store(tenant.pk, DATA)
    (place,) = on_disk(folder)
    place.write_bytes(b"")
    with pytest.raises(files.FileDamaged):
        files.read(tenant.pk, sha256)
    place.unlink()
    with pytest.raises(files.FileMissing):
        files.read(tenant.pk, sha256)


def test_older_keys_open_what_they_locked_under_the_same_names(tenant, folder):
    before = files.store(tenant.pk, DATA)
    (place,) = on_disk(folder)
    make_key()
    after = files.store(tenant.pk, b"later")

    (later,) = set(on_disk(folder)) - {place}
    assert place.read_bytes()[5:7] == b"\x00\x01"
    assert later.read_bytes()[5:7] == b"\x00\x02"
    assert files.read(tenant.pk, before) == DATA
    assert files.read(tenant.pk, after) == b"later"


def test_a_firm_gets_one_key_and_it_does_not_show(tenant):
    files.store(tenant.pk, DATA)
    files.store(tenant.pk, b"more")
    assert TenantKey.objects.count() == 1
    assert "wrapped" not in repr(file_keys())


def test_what_was_kept_plain_is_read_where_its_hash_fits(tenant, folder):
    place = keep_plain(folder, tenant, DATA)
    assert files.read(tenant.pk, place.name) == DATA
    place.write_bytes(DATA + b"%")
    with pytest.raises(files.FileDamaged):
        files.read(tenant.pk, place.name)


def test_plain_files_are_locked_and_a_second_start_finds_nothing(tenant, folder):
    places = [keep_plain(folder, tenant, data) for data in (DATA, b"two", b"BPF1\nthree")]
    files.store(tenant.pk, b"two")  # stopped between locking it and removing the plain one
    keep_plain(folder, tenant, b"two")

    assert lock_files("--tenant", tenant.slug) == (
        0, f"{tenant.slug}: 3 locked, 0 not, 0 remains removed\n", "",
    )  # fmt: skip

    assert not any(place.exists() for place in places)
    assert len(on_disk(folder)) == 3
    assert files.read(tenant.pk, places[0].name) == DATA
    assert f"{tenant.slug}: 0 locked" in lock_files()[1]


def test_a_plain_file_that_is_not_what_was_stored_is_named_and_stays(tenant, folder):
    place = keep_plain(folder, tenant, DATA)
    place.write_bytes(b"changed")
    good = keep_plain(folder, tenant, b"good")

    code, said, complaints = lock_files()

    assert code == 1
    assert f"{tenant.slug}: 1 locked, 1 not" in said
    assert place.name in complaints
    assert place.read_bytes() == b"changed"
    assert not good.exists()


def test_each_firms_plain_files_are_locked_by_its_own_key(tenant, folder):
    other = TenantFactory()
    ours, theirs = keep_plain(folder, tenant, DATA), keep_plain(folder, other, DATA)

    lock_files("--tenant", tenant.slug)

    assert not ours.exists()
    assert theirs.exists()
    with tenant_scope(other.pk):
        assert not TenantKey.objects.exists()


def test_what_a_killed_writer_left_is_removed_an_hour_later(tenant, folder):
    place = keep_plain(folder, tenant, DATA)
    old, new = place.with_name("tmpab12_xyz"), place.with_name("part-ab12_xyz")
    for each in (old, new):
        each.write_bytes(b"half of a do")
    os.utime(old, (time.time() - 4000,) * 2)

    assert "1 locked, 0 not, 1 remains removed" in lock_files()[1]

    assert not old.exists()
    assert new.exists()


def test_a_writer_that_fails_leaves_nothing(tenant, folder, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.store(tenant.pk, DATA)
    assert on_disk(folder) == []


def test_an_unknown_firm_is_said(db):
    with pytest.raises(CommandError, match="No such firm"):
        call_command("lock_files", "--tenant", "nobody")
