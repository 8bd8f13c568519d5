"""Money, states and differences as pages print them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.template import Context, Template
from django.utils import translation
from django.utils.html import escape
from hypothesis import given, settings
from hypothesis import strategies as st

from billing_portal.portal.looks import LOOKS
from billing_portal.portal.templatetags import portal

ROOT = Path(__file__).parents[2]
TEXTS = st.text(st.sampled_from(" abcd,.;<&'\N{RIGHT SINGLE QUOTATION MARK}-"), max_size=40)


def _show(source: str, **context: object) -> str:
    return Template("{% load portal %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1234567.50", "USD", "$1,234,567.50"),
        ("-1250", "USD", "($1,250.00)"),
        ("0", "USD", "$0.00"),
        ("1250", "JPY", "¥1,250"),
        ("1250.5", "KWD", "KWD1,250.500"),
        ("1250.5", "AFN", "AFN1,250.50"),
    ],
)
def test_money_is_printed_in_accounting_style(amount, currency, text):
    assert f">{text}</data>" in portal.money(Decimal(amount), currency)


def test_money_carries_its_plain_number():
    assert 'value="-1250.00"' in portal.money(Decimal("-1250.00"), "USD")


def test_money_follows_the_readers_language():
    with translation.override("de-de"):
        assert "-1.234,50\xa0$" in portal.money(Decimal("-1234.50"), "USD")


def test_money_without_symbol_keeps_the_decimals_of_its_currency():
    assert ">(1,250.00)<" in portal.money(Decimal(-1250), "USD", symbol=False)
    assert ">1,250<" in portal.money(Decimal(1250), "JPY", symbol=False)


def test_money_takes_an_object_that_knows_its_currency():
    price = SimpleNamespace(amount=Decimal("4.50"), currency="EUR")

    assert ">€4.50<" in portal.money(price)


def test_money_refuses_an_amount_without_currency():
    with pytest.raises(ValueError, match="has no currency"):
        portal.money(Decimal(1))


@pytest.mark.parametrize(
    ("language", "written"), [("en-us", "1/5/2026"), ("en-gb", "05/01/2026"), ("de", "05.01.2026")]
)
def test_a_day_in_figures_has_all_four_of_its_years(language, written):
    with translation.override(language):
        assert f">{written}</time>" in portal.day(date(2026, 1, 5), "numeric")


@pytest.mark.parametrize("tag", [portal.money, portal.hours, portal.day, portal.moment])
def test_what_is_not_known_is_a_dash(tag):
    assert tag(None) == portal.NOTHING


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("200", "USD", "200.00"),
        ("0.0125", "USD", "0.0125"),
        ("30000", "JPY", "30,000"),
        ("0.5", "JPY", "0.5"),
        ("1.25", "KWD", "1.250"),
        ("-12.5", "USD", "(12.50)"),
    ],
)
def test_a_price_has_the_decimals_of_its_currency_and_its_own(amount, currency, text):
    assert f">{text}</data>" in portal.price(Decimal(amount), currency)


def test_hours_keep_at_least_one_decimal():
    assert ">2.0<" in portal.hours(Decimal(2))
    assert ">0.25<" in portal.hours(Decimal("0.25"))


def test_dates_are_machine_readable_too():
    assert portal.day(date(2026, 11, 20)) == (
        '<time class="nowrap" datetime="2026-11-20">Nov 20, 2026</time>'
    )
    assert 'datetime="2026-11-20T14:02:00+00:00"' in portal.moment(
        datetime(2026, 11, 20, 14, 2, tzinfo=UTC)
    )


def test_an_exact_moment_has_its_seconds_and_a_price_in_brackets_says_so():
    shown = portal.moment(datetime(2026, 11, 20, 14, 2, 7, tzinfo=UTC), "exact")

    assert ":02:07" in shown
    assert 'class="figure bracketed"' in portal.price(Decimal(-2), "USD")
    assert 'class="figure"' in portal.price(Decimal(2), "USD")


def test_a_state_has_icon_word_and_tone():
    shown = portal.state("IN_REVIEW")

    assert "tone-info" in shown
    assert "icons.svg#eye" in shown
    assert "In review" in shown


def test_an_unknown_state_is_shown_in_its_own_words():
    assert "Sent to moon" in portal.state("SENT_TO_MOON")


def test_every_icon_of_a_state_is_in_the_sprite():
    sprite = (ROOT / "static/vendor/icons.svg").read_text()

    assert [look.icon for look in LOOKS.values() if f'id="{look.icon}"' not in sprite] == []


def test_word_diff_marks_what_changed_by_sign_and_word():
    shown = portal.word_diff("Prepare letter", "Draft letter")

    assert "<del><span" in shown
    assert "removed:" in shown
    assert ">+</span>Draft</ins>" in shown


def test_word_diff_escapes_what_people_wrote():
    assert "<b>" not in portal.word_diff("<b>one</b>", "<b>two</b>")


@given(TEXTS)
@settings(deadline=None, max_examples=100)
def test_word_diff_of_the_same_text_is_the_text(text):
    assert portal.word_diff(text, text) == escape(text)


@given(TEXTS)
@settings(deadline=None, max_examples=100)
def test_words_lose_no_character(text):
    assert "".join(portal._words(text)) == text


def test_parts_of_a_bar_fill_it():
    segments = [
        {"label": "New", "amount": Decimal(30), "currency": "USD", "shade": "1"},
        {"label": "Old", "amount": Decimal(10), "currency": "USD", "shade": "5"},
    ]

    drawn: Any = portal.stacked_bar(segments, "Age")["segments"]

    assert [(part["x"], part["width"], part["share"]) for part in drawn] == [
        ("0.00", "750.00", "75"),
        ("750.00", "250.00", "25"),
    ]


def test_a_callout_escapes_its_title_and_keeps_its_content():
    shown = _show('{% callout "warn" title "parked" %}<p>Why</p>{% endcallout %}', title="<i>")

    assert "&lt;i&gt;" in shown
    assert "<p>Why</p>" in shown
    assert "parked" in shown
