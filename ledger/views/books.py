"""Pages of the books: the trial balance, entries, one entry and its reversal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from billing_portal import ids
from billing_portal.audit.queries import chain_state, seals_of
from billing_portal.errors import Refused
from billing_portal.members.queries import names_of_actors
from billing_portal.money import Money, total_of
from billing_portal.periods import local_day
from billing_portal.portal.downloads import Cell, csv_answer
from billing_portal.portal.lists import Filters, page_of
from billing_portal.portal.nouns import Noun, nouns_of, row_named
from billing_portal.portal.proving import stepped_up
from billing_portal.portal.templatetags.portal import words
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from ledger import forms, queries
from ledger.actions import posting
from ledger.models import Entry, Posting
from ledger.queries import TrialBalance, TrialLine

# What the dimensions of postings name: rooms above give their nouns these prefixes.
DIMENSIONS = {"invoice": "inv", "payment": "pay", "charge": "chg", "matter": "mat"}


@dataclass(frozen=True)
class Book:
    """The trial balance of one currency."""

    currency: str
    lines: list[TrialLine]
    debit: Money
    credit: Money
    difference: Money


@dataclass(frozen=True)
class EntryRow:
    """One entry in the list."""

    entry: Entry
    about: str
    moved: list[Money]
    is_sealed: bool
    is_reversed: bool


@dataclass(frozen=True)
class Side:
    """One line of an entry: debit or credit, and what it is about."""

    posting: Posting
    number: str
    debit: Money | None
    credit: Money | None
    about: list[str]


@require_safe
@may("ledger.read")
def trial_balance(request: FirmRequest) -> HttpResponse:
    """Show all balances by role and currency, up to today or another day. Four queries."""
    form = forms.AsOf(request.GET, today=_today(request))
    shown: dict[str, object] = {"form": form}
    if form.is_valid():
        on = form.day()
        shown |= {"on": on, "books": _books(queries.trial_balance(on))}
        shown["is_later_booked"] = on is not None and queries.is_booked_after(on)
        shown["chain"] = chain_state(queries.CHAIN)
    shown["may_read_verifications"] = request.actor.may("audit.read")
    status = 422 if form.errors else 200
    return render(request, "ledger/trial_balance.html", shown, status=status)


@require_safe
@may("ledger.read")
def trial_balance_csv(request: FirmRequest) -> HttpResponse:
    """Send the trial balance as a CSV file. One query."""
    form = forms.AsOf(request.GET, today=_today(request))
    if not form.is_valid():
        return trial_balance(request)
    on = form.day()
    balance = queries.trial_balance(on)
    header = ["Account", "Name", "Currency", "Debit", "Credit"]
    rows: list[list[Cell]] = [
        [line.code, line.label, line.currency, line.debit.amount, line.credit.amount]
        for line in balance.lines
    ]
    name = f"trial-balance-{on or 'all-entries'}.csv"
    return csv_answer(name, header, rows)


@require_safe
@may("ledger.read")
def entries(request: FirmRequest) -> HttpResponse:
    """Show entries, newest first, as far as they fit the filters. At most seven queries."""
    form = forms.EntryFilter(request.GET)
    shown: dict[str, object] = {"form": form, "filters": Filters(request, form, "entries")}
    shown["crumbs"] = _crumbs()
    if form.is_valid():
        account = form.account()
        page = page_of(queries.entries(**form.given()), request)
        moved = queries.moved_by(page.rows, **account)
        sealed = seals_of(queries.CHAIN, [entry.pk for entry in page.rows])
        undone = queries.reversed_among(page.rows)
        payments = queries.payments_booked_by(page.rows)
        shown["rows"] = rows = [
            EntryRow(
                entry=entry,
                about=entry.source or payments.get(entry.pk, ""),
                moved=moved.get(entry.pk, []),
                is_sealed=entry.pk in sealed,
                is_reversed=entry.pk in undone,
            )
            for entry in page.rows
        ]
        abouts = {row.about for row in rows} | {account.get("owner", "")}
        shown |= {"pager": page.pager, "nouns": nouns_of(request.actor, abouts)}
        shown["account"] = account
    name = "ledger/_entries.html" if request.headers.get("HX-Request") else "ledger/entries.html"
    return render(request, name, shown, status=422 if form.errors else 200)


@require_safe
@may("ledger.read")
def entry(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show one entry with its lines, its seal and its reversal. About ten queries."""
    row = row_named(Entry.objects.select_related("period", "reverses"), public_id)
    return _entry_page(request, row, forms.Reversal())


