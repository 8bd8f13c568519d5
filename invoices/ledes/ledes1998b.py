"""LEDES 1998B: the pipe-separated invoice that American claims departments read.

Source: LEDES 1998B field table, revision of July 2014, as reprinted by e-billing vendors. 24 fields
a line, "|" between them and "[]" after the last; dates as YYYYMMDD; amounts with a point and no
thousands separator; ASCII. Three facts that surprise: the format has no escape, so a "|" in a
narrative moves every amount after it; it has no field for tax or currency, so amounts are net and
in US dollars; what belongs to the invoice is repeated on every row. Several invoices fit in a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import localcontext

from invoices.documents.snapshot import EXACT, InvoiceSnapshot, require_sums
from invoices.ledes.fields import FORM_1998B
from invoices.ledes.profile import DEFAULT, Profile, TaxIn1998B
from invoices.ledes.writing import (
    Hand,
    NotRepresentable,
    file_of,
    line_texts,
    line_type_of,
    require_writable,
    shared_texts,
)


def render(snapshot: InvoiceSnapshot, profile: Profile = DEFAULT) -> bytes:
    """Return the invoice as a LEDES 1998B file. Same snapshot and profile, same bytes.

    :raises DoesNotAddUp: when the snapshot's own figures disagree.
    :raises NotRepresentable: when it is taxed, in a currency or of a kind that the format cannot
        say and the profile does not allow.
    :raises NotLedes: when a field holds a character, a length or nothing that it cannot carry.
    """
    return render_all([snapshot], profile)


def render_all(snapshots: Sequence[InvoiceSnapshot], profile: Profile = DEFAULT) -> bytes:
    """Return several invoices as one file, in the order given; raises what ``render`` raises."""
    with localcontext(EXACT):
        hand = Hand(FORM_1998B, profile)
        rows = [row for each in snapshots for row in _rows(hand, each, profile)]
    return file_of(FORM_1998B.first_line, FORM_1998B, rows, profile)


def _rows(hand: Hand, snapshot: InvoiceSnapshot, profile: Profile) -> Iterator[str]:
    require_sums(snapshot)
    require_writable(snapshot, profile)
    _require_untaxed_dollars(snapshot, profile)
    shared = shared_texts(hand, snapshot, snapshot.net_total)
    for line in snapshot.lines:
        line_type = line_type_of(line, profile)
        yield hand.row(line_type, line_texts(hand, line, shared, line_type, line.total))


def _require_untaxed_dollars(snapshot: InvoiceSnapshot, profile: Profile) -> None:
    if snapshot.currency not in profile.currencies:
        raise NotRepresentable(
            f"Invoice {snapshot.number} is in {snapshot.currency}; LEDES 1998B cannot say so."
        )
    taxed = snapshot.tax_total or any(each.tax_amount for each in snapshot.lines)
    if taxed and profile.tax_in_1998b is TaxIn1998B.REFUSE:
        raise NotRepresentable(
            f"Invoice {snapshot.number} is taxed; LEDES 1998B has no field for tax."
        )
