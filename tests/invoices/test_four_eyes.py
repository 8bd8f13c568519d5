"""Who changed an invoice approves it in nobody's place, by a key of theirs neither."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client, RequestFactory

from billing_portal.audit.models import AuditEvent
from billing_portal.members import granting, keys, queries
from billing_portal.members.models import ApiKey, Membership
from billing_portal.tenancy.actors import Actor, ActorKind, system
from billing_portal.tenancy.permissions import PERMISSIONS
from invoices.actions.approve_many import approve_many
from invoices.actions.credit import OwnRequest, approve_credit_note
from invoices.actions.edit import edit_line
from invoices.actions.refusals import KeyNotVouchedFor, OwnEdit
from invoices.actions.review import approve, reopen, request_review, return_invoice
from invoices.models import Invoice, LineEdit, Verdict
from invoices.views.inbox import inbox_items
from tests.invoices import books
from tests.invoices.books import SYSTEM

TODAY = date(2026, 11, 3)
SCOPES = [
    *("invoices.approve", "invoices.approve_for_others", "invoices.edit"),
    *("invoices.edit_for_others", "invoices.finalize", "invoices.read"),
]


class Bearer:
    """A system of the firm that calls with a key, and the actor that it is."""

    def __init__(self, text):
        self.headers = {"Authorization": f"Bearer {text}"}
        self.client = Client(headers=self.headers)

    @property
    def actor(self):
        request = RequestFactory().get("/", headers=self.headers)
        return keys.holder_of(request, now=datetime.now(UTC))[1]

    def send(self, verb, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(
            verb, f"/api/v1/{path}", json.dumps(body or {}), "application/json", headers=headers
        )


def bearer(tenant, asks, approves, scopes=SCOPES):
    """Return a system with a key that one asked for and another approved."""
    now = datetime.now(UTC)
    key, text = granting.request_key(
        tenant, name="case system", by=asks, expires_at=now + timedelta(1), scopes=scopes
    )
    granting.approve_key(key, by=approves, at=now)
    return Bearer(text)


@pytest.fixture
def ada(tenant):
    return books.member("owner", "Ada Brandt")


@pytest.fixture
def luis(tenant):
    return books.member("owner", "Luis Ortega")


@pytest.fixture
def priya(tenant):
    return books.member("reviewer", "Priya Raman")


@pytest.fixture
def invoice(priya):
    """An invoice in review, assigned to Priya."""
    return request_review([books.a_draft(reviewer=priya)], by=SYSTEM)[0]


def edited(invoice, by, hours="1.0"):
    """Return the invoice after a change of its first line."""
    invoice.refresh_from_db()
    return edit_line(
        books.lines_of(invoice)[0],
        version_seen=invoice.version,
        changes={"quantity": Decimal(hours)},
        reason_code="GUIDELINE",
        by=by,
        on=TODAY,
    )


def test_a_biller_gets_no_approval_power_by_a_key(tenant, luis):
    dana = books.member("biller", "Dana Whitlock")

    with pytest.raises(granting.ScopesNotHeld) as refused:
        bearer(tenant, dana, luis)

    beyond = ["invoices.approve", "invoices.approve_for_others"]
    assert refused.value.more == {"scopes": beyond}
    assert all(name in str(refused.value) for name in beyond)
    assert PERMISSIONS["invoices.approve_for_others"] in str(refused.value)
    assert not ApiKey.objects.exists()


def test_the_whole_role_is_more_than_a_biller_holds(tenant, luis):
    with pytest.raises(granting.ScopesNotHeld):
        bearer(tenant, books.member("biller"), luis, scopes=[])


def test_who_approves_a_key_holds_its_scopes_too(tenant, ada):
    partly = Actor(ActorKind.USER, 77, "Partly", frozenset({"api_keys.approve", "invoices.edit"}))

    with pytest.raises(granting.ScopesNotHeld) as refused:
        bearer(tenant, ada, partly, scopes=["invoices.edit", "invoices.finalize"])

    assert refused.value.more == {"scopes": ["invoices.finalize"]}
    assert ApiKey.objects.get().approved_by == ""


def test_a_successor_is_asked_for_by_who_holds_its_scopes(tenant, ada, luis):
    bearer(tenant, ada, luis)
    dana = books.member("biller", "Dana Whitlock")

    with pytest.raises(granting.ScopesNotHeld):
        granting.request_successor(ApiKey.objects.get(), by=dana, at=datetime.now(UTC))

    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("part", ["requested_by", "approved_by"])
def test_a_key_from_before_approves_nothing_that_its_people_may_not(
    tenant, ada, luis, invoice, part
):
    caller, dana = bearer(tenant, ada, luis), books.member("biller", "Dana Whitlock")
    ApiKey.objects.update(**{part: dana.ref})

    for verb, body in (
        ("approval", {}),
        ("return", {"category": "OTHER", "text": "No."}),
    ):
        answer = caller.send("POST", f"invoices/{invoice.public_id}/{verb}", body, If_Match='"1"')
        assert (answer.status_code, answer.json()["code"]) == (409, "invoices.key_not_vouched_for")

    assert Verdict.objects.count() == 0


def test_a_key_approves_for_others_only_while_its_people_may(tenant, ada, luis, invoice):
    caller = bearer(tenant, ada, luis).actor
    Membership.objects.filter(user_id=luis.id).update(ended_at=datetime.now(UTC), ended_by="x")

    with pytest.raises(KeyNotVouchedFor):
        approve(invoice, version_seen=1, by=caller)


def test_a_key_that_two_owners_stand_for_approves_and_is_named_with_who_holds_it(
    tenant, ada, luis, invoice
):
    caller = bearer(tenant, ada, luis)

    answer = caller.send("POST", f"invoices/{invoice.public_id}/approval", If_Match='"1"')

    named = "key case system, held by Ada Brandt"
    assert (answer.status_code, answer.json()["state"]) == (200, "APPROVED")
    assert Verdict.objects.get().given_by_name == named
    assert AuditEvent.objects.get(action="invoice.approved").actor_name == named
    ref = f"key:{ApiKey.objects.get().pk}"
    assert queries.names_of_actors([ref]) == {ref: named}


def test_a_key_that_changed_an_invoice_does_not_approve_it(tenant, ada, luis, invoice):
    caller = bearer(tenant, ada, luis)
    line = books.lines_of(invoice)[0]
    path = f"invoices/{invoice.public_id}"
    change = {"quantity": "1.0", "reason_code": "GUIDELINE"}
    done = caller.send("PATCH", f"{path}/lines/{line.public_id}", change, If_Match='"1"')

    one = caller.send("POST", f"{path}/approval", If_Match='"2"')
    rows = {"invoices": [{"id": invoice.public_id, "version": 2}]}
    many = caller.send("POST", "invoices/approvals", rows)

    assert done.status_code == 200
    assert LineEdit.objects.get().edited_by_name == "key case system, held by Ada Brandt"
    assert (one.status_code, one.json()["code"]) == (409, "invoices.own_edit")
    assert many.json()["data"][0]["code"] == "invoices.own_edit"
    invoice.refresh_from_db()
    assert invoice.state == "IN_REVIEW"


def test_person_and_keys_of_theirs_are_one_maker(tenant, ada, luis, invoice):
    first, second = (bearer(tenant, ada, luis).actor for _ in range(2))
    edited(invoice, first)

    for same in (second, ada):
        with pytest.raises(OwnEdit):
            approve(invoice, version_seen=2, by=same)

    assert approve(invoice, version_seen=2, by=luis).state == "APPROVED"


def test_what_a_person_changed_their_key_does_not_approve(tenant, ada, luis, invoice):
    edited(invoice, ada)

    with pytest.raises(OwnEdit):
        approve(invoice, version_seen=2, by=bearer(tenant, ada, luis).actor)

    assert approve(invoice, version_seen=2, by=bearer(tenant, luis, ada).actor).state == "APPROVED"


def test_many_at_once_tell_whose_own_edits_they_are(ada, invoice):
    edited(invoice, ada)

    done = approve_many([(invoice, 2)], by=ada)

    assert [no.code for _, no in done.refused] == ["invoices.own_edit"]


def test_the_reviewer_in_person_corrects_and_approves(priya, invoice):
    edited(invoice, priya)

    assert approve(invoice, version_seen=2, by=priya).state == "APPROVED"


def test_returning_and_asking_anew_makes_no_edit_somebody_elses(ada, luis, invoice):
    edited(invoice, ada)
    return_invoice(invoice, version_seen=2, category="OTHER", text="See.", by=ada)
    request_review([invoice], answer="Seen.", by=ada)

    with pytest.raises(OwnEdit):
        approve(invoice, version_seen=2, by=ada)


def test_what_another_approved_is_nobodys_own_edit_any_more(ada, priya, invoice):
    edited(invoice, ada)
    approve(invoice, version_seen=2, by=priya)
    reopen(invoice, version_seen=2, text="The customer called.", by=priya)
    request_review([invoice], by=ada)

    assert approve(invoice, version_seen=2, by=ada).state == "APPROVED"


def approved_behind_the_actions(invoice, approver):
    """Write down an approval as a statement of its own would."""
    with transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk).update(state="APPROVED", approved_by=approver)


def test_the_database_too_lets_nobody_approve_their_own_edits(tenant, ada, luis, invoice):
    key = bearer(tenant, ada, luis).actor
    edited(invoice, ada)

    for own in (ada.ref, key.ref):
        with pytest.raises(IntegrityError, match="nobody approves their own edits"):
            approved_behind_the_actions(invoice, own)

    invoice.refresh_from_db()
    assert (invoice.state, invoice.approved_by) == ("IN_REVIEW", "")
    approved_behind_the_actions(invoice, luis.ref)
    with pytest.raises(IntegrityError, match="nobody approves their own edits"):
        approved_behind_the_actions(invoice, ada.ref)


def test_the_database_knows_who_stands_behind_the_key_that_changed_it(tenant, ada, luis, invoice):
    edited(invoice, bearer(tenant, ada, luis).actor)
    another = bearer(tenant, ada, luis).actor

    for own in (ada.ref, another.ref):
        with pytest.raises(IntegrityError, match="nobody approves their own edits"):
            approved_behind_the_actions(invoice, own)

    approved_behind_the_actions(invoice, bearer(tenant, luis, ada).actor.ref)


def test_the_database_lets_the_reviewer_in_person_correct_and_approve(tenant, priya, invoice):
    edited(invoice, priya)

    approved_behind_the_actions(invoice, priya.ref)


def test_the_database_counts_no_edit_that_was_approved_since(ada, priya, invoice):
    edited(invoice, ada)
    approve(invoice, version_seen=2, by=priya)
    reopen(invoice, version_seen=2, text="The customer called.", by=priya)

    approved_behind_the_actions(invoice, ada.ref)


def test_the_database_knows_no_approval_by_nobody(invoice):
    with pytest.raises(IntegrityError, match="invoice_that_is_approved_says_by_whom"):
        approved_behind_the_actions(invoice, "")


def test_the_operators_key_approves_as_before(tenant, invoice, capsys):
    call_command("make_api_key", tenant.slug, "--name", "case system")
    caller = Bearer(capsys.readouterr().out.strip())

    answer = caller.send("POST", f"invoices/{invoice.public_id}/approval", If_Match='"1"')

    assert answer.status_code == 200
    assert Verdict.objects.get().given_by_name == "key case system, held by the operator"


def test_the_operator_says_what_a_key_may_do(tenant, invoice, capsys):
    scopes = ("--scope", "invoices.read", "--scope", "charges.read")
    call_command("make_api_key", tenant.slug, "--name", "reader", *scopes)
    caller = Bearer(capsys.readouterr().out.strip())

    assert ApiKey.objects.get().scopes == ["charges.read", "invoices.read"]
    assert caller.send("GET", "invoices").status_code == 200
    answer = caller.send("POST", f"invoices/{invoice.public_id}/approval", If_Match='"1"')
    assert (answer.status_code, Invoice.objects.get().state) == (403, "IN_REVIEW")
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("make_api_key", tenant.slug, "--name", "x", "--scope", "members.approve")


def test_an_operators_key_of_its_own_edits_approves_nothing(tenant, invoice, capsys):
    call_command("make_api_key", tenant.slug, "--name", "case system")
    caller = Bearer(capsys.readouterr().out.strip()).actor
    edited(invoice, caller)

    with pytest.raises(OwnEdit):
        approve(invoice, version_seen=2, by=caller)


def test_a_key_asks_for_a_credit_note_that_somebody_else_approves(tenant, ada, luis, priya):
    invoice = books.finalized(reviewer=priya)
    caller = bearer(tenant, ada, luis, scopes=["credit_notes.request", "invoices.read"])
    path, reason = f"invoices/{invoice.public_id}", {"reason": "Wrong rate."}

    made = caller.send("POST", f"{path}/credit-note", reason, Idempotency_Key="k1")
    note = Invoice.objects.get(kind="CREDIT_NOTE")
    by_key = caller.send("POST", f"invoices/{note.public_id}/credit-approval", If_Match='"1"')

    assert (made.status_code, made.json()["id"]) == (201, note.public_id)
    assert by_key.status_code == 404
    assert [
        [item.kind for item in inbox_items(who) if note.public_id in item.url]
        for who in (ada, luis)
    ] == [[], ["credit_note"]]
    with pytest.raises(OwnRequest):
        approve_credit_note(note, version_seen=1, by=ada, on=TODAY)
    assert approve_credit_note(note, version_seen=1, by=luis, on=TODAY).state == "FINALIZED"


def test_a_neighbors_key_finds_no_such_invoice(tenant, invoice, neighbor):
    with neighbor as firm:
        now = datetime.now(UTC)
        key, text = granting.request_key(
            firm, name="k", by=system("one"), expires_at=now + timedelta(1)
        )
        granting.approve_key(key, by=system("two"), at=now)

        answer = Bearer(text).send("POST", f"invoices/{invoice.public_id}/approval", If_Match='"1"')

    assert answer.status_code == 404
