"""What is grave asks for a proof of who is there; an open session is not enough."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver

from billing_portal.audit.models import AuditEvent
from billing_portal.directories.models import Directory
from billing_portal.members.models import Membership
from billing_portal.portal.office import site
from billing_portal.tenancy.scope import tenant_scope
from customers.models import BankDetails, PaymentMethod, Rate
from dunning.models import BankAccount
from invoices.models import Carrier, CarrierLogin, CarrierRecipe
from tests.customers.factories import CustomerFactory, PaymentMethodFactory, RateFactory
from tests.factories import MembershipFactory
from tests.visiting import Visitor, signed_in, text_of

PASSWORD = "month end in every room"
RECIPES = Path(__file__).parents[1] / "outside" / "carrier" / "recipes"
ACCOUNT = {"account": "DE89370400440532013000", "name": "Operating", "currency": "USD"}
GRAVE = {
    "people:approve_role", "people:end_role", "people:approve_invitation", "people:approve_key",
    "people:approve_reset",
    "ledger:move_period", "ledger:reversal", "invoices:decide_credit", "invoices:resume_carrier",
    "dunning:name_payer", "dunning:take_payer_back",
}  # fmt: skip
GRAVE_IN_THE_OFFICE = {
    "bankaccount", "bankdetails", "carrier", "carrierlogin", "carrierrecipe", "directory",
    "directoryidentity", "paymentmethod", "rate",
}  # fmt: skip
WRITTEN_WITHOUT = {
    "address", "aggregationsetting", "contact", "customer", "invoice", "matter", "reminderstep",
    "taxidentity", "timekeeper",
}  # fmt: skip


@pytest.fixture
def ada(client, firm):
    """An owner who typed her password ten minutes ago."""
    visitor = Visitor(client, firm)
    visitor.user.set_password(PASSWORD)
    visitor.user.save()
    signed_in(client, visitor.user, ago=600)
    return visitor


@pytest.fixture
def proposed(firm):
    return MembershipFactory.create(tenant=firm, role="biller", approved_by="")


def approve(visitor, row):
    page = visitor.address("people/")
    return visitor.client.post(
        visitor.address(f"people/roles/{row.public_id}/approval/"),
        headers={"Referer": f"http://testserver{page}"},
    )


def test_an_open_session_alone_approves_nothing(ada, proposed, firm):
    answer = approve(ada, proposed)

    proposed.refresh_from_db()
    assert answer.status_code == 303
    assert answer.url == (
        f"/t/{firm.slug}/accounts/reauthenticate/?next=%2Ft%2F{firm.slug}%2Fpeople%2F"
    )
    assert proposed.approved_by == ""
    with tenant_scope(firm.pk):
        assert not AuditEvent.objects.exists()


def test_after_the_proof_one_is_back_on_the_page_and_does_it_again(ada, proposed, firm):
    way = approve(ada, proposed).url
    page = text_of(ada.client.get(way))

    back = ada.client.post(way, {"password": PASSWORD})
    waiting = Membership.objects.get(pk=proposed.pk).approved_by
    approve(ada, proposed)

    assert "Nothing has been done yet." in page
    assert "do it once more" in page
    assert back.url == f"/t/{firm.slug}/people/"
    assert waiting == ""  # what was posted before was not kept
    assert Membership.objects.get(pk=proposed.pk).approved_by == f"user:{ada.user.pk}"


def test_a_wrong_password_is_no_proof(ada, proposed):
    way = approve(ada, proposed).url

    answer = ada.client.post(way, {"password": "not it"})
    approve(ada, proposed)

    assert answer.status_code == 200
    assert Membership.objects.get(pk=proposed.pk).approved_by == ""


@pytest.mark.parametrize(("ago", "approved"), [(290, True), (310, False)])
def test_signing_in_counts_for_five_minutes(ada, proposed, ago, approved):
    signed_in(ada.client, ada.user, ago=ago)

    approve(ada, proposed)

    assert bool(Membership.objects.get(pk=proposed.pk).approved_by) is approved


def test_reading_and_declining_need_no_proof(ada, proposed):
    page = ada.get("people/")
    ada.post(f"people/roles/{proposed.public_id}/decline/")

    assert page.status_code == 200
    assert Membership.objects.get(pk=proposed.pk).ended_at is not None


@pytest.mark.parametrize("before", ["", "https://elsewhere.test/t/x/", "//elsewhere.test/"])
def test_a_form_from_nowhere_leads_back_to_the_inbox(ada, proposed, firm, before):
    answer = ada.client.post(
        ada.address(f"people/roles/{proposed.public_id}/approval/"), headers={"Referer": before}
    )

    assert answer.url.endswith(f"?next=%2Ft%2F{firm.slug}%2Finbox%2F")


def test_a_part_of_a_page_is_led_there_as_a_whole_page(ada, proposed):
    answer = ada.client.post(
        ada.address(f"people/roles/{proposed.public_id}/approval/"), headers={"HX-Request": "true"}
    )

    assert "/accounts/reauthenticate/" in answer.headers["HX-Redirect"]
    assert answer.content == b""


def test_who_may_not_is_told_so_before_any_proof(firm, proposed):
    visitor = Visitor(Client(), firm, "auditor")
    signed_in(visitor.client, visitor.user, ago=600)

    assert approve(visitor, proposed).status_code == 403


def written(firm, model):
    with tenant_scope(firm.pk):
        return list(model.objects.order_by("pk"))


@pytest.fixture
def forms(firm):
    """What is typed into each grave form of the back office, and what it makes."""
    with tenant_scope(firm.pk):
        customer, carrier = (
            CustomerFactory.create(),
            Carrier.objects.create(code="northfield", name="Northfield", origin="https://nfm.test"),
        )
        method = PaymentMethodFactory.create()
        owner = MembershipFactory.create(tenant=firm, role="biller").user
    recipe = (RECIPES / "northfield.json").read_text("utf-8")
    return {
        "dunning/bankaccount": (BankAccount, ACCOUNT),
        "customers/rate": (
            Rate, {"starts_on": "2026-02-01", "amount_0": "250.00", "amount_1": "USD"},
        ),
        "customers/paymentmethod": (
            PaymentMethod, {"customer": customer.pk, "kind": "CHECK", "label": "By check"},
        ),
        "customers/bankdetails": (
            BankDetails,
            {"payment_method": method.pk, "holder": "Granite", "account": ACCOUNT["account"]},
        ),
        "invoices/carrier": (
            Carrier, {"code": "south", "name": "South", "origin": "https://south.test"},
        ),
        "invoices/carrierrecipe": (CarrierRecipe, {"carrier": carrier.pk, "content": recipe}),
        "invoices/carrierlogin": (
            CarrierLogin,
            {"carrier": carrier.pk, "owner": owner.pk, "user": "harrow", "secret": "Secret-1"},
        ),
        "directories/directory": (
            Directory,
            {
                "issuer": "https://login.firm.test", "client_id": "portal", "secret": "Quay-1",
                "ends": "firm.test", "strong_acr": "",
            },
        ),
    }  # fmt: skip


@pytest.mark.parametrize(
    "form",
    [
        *("dunning/bankaccount", "customers/rate", "customers/paymentmethod"),
        *("customers/bankdetails", "invoices/carrier", "invoices/carrierrecipe"),
        *("invoices/carrierlogin", "directories/directory"),
    ],
)
def test_a_grave_form_of_the_office_is_taken_after_a_proof_only(ada, firm, forms, form):
    model, typed = forms[form]
    before = written(firm, model)
    page = ada.get(f"admin/{form}/add/").content.decode()
    answer = ada.post(f"admin/{form}/add/", typed)
    meanwhile = written(firm, model)

    signed_in(ada.client, ada.user)
    fresh = ada.get(f"admin/{form}/add/").content.decode()
    taken = ada.post(f"admin/{form}/add/", typed)

    here = f"%2Ft%2F{firm.slug}%2Fadmin%2F{form.replace('/', '%2F')}%2Fadd%2F"
    assert f'/accounts/reauthenticate/?next={here}">Prove it now' in page
    assert "Prove it now" not in fresh
    assert (answer.status_code, "/accounts/reauthenticate/" in answer.url) == (303, True)
    assert meanwhile == before
    assert taken.status_code == 302
    assert len(written(firm, model)) == len(before) + 1


@pytest.mark.parametrize(("deed", "state"), [("approve", "PROPOSED"), ("reject", "REJECTED")])
def test_turning_a_rate_down_needs_no_proof_and_approving_does(ada, firm, deed, state):
    with tenant_scope(firm.pk):
        rate = RateFactory.create(state="PROPOSED", decided_by="")

    ada.post("admin/customers/rate/", {"action": deed, "_selected_action": rate.pk})

    assert [row.state for row in written(firm, Rate)] == [state]


@pytest.mark.parametrize("actions", [["reject", "approve"], ["approve", "reject"], []])
def test_a_second_deed_does_not_hide_behind_one_that_needs_no_proof(ada, firm, actions):
    with tenant_scope(firm.pk):
        rate = RateFactory.create(state="PROPOSED", decided_by="")
    form = {"action": actions, "index": "1", "_selected_action": rate.pk}

    answer = ada.post("admin/customers/rate/", form)

    assert "/accounts/reauthenticate/" in answer.url
    assert [row.state for row in written(firm, Rate)] == ["PROPOSED"]


def test_stopping_a_carrier_needs_no_proof_and_allowing_it_does(ada, firm):
    with tenant_scope(firm.pk):
        carrier = Carrier.objects.create(
            code="northfield", name="Northfield", origin="https://nfm.test"
        )
    chosen = {"_selected_action": carrier.pk}

    ada.post("admin/invoices/carrier/", {"action": "stop", **chosen})
    stopped = written(firm, Carrier)[0].stopped_reason
    ada.post("admin/invoices/carrier/", {"action": "allow", **chosen})
    ada.post(f"carriers/{carrier.public_id}/resume/")

    (after,) = written(firm, Carrier)
    assert stopped == f"Stopped by {ada.user}."
    assert (after.stopped_reason, after.automation_allowed_by) == (stopped, "")


@pytest.mark.parametrize("role", ["auditor", "biller"])
def test_who_may_not_write_in_the_office_is_told_so_before_any_proof(firm, role):
    visitor = Visitor(Client(), firm, role)
    signed_in(visitor.client, visitor.user, ago=600)

    assert visitor.post("admin/dunning/bankaccount/add/", ACCOUNT).status_code == 403
    assert "Prove it now" not in visitor.get("admin/dunning/bankaccount/").content.decode()


def test_every_door_of_the_office_was_weighed():
    rows: list[tuple[Any, Any]] = list(site._registry.items())
    grave = {model._meta.model_name for model, row in rows if row.is_grave}
    writes = {
        model._meta.model_name
        for model, row in rows
        if row.create_action or row.change_action or row.actions
    }

    assert grave == GRAVE_IN_THE_OFFICE
    assert writes == GRAVE_IN_THE_OFFICE | WRITTEN_WITHOUT


def test_who_came_by_the_firms_directory_proves_it_there(ada, proposed, firm):
    firm.directory = "dir_1"
    firm.save()
    ada.user.set_unusable_password()
    ada.user.save()
    signed_in(ada.client, ada.user, ago=600)
    session = ada.client.session
    session["directory"] = {"firm": firm.pk, "directory": "dir_1"}
    session.save()

    way = approve(ada, proposed).url
    answer = ada.client.get(way)

    assert "/accounts/reauthenticate/" in way
    assert answer.url.startswith(f"/accounts/sso/{firm.slug}/?")
    assert f"next=%2Ft%2F{firm.slug}%2Fpeople%2F" in answer.url
    assert Membership.objects.get(pk=proposed.pk).approved_by == ""


def test_who_has_no_way_to_prove_it_is_told_to_sign_in_again(ada, proposed, firm):
    ada.user.set_unusable_password()
    ada.user.save()
    signed_in(ada.client, ada.user, ago=600)

    answer = approve(ada, proposed)

    assert answer.url == f"/t/{firm.slug}/people/"
    assert "Nothing was done: sign out, and in again, before this." in text_of(ada.get("people/"))
    assert Membership.objects.get(pk=proposed.pk).approved_by == ""


def named(resolver, room=""):
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield f"{room}:{each.name}", each.callback
        else:
            yield from named(each, each.app_name or room)


def test_every_grave_deed_of_the_pages_is_guarded():
    views = dict(named(get_resolver("billing_portal.urls")))

    guarded = {name for name, view in views.items() if getattr(view, "is_stepped_up", False)}
    assert guarded == GRAVE