@require_POST
@may("ledger.reverse")
@stepped_up
def reversal(request: FirmRequest, public_id: str) -> HttpResponse:
    """Reverse an entry as of today, and show the mirror entry."""
    row = row_named(Entry.objects.select_related("period", "reverses"), public_id)
    form = forms.Reversal(request.POST)
    if form.is_valid():
        try:
            mirror = posting.reverse(
                row, by=request.actor, on=_today(request), reason=form.cleaned_data["reason"]
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("ledger:entry", mirror.public_id)
    return _entry_page(request, row, form)


def entries_named(actor: Actor, public_ids: list[str]) -> dict[str, Noun]:
    """Return where entries may be opened, by public id. No query."""
    if not actor.may("ledger.read"):
        return {}
    return {name: Noun(url=reverse("ledger:entry", args=[name])) for name in public_ids}


def _entry_page(request: FirmRequest, row: Entry, form: forms.Reversal) -> HttpResponse:
    sides = [_side(line) for line in posting.entry_lines(row)]
    mirror = Entry.objects.filter(reverses=row).first()
    about = row.source or queries.payments_booked_by([row]).get(row.pk, "")
    linked = [about, row.correction_group, *(side.posting.account.owner for side in sides)]
    linked += [about for side in sides for about in side.about]
    shown = {
        "entry": row,
        "about": about,
        "title": gettext("Ledger entry: %(kind)s") % {"kind": words(row.kind).lower()},
        "state_key": "REVERSED" if mirror else "",
        "crumbs": [*_crumbs(), (gettext("Entries"), reverse("ledger:entries"))],
        "sides": sides,
        "totals": _totals(sides),
        "mirror": mirror,
        "seal": seals_of(queries.CHAIN, [row.pk]).get(row.pk),
        "who": names_of_actors([row.actor]).get(row.actor, row.actor),
        "nouns": nouns_of(request.actor, linked),
        "form": form,
        "may_reverse": mirror is None
        and request.actor.may("ledger.reverse")
        and not posting.is_of_a_document(row),
    }
    return render(request, "ledger/entry.html", shown, status=422 if form.errors else 200)


def _crumbs() -> list[tuple[str, str]]:
    return [(gettext("Ledger"), reverse("ledger:trial_balance"))]


def _side(line: Posting) -> Side:
    amount = Money.of_minor(abs(line.amount), line.currency)
    debit, credit = (amount, None) if line.amount > 0 else (None, amount)
    return Side(line, line.account.code.partition(":")[0], debit, credit, list(_about(line)))


def _totals(sides: list[Side]) -> list[Money]:
    """Return what stands on either side, by currency."""
    currencies = sorted({side.posting.currency for side in sides})
    debits = [side.debit for side in sides if side.debit]
    return [
        total_of([each for each in debits if each.currency == currency], currency)
        for currency in currencies
    ]


def _about(line: Posting) -> Iterator[str]:
    for column, prefix in DIMENSIONS.items():
        uid: UUID | None = getattr(line, column)
        if uid is not None:
            yield ids.public_id(prefix, uid)


def _books(balance: TrialBalance) -> list[Book]:
    books = []
    for currency, difference in sorted(balance.differences.items()):
        lines = [line for line in balance.lines if line.currency == currency]
        debit = total_of([line.debit for line in lines], currency)
        credit = total_of([line.credit for line in lines], currency)
        books.append(Book(currency, lines, debit, credit, difference))
    return books


def _today(request: FirmRequest) -> date:
    return local_day(datetime.now(UTC), request.tenant.time_zone)
