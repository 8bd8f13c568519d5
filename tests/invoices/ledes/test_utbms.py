from __future__ import annotations

import pytest

from invoices.ledes.utbms import (
    CLASSIFICATIONS,
    LEGACY_CLASSIFICATIONS,
    Level,
    code_of,
    codes,
    codes_at,
)


@pytest.mark.parametrize(
    ("text", "name", "level"),
    [
        ("L100", "Case Assessment, Development and Administration", Level.PHASE),
        ("L510", "Appellate Motions and Submissions", Level.TASK),
        ("L600", "Identification", Level.PHASE),
        ("A102", "Research", Level.ACTIVITY),
        ("E112", "Court fees", Level.EXPENSE),
        ("P200", "Fact Gathering/Due Diligence", Level.PHASE),
    ],
)
def test_a_code_says_what_it_names(text, name, level):
    code = code_of(text)

    assert code is not None
    assert (code.name, code.level) == (name, level)


@pytest.mark.parametrize("text", ["", "L999", "l510", " L510"])
def test_what_no_set_has_is_no_code(text):
    assert code_of(text) is None


def test_the_tables_are_whole():
    assert len(codes()) == 161
    assert len(codes_at(Level.ACTIVITY)) == 28
    assert len(codes_at(Level.EXPENSE)) == 24
    assert len(CLASSIFICATIONS) == 51
    assert set(LEGACY_CLASSIFICATIONS.values()) <= CLASSIFICATIONS
