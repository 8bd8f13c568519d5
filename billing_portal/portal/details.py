"""What a deed tells beside who did what: its details, as people read them.

Amounts are written as money where their currency is known, things by their names, with a link
where the reader may open them; hashes are cut short, and say all of themselves on hover.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from babel.dates import format_date
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, to_locale
from django.utils.translation import gettext_lazy as _

from billing_portal.ids import public_id
from billing_portal.money import Money, UnknownCurrency, minor_units
from billing_portal.portal.nouns import Noun, nouns_of
from billing_portal.portal.signatures import is_ref, names_of
from billing_portal.portal.templatetags.portal import money, noun, words
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.permissions import PERMISSIONS

Facts = list[tuple[str, SafeString]]

_HASHES = frozenset({"rows", "news"})  # which verifying reads, and nobody else
_NOTHING: tuple[Any, ...] = (None, "", [], {})
_LABELS = {
    "minor": _("Amount"),
    "parts": _("Paid"),
    "sha256": _("SHA-256"),
    "frozen_sha256": _("Frozen SHA-256"),
}
_INVOICE = "inv"  # what the parts of an allocation name by UUID: the books know no prefix
_SUM = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) ([A-Z]{3})")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_HASH = re.compile(r"[0-9a-f]{40,}")
_SHOWN_OF_HASH = 12
_BEFORE_AND_AFTER = 2


class Deed(Protocol):
    """A row of the trail."""

    subject_id: str
    details: dict[str, Any]


def read(deeds: Sequence[Deed], actor: Actor) -> tuple[list[Facts], dict[str, Noun]]:
    """Return what each deed tells, by name, and the things that all of them name, by public id.

    What a deed tells of no value is left out. Two queries and one a kind of noun, whatever the
    number.
    """
    told = [_told(each.details) for each in deeds]
    texts = [text for details in told for text in _texts(details)]
    names = names_of(text for text in texts if is_ref(text))
    nouns = nouns_of(actor, [*texts, *(each.subject_id for each in deeds)])
    return [
        _facts(details, _Reader(names, nouns, _currency_of(each, nouns)))
        for details, each in zip(told, deeds, strict=True)
    ], nouns


@dataclass(frozen=True)
class _Reader:
    """What is known when values are put into words.

    :ivar currency: of the amounts that are told in minor units; empty where nobody knows.
    """

    names: Mapping[str, str]
    nouns: Mapping[str, Noun]
    currency: str

    def said(self, value: Any) -> SafeString:
        """Return a value as its reader knows it."""
        if isinstance(value, dict) and value:
            pairs = ((words(name), self.said(part)) for name, part in value.items())
            return format_html_join(", ", "{}: {}", pairs)
        if isinstance(value, list) and value:
            between = "; " if any(isinstance(part, list | dict) for part in value) else ", "
            return format_html_join(between, "{}", ((self.said(part),) for part in value))
        if isinstance(value, int) and not isinstance(value, bool):
            return format_html("{}", f"{value:,}")
        return self._text(value) if isinstance(value, str) else format_html("{}", in_words(value))

    def _text(self, text: str) -> SafeString:
        if is_ref(text):
            return format_html("{}", self.names.get(text, gettext("Somebody")))
        if text in self.nouns:
            return noun(text, self.nouns)
        if _HASH.fullmatch(text):
            return format_html('<code title="{}">{}…</code>', text, text[:_SHOWN_OF_HASH])
        if found := _sum(text):
            return money(found)
        return format_html("{}", PERMISSIONS.get(text) or in_words(text))

    def amount(self, minor: Any) -> SafeString:
        """Return minor units as money; two of them are what was, and what it became."""
        if isinstance(minor, list) and len(minor) == _BEFORE_AND_AFTER:
            return format_html("{} → {}", *(self.amount(each) for each in minor))
        if not isinstance(minor, int) or not self.currency:
            said = {"count": self.said(minor)}
            return format_html("{}", gettext("%(count)s in minor units") % said)
        return money(Money.of_minor(minor, self.currency))

    def parts(self, parts: Any) -> SafeString:
        """Return what of a payment went to which invoice."""
        if not all(isinstance(each, list) and len(each) == _BEFORE_AND_AFTER for each in parts):
            return self.said(parts)
        pairs = ((self.said(each), self.amount(minor)) for each, minor in parts)
        return format_html_join("; ", "{} {}", pairs)


def in_words(value: Any) -> str:
    """Return a single JSON value as a reader says it; days are written in the reader's way."""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if value in _NOTHING:
        return gettext("nothing")
    return _day(str(value)) if _DAY.fullmatch(str(value)) else str(value)


def _day(text: str) -> str:
    """Return a day as written here; what only looks like one stays as it is."""
    try:
        value = date.fromisoformat(text)
    except ValueError:
        return text
    return str(format_date(value, "medium", locale=to_locale(get_language() or "en-us")))


def _told(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a deed's details what people read; invoices by the ids that pages know."""
    told = {name: value for name, value in details.items() if name not in _HASHES}
    told = {name: value for name, value in told.items() if value not in _NOTHING}
    if isinstance(told.get("parts"), list):
        told["parts"] = [
            [_invoice(each[0]), *each[1:]] if isinstance(each, list) and each else each
            for each in told["parts"]
        ]
    return told


def _invoice(text: Any) -> Any:
    is_uuid = isinstance(text, str) and _UUID.fullmatch(text)
    return public_id(_INVOICE, UUID(text)) if is_uuid else text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _currency_of(deed: Deed, nouns: Mapping[str, Noun]) -> str:
    """Return the currency of a deed's amounts: told, or that of the thing it is about."""
    told = deed.details.get("currency")
    about = nouns.get(deed.subject_id)
    currency = told if isinstance(told, str) and told else about.currency if about else ""
    return currency if _is_known(currency) else ""


def _is_known(currency: str) -> bool:
    try:
        minor_units(currency)
    except UnknownCurrency:
        return False
    return True


def _facts(told: Mapping[str, Any], reader: _Reader) -> Facts:
    found: Facts = []
    for name, value in told.items():
        if name == "currency" and "minor" in told and reader.currency:
            continue  # the amount says it
        label = str(_LABELS.get(name) or words(name))
        if name == "minor":
            found.append((label, reader.amount(value)))
        elif name == "parts":
            found.append((label, reader.parts(value)))
        else:
            found.append((label, reader.said(value)))
    return found


def _sum(text: str) -> Money | None:
    """Return the amount that a text such as ``450.00 USD`` says, or None."""
    found = _SUM.fullmatch(text)
    if not found or not _is_known(found[2]):
        return None
    return Money(Decimal(found[1]), found[2])
