from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings

from invoices.documents.canonical import canonical_bytes, fingerprint
from invoices.ledes import ledes98bi, ledes1998b
from invoices.ledes.fields import FORM_1998B
from invoices.ledes.fitting import fit_for
from invoices.ledes.profile import DEFAULT
from invoices.ledes.proof import prove
from tests.invoices.snapshots import discount, expense, fee, invoice, invoices, taxed


def test_emitted_bytes_are_tied_to_their_snapshot():
    snapshot = invoice()
    data = ledes1998b.render(snapshot)

    proof = prove(data, snapshot)

    assert proof.ok
    assert (proof.lines, proof.lines_tied) == (3, 3)
    assert proof.total == Decimal("624.95")
    assert proof.sha256 == hashlib.sha256(data).hexdigest()
    assert proof.fitted_sha256 == fingerprint(canonical_bytes(snapshot))
    assert json.loads(json.dumps(proof.as_json()))["ok"] is True


def test_taxed_bytes_are_tied_gross():
    snapshot = invoice(taxed(fee()), expense(), taxed(discount()), currency="EUR")

    proof = prove(ledes98bi.render(snapshot), snapshot)

    assert proof.ok
    assert proof.total == snapshot.total


@settings(deadline=None, max_examples=60)
@given(invoices())
def test_whatever_is_written_is_proved(snapshot):
    ready = fit_for(snapshot, FORM_1998B, DEFAULT).snapshot

    assert prove(ledes1998b.render(ready), ready).findings == ()


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        (b"|630.00|", b"|630.01|", "M04.mismatch"),
        (b"|630.00|", b"|630.01|", "M04.total"),
        (b"|2.00|-70.00|630.00|", b"|3.00|-420.00|630.00|", "M04.mismatch"),
        (b"|TK01|", b"|TK02|", "M04.mismatch"),
        (b"|L510|", b"|L520|", "M04.mismatch"),
        (b"|20260115|", b"|20260116|", "M04.mismatch"),
        (b"Research", b"Search", "M04.mismatch"),
        (b"|2026-00041|", b"|2026-00042|", "M04.mismatch"),
        (b"|CM-1[]", b"|CM-2[]", "M04.mismatch"),
        (b"|3|IF|", b"|3|IE|", "M04.mismatch"),
        (b"LEDES1998B[]", b"LEDES1999B[]", "F01.first_line"),
    ],
)
def test_any_change_to_the_bytes_breaks_the_proof(before, after, rule):
    snapshot = invoice()
    data = ledes1998b.render(snapshot)
    assert before in data

    proof = prove(data.replace(before, after, 1), snapshot)

    assert not proof.ok
    assert rule in {each.rule for each in proof.findings}


def test_a_line_too_few_or_too_many_breaks_the_proof():
    whole, part = invoice(fee(), expense()), invoice(fee())

    missing = prove(ledes1998b.render(part), whole)
    added = prove(ledes1998b.render(whole), part)

    assert "M04.line_missing" in {each.rule for each in missing.findings}
    assert "M04.row_added" in {each.rule for each in added.findings}
    assert not missing.ok
    assert not added.ok


def test_bytes_that_are_no_ledes_prove_nothing():
    proof = prove(b"", invoice())

    assert not proof.ok
    assert proof.lines_tied == 0


def test_a_proof_ties_one_edition_of_a_snapshot():
    before = invoice()
    after = replace(before, description="Services in February")

    assert not prove(ledes1998b.render(before), after).ok
