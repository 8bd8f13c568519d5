"""From a request to a firm: who gets in where, and what a stranger learns."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import get_script_prefix

from billing_portal.members.models import Membership
from tests.factories import MembershipFactory, TenantFactory, UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


@pytest.fixture
def member(firm):
    user = UserFactory.create()
    user.set_password(PASSWORD)
    user.save()
    MembershipFactory.create(tenant=firm, user=user, role="biller")
    return user


def test_the_front_door_leads_strangers_to_sign_in(client):
    assert client.get("/").url == "/accounts/login/"


def test_signing_in_leads_to_the_only_firm(client, firm, member):
    form = {"login": member.email.upper(), "password": PASSWORD}

    signed_in = client.post("/accounts/login/", form)

    assert signed_in.url == "/"
    assert client.get("/").url == f"/t/{firm.slug}/inbox/"


def test_a_wrong_password_says_nothing_about_who_exists(client, member):
    known = client.post("/accounts/login/", {"login": member.email, "password": "wrong"})
    unknown = client.post("/accounts/login/", {"login": "nobody@firm.test", "password": "wrong"})

    assert known.context["form"].errors == unknown.context["form"].errors
    assert known.status_code == unknown.status_code


def test_eight_wrong_passwords_lock_this_address_and_peer_out_for_a_while(client, member):
    form = {"login": member.email, "password": "wrong"}
    answers = [client.post("/accounts/login/", form).status_code for _ in range(9)]

    assert answers[-1] == 429
    right = client.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    assert right.status_code == 429


def test_a_member_sees_the_inbox_of_the_firm_in_the_path(client, firm, member):
    client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")

    page = client.get(f"/t/{firm.slug}/inbox/")

    assert page.status_code == 200
    assert firm.name in page.content.decode()
    assert page.headers["Vary"].count("HX-Request") == 1
    assert page.headers["Cache-Control"] == "private, no-store"


def test_links_in_a_page_stay_in_the_firm(client, firm, member):
    client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")

    page = client.get(f"/t/{firm.slug}/inbox/").content.decode()

    assert f'href="/t/{firm.slug}/inbox/"' in page
    assert get_script_prefix() == "/"


@pytest.mark.parametrize("path", ["inbox/", "search/", "no-such-page/"])
def test_another_firm_looks_like_one_that_does_not_exist(client, member, path):
    other = TenantFactory.create()
    client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")

    theirs = client.get(f"/t/{other.slug}/{path}")
    nobodys = client.get(f"/t/no-such-firm/{path}")

    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert other.name not in theirs.content.decode()


def test_what_is_not_there_or_not_allowed_keeps_the_firms_frame(client, firm):
    user = UserFactory.create()
    MembershipFactory.create(tenant=firm, user=user, role="biller")
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")

    missing = client.get(f"/t/{firm.slug}/no-such-page/")
    forbidden = client.get(f"/t/{firm.slug}/audit/")

    assert (missing.status_code, forbidden.status_code) == (404, 403)
    for page in (missing.content.decode(), forbidden.content.decode()):
        assert f"<span>{firm.name}</span>" in page
        assert f'href="/t/{firm.slug}/invoices/"' in page
        assert f'href="/t/{firm.slug}/inbox/"' in page
    assert "Read the audit log" in forbidden.content.decode()


def test_outside_a_firm_what_is_not_there_has_no_frame(client, member):
    client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")
    other = TenantFactory.create()

    theirs, nobodys, nowhere = (
        client.get(path).content.decode()
        for path in (f"/t/{other.slug}/audit/", "/t/no-such-firm/audit/", "/no-such-page/")
    )

    without_token = [re.sub(r'content="[A-Za-z0-9]{64}"', "", page) for page in (theirs, nobodys)]
    assert without_token[0] == without_token[1]
    assert 'class="rail' not in theirs + nobodys + nowhere
    assert 'href="/"' in theirs


@pytest.mark.parametrize("path", ["/inbox/", "/search/?q=x", "/no-such-page/"])
def test_firm_pages_do_not_exist_outside_a_firm(client, member, path):
    client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")

    assert client.get(path).status_code == 404


def test_a_stranger_is_led_to_sign_in_and_back(client, firm):
    answer = client.get(f"/t/{firm.slug}/inbox/")

    assert answer.url == f"/accounts/login/?next=/t/{firm.slug}/inbox/"


def test_a_proposed_role_opens_nothing(client, firm):
    user = UserFactory.create()
    MembershipFactory.create(tenant=firm, user=user, approved_by="")
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")

    assert client.get(f"/t/{firm.slug}/inbox/").status_code == 404


def test_ending_a_role_closes_the_firm_at_once(client, firm, member):
    client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")
    Membership.objects.filter(user=member).update(ended_at=datetime.now(UTC))

    assert client.get(f"/t/{firm.slug}/inbox/").status_code == 404


@pytest.mark.parametrize(
    ("away", "status"),
    [(timedelta(minutes=29), 200), (timedelta(minutes=31), 302)],
)
def test_an_idle_session_ends_after_half_an_hour(client, firm, member, away, status):
    client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")
    now = datetime.now(UTC)
    client.get(f"/t/{firm.slug}/inbox/")

    with time_machine.travel(now + away):
        assert client.get(f"/t/{firm.slug}/inbox/").status_code == status


def test_a_session_ends_after_twelve_hours_however_busy(client, firm, member):
    client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")
    now = datetime.now(UTC)
    answers = []
    for minutes in range(0, 12 * 60 + 25, 25):
        with time_machine.travel(now + timedelta(minutes=minutes)):
            answers.append(client.get(f"/t/{firm.slug}/inbox/").status_code)

    assert answers[0] == 200
    assert answers[-1] == 302


def test_nobody_signs_up_without_an_invitation(client):
    page = client.get("/accounts/signup/").content.decode()

    assert "password" not in page.lower()


def test_every_answer_has_a_request_id_and_a_strict_policy(client):
    answer = client.get("/accounts/login/", headers={"X-Request-Id": "req_from_the_proxy"})

    assert answer.headers["Request-Id"] == "req_from_the_proxy"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_a_forged_request_id_is_replaced(client):
    answer = client.get("/healthz", headers={"X-Request-Id": "x\tlevel=error"})

    assert answer.headers["Request-Id"].startswith("req_")


def test_the_probes_say_that_all_is_well(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok", "problems": []}
