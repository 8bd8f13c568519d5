"""An invitation's way by real SMTP: the token is in the letter alone, and works once."""

import email
import json
import re
from datetime import UTC, datetime, timedelta
from email.policy import default
from pathlib import Path
from smtplib import SMTPServerDisconnected

import pytest
from django.test import Client

from billing_portal.audit.models import AuditEvent
from billing_portal.jobs.models import Job
from billing_portal.members import actions, invitations, queries
from billing_portal.members.models import Invitation, Letter, Membership, User
from billing_portal.members.post import send_letter_later
from billing_portal.tenancy.scope import tenant_scope
from tests.factories import MembershipFactory, UserFactory
from tests.jobs.running import drain
from tests.outside.mail.server import DemoMail
from tests.visiting import Visitor, links_of, signed_in, text_of

PASSWORD = "a long enough password"


def roles_in(firm, user):
    """Return what a person is in the firm."""
    actor = queries.actor_in(firm, user)
    return actor.roles if actor else ()


@pytest.fixture
def post(tmp_path, settings):
    """A mail server of another house."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.SITE_URL = "https://portal.test"
    with DemoMail(book=tmp_path / "mailbox") as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.smtp_port
        yield server


@pytest.fixture
def tenant(tenant):
    tenant.name, tenant.email = "Arnesen Pike LLP", "billing@arnesen.test"
    tenant.save()
    return tenant


def invite(firm, owner, second_owner, address="noor@firm.test", role="reviewer"):
    now = datetime.now(UTC)
    row = invitations.invite(firm, email=address, name="Noor", role=role, by=owner, at=now)
    return invitations.approve_invitation(row, by=second_owner, at=now)


def mails(post):
    folder = Path(post.book)
    return [
        email.message_from_bytes((folder / each["file"]).read_bytes(), policy=default)
        for each in post.messages()
    ]


def link_in(mail):
    (link,) = re.findall(r"https://portal\.test(\S+)", mail.get_body(("plain",)).get_content())
    return link


def test_an_approved_invitation_is_mailed_once(post, tenant, owner, second_owner):
    row = invite(tenant, owner, second_owner)
    letter = Letter.objects.get()

    outcomes = drain()
    send_letter_later(tenant_id=tenant.pk, letter_id=letter.pk)

    (mail,) = mails(post)
    html = mail.get_body(("html",)).get_content()
    assert outcomes == ["succeeded"]
    assert mail["Subject"] == "[Arnesen Pike LLP] You are invited to the billing portal"
    assert mail["To"] == row.email
    assert mail["Reply-To"] == "billing@arnesen.test"
    assert "Arnesen Pike LLP" in mail["From"]
    assert html.count("<a ") == 1
    assert link_in(mail) in html
    assert not Letter.objects.exists()


def test_the_token_can_be_read_nowhere_but_in_the_mail(post, tenant, owner, second_owner):
    invite(tenant, owner, second_owner)
    stored = [
        *Job.objects.values(),
        *AuditEvent.objects.values(),
        *Letter.objects.values(),
        *Invitation.objects.values(),
    ]

    drain()

    token = link_in(mails(post)[0]).rstrip("/").rpartition("/")[2]
    assert len(token) == 43
    assert token not in json.dumps(stored, default=str)
    assert "noor@firm.test" not in json.dumps(list(Letter.objects.values()), default=str)
    assert Job.objects.get().args.keys() == {"letter_id"}


def test_the_link_makes_a_newcomer_a_member(post, client, tenant, owner, second_owner):
    invite(tenant, owner, second_owner)
    drain()
    link = link_in(mails(post)[0])

    shown = text_of(client.get(link))
    weak = client.post(link, {"password": "short"})
    answer = client.post(link, {"password": PASSWORD})
    again = client.get(link)

    assert "You are invited as reviewer. You sign in with noor@firm.test." in shown
    assert weak.status_code == 422
    assert answer.url == "/accounts/login/"
    user = User.objects.get(email="noor@firm.test")
    assert roles_in(tenant, user) == ("reviewer",)
    assert again.status_code == 404
    assert "This invitation cannot be used" in text_of(again)


def test_who_has_an_account_signs_in_instead_of_choosing_a_password(
    post, client, tenant, owner, second_owner
):
    known = actions.add_user(email="noor@firm.test", name="Noor", password=PASSWORD)
    invite(tenant, owner, second_owner)
    drain()
    link = link_in(mails(post)[0])

    page = client.get(link)
    refused = client.post(link, {"password": "somebody else's choice"})
    before = Membership.objects.count()
    (sign_in,) = (url for url in links_of(page) if "login" in url)
    led = client.post(sign_in, {"login": "noor@firm.test", "password": PASSWORD})
    answer = client.post(led.url)

    assert '<input type="password"' not in page.content.decode()
    assert "You have an account here already" in text_of(page)
    assert (refused.status_code, before) == (409, 0)
    assert led.url == link
    assert answer.url == f"/t/{tenant.slug}/inbox/"
    assert roles_in(tenant, known) == ("reviewer",)
    known.refresh_from_db()
    assert known.check_password(PASSWORD)


def test_an_invitation_is_for_the_person_it_was_sent_to(post, client, tenant, owner, second_owner):
    invite(tenant, owner, second_owner)
    drain()
    link = link_in(mails(post)[0])
    signed_in(client, UserFactory.create())

    shown, answer = client.get(link), client.post(link)

    assert "this invitation went to another address" in text_of(shown)
    assert answer.status_code == 409
    assert not Membership.objects.exists()
    assert Invitation.objects.get().accepted_at is None


def test_sending_again_makes_a_new_link_and_the_old_one_opens_nothing(
    post, client, tenant, owner, second_owner
):
    row = invite(tenant, owner, second_owner)
    drain()
    later = datetime.now(UTC) + timedelta(days=3)

    row = invitations.send_again(row, by=owner, at=later)
    drain()

    first, second = (link_in(mail) for mail in mails(post))
    assert client.get(first).status_code == 404
    assert client.get(second).status_code == 200
    assert row.expires_at == later + invitations.LASTS
    assert "invitation.sent_again" in AuditEvent.objects.values_list("action", flat=True)


def test_one_that_waits_for_approval_is_not_sent_again(tenant, owner):
    now = datetime.now(UTC)
    row = invitations.invite(tenant, email="n@x.test", name="N", role="biller", by=owner, at=now)

    with pytest.raises(actions.NotOpen):
        invitations.send_again(row, by=owner, at=now)

    assert not Letter.objects.exists()
    assert not Job.objects.exists()


def test_a_withdrawn_invitation_opens_nothing_and_its_letter_stays_here(
    post, tenant, owner, second_owner
):
    row = invite(tenant, owner, second_owner)

    invitations.withdraw_invitation(row, by=owner, at=datetime.now(UTC))
    drain()

    assert post.messages() == []
    assert not Letter.objects.exists()
    with pytest.raises(actions.NotOpen):
        invitations.send_again(row, by=owner, at=datetime.now(UTC))


def test_an_expired_one_is_shown_as_such_and_can_be_sent_again(client, firm, owner, second_owner):
    ada = Visitor(client, firm)
    with tenant_scope(firm.pk):
        row = invite(firm, owner, second_owner)
        Invitation.objects.update(expires_at=datetime.now(UTC) - timedelta(minutes=1))

    page = text_of(ada.get("people/"))
    ada.post(f"people/invitations/{row.public_id}/mail/")

    row.refresh_from_db()
    assert "Nobody used the link in time." in page
    assert row.expires_at > datetime.now(UTC) + timedelta(days=6)


def test_a_refused_address_is_said_on_the_page_with_the_servers_word(
    post, client, firm, owner, second_owner
):
    post.set_moods(refused=["noor@firm.test"])
    with tenant_scope(firm.pk):
        invite(firm, owner, second_owner)

    outcomes = drain()

    letter = Letter.objects.get()
    page = text_of(Visitor(client, firm).get("people/"))
    assert outcomes == ["succeeded"]
    assert (letter.sealed, letter.refused_at is not None) == ("", True)
    assert "The mail server refused: 550 5.1.1 No such mailbox here" in page


def test_a_server_that_is_away_is_tried_again_with_the_same_letter(
    post, tenant, owner, second_owner, settings
):
    invite(tenant, owner, second_owner)
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    letter = Letter.objects.get()
    with pytest.raises(OSError, match="refused"):
        send_letter_later(tenant_id=tenant.pk, letter_id=letter.pk)
    letter.refresh_from_db()
    settings.EMAIL_PORT = port

    send_letter_later(tenant_id=tenant.pk, letter_id=letter.pk)

    (mail,) = mails(post)
    assert letter.error_text.startswith("The mail server does not answer")
    assert mail["Message-ID"] == f"<{letter.message_id}>"


def test_a_connection_that_is_lost_after_the_text_brings_the_same_mail_again(
    post, tenant, owner, second_owner
):
    post.set_moods(drop_after_data=1)
    invite(tenant, owner, second_owner)
    letter = Letter.objects.get()

    with pytest.raises(SMTPServerDisconnected):
        send_letter_later(tenant_id=tenant.pk, letter_id=letter.pk)
    send_letter_later(tenant_id=tenant.pk, letter_id=letter.pk)

    first, second = mails(post)
    assert first["Message-ID"] == second["Message-ID"]
    assert link_in(first) == link_in(second)


def test_an_accepted_invitation_overtakes_a_proposal_of_the_same_role(tenant, owner, second_owner):
    user = actions.add_user(email="noor@firm.test", name="Noor", password=PASSWORD)
    now = datetime.now(UTC)
    row = invitations.invite(tenant, email=user.email, name="N", role="biller", by=owner, at=now)
    token = invitations.approve_by_hand(row, by=second_owner, at=now)
    actions.propose_role(tenant, user, "biller", by=second_owner)

    invitations.accept_as(user, token, at=now)

    assert roles_in(tenant, user) == ("biller",)
    assert Membership.objects.filter(ended_at__isnull=True).count() == 1


def test_another_firms_invitations_are_not_shown(tenant, owner, second_owner, neighbor):
    invite(tenant, owner, second_owner)
    other = MembershipFactory.create(tenant=neighbor.firm, role="owner")

    page = text_of(signed_in(Client(), other.user).get(f"/t/{neighbor.firm.slug}/people/"))

    assert "noor@firm.test" not in page
