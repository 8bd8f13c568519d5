from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoices.documents.narrative import Substitution, Why, fit
from tests.invoices.snapshots import HOSTILE, narratives


@pytest.mark.parametrize(
    ("approved", "emitted"),
    [
        ("Reviewed file", "Reviewed file"),
        ("Call with client | re: settlement", "Call with client re: settlement"),
        ("Attorney\u2019s \u201cnotes\u201d \u2013 draft", 'Attorney\'s "notes" - draft'),
        ("M\u00fcller, Stra\u00dfe, \u0141\u00f3d\u017a", "Muller, Strasse, Lodz"),
        ("Fee of \u20ac50 under \u00a7 12", "Fee of EUR50 under Sec. 12"),
        ("3\u00bd hours", "3 1/2 hours"),
        ("100 m\u00b2", "100 m^2"),
        ("Exhibits [] and [  ]", "Exhibits () and ()"),
        ("[|]", "()"),
        ("[\u0301]", "()"),
        ("\uff3b\uff3d \uff5c", "()"),
        ("one\r\ntwo\tthree\u2028four\u0085five", "one two three four five"),
        ("nul\x00inside", "nul inside"),
        ("  padded   text ", "padded text"),
        ("\u65e5\u672c", "??"),
        ("e\u0301t\u00e9", "ete"),
        ("|", "?"),
        ("\u200b", "?"),
        ("pay\u200bme", "pay me"),
        ("pay \u200bme", "pay me"),
        ("", ""),
        ("   ", ""),
    ],
)
def test_a_text_is_made_fit(approved, emitted):
    assert fit(approved, longest=1_000).text == emitted


def test_a_fit_text_is_left_alone():
    assert fit("Reviewed [draft] of motion.", longest=27).substitutions == ()


def test_every_change_says_where_what_and_why():
    assert fit("a|b\u2013c\n[]", longest=100).substitutions == (
        Substitution(1, "|", " ", Why.SEPARATOR),
        Substitution(3, "\u2013", "-", Why.LETTER),
        Substitution(5, "\n", " ", Why.LINE_BREAK),
        Substitution(6, "[]", "()", Why.BRACKETS),
    )


def test_what_is_cut_is_recorded():
    fitted = fit("Telephone call with counsel", longest=10)

    assert fitted.text == "Telephone"
    assert fitted.substitutions == (Substitution(9, " call with counsel", "", Why.CUT),)


def test_a_text_without_room_is_a_fault():
    with pytest.raises(ValueError, match="room for one character"):
        fit("a", longest=0)


@pytest.mark.parametrize("approved", HOSTILE)
def test_hostile_texts_lose_all_that_moves_a_field(approved):
    emitted = fit(approved, longest=15_360).text

    assert bool(emitted) == bool(approved.strip())
    assert emitted.isascii()
    assert emitted.isprintable()
    assert "|" not in emitted
    assert "[]" not in emitted


@settings(deadline=None, max_examples=200)
@given(narratives, st.integers(1, 80))
def test_fitting_twice_changes_nothing_more(approved, longest):
    once = fit(approved, longest=longest)
    twice = fit(once.text, longest=longest)

    assert twice.text == once.text
    assert twice.substitutions == ()
    assert len(once.text) <= longest


@settings(deadline=None, max_examples=200)
@given(narratives, st.integers(1, 80))
def test_no_difference_goes_unrecorded(approved, longest):
    fitted = fit(approved, longest=longest)

    assert (fitted.text == approved) == (fitted.substitutions == ())
    assert bool(fitted.text) == bool(approved.strip())
