"""What is grave asks for a proof of who is there; an open session is not enough."""

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver

from billing_portal.audit.models import AuditEvent
from billing_portal.members.models import Membership
from billing_portal.tenancy.scope import tenant_scope
from dunning.models import BankAccount
from tests.factories import MembershipFactory
from tests.visiting import Visitor, signed_in, text_of

PASSWORD = "month end in every room"
ACCOUNT = {"account": "DE89370400440532013000", "name": "Operating", "currency": "USD"}
GRAVE = {
    "people:approve_role", "people:end_role", "people:approve_invitation", "people:approve_key",
    "people:approve_reset",
    "ledger:move_period", "invoices:decide_credit", "dunning:name_payer",
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
        visitor.address(f"people/roles/{row.pk}/approval/"),
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
    ada.post(f"people/roles/{proposed.pk}/decline/")

    assert page.status_code == 200
    assert Membership.objects.get(pk=proposed.pk).ended_at is not None


@pytest.mark.parametrize("before", ["", "https://elsewhere.test/t/x/", "//elsewhere.test/"])
def test_a_form_from_nowhere_leads_back_to_the_inbox(ada, proposed, firm, before):
    answer = ada.client.post(
        ada.address(f"people/roles/{proposed.pk}/approval/"), headers={"Referer": before}
    )

    assert answer.url.endswith(f"?next=%2Ft%2F{firm.slug}%2Finbox%2F")


def test_a_part_of_a_page_is_led_there_as_a_whole_page(ada, proposed):
    answer = ada.client.post(
        ada.address(f"people/roles/{proposed.pk}/approval/"), headers={"HX-Request": "true"}
    )

    assert "/accounts/reauthenticate/" in answer.headers["HX-Redirect"]
    assert answer.content == b""


def test_who_may_not_is_told_so_before_any_proof(firm, proposed):
    visitor = Visitor(Client(), firm, "auditor")
    signed_in(visitor.client, visitor.user, ago=600)

    assert approve(visitor, proposed).status_code == 403


def test_a_bank_account_is_named_after_a_proof_only(ada, firm):
    form = "admin/dunning/bankaccount/add/"
    answer = ada.post(form, ACCOUNT)
    with tenant_scope(firm.pk):
        before = BankAccount.objects.count()

    signed_in(ada.client, ada.user)
    ada.post(form, ACCOUNT)

    assert "/accounts/reauthenticate/" in answer.url
    with tenant_scope(firm.pk):
        assert (before, BankAccount.objects.count()) == (0, 1)


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
