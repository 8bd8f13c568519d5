"""Second factors: locked at rest, told of by mail, and reset by two others when they are lost."""

import json
import re
from datetime import UTC, datetime

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from billing_portal.audit.models import AuditEvent
from billing_portal.jobs.models import Job
from billing_portal.members import actions, encryption, proofs, resets
from billing_portal.members.models import FactorReset, InstallationKey, Letter, User
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.encryption import WrongPlace
from billing_portal.tenancy.scope import tenant_scope
from tests.factories import MembershipFactory, UserFactory, actor
from tests.jobs.running import drain
from tests.outside.mail.server import DemoMail
from tests.visiting import Visitor, one_time_code, text_of

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
EMAIL = "noor@firm.test"
REASON = "Lost the phone on a train."


def account(firm, email=EMAIL, role="reviewer"):
    """Return somebody who can sign in and set up a second factor."""
    user = UserFactory.create(email=email)
    user.set_password(PASSWORD)
    user.save()
    MembershipFactory.create(tenant=firm, user=user, role=role)
    proofs.confirm_address(user)
    return user


def sign_in(client, email=EMAIL):
    return client.post("/accounts/login/", {"login": email, "password": PASSWORD})


def with_app(client, email=EMAIL):
    """Sign in and switch an authenticator app on; return its secret."""
    sign_in(client, email)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    client.post("/accounts/2fa/totp/activate/", {"code": one_time_code(secret)})
    return secret


def codes_of(client):
    """Return the recovery codes that the page shows."""
    page = client.get("/accounts/2fa/recovery-codes/").content.decode()
    return re.findall(r"<li>\s*(?:<code>)?\s*([0-9a-f]{8})\s*", page)


@pytest.fixture
def noor(firm):
    return account(firm)


@pytest.fixture
def ada(firm):
    return Visitor(Client(), firm)


@pytest.fixture
def luis(firm):
    return Visitor(Client(), firm)


