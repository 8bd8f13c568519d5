"""What people prove themselves with: their address, their password, their second factor."""

import re
from datetime import UTC, datetime

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.test import Client

from billing_portal.audit.models import AuditEvent
from billing_portal.members import invitations
from billing_portal.members.models import User
from billing_portal.tenancy.scope import tenant_scope
from tests.factories import MembershipFactory, UserFactory
from tests.jobs.running import drain
from tests.visiting import one_time_code, text_of

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def member(firm):
    user = UserFactory.create(email="ada@firm.test")
    user.set_password(PASSWORD)
    user.save()
    MembershipFactory.create(tenant=firm, user=user, role="biller")
    return user


@pytest.mark.parametrize(
    "form",
    [
        {"action_add": "", "email": "thief@elsewhere.test"},
        {"action_primary": "", "email": "thief@elsewhere.test"},
        {"action_remove": "", "email": "ada@firm.test"},
        {"action_send": "", "email": "ada@firm.test"},
        {"email": "thief@elsewhere.test"},
    ],
)
def test_an_open_session_does_not_change_the_address(client, member, form, mailoutbox):
    client.force_login(member, backend=BACKEND)

    answer = client.post("/accounts/email/", form)

    assert answer.status_code == 405
    assert User.objects.get(pk=member.pk).email == "ada@firm.test"
    assert not EmailAddress.objects.exists()
    assert mailoutbox == []


def test_the_page_says_who_changes_the_address(client, member):
    client.force_login(member, backend=BACKEND)

    page = text_of(client.get("/accounts/email/"))

    assert "You sign in with ada@firm.test" in page
    assert "ask an owner of your firm" in page


def said(firm):
    """Return what the firm's trail says of people, oldest first."""
    with tenant_scope(firm.pk):
        rows = AuditEvent.objects.order_by("pk")
        return [(row.action, row.actor, row.details.get("kind")) for row in rows]


def invite(firm, owner, second_owner, email="ada@firm.test"):
    """Return the token that the mail of an approved invitation carries."""
    with tenant_scope(firm.pk):
        now = datetime.now(UTC)
        invitation = invitations.invite(
            firm, email=email, name="Ada", role="biller", by=owner, at=now
        )
        return invitations.approve_by_hand(invitation, by=second_owner, at=now)


def sign_in(client):
    return client.post("/accounts/login/", {"login": "ada@firm.test", "password": PASSWORD})


def test_accepting_an_invitation_proves_the_address(client, firm, owner, second_owner):
    token = invite(firm, owner, second_owner)

    client.post(f"/accounts/invitation/{token}/", {"password": PASSWORD})

    proven = EmailAddress.objects.get()
    assert (proven.email, proven.verified, proven.primary) == ("ada@firm.test", True, True)
    sign_in(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200


def test_who_was_invited_before_is_proven_at_the_next_sign_in(client, firm, owner, second_owner):
    user = invitations.accept_invitation(
        invite(firm, owner, second_owner), password=PASSWORD, at=datetime.now(UTC)
    )
    EmailAddress.objects.update(verified=False, primary=False)
    EmailAddress.objects.create(user=user, email="thief@elsewhere.test", primary=True)

    sign_in(client)

    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [
        ("ada@firm.test", True, True)
    ]


def test_an_address_that_no_invitation_reached_stays_unproven(client, member):
    EmailAddress.objects.create(user=member, email=member.email)

    sign_in(client)

    assert EmailAddress.objects.get().verified is False


def with_app(client, member):
    """Sign in, say the password again, and switch the authenticator app on."""
    sign_in(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/")
    code = one_time_code(page.context["form"].secret)
    return client.post("/accounts/2fa/totp/activate/", {"code": code})


def test_a_second_factor_that_comes_or_goes_is_on_record(client, firm, member):
    with_app(client, member)
    client.post("/accounts/2fa/recovery-codes/generate/")
    client.post("/accounts/2fa/totp/deactivate/")

    by = f"user:{member.pk}"
    assert said(firm) == [
        ("second_factor.added", by, "totp"),
        ("second_factor.added", by, "recovery_codes"),
        ("second_factor.removed", by, "recovery_codes"),
        ("second_factor.added", by, "recovery_codes"),
        ("second_factor.removed", by, "totp"),
        ("second_factor.removed", by, "recovery_codes"),
    ]


def test_using_a_second_factor_is_no_change_of_it(client, firm, member):
    with_app(client, member)
    before = said(firm)

    Authenticator.objects.get(type="totp").record_usage()

    assert said(firm) == before


def test_a_changed_password_is_on_record_in_every_firm(client, firm, neighbor, member):
    MembershipFactory.create(tenant=neighbor.firm, user=member, role="auditor")
    sign_in(client)

    client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "another long one", "password2": "another long one"},
    )

    by = f"user:{member.pk}"
    assert said(firm) == said(neighbor.firm) == [("password.changed", by, None)]


def test_without_its_row_in_the_trail_no_second_factor_comes(client, member, firm, monkeypatch):
    def fail(*_args, **_told):
        raise OSError

    monkeypatch.setattr("billing_portal.members.proofs.record", fail)
    client.raise_request_exception = False

    answer = with_app(client, member)

    assert answer.status_code == 500
    assert not Authenticator.objects.exists()


def ask_for_a_link(client, email, mailoutbox):
    answer = client.post("/accounts/password/reset/", {"email": email})
    assert mailoutbox == [] or mailoutbox[-1].to != [email]  # no request waits for a mail server
    assert set(drain()) == {"succeeded"}
    return answer, mailoutbox[-1]


def test_the_mailed_link_sets_a_new_password(client, firm, member, mailoutbox):
    _, mail = ask_for_a_link(client, member.email, mailoutbox)
    (link,) = re.findall(r"http://testserver(\S+)", mail.body)

    form_url = client.get(link).url
    client.post(form_url, {"password1": "another long one", "password2": "another long one"})

    assert User.objects.get(pk=member.pk).check_password("another long one")
    assert said(firm) == [("password.changed", f"user:{member.pk}", None)]


def test_the_mail_for_a_new_password_is_the_houses_own(client, member, mailoutbox):
    _, mail = ask_for_a_link(client, member.email, mailoutbox)

    (html, _kind) = mail.alternatives[0]
    assert mail.subject == "[Billing portal] Choose a new password"
    assert "asked for a new password for ada@firm.test" in mail.body
    assert mail.body.count("http://") == 1
    assert "asked for a new password for ada@firm.test" in html
    for text in (mail.body, html):
        assert "testserver!" not in text
        assert "Hello" not in text


def test_a_stranger_gets_the_same_answer_and_is_not_asked_to_sign_up(client, member, mailoutbox):
    known, _ = ask_for_a_link(client, member.email, mailoutbox)
    unknown, mail = ask_for_a_link(client, "nobody@elsewhere.test", mailoutbox)

    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    assert mail.to == ["nobody@elsewhere.test"]
    assert "There is no account with this address" in mail.body
    assert "sign up" not in mail.body.lower()
    assert "http" not in mail.body


def test_a_form_that_was_open_too_long_is_refused_in_the_houses_words(member):
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post("/accounts/login/", {"login": member.email, "password": PASSWORD})

    assert answer.status_code == 403
    assert "The page was open too long" in text_of(answer)
    assert "Nothing was changed." in text_of(answer)
    assert "portal.css" in answer.content.decode()
