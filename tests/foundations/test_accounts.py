"""What people prove themselves with: their address, their password, their second factor."""

import pytest
from allauth.account.models import EmailAddress

from billing_portal.members.models import User
from tests.factories import MembershipFactory, UserFactory
from tests.visiting import text_of

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
    assert "ask an administrator of your firm" in page
