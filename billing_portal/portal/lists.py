"""Lists in pages: the query string holds the filters, and the row that a page begins after.

Never an offset, never a count: a page of a list of any length takes one query. The row's place is
written under a cover, since keys are counted over all firms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Generic, TypeVar

from babel.dates import format_date
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Model, Q, QuerySet
from django.forms import BoundField
from django.http import HttpRequest
from django.utils.translation import get_language, gettext, to_locale
from django.utils.translation import gettext_lazy as _

from billing_portal.covers import covered, uncovered

SIZES = (50, 200, 500)
_SEVERAL = 2
_PAGING = ("after", "before")
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Link:
    """An address with its words."""

    label: str
    url: str
    current: bool = False


@dataclass(frozen=True)
class Pager:
    """Where the pages beside this one are; no sizes where all rows fit into the smallest."""

    summary: str
    sizes: list[Link]
    previous_url: str
    next_url: str


@dataclass(frozen=True)
class Page(Generic[M]):
    """Some rows of a list, newest first unless it is read as written."""

    rows: list[M]
    pager: Pager


@dataclass(frozen=True)
class Order:
    """By what a list is ordered: its rows' keys, within the days of a column where one is named.

    :ivar is_as_written: whether the oldest comes first.
    """

    list_name: str
    day: str = ""
    is_as_written: bool = False

    def shown(self) -> list[str]:
        """Return what puts the rows as they are read: the newest first, or as written."""
        sign = "" if self.is_as_written else "-"
        return [f"{sign}{name}" for name in (self.day, "pk") if name]

    def turned(self) -> list[str]:
        """Return what puts the rows the other way around."""
        sign = "-" if self.is_as_written else ""
        return [f"{sign}{name}" for name in (self.day, "pk") if name]

    def after(self, place: str) -> Q | None:
        """Return what finds the rows read after a place, or None when it is no place here."""
        return self._beyond(place, "gt" if self.is_as_written else "lt")

    def before(self, place: str) -> Q | None:
        """Return what finds the rows read before a place, or None when it is no place here."""
        return self._beyond(place, "lt" if self.is_as_written else "gt")

    def place_of(self, row: Model) -> str:
        """Return where a row stands, as an address may say it."""
        day = f"{getattr(row, self.day)} " if self.day else ""
        return covered(f"{day}{row.pk}", of=self.list_name)

    def _beyond(self, place: str, side: str) -> Q | None:
        day, _, key = (uncovered(place, of=self.list_name) or "").rpartition(" ")
        if not key or bool(day) != bool(self.day):
            return None
        past_key = Q(**{f"pk__{side}": int(key)})
        if not self.day:
            return past_key
        # The first condition bounds the walk along the index; the second drops the day's rest.
        up_to_day = Q(**{f"{self.day}__{side}e": day})
        return up_to_day & (Q(**{f"{self.day}__{side}": day}) | past_key)


def page_of(
    rows: QuerySet[M], request: HttpRequest, *, by_day: str = "", is_as_written: bool = False
) -> Page[M]:
    """Return the page of a list that the query string asks for, newest first. One query.

    ``after`` and ``before`` are places of the rows that the page lies beyond, ``rows`` is how many
    it has (50, 200 or 500); what is none of these counts as not given.

    :param by_day: the column of the day that makes a row new; without one, the order of recording.
    :param is_as_written: the oldest first, as in a file whose lines stand in their order.
    """
    size = next((n for n in SIZES if str(n) == request.GET.get("rows")), SIZES[0])
    order = Order(f"{request.path} {by_day}", by_day, is_as_written)
    after = order.after(request.GET.get("after", ""))
    before = order.before(request.GET.get("before", ""))
    if before is not None:
        found = list(rows.filter(before).order_by(*order.turned())[: size + 1])
        is_first, is_last = len(found) <= size, False
        found = found[:size][::-1]
    else:
        rest = rows if after is None else rows.filter(after)
        found = list(rest.order_by(*order.shown())[: size + 1])
        is_first, is_last = after is None, len(found) <= size
        found = found[:size]
    is_whole = is_first and is_last
    pager = Pager(
        summary=_summary(len(found), is_whole=is_whole, is_as_written=is_as_written),
        # Where all rows fit into the smallest page, no other size shows more.
        sizes=[] if is_whole and len(found) <= SIZES[0] else _sizes(request, size),
        previous_url=""
        if is_first or not found
        else url_with(request, before=order.place_of(found[0])),
        next_url="" if is_last or not found else url_with(request, after=order.place_of(found[-1])),
    )
    return Page(found, pager)


def _summary(count: int, *, is_whole: bool, is_as_written: bool) -> str:
    if is_whole and count < _SEVERAL:
        return ""
    if is_as_written:
        said = gettext("All %(count)s, in their order")
        return (said if is_whole else gettext("%(count)s shown, in their order")) % {"count": count}
    if is_whole:
        return gettext("All %(count)s, newest first") % {"count": count}
    return gettext("%(count)s shown, newest first") % {"count": count}


def _sizes(request: HttpRequest, size: int) -> list[Link]:
    return [Link(str(n), url_with(request, rows=str(n)), n == size) for n in SIZES]


def chosen(request: HttpRequest, name: str, known: Iterable[str]) -> tuple[str, str]:
    """Return which known value the query string names, and what it names in its place, if none."""
    asked = request.GET.get(name, "")
    return (asked, "") if not asked or asked in known else ("", asked)


def url_with(request: HttpRequest, **changes: str) -> str:
    """Return the page's address with some parameters set (empty: taken out), from its first row."""
    query = request.GET.copy()
    for name in _PAGING:
        query.pop(name, None)
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path


