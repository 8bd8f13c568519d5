"""The portal's small parts: money, dates, states, differences, and frames around content.

``{% load portal %}`` in a template, and see them all in the gallery. No tag queries, none reads
the clock, and what they print is escaped. Money and dates follow the reader's locale (Babel).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from difflib import SequenceMatcher
from functools import cache
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import NumberPattern, format_currency, format_decimal, parse_pattern
from django import template
from django.forms import BaseForm, BoundField
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import is_aware, localtime
from django.utils.translation import get_language, gettext, to_locale

from billing_portal.money import minor_units
from billing_portal.portal.days import numeric
from billing_portal.portal.looks import LOOKS, Look

register = template.Library()

_MOMENTS = {"short": "MMM d, h:mm a", "dated": "MMM d, y, h:mm a", "exact": "MMM d, y, h:mm:ss a"}
NOTHING = mark_safe('<span class="muted nothing" aria-hidden="true">&ndash;</span>')


CALLOUT_ICONS = {
    "idle": "lock",
    "info": "info",
    "ok": "circle-check",
    "warn": "triangle-alert",
    "bad": "circle-alert",
}


def _locale() -> str:
    return to_locale(get_language() or "en-us")


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw an icon of the sprite; it is hidden from screen readers, so put a word beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("vendor/icons.svg"),
        name,
    )


@register.simple_tag
def money(amount: Any, currency: str = "", symbol: bool = True) -> SafeString:  # noqa: FBT001, FBT002 - a template writes it by name
    """Print an amount in the reader's accounting style, with the plain number in ``value``.

    :param amount: a Decimal (then ``currency`` is needed) or any object that has both. Nothing owed
        is an amount too, $0.00; a dash says that there is none to speak of.
    :param symbol: False in columns whose head names the currency.
    :raises ValueError: when no currency is known.
    """
    if amount is None or amount == "":
        return NOTHING
    if hasattr(amount, "currency"):
        amount, currency = amount.amount, str(amount.currency)
    if not currency:
        raise ValueError(f"{amount} has no currency.")
    number = Decimal(amount)
    if symbol:
        pattern = _accounting(_locale(), minor_units(currency))
        text = pattern.apply(number, _locale(), currency=currency, currency_digits=False)
    else:
        places = "0" * minor_units(currency)
        digits = f"#,##0.{places}" if places else "#,##0"
        text = format_decimal(number, format=f"{digits};({digits})", locale=_locale())
    alignment = " even" if _closes_with_bracket(symbol=symbol) else ""
    alignment = " bracketed" if text.endswith(")") else alignment
    return format_html('<data class="money{}" value="{}">{}</data>', alignment, number, text)


@cache
def _accounting(locale: str, places: int) -> NumberPattern:
    """Return how amounts are written, with the decimals of ISO 4217 and not those of habit."""
    pattern = parse_pattern(Locale.parse(locale).currency_formats["accounting"].pattern)
    pattern.frac_prec = (places, places)
    return pattern


def _closes_with_bracket(*, symbol: bool) -> bool:
    """Say whether negative amounts end in a bracket here, so that columns stay aligned."""
    negative = format_currency(Decimal(-1), "USD", locale=_locale(), format_type="accounting")
    return negative.endswith(")") if symbol else True


@register.simple_tag
def hours(quantity: Decimal | None, least: int = 1) -> SafeString:
    """Print hours with their own decimals, at least one; ``least=0`` for what is counted."""
    if quantity is None:
        return NOTHING
    digits = f"#,##0.{'0' * least:#<4}"
    text = format_decimal(quantity, format=digits, locale=_locale())
    return format_html('<data class="figure" value="{}">{}</data>', quantity, text)


@register.simple_tag
def price(amount: Decimal | None, currency: str) -> SafeString:
    """Print the price of a unit: the decimals of its currency, and up to four where it has them."""
    if amount is None:
        return NOTHING
    places = minor_units(currency)
    digits = f"#,##0.{'0' * places:#<4}"
    text = format_decimal(amount, format=f"{digits};({digits})", locale=_locale())
    look = " bracketed" if text.endswith(")") else ""
    return format_html('<data class="figure{}" value="{}">{}</data>', look, amount, text)


@register.simple_tag
def day(value: date | None, style: str = "medium") -> SafeString:
    """Print a date without a clock or zone. ``style``: numeric, medium or long."""
    if value is None:
        return NOTHING
    pattern = numeric(_locale()) if style == "numeric" else style
    text = format_date(value, pattern, locale=_locale())
    return format_html('<time class="nowrap" datetime="{}">{}</time>', value.isoformat(), text)


@register.simple_tag
def moment(value: datetime | None, style: str = "short") -> SafeString:
    """Print a moment in the firm's zone; the zone's name shows on hover.

    :param style: ``short``, or ``dated`` with the year, where rows may be years old, or ``exact``
        with the seconds besides, where the order of deeds matters.
    """
    if value is None:
        return NOTHING
    here = localtime(value) if is_aware(value) else value
    text = format_datetime(here, _MOMENTS[style], locale=_locale())
    return format_html(
        '<time class="nowrap" datetime="{}" title="{}">{}</time>',
        value.isoformat(),
        format_datetime(here, "full", locale=_locale()),
        text,
    )


@register.filter
def words(name: str) -> str:
    """Return a name of the code as words: ``api_key.approved`` as "API key approved"."""
    text = re.sub(r"[._]+", " ", name).strip()
    return "API" + text[3:] if text.startswith("api ") else text[:1].upper() + text[1:]


@register.filter
def initials(name: str) -> str:
    """Return the first letters of a name's first and last word: "Priya Raman" is "PR"."""
    words_of = name.split() or ["?"]
    return "".join(dict.fromkeys([words_of[0][:1], words_of[-1][:1]])).upper()


