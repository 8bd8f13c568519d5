from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings

from invoices.documents.canonical import NotASnapshot, canonical_bytes, fingerprint, snapshot_from
from invoices.documents.snapshot import InvoiceKind
from tests.invoices.snapshots import fee, invoice, invoices, taxed


@settings(deadline=None, max_examples=60)
@given(invoices())
def test_a_snapshot_comes_back_from_its_bytes(snapshot):
    stored = canonical_bytes(snapshot)

    assert snapshot_from(stored) == snapshot
    assert canonical_bytes(snapshot_from(stored)) == stored


def test_equal_snapshots_have_equal_bytes_however_their_decimals_were_written():
    left = invoice(fee(units=Decimal(2), total=Decimal(630)))
    right = invoice(fee(units=Decimal("2.000"), total=Decimal("630.0")))

    assert canonical_bytes(left) == canonical_bytes(right)


def test_bytes_are_compact_sorted_and_plain():
    stored = canonical_bytes(invoice(taxed(fee()), due_on=None))

    plain = json.loads(stored)
    assert list(plain) == sorted(plain)
    assert b": " not in stored.replace(b'": ', b"")
    assert plain["lines"][0]["total"] == "630.00"
    assert plain["lines"][0]["tax_rate"] == "0.2"
    assert plain["due_on"] is None
    assert plain["period_ends_on"] == "2026-02-01"
    assert plain["schema"] == "invoice-snapshot/1"


def test_a_fingerprint_is_the_sha256_of_the_bytes():
    assert fingerprint(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_any_change_changes_the_fingerprint():
    before = invoice()
    after = replace(before, notes="Thank you.")

    assert fingerprint(canonical_bytes(before)) != fingerprint(canonical_bytes(after))


@pytest.mark.parametrize(
    "damage",
    [
        lambda plain: plain.pop("schema"),
        lambda plain: plain.update(schema="invoice-snapshot/2"),
        lambda plain: plain.pop("number"),
        lambda plain: plain.update(color="red"),
        lambda plain: plain.update(minor_units="2"),
        lambda plain: plain.update(minor_units=True),
        lambda plain: plain.update(total=630),
        lambda plain: plain.update(total="six"),
        lambda plain: plain.update(net_total="629.9"),
        lambda plain: plain.update(issued_on="2026-02-30"),
        lambda plain: plain.update(kind="RECEIPT"),
        lambda plain: plain.update(lines="none"),
    ],
)
def test_damaged_bytes_are_refused(damage):
    plain = json.loads(canonical_bytes(invoice()))
    damage(plain)

    with pytest.raises(NotASnapshot):
        snapshot_from(
            json.dumps(plain, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
        )


@pytest.mark.parametrize("stored", [b"", b"[]", b"null", b"\xff", b"{}"])
def test_what_is_no_snapshot_is_refused(stored):
    with pytest.raises(NotASnapshot):
        snapshot_from(stored)


def test_bytes_with_spaces_are_not_canonical():
    plain = json.loads(canonical_bytes(invoice()))

    with pytest.raises(NotASnapshot, match="not in canonical form"):
        snapshot_from(json.dumps(plain).encode())


@pytest.mark.parametrize(
    ("snapshot", "sha256"),
    [
        (
            invoice(fee()),
            "78fec39cb119197c7ff928cec657b144bbdf339fba064b23ba0205ee7405bf9c",
        ),
        (
            invoice(kind=InvoiceKind.CREDIT_NOTE, corrects_number="2026-00040"),
            "a176751ff9120b06ce49b661bfab17ceed057c8394cb30ab3f2166a8306067e9",
        ),
    ],
)
def test_what_the_first_edition_can_say_has_its_bytes_for_ever(snapshot, sha256):
    assert fingerprint(canonical_bytes(snapshot)) == sha256


def test_a_note_that_says_why_is_of_the_second_edition_and_comes_back():
    note = invoice(
        kind=InvoiceKind.CREDIT_NOTE,
        corrects_number="2026-00040",
        corrects_issued_on=date(2026, 1, 30),
        reason="Wrong claim.",
    )
    stored = canonical_bytes(note)

    assert json.loads(stored)["schema"] == "invoice-snapshot/2"
    assert snapshot_from(stored) == note


@pytest.mark.parametrize(
    "damage",
    [
        lambda plain: plain.update(schema="invoice-snapshot/1"),
        lambda plain: plain.update(schema="invoice-snapshot/3"),
        lambda plain: plain.update(schema=["invoice-snapshot/2"]),
        lambda plain: plain.pop("corrects_issued_on"),
        lambda plain: plain.update(reason="", corrects_issued_on=None),
    ],
)
def test_editions_are_not_mixed(damage):
    plain = json.loads(canonical_bytes(invoice(reason="Wrong claim.")))
    damage(plain)

    with pytest.raises(NotASnapshot):
        snapshot_from(
            json.dumps(plain, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
        )
