from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings

from invoices.documents.narrative import Why
from invoices.ledes.fields import FORM_98BI, FORM_1998B
from invoices.ledes.fitting import fit_for
from invoices.ledes.profile import DEFAULT, Profile
from tests.invoices.snapshots import CUSTOMER, fee, invoice, invoices


def test_the_approved_narrative_stays_beside_the_emitted_one():
    fitted = fit_for(invoice(fee("7", narrative="Call | M\u00fcller")), FORM_1998B, DEFAULT)

    assert fitted.snapshot.lines[0].narrative == "Call | M\u00fcller"
    assert fitted.snapshot.lines[0].emitted_narrative == "Call Muller"
    assert [(e.line, e.field, e.change.was) for e in fitted.changes] == [
        ("7", "LINE_ITEM_DESCRIPTION", "   "),
        ("7", "LINE_ITEM_DESCRIPTION", "|"),
        ("7", "LINE_ITEM_DESCRIPTION", "\u00fc"),
    ]


def test_texts_are_cut_to_the_profile_and_the_cut_is_told():
    profile = Profile(name="short", longest={"LINE_ITEM_DESCRIPTION": 8})

    fitted = fit_for(invoice(fee()), FORM_1998B, profile)

    assert fitted.snapshot.lines[0].emitted_narrative == "Research"
    assert [each.change.why for each in fitted.changes] == [Why.CUT]


def test_ids_and_codes_are_never_touched():
    odd = invoice(
        fee(timekeeper_id="\u00e4", task_code="|"), customer=replace(CUSTOMER, external_id="[]")
    )

    assert fit_for(odd, FORM_1998B, DEFAULT).snapshot == odd


def test_parties_are_fitted_only_where_they_travel():
    odd = invoice(fee(), customer=replace(CUSTOMER, name="Stra\u00dfe AG"))

    assert fit_for(odd, FORM_1998B, DEFAULT).snapshot.customer.name == "Stra\u00dfe AG"
    assert fit_for(odd, FORM_98BI, DEFAULT).snapshot.customer.name == "Strasse AG"


@settings(deadline=None, max_examples=60)
@given(invoices())
def test_fitting_moves_no_amount_and_is_done_once(snapshot):
    once = fit_for(snapshot, FORM_98BI, DEFAULT).snapshot

    assert fit_for(once, FORM_98BI, DEFAULT).snapshot == once
    assert (once.net_total, once.total) == (snapshot.net_total, snapshot.total)
    assert [(e.units, e.unit_price, e.total) for e in once.lines] == [
        (e.units, e.unit_price, e.total) for e in snapshot.lines
    ]