@pytest.fixture
def post(tmp_path, settings):
    """A mail server of another house."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with DemoMail(book=tmp_path / "mailbox") as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.smtp_port
        yield server


@pytest.fixture
def owner():
    """Somebody who is none of the people made here, whose keys begin at one."""
    return actor("owner", number=9001)


@pytest.fixture
def second_owner():
    return actor("owner", number=9002)


def said(firm):
    with tenant_scope(firm.pk):
        return list(AuditEvent.objects.order_by("pk").values_list("action", "actor"))


def test_the_secret_of_an_app_is_locked_at_rest(client, noor):
    secret = with_app(client)

    stored = json.dumps(list(Authenticator.objects.values()), default=str)
    totp = Authenticator.objects.get(type="totp").data["secret"]
    seed = Authenticator.objects.get(type="recovery_codes").data["seed"]
    assert secret not in stored
    assert totp.startswith("i1.1.")
    assert seed.startswith("i1.1.")
    assert encryption.open_up(totp, place="mfa_authenticator.data") == secret


def test_a_code_signs_in_by_the_locked_secret(client, noor):
    secret = with_app(client)
    other = Client()
    led = sign_in(other)

    answer = other.post(led.url, {"code": one_time_code(secret)})

    assert led.url.startswith("/accounts/2fa/authenticate/")
    assert answer.status_code == 302
    assert other.get("/accounts/2fa/").status_code == 200


def test_what_was_locked_for_one_column_opens_in_no_other(noor):
    stored = encryption.lock_up("secret", place="members_letter.sealed")

    with pytest.raises(WrongPlace):
        encryption.open_up(stored, place="mfa_authenticator.data")
    with pytest.raises(WrongPlace):
        encryption.open_up("secret", place="mfa_authenticator.data")


def test_a_new_installation_key_opens_what_the_old_one_wrapped(noor, settings):
    stored = encryption.lock_up("secret", place="here")
    old = settings.FIELD_KEYS
    settings.FIELD_KEYS = f"bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleS0=,{old}"

    wrapped = encryption.rewrap_all()
    settings.FIELD_KEYS = settings.FIELD_KEYS.partition(",")[0]

    assert (wrapped, InstallationKey.objects.count()) == (1, 1)
    assert encryption.open_up(stored, place="here") == "secret"


def subjects(mailoutbox):
    return [mail.subject for mail in mailoutbox]


def test_people_are_told_what_became_of_their_factors_and_password(client, noor, mailoutbox):
    with_app(client)
    client.post("/accounts/2fa/recovery-codes/generate/")
    client.post("/accounts/2fa/totp/deactivate/")
    client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "another long one", "password2": "another long one"},
    )
    before = subjects(mailoutbox)

    drain()

    assert before == []
    assert subjects(mailoutbox) == [
        "[Billing portal] An authenticator app was added",
        "[Billing portal] New recovery codes were made",
        "[Billing portal] Your authenticator app was removed",
        "[Billing portal] Your password was changed",
    ]
    assert {tuple(mail.to) for mail in mailoutbox} == {(EMAIL,)}
    for mail in mailoutbox:
        (html, _kind) = mail.alternatives[0]
        assert "If it was not you, tell an owner of your firm at once." in mail.body
        assert html.count("<a ") == 1


def test_a_mail_server_that_is_away_fails_no_request(client, firm, noor, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    sign_in(client)

    answer = client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "another long one", "password2": "another long one"},
    )
    outcomes = drain()

    noor.refresh_from_db()
    assert answer.status_code == 302
    assert noor.check_password("another long one")
    assert outcomes != ["succeeded"]
    assert Letter.objects.get().error_text.startswith("The mail server does not answer")
    assert EMAIL not in json.dumps([*Job.objects.values(), *Letter.objects.values()], default=str)


def test_a_recovery_code_that_was_used_is_on_record_and_told(client, firm, noor, mailoutbox):
    with_app(client)
    (code, *_) = codes_of(client)
    drain()
    mailoutbox.clear()
    other = Client()
    led = sign_in(other)

    other.post(led.url, {"code": code})
    drain()

    assert ("second_factor.recovery_code_used", f"user:{noor.pk}") in said(firm)
    assert subjects(mailoutbox) == ["[Billing portal] A recovery code was used"]


def test_one_asks_another_approves_and_the_person_starts_anew(firm, noor, ada, luis, mailoutbox):
    lost = Client()
    with_app(lost)
    drain()
    mailoutbox.clear()

    ada.post(f"people/{noor.public_id}/reset/", {"reason": REASON})
    with tenant_scope(firm.pk):
        reset = FactorReset.objects.get()
    own, inbox = text_of(ada.get("people/")), text_of(luis.get("inbox/"))
    luis.post(f"people/resets/{reset.public_id}/approval/")
    drain()
    fresh = Client()
    led = sign_in(fresh)

    assert "You proposed it, so another person decides." in own
    assert f"Approve a reset of the second factor of {noor}" in inbox
    assert not Authenticator.objects.exists()
    assert lost.get(f"/t/{firm.slug}/inbox/").status_code == 302  # sessions from before are over
    assert led.url == "/accounts/2fa/"
    assert "Your second factor was reset: set up a new one now." in text_of(fresh.get(led.url))
    assert subjects(mailoutbox) == ["[Billing portal] Your second factor was reset"]
    by_ada, by_luis = f"user:{ada.user.pk}", f"user:{luis.user.pk}"
    assert said(firm)[-3:] == [
        ("factor_reset.requested", by_ada),
        ("factor_reset.approved", by_luis),
        ("second_factor.reset", by_luis),
    ]


def test_after_a_new_factor_signing_in_leads_where_it_always_did(noor):
    User.objects.filter(pk=noor.pk).update(factors_reset_at=datetime.now(UTC))
    client = Client()
    before = sign_in(client).url
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    client.post("/accounts/2fa/totp/activate/", {"code": one_time_code(secret)})
    again = Client()

    led = again.post(sign_in(again).url, {"code": one_time_code(secret)})

    assert before == "/accounts/2fa/"
    assert led.headers["Location"] == "/"


def test_who_asked_for_a_reset_does_not_approve_it(firm, noor, ada):
    with_app(Client())
    ada.post(f"people/{noor.public_id}/reset/", {"reason": REASON})
    with tenant_scope(firm.pk):
        reset = FactorReset.objects.get()

    ada.post(f"people/resets/{reset.public_id}/approval/")

    assert "Another person must approve the reset you asked for." in text_of(ada.get("people/"))
    assert Authenticator.objects.filter(user=noor).exists()


@pytest.fixture
def with_factor(tenant):
    """An owner of the firm with a second factor."""
    user = account(tenant, role="owner")
    Authenticator.objects.create(user=user, type="totp", data={})
    return user


def actor_of(user, owner):
    return type(owner)(owner.kind, user.pk, str(user), owner.permissions, owner.roles)


def test_nobody_resets_their_own(tenant, with_factor, owner, second_owner):
    me = actor_of(with_factor, owner)
    with pytest.raises(resets.OwnFactors):
        resets.request_reset(with_factor, reason=REASON, by=me)
    reset = resets.request_reset(with_factor, reason=REASON, by=second_owner)

    with pytest.raises(resets.OwnFactors):
        resets.approve_reset(reset, by=me)

    assert Authenticator.objects.count() == 1
    for spoil in ({"approved_by": me.ref}, {"approved_by": second_owner.ref}, {"asked_by": me.ref}):
        with pytest.raises(IntegrityError), transaction.atomic():
            FactorReset.objects.update(**spoil)


def test_there_must_be_something_to_reset(tenant, with_factor, owner, neighbor):
    bare = account(tenant, email="bare@firm.test")
    stranger = account(neighbor.firm, email="stranger@firm.test")
    Authenticator.objects.create(user=stranger, type="totp", data={})
    resets.request_reset(with_factor, reason=REASON, by=owner)

    for user in (bare, stranger, with_factor):
        with pytest.raises(resets.NothingToReset):
            resets.request_reset(user, reason=REASON, by=owner)

    assert FactorReset.objects.count() == 1


def test_a_declined_reset_resets_nothing(tenant, with_factor, owner, second_owner):
    reset = resets.request_reset(with_factor, reason=REASON, by=owner)

    resets.decline_reset(reset, by=second_owner, at=datetime.now(UTC))

    assert Authenticator.objects.count() == 1
    assert not Letter.objects.exists()
    with pytest.raises(actions.NotOpen):
        resets.approve_reset(reset, by=second_owner)


def test_no_firm_resets_who_is_of_another_firm_too(firm, neighbor, noor, owner, second_owner):
    Authenticator.objects.create(user=noor, type="totp", data={})
    with tenant_scope(firm.pk):
        reset = resets.request_reset(noor, reason=REASON, by=owner)
        MembershipFactory.create(tenant=neighbor.firm, user=noor, role="auditor")

        with pytest.raises(resets.OfSeveralFirms):
            resets.approve_reset(reset, by=second_owner)
        with pytest.raises(resets.OfSeveralFirms):
            resets.request_reset(noor, reason=REASON, by=owner)

    assert Authenticator.objects.filter(user=noor).exists()
    assert said(neighbor.firm) == []


def test_who_runs_the_installation_resets_it_and_every_firm_is_told(firm, neighbor, noor):
    MembershipFactory.create(tenant=neighbor.firm, user=noor, role="auditor")
    Authenticator.objects.create(user=noor, type="totp", data={})

    call_command("reset_factors", noor.email)
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("reset_factors", noor.email)
    with pytest.raises(CommandError, match="Nobody has this address"):
        call_command("reset_factors", "nobody@nowhere.test")

    operator = system("operator").ref
    assert not Authenticator.objects.filter(user=noor).exists()
    assert said(neighbor.firm) == said(firm) == [("second_factor.reset", operator)]


def test_a_reason_is_needed_and_only_owners_may_ask(firm, noor, ada):
    Authenticator.objects.create(user=noor, type="totp", data={})
    biller = Visitor(Client(), firm, "biller")

    answer = ada.post(f"people/{noor.public_id}/reset/", {"reason": " "})
    refused = biller.post(f"people/{noor.public_id}/reset/", {"reason": REASON})

    assert answer.status_code == 422
    assert refused.status_code == 403
    assert "Ask for a reset" not in text_of(biller.get(f"people/{noor.public_id}/"))
    with tenant_scope(firm.pk):
        assert not FactorReset.objects.exists()


def test_the_notice_goes_by_real_smtp(post, tenant, with_factor, owner, second_owner):
    reset = resets.request_reset(with_factor, reason=REASON, by=owner)
    resets.approve_reset(reset, by=second_owner)

    drain()

    assert [(each["to"], each["subject"]) for each in post.messages()] == [
        ([EMAIL], "[Billing portal] Your second factor was reset")
    ]