class DayField(forms.DateField):
    """A day of the query string, written as YYYY-MM-DD."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False,
            input_formats=["%Y-%m-%d"],
            widget=forms.DateInput(attrs={"type": "date"}),
            validators=[MinValueValidator(_FIRST_DAY), MaxValueValidator(_LAST_DAY)],
            error_messages={"invalid": _("Write a real day as YYYY-MM-DD.")},
            **options,
        )


class OpenChoiceField(forms.ChoiceField):
    """A choice of what is known by name; rows may hold, and addresses ask for, older keys too."""

    def valid_value(self, value: Any) -> bool:
        """Take any key."""
        return True


class FilterForm(forms.Form):
    """What narrows one list. A field's name is its name in the query string; none is required.

    :cvar search: the field shown as the search box; the others stand in a panel.
    """

    search: ClassVar[str] = ""

    def given(self) -> dict[str, Any]:
        """Return the values that were given and can be read."""
        if not self.is_valid():
            return {}
        return {name: value for name, value in self.cleaned_data.items() if value}

    def in_words(self, name: str, value: Any) -> str:
        """Return a value as its reader knows it."""
        if isinstance(value, date):
            return format_date(value, "medium", locale=to_locale(get_language() or "en-us"))
        choices = dict(getattr(self.fields[name], "choices", ()))
        return str(choices.get(value, value))


@dataclass(frozen=True)
class Filters:
    """A filter form as the part ``portal/_parts/filters.html`` shows it."""

    request: HttpRequest
    asked: FilterForm
    key: str
    target: str = "list"

    @property
    def url(self) -> str:
        """Where the list is."""
        return self.request.path

    @property
    def clear_url(self) -> str:
        """Where all of it is."""
        return self.request.path

    @property
    def name(self) -> str:
        """The parameter of the search box."""
        return self.asked.search

    @property
    def text(self) -> str:
        """What stands in the search box."""
        return self.request.GET.get(self.name, "")

    @property
    def placeholder(self) -> str:
        """What the search box looks for."""
        return str(self.asked.fields[self.name].label)

    @property
    def form(self) -> list[BoundField]:
        """The fields of the panel."""
        return [bound for bound in self.asked if bound.name != self.name]

    @property
    def is_wrong(self) -> bool:
        """Whether something in the panel cannot be read, so that it must be seen."""
        return any(bound.errors for bound in self.form)

    @property
    def chips(self) -> list[Link]:
        """What was given, each with the address of the list without it."""
        return list(self._chips())

    def _chips(self) -> Iterator[Link]:
        for name, value in self.asked.given().items():
            label = f"{self.asked.fields[name].label}: {self.asked.in_words(name, value)}"
            yield Link(label, url_with(self.request, **{name: ""}))