@register.simple_tag
def state(key: Any, label: str = "") -> SafeString:
    """Print a state as icon, word and color. An unknown key is shown as its own words."""
    name = str(getattr(key, "value", key)).upper()
    look = LOOKS.get(name) or Look("idle", "circle", name.replace("_", " ").capitalize())
    return mark_as(look.tone, look.icon, label or look.label)


@register.simple_tag
def mark_as(tone: str, icon_name: str, label: Any) -> SafeString:
    """Print any short remark the way states are printed."""
    return format_html('<span class="state tone-{}">{}{}</span>', tone, icon(icon_name), str(label))


@register.simple_tag
def noun(public_id: str, nouns: Mapping[str, Any]) -> SafeString:
    """Name a thing by its public id: its name if known, a link if the reader may open it.

    :param nouns: what ``billing_portal.portal.nouns.nouns_of`` found.
    """
    if not public_id:
        return NOTHING
    known = nouns.get(public_id)
    name = known.label if known and known.label else format_html("<code>{}</code>", public_id)
    if known is None or not known.url:
        return format_html('<span title="{}">{}</span>', public_id, name)
    return format_html('<a href="{}" title="{}">{}</a>', known.url, public_id, name)


@register.simple_tag
def word_diff(before: str, after: str) -> SafeString:
    """Show how a text changed, word by word, marked by sign, line and color."""
    old, new = _words(before), _words(after)
    parts: list[SafeString] = []
    for verb, i1, i2, j1, j2 in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if verb == "equal":
            parts.append(format_html("{}", "".join(old[i1:i2])))
            continue
        parts.append(_changed("del", "−", gettext("removed:"), "".join(old[i1:i2])))  # noqa: RUF001 - a true minus
        parts.append(_changed("ins", "+", gettext("added:"), "".join(new[j1:j2])))
    return format_html_join("", "{}", ((part,) for part in parts))


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|[\w'’.-]*\w|[^\w\s]", text)  # noqa: RUF001 - names carry that apostrophe


def _changed(element: str, sign: str, spoken: str, text: str) -> SafeString:
    if not text:
        return SafeString("")
    trailing = text[len(text.rstrip()) :]
    return format_html(
        '<{0}><span class="hidden-visually">{2} </span>'
        '<span class="mark" aria-hidden="true">{1}</span>{3}</{0}>{4}',
        mark_safe(element),  # noqa: S308 - one of two constants
        sign,
        spoken,
        text.rstrip(),
        trailing,
    )


@register.simple_block_tag
def callout(content: str, tone: str, title: str, code: str = "") -> SafeString:
    """Frame an explanation: why something is locked, parked or refused, and what to do instead."""
    return render_to_string(
        "portal/_parts/callout.html",
        {"content": SafeString(content), "tone": tone, "title": title, "code": code}
        | {"icon_name": CALLOUT_ICONS[tone]},
    )


@register.simple_block_tag
def dialog(content: str, key: str, title: str, lead: str = "") -> SafeString:
    """Frame a native dialog, opened by any control with ``data-opens="<key>"``."""
    return render_to_string(
        "portal/_parts/dialog.html",
        {"content": SafeString(content), "key": key, "title": title, "lead": lead},
    )


@register.simple_block_tag
def page_header(
    content: str,
    title: str,
    sub: str = "",
    crumbs: Iterable[tuple[str, str]] = (),
    state_key: str = "",
    *,
    marks: Iterable[str] = (),
) -> SafeString:
    """Head a page: where it is (``crumbs``: label and address), its name; its actions inside.

    :param marks: states that stand beside that of ``state_key``.
    """
    return render_to_string(
        "portal/_parts/page_header.html",
        {"content": SafeString(content.strip()), "title": title, "sub": sub}
        | {"crumbs": crumbs, "state_key": state_key, "marks": marks},
    )


@register.simple_block_tag
def empty(content: str, title: str, text: str = "", icon_name: str = "inbox") -> SafeString:
    """Say that there is nothing: yet (with the first step inside), or found (with Clear inside)."""
    return render_to_string(
        "portal/_parts/empty.html",
        {
            "content": SafeString(content.strip()),
            "title": title,
            "text": text,
            "icon_name": icon_name,
        },
    )


@register.inclusion_tag("portal/_parts/field.html")
def field(bound: BoundField, optional: str = "") -> dict[str, object]:
    """Show one form field with label, hint and errors, tied together for screen readers."""
    kind = bound.widget_type
    return {
        "field": bound,
        "is_check": kind == "checkbox",
        "is_choice": kind in {"radioselect", "checkboxselectmultiple"},
        "optional": optional,
    }


@register.inclusion_tag("portal/_parts/error_summary.html")
def error_summary(form: BaseForm) -> dict[str, object]:
    """List all errors of a form above it, each a link to its field; it takes the focus."""
    return {"form": form, "fields": [bound for bound in form.visible_fields() if bound.errors]}


@register.inclusion_tag("portal/_parts/stacked_bar.html")
def stacked_bar(segments: Iterable[Mapping[str, Any]], title: str) -> dict[str, object]:
    """Draw parts of a whole as one bar, with the same numbers in words beneath.

    :param segments: mappings with ``label``, ``amount`` (Decimal), ``currency`` and ``shade``.
    """
    parts = [dict(segment) for segment in segments]
    whole = sum((part["amount"] for part in parts), Decimal(0)) or Decimal(1)
    at = Decimal(0)
    for part in parts:
        share = part["amount"] * 1000 / whole
        part |= {"x": f"{at:.2f}", "width": f"{share:.2f}", "share": f"{share / 10:.0f}"}
        at += share
    return {"segments": parts, "title": title}
