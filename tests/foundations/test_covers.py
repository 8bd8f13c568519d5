"""What is covered opens under its own name only, and says nothing outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.covers import covered, uncovered


@given(st.text(st.characters(codec="ascii"), max_size=40))
def test_a_cover_leads_back_to_what_is_under_it(text):
    cover = covered(text, of="a list")

    assert uncovered(cover, of="a list") == text
    assert cover == covered(text, of="a list")
    assert uncovered(cover, of="another list") is None


def test_neighboring_numbers_have_nothing_in_common():
    covers = [covered(str(number), of="a list") for number in range(1000, 1100)]

    assert len({cover[:6] for cover in covers}) == 100


@pytest.mark.parametrize("text", ["", "12", "A" * 26, "****", "\u00e9", "A" * 5000, "AAAAA"])
def test_what_nobody_covered_opens_nothing(text):
    assert uncovered(text, of="a list") is None


def test_a_changed_letter_opens_nothing():
    cover = covered("12", of="a list")
    other = "A" if cover[0] != "A" else "B"

    assert uncovered(other + cover[1:], of="a list") is None


def test_covers_of_the_key_before_still_open(settings):
    cover = covered("12", of="a list")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new one"

    assert uncovered(cover, of="a list") == "12"
    assert covered("12", of="a list") != cover
